"""Where a published image lies in the frame of an original, so that both can be shown on one another."""

from __future__ import annotations

import re
from dataclasses import dataclass

from semtrace.core.image.align import rows_shown
from semtrace.core.image.symmetry import inverse, read_symmetry

_TALLER = 1.01  # more than the rounding of a resize
_CROP = re.compile(r"(\d+)x(\d+)\+(\d+)\+(\d+)")


@dataclass(frozen=True)
class FramePlace:
    """A rectangle in the pixels of an original, and how the published image is turned to fill it.

    Attributes:
        x: left edge.
        y: upper edge.
        width: in columns of the original.
        height: in rows of the original.
        mirrored: whether the published image is mirrored (left-right), before it is turned.
        quarters: quarter turns counter-clockwise, 0 to 3.
    """

    x: float
    y: float
    width: float
    height: float
    mirrored: bool
    quarters: int


def place_in_frame(
    published: tuple[int, int], original: tuple[int, int], symmetry: str = "", crop: str = "", page: str = ""
) -> FramePlace:
    """Where the published image lies, by the rule of ``align``: the widths give the scale, the upper edges meet.

    A page on which the picture stands lies beyond the original's edges, so that picture and original meet.

    Args:
        published: width and height, pixels.
        original: width and height, pixels.
        symmetry: what was done to the original before it was published; empty: nothing.
        crop: the published part of the original, ``<width>x<height>+<left>+<top>`` in its pixels; empty: the whole.
        page: where on the published page the picture stands, in the same words; empty: it is the page.
    """
    if found := _CROP.fullmatch(page):
        across, down, left, top = map(int, found.groups())
        shown = place_in_frame((across, down), original, symmetry, crop)
        x, y, width, height = _turned((left, top, across, down), published, shown)
        scale = shown.width / width, shown.height / height
        whole = published[::-1] if shown.quarters % 2 else published
        return FramePlace(
            shown.x - x * scale[0], shown.y - y * scale[1], whole[0] * scale[0], whole[1] * scale[1],
            shown.mirrored, shown.quarters,
        )  # fmt: skip
    undo = inverse(read_symmetry(symmetry)[0])
    width, height = published[::-1] if undo.quarters % 2 else published
    if found := _CROP.fullmatch(crop):
        across, down, left, top = map(int, found.groups())
        return FramePlace(left, top, across, down, undo.mirrored, undo.quarters)
    needed = height * original[0] / width
    # What is taller than the original cannot be compared with it; it is shown as tall as it is.
    rows = needed if needed > original[1] * _TALLER + 1 else rows_shown((height, width), original[::-1])
    return FramePlace(0, 0, original[0], rows, undo.mirrored, undo.quarters)


def _turned(rectangle: tuple[int, int, int, int], page: tuple[int, int], undo: FramePlace) -> tuple[int, int, int, int]:
    """A rectangle (left, top, width, height) of a page (width, height), after the page was turned back."""
    (x, y, width, height), (across, down) = rectangle, page
    if undo.mirrored:
        x = across - x - width
    for _ in range(undo.quarters):
        x, y, width, height, across, down = y, across - x - width, height, width, down, across
    return x, y, width, height
