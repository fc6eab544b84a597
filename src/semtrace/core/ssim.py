"""Structural similarity (SSIM) of two grey images: scikit-image's default, some tens of times faster."""

from __future__ import annotations

import numpy as np
from numba import int32, njit
from numpy.typing import NDArray

from semtrace.core.resample import as_gray

_SIDE = 7  # window side in pixels
_AREA = _SIDE * _SIDE
# (K1 * 255)² and (K2 * 255)² with K1 = 0.01 and K2 = 0.03, times the factor that turns means and sample
# covariances into integer sums.
_C1 = 6.5025 * _AREA * _AREA
_C2 = 58.5225 * _AREA * (_AREA - 1)


def ssim(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> float:
    """Mean SSIM with a uniform 7 x 7 window and the sample covariance.

    Equals ``skimage.metrics.structural_similarity(x, y, data_range=255)`` within 1e-12, except on bright and
    nearly flat strips, where scikit-image's own rounding exceeds that. Here all window sums are exact integers;
    only the final ratio of a window rounds, so the error is near 1e-16. Identical images give exactly 1.0.

    Args:
        x: image, shape (H, W), uint8, both sides at least 7.
        y: image of the same shape.

    Returns:
        Mean over the (H - 6)(W - 6) whole windows, in [-1, 1].

    Raises:
        ValueError: no grey images, different shapes, or smaller than the window.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural
    similarity", IEEE Trans. Image Processing 13 (2004) 600-612.
    """
    left, right = as_gray(x), as_gray(y)
    if left.shape != right.shape:
        raise ValueError(f"SSIM compares images of one shape, got {left.shape} and {right.shape}: resize one")
    if min(left.shape) < _SIDE:
        raise ValueError(f"SSIM needs at least {_SIDE} x {_SIDE} pixels, got {left.shape}")
    columns = _sum_ratios(left, right)
    return float(columns.sum() / ((left.shape[0] - _SIDE + 1) * columns.size))


@njit(nogil=True, cache=True)
def _sum_ratios(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Sum over each column of windows, shape (W - 6,)."""
    height, width = x.shape
    columns = np.zeros((4, width), np.int32)  # of the last 7 rows: sums of x, y, x² + y², xy
    windows = np.empty((4, width - _SIDE + 1), np.int32)
    out = np.zeros(width - _SIDE + 1)
    for i in range(height):
        _add_row(columns, x[i], y[i], int32(1))
        if i >= _SIDE:
            _add_row(columns, x[i - _SIDE], y[i - _SIDE], int32(-1))
        if i >= _SIDE - 1:
            for k in range(4):
                _sum_seven(columns[k], windows[k])
            _add_ratio(windows[0], windows[1], windows[2], windows[3], out)
    return out


# The inner loops stay in SIMD: int32() because numba widens int32 arithmetic to int64, sliced views because
# an index such as j + 1 would be tested for wrap-around.
@njit(nogil=True, cache=True)
def _add_row(columns: NDArray[np.int32], x: NDArray[np.uint8], y: NDArray[np.uint8], sign: np.int32) -> None:
    sx, sy, squares, products = columns[0], columns[1], columns[2], columns[3]
    for j in range(x.size):
        a, b = int32(x[j]), int32(y[j])
        sx[j] = int32(sx[j] + int32(sign * a))
        sy[j] = int32(sy[j] + int32(sign * b))
        squares[j] = int32(squares[j] + int32(sign * int32(int32(a * a) + int32(b * b))))
        products[j] = int32(products[j] + int32(sign * int32(a * b)))


@njit(nogil=True, cache=True)
def _sum_seven(column: NDArray[np.int32], window: NDArray[np.int32]) -> None:
    n = window.size
    a, b, c, d = column[:n], column[1 : n + 1], column[2 : n + 2], column[3 : n + 3]
    e, f, g = column[4 : n + 4], column[5 : n + 5], column[6 : n + 6]
    for j in range(n):
        left = int32(int32(a[j] + b[j]) + int32(c[j] + d[j]))
        window[j] = int32(left + int32(int32(e[j] + f[j]) + g[j]))


@njit(nogil=True, cache=True, error_model="numpy")  # no test for division by zero: the divisor is positive
def _add_ratio(
    sx: NDArray[np.int32],
    sy: NDArray[np.int32],
    squares: NDArray[np.int32],
    products: NDArray[np.int32],
    out: NDArray[np.float64],
) -> None:
    for j in range(out.size):  # every integer here is below 2^29
        mean = int32(int32(2) * int32(sx[j] * sy[j]))
        power = int32(int32(sx[j] * sx[j]) + int32(sy[j] * sy[j]))
        covariance = int32(int32(int32(2 * _AREA) * products[j]) - mean)
        variance = int32(int32(int32(_AREA) * squares[j]) - power)
        out[j] += ((mean + _C1) * (covariance + _C2)) / ((power + _C1) * (variance + _C2))
