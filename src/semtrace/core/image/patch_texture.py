"""Measures of a patch's texture from which a linear model tells whether it shows anything: no network, no scipy.

The details of a Haar pyramid have the same energy at every level where there is noise alone (Mallat, A Wavelet Tour of
Signal Processing, 3rd ed. 2009, chapter 11). So energies over that of the finest diagonal details say how much there is
above the noise, and at which size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from semtrace.core.image.structure import measure_structure

_LEVELS = 6
_CELL = 16  # pixels: side of the squares that are looked at one by one
TEXTURE_NAMES = (
    "structure", "noise", "mode_fraction", "saturated", "mean", "deviation", "skewness", "kurtosis", "entropy",
    "energy_4", "energy_8", "energy_16", "energy_32", "energy_64",
    "rows_2", "rows_4", "rows_8", "rows_16", "peaks_4", "peaks_8", "peaks_16", "covered", "uneven",
)  # fmt: skip
"""What each measure is; numbers are the size in pixels of the details that are meant."""


def patch_texture(patches: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Measure n patches of one shape.

    Sums of pixels are whole numbers, and floats are added in a fixed order. Columns have units of their own:
    standardise them.

    Args:
        patches: shape (n, H, W), uint8, contiguous; sides of at least 16 pixels.

    Returns:
        Shape (n, 23), float64, finite; columns as ``TEXTURE_NAMES``.

    Raises:
        ValueError: no such patches.
    """
    if patches.ndim != 3 or patches.dtype != np.uint8 or min(patches.shape[1:]) < _CELL:
        raise ValueError(f"need (n, H, W) uint8 with sides of at least 16, got {patches.dtype} {patches.shape}")
    found = measure_structure(patches)
    out = np.empty((len(patches), len(TEXTURE_NAMES)))
    out[:, 0] = np.log(found.structure + 0.1)
    out[:, 1] = np.log(found.noise)
    out[:, 2] = found.mode_fraction
    out[:, 3] = found.saturated
    _texture(patches, out)
    return out


@njit(nogil=True, cache=True)
def _texture(patches: Any, out: Any) -> None:
    count, height, width = patches.shape
    levels = np.empty(256, np.int64)
    first = np.empty((height // 2, width // 2))
    cells = np.empty((height // 16, width // 16))
    energy = np.empty((_LEVELS, 3))
    peaks = np.empty(_LEVELS)
    for i in range(count):
        patch = patches[i]
        _moments(patch, levels, out[i])
        _finest(patch, first, energy)
        _coarser(first, energy, peaks)
        floor = max(energy[0, 2], 0.12)  # grey levels squared: rounding alone makes 0.08
        for k in range(1, _LEVELS):
            out[i, 8 + k] = np.log((energy[k].sum() / 3.0 + 1e-3) / floor)
        for k in range(4):
            out[i, 14 + k] = np.log((energy[k, 0] + 0.1) / (energy[k, 1] + 0.1))
        for k in range(1, 4):
            out[i, 17 + k] = np.log(peaks[k] + 1.0)
        _local(patch, cells)
        noise = floor / 16.0  # of means of 4 x 4 pixels
        above = 0
        for value in cells.flat:
            if value > 3.0 * noise:
                above += 1
        out[i, 21] = above / cells.size
        ranked = np.sort(cells.ravel())
        out[i, 22] = np.log((ranked[ranked.size * 9 // 10] + noise) / (ranked[ranked.size // 10] + noise))


@njit(nogil=True, cache=True)
def _moments(patch: Any, levels: Any, out: Any) -> None:
    """Mean, deviation, skewness, kurtosis and entropy, from the histogram."""
    levels[:] = 0
    for row in patch:
        for value in row:
            levels[value] += 1
    size = patch.size
    total = 0
    for value in range(256):
        total += value * levels[value]
    mean = total / size
    second = third = fourth = entropy = 0.0
    for value in range(256):
        if levels[value]:
            share, apart = levels[value] / size, value - mean
            second += share * apart**2
            third += share * apart**3
            fourth += share * apart**4
            entropy -= share * np.log(share)
    deviation = np.sqrt(second)
    out[4] = mean
    out[5] = np.log(deviation + 0.3)
    out[6] = third / (second + 0.1) ** 1.5
    out[7] = np.log(fourth / (second + 0.1) ** 2 + 1.0)
    out[8] = entropy


@njit(nogil=True, cache=True)
def _finest(patch: Any, means: Any, energy: Any) -> None:
    """Means of 2 x 2 pixels, and the energy of what is finer: differences of rows, of columns, and both."""
    rows = columns = both = np.int64(0)
    for j in range(means.shape[0]):
        above, below = patch[2 * j], patch[2 * j + 1]
        for i in range(means.shape[1]):
            a, b = np.int32(above[2 * i]), np.int32(above[2 * i + 1])
            c, d = np.int32(below[2 * i]), np.int32(below[2 * i + 1])
            means[j, i] = (a + b + c + d) * 0.5  # orthonormal: noise keeps its deviation
            rows += (a + b - c - d) ** 2
            columns += (a - b + c - d) ** 2
            both += (a - b - c + d) ** 2
    size = 4.0 * means.size
    energy[0, 0], energy[0, 1], energy[0, 2] = rows / size, columns / size, both / size


@njit(nogil=True, cache=True)
def _coarser(means: Any, energy: Any, peaks: Any) -> None:
    """Energies and kurtosis of the details at each coarser level; zero where the patch is too small for it."""
    for k in range(1, _LEVELS):
        height, width = means.shape[0] // 2, means.shape[1] // 2
        smaller = np.empty((height, width))
        rows = columns = both = fourth = 0.0
        for j in range(height):
            for i in range(width):
                a, b = means[2 * j, 2 * i], means[2 * j, 2 * i + 1]
                c, d = means[2 * j + 1, 2 * i], means[2 * j + 1, 2 * i + 1]
                smaller[j, i] = (a + b + c + d) * 0.5
                x, y, z = (a + b - c - d) * 0.5, (a - b + c - d) * 0.5, (a - b - c + d) * 0.5
                rows += x * x
                columns += y * y
                both += z * z
                fourth += x**4 + y**4
        size = max(1, height * width)
        energy[k, 0], energy[k, 1], energy[k, 2] = rows / size, columns / size, both / size
        peaks[k] = 2.0 * size * fourth / ((rows + columns) ** 2 + 0.1)
        means = smaller


@njit(nogil=True, cache=True)
def _local(patch: Any, cells: Any) -> None:
    """Variance of the means of 4 x 4 pixels within each square of 16 x 16."""
    for j in range(cells.shape[0]):
        for i in range(cells.shape[1]):
            total = squares = np.int64(0)
            for q in range(4):
                for p in range(4):
                    part = np.int64(0)
                    for y in range(16 * j + 4 * q, 16 * j + 4 * q + 4):
                        for x in range(16 * i + 4 * p, 16 * i + 4 * p + 4):
                            part += patch[y, x]
                    total += part
                    squares += part * part
            cells[j, i] = (squares / 16.0 - (total / 16.0) ** 2) / 256.0
