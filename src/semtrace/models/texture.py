"""Texture features without a network: local binary patterns, grey-level co-occurrence, radial power spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern

_PATTERNS = ((8, 1), (16, 2), (24, 4))  # points on a circle, its radius in pixels
_LEVELS = 32
_DISTANCES = (1, 2, 4, 8)  # pixels
_ANGLES = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
_PROPERTIES = ("contrast", "homogeneity", "energy", "correlation")
_RINGS = 32
SIZE = sum(points + 2 for points, _ in _PATTERNS) + 2 * len(_DISTANCES) * len(_PROPERTIES) + _RINGS + 2
"""Number of features: 54 patterns, 32 of co-occurrence, 32 rings, mean and deviation of the grey values."""


def texture_features(gray: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Texture of one grey picture, shape (256, 256); shape (SIZE,). Columns have units of their own: standardise them.

    Of co-occurrence the mean and the range over four directions are kept, so a turn by 90 degrees changes little.
    """
    parts = []
    for points, radius in _PATTERNS:
        patterns = local_binary_pattern(gray, points, radius, "uniform").astype(np.int64)
        parts.append(np.bincount(patterns.ravel(), minlength=points + 2) / gray.size)
    levels = (gray // (256 // _LEVELS)).astype(np.uint8)
    matrix = graycomatrix(levels, _DISTANCES, _ANGLES, levels=_LEVELS, symmetric=True, normed=True)
    for name in _PROPERTIES:
        values = graycoprops(matrix, name)
        parts += [values.mean(axis=1), np.ptp(values, axis=1)]
    parts += [_rings(gray), np.array([gray.mean() / 255, gray.std() / 255])]
    return np.concatenate(parts).astype(np.float32)


def _rings(gray: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Logarithm of the mean power in rings of spatial frequency, windowed; shape (32,)."""
    side = len(gray)
    window = np.outer(np.hanning(side), np.hanning(side))
    power = np.abs(np.fft.fftshift(np.fft.fft2((gray - gray.mean()) * window))) ** 2
    across = np.arange(side) - side // 2
    radius = np.hypot(across[:, None], across[None, :])
    edges = np.geomspace(1, side / 2, _RINGS + 1)
    ring = np.digitize(radius, edges) - 1
    inside = (ring >= 0) & (ring < _RINGS)
    count = np.bincount(ring[inside], minlength=_RINGS)
    total = np.bincount(ring[inside], power[inside], _RINGS)
    return np.log1p(total / np.maximum(count, 1))
