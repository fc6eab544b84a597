"""SSIM with the Gaussian window of the original paper: measured here beside scikit-image, used by no stage."""

from __future__ import annotations

import numpy as np
from numba import int32, njit
from numpy.typing import NDArray

from semtrace.core.image.resample import as_gray

_K1, _K2 = 6.5025, 58.5225  # (0.01 * 255)² and (0.03 * 255)²
_RADIUS = 5  # 3.5 sigma, rounded
_TAPS = 2 * _RADIUS + 1
_EXPONENTIALS = np.exp(-0.5 * (np.arange(_RADIUS + 1) / 1.5) ** 2)
_WEIGHTS = _EXPONENTIALS / (2 * _EXPONENTIALS[1:].sum() + 1)  # from the centre outwards


def ssim_gaussian(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> float:
    """Mean SSIM of two uint8 (H, W), both sides at least 11: sigma 1.5 pixels, population covariance.

    Equals ``skimage.metrics.structural_similarity(x, y, data_range=255, gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False)`` within 1e-11.
    """
    sums = _sum_gaussian_ratios(as_gray(x), as_gray(y))
    return float(sums.sum() / (sums.size * (x.shape[0] - _TAPS + 1)))


@njit(nogil=True, cache=True)
def _sum_gaussian_ratios(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Sum over each column of windows, shape (W - 10,)."""
    height, width = x.shape
    terms = np.empty((4, _TAPS, width), np.int32)  # of the last 11 rows: x, y, x² + y², xy
    rows = np.empty(_TAPS, np.int64)
    columns = np.empty(width)
    windows = np.empty((4, width - 2 * _RADIUS))
    ratios = np.empty(width - 2 * _RADIUS)
    out = np.zeros(width - 2 * _RADIUS)
    for i in range(height):
        here = i % _TAPS
        _terms(x[i], y[i], terms[0, here], terms[1, here], terms[2, here], terms[3, here])
        if i >= _TAPS - 1:
            for t in range(_TAPS):
                rows[t] = (i + 1 + t) % _TAPS
            for k in range(4):
                _blur_down(terms[k], rows, columns)
                _blur_across(columns, windows[k])
            _gaussian_ratios(windows[0], windows[1], windows[2], windows[3], ratios)
            for j in range(out.size):
                out[j] += ratios[j]
    return out


@njit(nogil=True, cache=True)
def _terms(
    x: NDArray[np.uint8],
    y: NDArray[np.uint8],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    squares: NDArray[np.int32],
    products: NDArray[np.int32],
) -> None:
    for j in range(x.size):
        a, b = int32(x[j]), int32(y[j])
        left[j] = a
        right[j] = b
        squares[j] = int32(int32(a * a) + int32(b * b))
        products[j] = int32(a * b)


@njit(nogil=True, cache=True)
def _blur_down(ring: NDArray[np.int32], rows: NDArray[np.int64], out: NDArray[np.float64]) -> None:
    # In two turns: with all eleven rows at once the compiler gives up proving that none of them is ``out``.
    w0, w1, w2, w3, w4, w5 = _WEIGHTS
    a, b, c, d, e = ring[rows[5]], ring[rows[4]], ring[rows[6]], ring[rows[3]], ring[rows[7]]
    for j in range(out.size):
        out[j] = w0 * a[j] + (w1 * int32(b[j] + c[j]) + w2 * int32(d[j] + e[j]))
    f, g, h = ring[rows[2]], ring[rows[8]], ring[rows[1]]
    p, q, r = ring[rows[9]], ring[rows[0]], ring[rows[10]]
    for j in range(out.size):
        out[j] += w3 * int32(f[j] + g[j]) + (w4 * int32(h[j] + p[j]) + w5 * int32(q[j] + r[j]))


@njit(nogil=True, cache=True)
def _blur_across(line: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    n = out.size
    w0, w1, w2, w3, w4, w5 = _WEIGHTS
    a, b, c, d, e, f = line[:n], line[1 : n + 1], line[2 : n + 2], line[3 : n + 3], line[4 : n + 4], line[5 : n + 5]
    g, h, p, q, r = line[6 : n + 6], line[7 : n + 7], line[8 : n + 8], line[9 : n + 9], line[10 : n + 10]
    for j in range(n):
        near = w0 * f[j] + (w1 * (e[j] + g[j]) + w2 * (d[j] + h[j]))
        out[j] = near + (w3 * (c[j] + p[j]) + (w4 * (b[j] + q[j]) + w5 * (a[j] + r[j])))


@njit(nogil=True, cache=True, error_model="numpy")
def _gaussian_ratios(
    mx: NDArray[np.float64],
    my: NDArray[np.float64],
    squares: NDArray[np.float64],
    products: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    for j in range(out.size):
        mean = 2 * mx[j] * my[j]
        power = mx[j] * mx[j] + my[j] * my[j]
        covariance, variance = 2 * products[j] - mean, squares[j] - power
        out[j] = ((mean + _K1) * (covariance + _K2)) / ((power + _K1) * (variance + _K2))
