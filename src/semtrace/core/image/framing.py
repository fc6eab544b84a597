"""Pictures on a page: what is left without blank margins, and the panels between blank gutters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.placement import Rectangle
from semtrace.core.image.resample import as_gray

_BLACK, _WHITE = 15, 240  # grey levels of blank paper, coding included: at most, at least
_BLANK = 0.98  # of a line's pixels
_GUTTER = 3  # pixels that panels are apart, at least
_FRAMED = 3  # edges of a page that margins make blank, at least
_SMALLEST = 96  # pixels along a panel's side; a title is smaller
_WRITTEN = 0.75  # of a piece is white, at least: text on paper, where black was taken for the paper


def pieces(gray: NDArray[np.uint8]) -> list[Rectangle]:
    """The pictures on a page: cut at blank lines across it, again and again (recursive X-Y cut).

    A line is blank where nearly all of it has the paper's level: white or black, whichever three of the page's four
    edges have, else whichever parts more pictures. So the dark rim of a picture on white paper belongs to the picture.

    Args:
        gray: uint8 (H, W).

    Returns:
        From top to bottom, then from left to right; where black is the paper, without text on white. The page itself
        where nothing is blank; nothing where all is.
    """
    image = as_gray(gray)
    page = Rectangle(0, 0, image.shape[1], image.shape[0])
    papers = image >= _WHITE, image <= _BLACK
    white, black = ((_blank_edges(paper), list(_cut(paper, page))) for paper in papers)
    chosen = max(white, black, key=lambda one: (one[0] >= _FRAMED, len(one[1]), one[0]))
    _, found = chosen
    if chosen is white or len(found) == 1:
        return found
    return [one for one in found if (one.of(image) >= _WHITE).mean() < _WRITTEN]


def _blank_edges(paper: NDArray[np.bool_]) -> int:
    return sum(bool(line.mean() >= _BLANK) for line in (paper[0], paper[-1], paper[:, 0], paper[:, -1]))


def _cut(paper: NDArray[np.bool_], region: Rectangle) -> Iterator[Rectangle]:
    if min(region.width, region.height) < _SMALLEST:
        return
    part = paper[region.y : region.y + region.height, region.x : region.x + region.width]
    for axis in (1, 0):  # rows first
        blank = part.mean(axis=axis) >= _BLANK
        runs = list(_runs(blank))
        if runs != [(0, len(blank))]:
            for first, last in runs:
                if axis == 1:
                    inner = Rectangle(region.x, region.y + first, region.width, last - first)
                else:
                    inner = Rectangle(region.x + first, region.y, last - first, region.height)
                yield from _cut(paper, inner)
            return
    yield region


def _runs(blank: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and last (excluded) line of what lies between blank lines; fewer than three of these do not part it."""
    shown = np.flatnonzero(~blank)
    if len(shown) == 0:
        return
    gaps = np.flatnonzero(np.diff(shown) > _GUTTER)
    starts, ends = np.concatenate([[0], gaps + 1]), np.concatenate([gaps, [len(shown) - 1]])
    for start, end in zip(starts, ends, strict=True):
        yield int(shown[start]), int(shown[end]) + 1
