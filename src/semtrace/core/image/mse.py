"""Mean squared error of two grey images: the true one, for differences of uint8 that are neither cut nor wrapped."""

from __future__ import annotations

import numpy as np
from numba import int32, njit
from numpy.typing import NDArray

from semtrace.core.image.resample import as_gray


def mse(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> float:
    """Mean over all pixels of (x - y)², in squared grey levels, 0 to 65,025; 0.0 only for identical images.

    The sum is an exact integer; only the division rounds. (``cv2.subtract`` on uint8 cuts negative differences to
    zero, so an error made from it depends on the order of the images.)

    Args:
        x: image, shape (H, W), uint8.
        y: image of the same shape.

    Raises:
        ValueError: no grey images, or different shapes.
    """
    left, right = as_gray(x), as_gray(y)
    if left.shape != right.shape:
        raise ValueError(f"the error needs images of one shape, got {left.shape} and {right.shape}: resize one")
    return float(_squares(left.ravel(), right.ravel())) / left.size


@njit(nogil=True, cache=True)
def _squares(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> int:
    total = 0
    for start in range(0, x.size, 16384):  # as many squares as int32 holds for sure: SIMD at its widest
        left, right = x[start : start + 16384], y[start : start + 16384]
        part = int32(0)
        for j in range(left.size):
            difference = int32(int32(left[j]) - int32(right[j]))
            part = int32(part + int32(difference * difference))
        total += int(part)
    return total
