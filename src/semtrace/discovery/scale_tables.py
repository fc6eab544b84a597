"""The tables of flat, scale, subset and validate_scale; of two files of one name the folder is named, too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from semtrace.io.schema import Column, Table

FLAT = Table(
    "flat.csv",
    1,
    (
        Column("md5", "text", "of the TIFF's bytes"),
        Column("tiff_path", "text", "the TIFF, the first by path of those with these bytes"),
        Column("jpeg_md5", "text", "of the bytes of its JPEG"),
        Column("width", "integer", "columns of the picture", "pixels"),
        Column("height", "integer", "rows of the picture", "pixels"),
        Column("duplicate_group", "text", "its group in `groups.csv`; empty where it is alone"),
        Column("left_out_for", "text", "md5 of the image with the same JPEG that is kept; empty for a kept image"),
    ),
)
FLAT_COUNTS = Table(
    "flat/counts.csv",
    1,
    (
        Column("what", "text", "what is counted"),
        Column("kind", "text", "format or reason; may be empty"),
        Column("files", "integer", "how many there are"),
    ),
)
SETS = Table(
    "sets.csv",
    1,
    (
        Column("set", "text", "name of the published set"),
        Column("categories", "integer", "categories with their subcategories"),
        Column("files", "integer", "JPEGs of the set"),
        Column("contents", "integer", "different contents among them"),
        Column("not_found", "integer", "contents that belong to no image of the flat set"),
        Column("reencoded", "integer", "contents that the match traced, with bytes of their own"),
        Column("contents_in_conflict", "integer", "contents under several categories of this set"),
        Column("files_in_conflict", "integer", "files of these contents"),
    ),
)
FLAT_LABELS = Table(
    "flat/labels.csv",
    1,
    (
        Column("md5", "text", "of the TIFF's bytes"),
        Column("category", "text", "the one category that all sets give it"),
        Column("subcategory", "text", "empty where there is none, or the sets differ"),
        Column("sets", "text", "names of the sets, joined by `|`"),
        Column("how", "text", "how the files were joined: `direct` by md5, else the match's evidence; joined by `|`"),
        Column("files", "text", "`set:path` of every file, joined by `|`"),
    ),
)
LABEL_CONFLICTS = Table(
    "label_conflicts.csv",
    1,
    (
        Column("md5", "text", "of the TIFF's bytes"),
        Column("categories", "text", "the categories that the sets give it, joined by `|`"),
        Column("files", "text", "`set:path` of every file, joined by `|`"),
    ),
)
JPEG_ONLY = Table(
    "jpeg_only.csv",
    1,
    (
        Column("set", "text", "name of the published set"),
        Column("path", "text", "the JPEG in the set"),
        Column("md5", "text", "of its bytes"),
        Column("category", "text", "its first folder"),
        Column("subcategory", "text", "its second folder; empty where there is none"),
    ),
)
SCALES = Table(
    "scale.csv",
    1,
    (
        Column("path", "text", "the image"),
        Column("md5", "text", "of its bytes"),
        Column("width", "integer", "columns of the picture", "pixels"),
        Column("height", "integer", "rows of the picture", "pixels"),
        Column("status", "text", "how sure the pixel size is, or why there is none"),
        Column("pixel_size_m", "number", "width of a pixel of the picture; empty where it is not known", "metres"),
        Column("pixel_size_source", "text", "which length the pixel size is; `person: NAME` for a correction"),
        Column("bar_text", "text", "text of the scale bar, as read"),
        Column("bar_value_m", "number", "the length that it states", "metres"),
        Column("bar_px", "number", "length of the scale bar in the picture", "pixels"),
        Column("bar_box", "text", "its box: x0 y0 x1 y1, the last two exclusive"),
        Column("bar_convention", "text", "between which points of the bar the length was measured"),
        Column("tag_pixel_size_m", "number", "as the vendor's tag or the sidecar states it", "metres"),
        Column("tag_source", "text", "the tag or the sidecar, and the entry"),
        Column("printed_width_m", "number", "width of the picture that is printed in it", "metres"),
        Column("printed_pixel_size_m", "number", "pixel size that is printed in it", "metres"),
        Column("magnification", "number", "magnification that is printed in it"),
        Column("ratio", "number", "pixel size by the bar / by the tag as it stands"),
        Column("stripe_top", "integer", "first row of the data bar; the height where there is none", "pixels"),
        Column("stripe_level", "integer", "grey level of its background, 0 to 255"),
        Column("instrument", "text", "by the tag or the sidecar, else by what is printed"),
        Column("detail", "text", "in words, for people"),
    ),
)
SCALE_TIMINGS = Table(
    "scale/timings.csv",
    1,
    (
        Column("path", "text", "the image"),
        Column("seconds", "number", "CPU time of reading it, when it was read", "seconds"),
    ),
)
CORRECTIONS = Table(
    "verdicts/scale.csv",
    1,
    (
        Column("md5", "text", "of the image's bytes"),
        Column("pixel_size_m", "number", "what a person knows", "metres"),
        Column("who", "text", "the person"),
        Column("when", "text", "a date"),
    ),
)
SUBSET = Table(
    "subset.csv",
    1,
    (
        Column("subset", "text", "its name in `subset.ranges`"),
        Column("path", "text", "the image"),
        Column("md5", "text", "of its bytes"),
        Column("bar_value_m", "number", "as in `scale.csv`", "metres"),
        Column("pixel_size_m", "number", "as in `scale.csv`", "metres"),
        Column("category", "text", "its label; empty where it has none"),
    ),
)
SCALE_BY_CATEGORY = Table(
    "scale_by_category.csv",
    1,
    (
        Column("bar_value_m", "number", "value of the scale bar; empty: none was read", "metres"),
        Column("labelled", "integer", "images with a label"),
        Column("all", "integer", "images"),
    ),
)
SUBSET_BY_CATEGORY = Table(
    "subset_by_category.csv",
    1,
    (
        Column("subset", "text", "its name in `subset.ranges`"),
        Column("labelled", "integer", "images with a label"),
        Column("all", "integer", "images"),
    ),
)
KNOWN = Table(
    "known/scale.csv",
    1,
    (
        Column("file", "text", "the image; or `path`"),
        Column("path", "text", "the image; or `file`"),
        Column("pixel_size_m", "number", "its known pixel size; empty where it is not known", "metres"),
        Column("scale_bar_m", "number", "length that its bar states; or `bar_value_m`; empty: no bar", "metres"),
        Column("bar_value_m", "number", "length that its bar states; or `scale_bar_m`; empty: no bar", "metres"),
        Column("instrument", "text", "names the group; or `layout`"),
        Column("layout", "text", "names the group; or `instrument`"),
    ),
)
"""A table of known scales; of the columns only ``pixel_size_m`` and a name of the image must be there."""
WRONG_SCALES = Table(
    "wrong.csv",
    1,
    (
        Column("path", "text", "the image"),
        Column("instrument", "text", "its group"),
        Column("what", "text", "what a person should look at"),
        Column("said", "number", "as in `scale.csv`", "metres"),
        Column("truth", "number", "the known length", "metres"),
        Column("status", "text", "as in `scale.csv`"),
        Column("detail", "text", "as in `scale.csv`"),
    ),
)
BY_INSTRUMENT = Table(
    "by_instrument.csv",
    1,
    (
        Column("instrument", "text", "the group; `all` in the last row"),
        Column("images", "integer", "images of known scale"),
        Column("with_bar", "integer", "of these, with a scale bar"),
        Column("stripe_not_detected", "integer", "images of this status"),
        Column("not_read", "integer", "images of this status"),
        Column("bar_not_found", "integer", "images of this status"),
        Column("conflict", "integer", "images of this status"),
        Column("value_right", "integer", "right values of a bar"),
        Column("value_wrong", "integer", "wrong values of a bar"),
        Column("value_right_low", "number", "lower 95 % Wilson bound of value_right / with_bar"),
        Column("value_right_high", "number", "upper 95 % Wilson bound of it"),
        Column("pixel_size_known", "integer", "images with a bar whose pixel size is known"),
        Column("pixel_size_right", "integer", "right within 3 % or a pixel of the bar"),
        Column("pixel_size_wrong", "integer", "wrong pixel sizes, with a bar or without"),
        Column("agreed", "integer", "images of this status"),
        Column("agreed_wrong", "integer", "wrong pixel sizes among them"),
        Column("answer_without_bar", "integer", "values given for images without a bar"),
    ),
)


def with_categories(table: Table, categories: Iterable[str]) -> Table:
    """A table of counts with a column for each category behind its first column."""
    first, *others = table.columns
    counted = (Column(category, "integer", "images with this label") for category in categories)
    return replace(table, columns=(first, *counted, *others))
