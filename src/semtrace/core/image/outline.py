"""Whether a published picture ends where its original ends, so that it is no other frame of the same place.

Where a page goes on beyond the outline of an original, something else than the picture must lie there: paper, the
background of a slide, filled corners. A frame that drifted, or that shows more, goes on with the same texture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from semtrace.core.image.transformation import Transformation, corners

_BEYOND = 1.5, 2.5, 3.5  # pixels outside the outline that are looked at, and as many inside
_WINDOW = 24  # pixels along the outline
_EVEN = 0.45  # of the roughness inside; what is less rough is no texture of this picture
_SMOOTH = 3.0  # grey levels of roughness that a JPEG's coding leaves on paper
_STEP = 12.0  # grey levels between picture and paper that show
_GOES_ON = 0.2  # part of the windows in which the picture may seem to go on: a letter or an arrow crosses the edge
_TURNED = 0.3  # degrees; less turned, a frame may be one that drifted
_RESIZED = 0.004  # as much larger or smaller, it may
_DRIFTED = 0.4  # pixels
_FEWEST = 3  # windows of a side that tell


def ends_with(published: NDArray[np.uint8], this: Transformation, size: tuple[int, int], bar_top: int) -> bool:
    """Whether nothing of the picture lies beyond the outline of an original.

    Args:
        published: uint8 (H, W).
        this: how the original became it.
        size: width and height of the original.
        bar_top: first row of its data bar, which may have been cut off; the height where there is none.
    """
    if _may_have_drifted(published, this, size):
        return False
    heights = {size[1], bar_top}
    return any(_is_framed(published, this.of(corners(size[0], height))) for height in heights)


def _may_have_drifted(published: NDArray[np.uint8], this: Transformation, size: tuple[int, int]) -> bool:
    """Whether it has the size of the original, and lies beside it."""
    height, width = published.shape
    ends = this.of(corners(*size))
    upright = abs(this.angle) < _TURNED and np.abs(this.matrix[[0, 1], [1, 0]]).max() < _RESIZED
    if not upright:
        return False
    for first, last, length in ((ends[0, 0], ends[1, 0], width), (ends[0, 1], ends[3, 1], height)):
        beyond, missing = sorted((first, length - last))[::-1]
        # Picture beyond one end, and as much of the original missing at the other: it moved.
        if beyond > _DRIFTED and missing < -_DRIFTED and abs(last - first - length) <= max(_RESIZED * length, 1.0):
            return True
    return False


def _is_framed(published: NDArray[np.uint8], ends: NDArray[np.float64]) -> bool:
    """Whether what lies beyond each side of a quadrilateral is no continuation of what lies within."""
    for k in range(4):
        framed, goes_on = _beyond_side(published, ends[k], ends[(k + 1) % 4])
        if goes_on > _GOES_ON * (framed + goes_on) or (goes_on and framed + goes_on < _FEWEST):
            return False
    return True


def _beyond_side(published: NDArray[np.uint8], start: NDArray[np.float64], end: NDArray[np.float64]) -> tuple[int, int]:
    """In how many windows along a side, clockwise, the picture ends there, and in how many it goes on."""
    length = float(np.hypot(*(end - start)))
    along = (end - start) / length
    outwards = np.array([along[1], -along[0]])
    at = start + along * (np.arange(0.5, length)[:, None])
    offsets = [(sign * distance) for sign in (1, -1) for distance in _BEYOND]
    height, width = published.shape
    lines, shown = [], np.ones(len(at), bool)
    for offset in offsets:
        x, y = (at + outwards * offset).T - 0.5  # by the middles of pixels
        if offset > 0:
            shown &= (x >= -0.5) & (y >= -0.5) & (x <= width - 0.5) & (y <= height - 0.5)
        lines.append(map_coordinates(published.astype(np.float32), (y, x), order=1, mode="nearest"))
    if not shown.any():
        return 0, 0
    framed = goes_on = 0
    profile = np.array(lines)
    for first in range(0, len(at) - _WINDOW + 1, _WINDOW):
        part = slice(first, first + _WINDOW)
        if shown[part].all():
            said = _ends(profile[:3, part], profile[3:, part])
            framed += said is True
            goes_on += said is False
    return framed, goes_on


def _ends(outside: NDArray[np.float32], inside: NDArray[np.float32]) -> bool | None:
    """Whether a picture ends between some lines outside and inside; None where neither would show it."""
    rough, texture = (float(np.median(lines.std(axis=1))) for lines in (outside, inside))
    step = float(np.abs(np.median(outside[0]) - np.median(inside[0])))
    if rough > max(_SMOOTH, _EVEN * texture):
        return False
    if texture > 2 * _SMOOTH or step > _STEP:
        return True
    return None
