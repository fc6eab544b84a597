"""Which of the pictures in a TIFF is the picture: thumbnails, masks and the levels of a pyramid are not."""

from __future__ import annotations

from dataclasses import dataclass

from semtrace.io import tiff

_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_MOST_LISTED = 1 << 16  # directories that are kept in mind; further ones are counted only


@dataclass(frozen=True)
class Page:
    """A directory and where it stands.

    Attributes:
        directory: its tags.
        name: ``page 2``, or ``SubIFD 1 of page 2``.
    """

    directory: tiff.Directory
    name: str

    @property
    def is_reduced(self) -> bool:
        """Whether it is marked as a smaller version or a mask of another picture."""
        marks = self.directory.integer(tiff.NEW_SUBFILE, 0)
        return (marks > 0 and bool(marks & (_REDUCED | _MASK))) or self.directory.integer(tiff.SUBFILE, 1) == 2

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.directory.integer(tiff.WIDTH), self.directory.integer(tiff.HEIGHT)


@dataclass(frozen=True)
class Choice:
    """Which page is the picture.

    Attributes:
        page: the picture, as the file's own marks have it.
        larger: a page without marks of the same aspect ratio and at least twice the width: where the chosen page
            shows the same, it is a thumbnail without a mark, and this is the picture.
        pages: how many pages can be reached one after the other; SubIFDs are not counted.
        first: where the first directory begins.
    """

    page: Page
    larger: Page | None
    pages: int
    first: int

    def note(self, page: Page) -> str:
        """What the rule says of the page that was taken; empty for the only one."""
        if page.name.startswith("page"):
            return f"{page.name} of {self.pages}" if self.pages > 1 else ""
        return page.name


def choose(data: bytes) -> Choice:
    """Find the picture: the first page or SubIFD that is not marked as reduced or as a mask.

    Where all are marked, it is the largest with the aspect ratio of the first.

    Raises:
        TiffError: not a TIFF header, or the first directory cannot be read.
    """
    listed, pages = _all(data)
    unmarked = [page for page in listed if not page.is_reduced]
    first = unmarked[0] if unmarked else listed[0]
    larger = [page for page in unmarked or listed if _is_larger(page.size, first.size)]
    best = max(larger, key=lambda page: page.size[0]) if larger else None  # the first of the largest
    start = listed[0].directory.offset
    return Choice(first, best, pages, start) if unmarked or best is None else Choice(best, None, pages, start)


def _is_larger(size: tuple[int, int], first: tuple[int, int]) -> bool:
    """Whether a picture is at least twice as wide and has the aspect ratio, but for what rounding the sides does."""
    if min(*size, *first) < 1 or size[0] < 2 * first[0]:
        return False
    scale = size[0] / first[0]
    return abs(size[1] / scale - first[1]) <= 1 + first[1] / first[0]


def _all(data: bytes) -> tuple[list[Page], int]:
    """The pages, each followed by its SubIFDs, and how many pages there are; a loop or a broken link ends them."""
    first = tiff.first_directory(data)
    found: list[Page] = []
    seen: set[int] = set()
    directory, pages = first, 0
    while True:
        seen.add(directory.offset)
        pages += 1
        if len(found) < _MOST_LISTED:
            found.append(Page(directory, f"page {pages}"))
            if tiff.SUB_DIRECTORIES in directory.entries:
                found += _below(directory, pages, _MOST_LISTED - len(found))
        if not directory.next_offset or directory.next_offset in seen:
            return found, pages
        try:
            directory = tiff.directory_at(data, directory.next_offset)
        except tiff.TiffError:
            return found, pages


def _below(directory: tiff.Directory, page: int, most: int) -> list[Page]:
    found = []
    for number, offset in enumerate(directory.integers(tiff.SUB_DIRECTORIES)[:most].tolist(), 1):
        try:
            found.append(Page(tiff.directory_at(directory.data, offset), f"SubIFD {number} of page {page}"))
        except tiff.TiffError:
            continue
    return found
