"""Where two pictures differ: SSIM window by window, as a map and as colours."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from semtrace.core.image.resample import as_gray

_SIDE = 7  # pixels along the side of a window
_K1, _K2 = 6.5025, 58.5225  # (0.01 * 255)² and (0.03 * 255)²

SCALE = (
    (-1.0, (90, 0, 80)),
    (0.0, (178, 24, 43)),
    (0.5, (244, 165, 60)),
    (0.8, (254, 224, 139)),
    (1.0, (255, 255, 255)),
)
"""Colours of the map, RGB, at values of SSIM; between them they are mixed. Alike is white."""


def ssim_map(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> NDArray[np.float64]:
    """SSIM of each uniform 7 x 7 window with the sample covariance; its mean is ``ssim(x, y)``.

    Args:
        x: image, shape (H, W), uint8, both sides at least 7.
        y: image of the same shape.

    Returns:
        Shape (H - 6, W - 6), float64, -1 to 1; the value at (i, j) is that of the window that begins there.

    Raises:
        ValueError: no grey images, different shapes, or smaller than a window.
    """
    left, right = as_gray(x), as_gray(y)
    if left.shape != right.shape or min(left.shape) < _SIDE:
        raise ValueError(f"SSIM needs images of one shape, at least {_SIDE} pixels a side: {left.shape}, {right.shape}")
    return _ratios(left, right)


def colour_map(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The colours of ``SCALE`` for a map: shape (H, W, 3), uint8."""
    places = [value for value, _ in SCALE]
    channels = [np.interp(values, places, [colour[k] for _, colour in SCALE]) for k in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


@njit(nogil=True, cache=True)
def _ratios(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> NDArray[np.float64]:
    height, width = x.shape
    area, sample = _SIDE * _SIDE, 1 / (_SIDE * _SIDE * (_SIDE * _SIDE - 1))
    columns = np.zeros((5, width), np.int64)  # of the last 7 rows: sums of x, y, x², y², xy
    sums = np.zeros(5, np.int64)
    out = np.empty((height - _SIDE + 1, width - _SIDE + 1))
    for i in range(height):
        for j in range(width):
            a, b = np.int64(x[i, j]), np.int64(y[i, j])
            terms = (a, b, a * a, b * b, a * b)
            for k in range(5):
                columns[k, j] += terms[k]
            if i >= _SIDE:
                a, b = np.int64(x[i - _SIDE, j]), np.int64(y[i - _SIDE, j])
                terms = (a, b, a * a, b * b, a * b)
                for k in range(5):
                    columns[k, j] -= terms[k]
        if i < _SIDE - 1:
            continue
        sums[:] = 0
        for j in range(width):
            for k in range(5):
                sums[k] += columns[k, j]
                if j >= _SIDE:
                    sums[k] -= columns[k, j - _SIDE]
            if j >= _SIDE - 1:
                sx, sy, sxx, syy, sxy = sums[0], sums[1], sums[2], sums[3], sums[4]
                mx, my = sx / area, sy / area
                vx, vy = (area * sxx - sx * sx) * sample, (area * syy - sy * sy) * sample
                covariance = (area * sxy - sx * sy) * sample
                ratio = (2 * mx * my + _K1) * (2 * covariance + _K2)
                out[i - _SIDE + 1, j - _SIDE + 1] = ratio / ((mx * mx + my * my + _K1) * (vx + vy + _K2))
    return out
