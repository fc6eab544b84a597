"""Whether a published image ends where its original ends, so that it is no other frame of the same place.

Where a page goes on beyond the outline of an original, something else than the picture must lie there: paper, the
background of a slide, filled corners. A frame that drifted, or that shows more, goes on with the same texture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from semtrace.core.image.transformation import Transformation, corners

_OFFSETS = np.arange(-4.5, 4.6, 0.5)  # pixels outside the outline, at which lines are looked at
_INSIDE, _OUTSIDE = slice(0, 7), slice(12, 17)  # of these: 4.5 to 1.5 pixels inside; 1.5 to 3.5 outside
_SEEN = slice(0, 17)  # must lie in the published image
_BESIDE = 0.3  # pixels that both edges of a picture may lie beside its outline
_WINDOW = 24  # pixels along the outline
_EVEN = 0.45  # of the roughness inside; what is less rough is no texture of this picture
_SMOOTH = 3.0  # grey levels of roughness that a JPEG's coding leaves on paper
_STEP = 12.0  # grey levels between picture and paper that show
_GOES_ON = 0.2  # part of the windows in which the picture may seem to go on: a letter or an arrow crosses the edge
_TURNED, _STRAIGHTENED = 0.3, 1.5  # degrees; less turned, a frame may be one that drifted, or was straightened then
_RESIZED = 0.004  # as much larger or smaller, it may
_DRIFTED = 0.4  # pixels
_FEWEST = 3  # windows that tell, of a side and of all


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
    if abs(this.angle) > _STRAIGHTENED or abs(this.b + this.d) > _RESIZED:
        return False
    room = [max(_RESIZED * length, 1.0) for length in (width, height)]
    spans = np.hypot(*(ends[1] - ends[0])) - width, np.hypot(*(ends[3] - ends[0])) - height
    if all(abs(span) <= far for span, far in zip(spans, room, strict=True)):
        # Straightened, it lies in the middle as before; where it goes on beyond the outline, it moved.
        back = this.inverse.of(corners(width, height))
        beyond = max(float((-back).max()), float((back - size).max()))
        middle = ends.mean(axis=0) - (width / 2, height / 2)
        return beyond > _DRIFTED and float(np.hypot(*middle)) > _DRIFTED
    if abs(this.angle) > _TURNED:
        return False
    for first, last, length, far in (
        (ends[0, 0], ends[1, 0], width, room[0]),
        (ends[0, 1], ends[3, 1], height, room[1]),
    ):
        beyond, missing = max(first, length - last), min(first, length - last)
        # Picture beyond one end, and as much of the original missing at the other: it moved.
        if beyond > _DRIFTED and missing < -_DRIFTED and abs(last - first - length) <= far:
            return True
    return False


def _is_framed(published: NDArray[np.uint8], ends: NDArray[np.float64]) -> bool:
    """Whether what lies beyond each side of a quadrilateral is no continuation of what lies within.

    Where it is seen and no window shows an end, an even background may go on beyond it: then nobody can tell.
    """
    pixels, edges = published.astype(np.float32), []
    seen = ended = 0
    for k in range(4):
        lines, windows = _along(pixels, ends[k], ends[(k + 1) % 4])
        said = [_ends(lines[_OUTSIDE, part], lines[_INSIDE, part]) for part in windows]
        framed, goes_on = said.count(True), said.count(False)
        if goes_on > _GOES_ON * (framed + goes_on) or (goes_on and framed + goes_on < _FEWEST):
            return False
        seen, ended = seen + len(windows), ended + framed
        showing = [part for part, ends_here in zip(windows, said, strict=True) if ends_here]
        edges.append(_edge(lines, showing) if framed >= _FEWEST else None)
    if seen >= _FEWEST > ended:
        return False
    return not any(_moved(edges[k], edges[k + 2]) for k in (0, 1))


def _moved(one: float | None, other: float | None) -> bool:
    """Whether the edges of a picture lie beside the outline: both on the same side of their lines."""
    if one is not None and other is not None:
        return abs(one - other) / 2 > _BESIDE
    return any(edge is not None and abs(edge) > 2 * _BESIDE for edge in (one, other))


def _along(
    pixels: NDArray[np.float32], start: NDArray[np.float64], end: NDArray[np.float64]
) -> tuple[NDArray[np.float32], list[slice]]:
    """Lines beside a side of the outline, ``_OFFSETS`` pixels outside it, and the windows that lie in the picture."""
    length = float(np.hypot(*(end - start)))
    along = (end - start) / max(length, 1e-6)
    outwards = np.array([along[1], -along[0]])
    at = start + along * (np.arange(0.5, length)[:, None])
    x, y = (at[None] + outwards * _OFFSETS[:, None, None] - 0.5).transpose(2, 0, 1)  # by the middles of pixels
    height, width = pixels.shape
    shown = ((x >= -0.5) & (y >= -0.5) & (x <= width - 0.5) & (y <= height - 0.5))[_SEEN].all(axis=0)
    lines = np.asarray(map_coordinates(pixels, (y, x), order=1, mode="nearest"))
    parts = [slice(first, first + _WINDOW) for first in range(0, len(at) - _WINDOW + 1, _WINDOW)]
    return lines, [part for part in parts if shown[part].all()]


def _edge(lines: NDArray[np.float32], windows: list[slice]) -> float | None:
    """How many pixels outside the outline the picture gives way to what lies around it."""
    profile = np.zeros(len(_OFFSETS))
    for part in windows:
        paper = np.median(lines[_OUTSIDE, part])
        profile += np.abs(lines[:, part] - paper).mean(axis=1)
    inside, outside = profile[_INSIDE].mean(), profile[_OUTSIDE].mean()
    below = np.flatnonzero(profile < (inside + outside) / 2)
    if not len(below) or below[0] == 0 or outside > inside / 2:
        return None
    k = int(below[0])
    part = (profile[k - 1] - (inside + outside) / 2) / (profile[k - 1] - profile[k])
    return float(_OFFSETS[k - 1] + part * (_OFFSETS[k] - _OFFSETS[k - 1]))


def _ends(outside: NDArray[np.float32], inside: NDArray[np.float32]) -> bool | None:
    """Whether a picture ends between some lines outside and inside; None where neither would show it."""
    rough, texture = (float(np.percentile(lines.std(axis=1), share)) for lines, share in ((outside, 75), (inside, 50)))
    step = float(np.abs(np.median(outside[0]) - np.median(inside[0])))
    if rough > max(_SMOOTH, _EVEN * texture):
        return False
    if texture > 2 * _SMOOTH or step > _STEP:
        return True
    return None
