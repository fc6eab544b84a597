"""How much structure a patch has above its noise, and how much of it is empty: the gate before deduplication."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_BLOCK = 8
_LEAST_SIGMA = 0.35  # grey levels: rounding to whole levels alone makes 0.29


@dataclass(frozen=True)
class Gate:
    """What stands in for a patch that is empty (conf/curation/crop).

    Attributes:
        min_structure: patches below it have no structure.
        max_mode_fraction: share of pixels in one level from which on a patch counts as padded.
        max_saturated: share of black (0) and white (255) pixels from which on it counts as saturated.
    """

    min_structure: float = 3.0
    max_mode_fraction: float = 0.5
    max_saturated: float = 0.5

    def reasons(self, measures: Measures) -> NDArray[Any]:
        """Why each of n patches is empty, shape (n,), text: the first of these that holds; empty where none does.

        ``constant``: one level alone; ``padded``: too many pixels in one level; ``saturated``: too many black and
        white ones; ``no_structure``: too little structure above the noise.
        """
        found = [
            measures.mode_fraction == 1.0,
            measures.mode_fraction >= self.max_mode_fraction,
            measures.saturated >= self.max_saturated,
            measures.structure < self.min_structure,
        ]
        return np.select(found, ["constant", "padded", "saturated", "no_structure"], "").astype(object)


@dataclass(frozen=True, eq=False)
class Measures:
    """Of n patches, each float64 of shape (n,).

    Attributes:
        structure: root mean square of the means of 8 x 8 pixels, after a quadratic background, over what noise alone
            would give: 1 is pure noise.
        noise: standard deviation of the noise in grey levels, at least 0.35.
        mode_fraction: share of the pixels in the most frequent level.
        saturated: share of the pixels that are 0 or 255.
    """

    structure: NDArray[np.float64]
    noise: NDArray[np.float64]
    mode_fraction: NDArray[np.float64]
    saturated: NDArray[np.float64]


def measure(patches: NDArray[np.uint8]) -> Measures:
    """Measure n patches of one shape, (n, H, W), uint8, contiguous.

    Sums are whole numbers and floats are added in a fixed order: the same on every machine.
    """
    count, height, width = patches.shape
    out = np.empty((4, count))
    _measure(patches, _background(height // _BLOCK), _background(width // _BLOCK), out)
    return Measures(out[0], out[1], out[2], out[3])


def _background(blocks: int) -> NDArray[np.float64]:
    """Orthonormal polynomials of degree 0, 1, 2 on ``blocks`` points, shape (up to 3, blocks)."""
    points = np.arange(blocks) - (blocks - 1) / 2
    rows: list[NDArray[Any]] = []
    for degree in range(min(3, blocks)):
        row = points**degree
        for other in rows:
            row = row - _dot(row, other) * other
        rows.append(row / np.sqrt(_dot(row, row)))
    return np.array(rows).reshape(len(rows), blocks)


def _dot(left: NDArray[Any], right: NDArray[Any]) -> float:
    return float(np.cumsum(left * right)[-1])  # one after the other, as no BLAS promises


@njit(nogil=True, cache=True)
def _measure(patches: Any, down: Any, along: Any, out: Any) -> None:
    count, height, width = patches.shape
    levels = np.empty(256, np.int64)
    means = np.empty((height // 8, width // 8))
    for i in range(count):
        patch = patches[i]
        _histogram(patch, levels)
        out[2, i] = levels.max() / patch.size
        out[3, i] = (levels[0] + levels[255]) / patch.size
        sigma = max(np.sqrt(_squared_differences(patch)), _LEAST_SIGMA)
        out[1, i] = sigma
        _block_means(patch, means)
        out[0, i] = np.sqrt(_residual(means, down, along)) * 8.0 / sigma


@njit(nogil=True, cache=True)
def _histogram(patch: Any, levels: Any) -> None:
    four = np.zeros((4, 256), np.int32)  # neighbours are often equal: four counters do not wait for each other
    a, b, c, d = four[0], four[1], four[2], four[3]
    for y in range(patch.shape[0]):
        row = patch[y]
        whole = row.size - row.size % 4
        for x in range(0, whole, 4):
            a[row[x]] += 1
            b[row[x + 1]] += 1
            c[row[x + 2]] += 1
            d[row[x + 3]] += 1
        for x in range(whole, row.size):
            a[row[x]] += 1
    for level in range(256):
        levels[level] = np.int64(a[level]) + b[level] + c[level] + d[level]


@njit(nogil=True, cache=True)
def _squared_differences(patch: Any) -> Any:
    """Variance of the noise, from the differences of 2 x 2 pixels, which no plane of grey has."""
    height, width = patch.shape
    if height < 2 or width < 2:
        return 0.0
    total = np.int64(0)
    for y in range(height - 1):
        above, below = patch[y], patch[y + 1]
        line = np.int32(0)  # of 1,024 columns at worst 266,342,400
        for x in range(width - 1):
            d = np.int32(np.int32(above[x]) - np.int32(above[x + 1]) - np.int32(below[x]) + np.int32(below[x + 1]))
            line = np.int32(line + np.int32(d * d))
            if (x & 1023) == 1023:
                total += line
                line = np.int32(0)
        total += line
    return total / (4.0 * (height - 1) * (width - 1))


@njit(nogil=True, cache=True)
def _block_means(patch: Any, means: Any) -> None:
    for j in range(means.shape[0]):
        for i in range(means.shape[1]):
            total = 0
            for y in range(8 * j, 8 * j + 8):
                row = patch[y]
                for x in range(8 * i, 8 * i + 8):
                    total += row[x]
            means[j, i] = total / 64.0


@njit(nogil=True, cache=True)
def _residual(means: Any, down: Any, along: Any) -> Any:
    """Mean square of the means without their part in polynomials of total degree 2; 0 where there is no mean."""
    if means.size == 0:
        return 0.0
    for p in range(down.shape[0]):
        for q in range(min(along.shape[0], 3 - p)):
            part = 0.0
            for j in range(means.shape[0]):
                for i in range(means.shape[1]):
                    part += means[j, i] * down[p, j] * along[q, i]
            for j in range(means.shape[0]):
                for i in range(means.shape[1]):
                    means[j, i] -= part * down[p, j] * along[q, i]
    total = 0.0
    for j in range(means.shape[0]):
        for i in range(means.shape[1]):
            total += means[j, i] * means[j, i]
    return total / means.size
