"""Structural similarity (SSIM) of two grey images with scikit-image's semantics, some tens of times faster.

The window is uniform, 7 x 7, scikit-image's default. The kernel goes down the image once and keeps the sums of the
last rows; the map is never stored.

Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural
similarity", IEEE Trans. Image Processing 13 (2004) 600-612.
"""

from __future__ import annotations

import numpy as np
from numba import int32, njit
from numpy.typing import NDArray

from semtrace.core.image.resample import as_gray

_SIDE = 7  # uniform window: side in pixels
_AREA = _SIDE * _SIDE
_K1, _K2 = 6.5025, 58.5225  # (0.01 * 255)² and (0.03 * 255)²
# The same, times the factor that turns means and sample covariances into integer sums.
_C1 = _K1 * _AREA * _AREA
_C2 = _K2 * _AREA * (_AREA - 1)


def ssim(x: NDArray[np.uint8], y: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None) -> float:
    """Mean SSIM with a uniform 7 x 7 window and the sample covariance.

    Equals ``skimage.metrics.structural_similarity(x, y, data_range=255)`` within 1e-12, except on bright and
    nearly flat strips, where scikit-image's own rounding exceeds that. Here all window sums are exact integers;
    only the final ratio of a window rounds, so the error is near 1e-16. Identical images give exactly 1.0.

    Args:
        x: image, shape (H, W), uint8, both sides at least 7.
        y: image of the same shape.
        mask: which windows count, bool (H, W): those whose **centre** is True and that lie in the image as a
            whole. A window that counts sees all its pixels, masked or not. None: all.

    Returns:
        Mean over the whole windows that count, in [-1, 1]; there are (H - 6)(W - 6) without a mask.

    Raises:
        ValueError: no grey images, different shapes, smaller than the window, or no window counts.
    """
    left, right, centres, count = _checked(x, y, mask)
    return float(_sum_ratios(left, right, centres).sum() / count)


def _checked(
    x: NDArray[np.uint8], y: NDArray[np.uint8], mask: NDArray[np.bool_] | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_] | None, int]:
    """Check the pair; give also the mask cut to the centres of whole windows, and how many windows count."""
    left, right = as_gray(x), as_gray(y)
    if left.shape != right.shape:
        raise ValueError(f"SSIM compares images of one shape, got {left.shape} and {right.shape}: resize one")
    if min(left.shape) < _SIDE:
        raise ValueError(f"SSIM needs at least {_SIDE} x {_SIDE} pixels, got {left.shape}")
    height, width = left.shape
    if mask is None:
        return left, right, None, (height - _SIDE + 1) * (width - _SIDE + 1)
    if mask.dtype != np.bool_ or mask.shape != left.shape:
        raise ValueError(f"the mask must be bool {left.shape} as the images, got {mask.dtype} {mask.shape}")
    radius = _SIDE // 2
    centres = np.ascontiguousarray(mask[radius : height - radius, radius : width - radius])
    count = int(np.count_nonzero(centres))
    if count == 0:
        raise ValueError("the mask leaves no window: none of its pixels is the centre of a whole window")
    return left, right, centres, count


@njit(nogil=True, cache=True)
def _sum_ratios(x: NDArray[np.uint8], y: NDArray[np.uint8], centres: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """Sum over each column of windows, shape (W - 6,)."""
    height, width = x.shape
    columns = np.zeros((4, width), np.int32)  # of the last 7 rows: sums of x, y, x² + y², xy
    windows = np.empty((4, width - _SIDE + 1), np.int32)
    ratios = np.empty(width - _SIDE + 1)
    out = np.zeros(width - _SIDE + 1)
    for i in range(height):
        _add_row(columns, x[i], y[i], int32(1))
        if i >= _SIDE:
            _add_row(columns, x[i - _SIDE], y[i - _SIDE], int32(-1))
        if i >= _SIDE - 1:
            for k in range(4):
                _sum_seven(columns[k], windows[k])
            _uniform_ratios(windows[0], windows[1], windows[2], windows[3], ratios)
            _add(ratios, None if centres is None else centres[i - _SIDE + 1], out)
    return out


# The inner loops stay in SIMD: int32() because numba widens int32 arithmetic to int64, sliced views because
# an index such as j + 1 would be tested for wrap-around. Floats are summed in one fixed order, without fused
# multiply-add, so the result is the same on every machine.
@njit(nogil=True, cache=True)
def _add(ratios: NDArray[np.float64], centres: NDArray[np.bool_] | None, out: NDArray[np.float64]) -> None:
    if centres is None:
        for j in range(out.size):
            out[j] += ratios[j]
    else:
        for j in range(out.size):
            out[j] += ratios[j] if centres[j] else 0.0


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
def _uniform_ratios(
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
        out[j] = ((mean + _C1) * (covariance + _C2)) / ((power + _C1) * (variance + _C2))
