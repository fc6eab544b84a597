"""What was laid over a picture in one even level: stripes, boxes, bars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import (
    binary_dilation,
    binary_opening,
    gaussian_filter,
    maximum_filter,
    minimum_filter,
    uniform_filter,
)

from semtrace.core.image.resample import as_gray

_SIDE = 5  # pixels; thinner marks are not seen
_EVEN = 3  # grey levels that an even place varies by, coding included
_BLOCK = 8  # pixels around it in which coding may have disturbed it
_CODED = 16  # grey levels by which it may
_SOFT = 3  # pixels beside it into which coding carries its level
_TRACE = 1e-3  # of the pixels around are even
_NEAR = 9.0  # standard deviation of the Gaussian that fills, pixels
_LITTLE = 0.08  # weight of what is known near a pixel; where it is less, nothing is filled
_FEW, _MUCH = 0.02, 0.7  # part of a picture that may be painted over; beyond, it is a page or has large even fields


def painted(gray: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which pixels lie in or beside an even place; a picture's own even background is one, too.

    Args:
        gray: uint8 (H, W).

    Returns:
        bool (H, W).
    """
    image = as_gray(gray)
    even = maximum_filter(image, _SIDE) - minimum_filter(image, _SIDE) <= _EVEN
    weight = uniform_filter(even.astype(np.float32), 2 * _BLOCK + 1)
    level = uniform_filter(image * even.astype(np.float32), 2 * _BLOCK + 1) / np.maximum(weight, 1e-6)
    alike = (weight > _TRACE) & (np.abs(image - level) <= _CODED)
    return np.asarray(binary_dilation(binary_opening(even | alike, iterations=1), iterations=_SOFT))


def filled(gray: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """A picture without what was laid over it: narrow even places take the mean level around them.

    Args:
        gray: uint8 (H, W).

    Returns:
        uint8 (H, W); None where next to nothing is painted over, or next to everything.
    """
    mask = painted(gray)
    if not _FEW <= mask.mean() <= _MUCH:
        return None
    known = (~mask).astype(np.float32)
    weight = gaussian_filter(known, _NEAR, truncate=3)
    level = gaussian_filter(gray * known, _NEAR, truncate=3) / np.maximum(weight, 1e-6)
    return np.asarray(np.where(mask & (weight >= _LITTLE), np.rint(level), gray), np.uint8)
