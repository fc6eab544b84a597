"""The report: a page that shows the whole result, with nothing but files beside it."""
