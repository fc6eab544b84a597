"""How sharp a picture is, for choosing among pictures of one scene."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from semtrace.core.image.resample import as_gray


def sharpness(gray: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian (four neighbours) of a picture, shape (H, W); 0.0 below 3 x 3 pixels."""
    return float(_laplacian_variance(as_gray(gray))) if min(gray.shape) >= 3 else 0.0


@njit(nogil=True, cache=True)
def _laplacian_variance(gray: NDArray[np.uint8]) -> float:
    total, squares, count = 0, 0, 0
    for y in range(1, gray.shape[0] - 1):
        above, line, below = gray[y - 1], gray[y], gray[y + 1]
        for x in range(1, line.size - 1):
            value = int(above[x]) + int(below[x]) + int(line[x - 1]) + int(line[x + 1]) - 4 * int(line[x])
            total += value
            squares += value * value
            count += 1
    mean = total / count
    return squares / count - mean * mean
