"""The nearest of many frames by mean squared error, exactly, without reading the pixels of most of them.

The sums of both frames over the same blocks bound their squared error from below (Cauchy-Schwarz): for a block of n
pixels, sum (x - y)² is at least (sum x - sum y)² / n. Where that alone is too much, pixels need not be compared.
"""

from __future__ import annotations

import numpy as np
from numba import int32, njit
from numpy.typing import NDArray

from semtrace.core.image.resample import as_gray

_GRID = 16  # blocks along a side
_STEP = 16  # blocks whose part of the bound is added before it is looked at
_ROUNDING = 1e-9  # relative; the bound is a sum of 256 products of float64


def block_sums(gray: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Sums over 16 x 16 blocks, each divided by the root of its number of pixels, shape (256,), float64.

    The squared distance of two such vectors is at most the sum of squared differences of the frames.

    Raises:
        ValueError: ``gray`` is no grey image.
    """
    image = as_gray(gray)
    rows, columns = (np.linspace(0, n, min(_GRID, n) + 1).astype(np.int64) for n in image.shape)
    sums = np.add.reduceat(np.add.reduceat(image, rows[:-1], axis=0, dtype=np.int64), columns[:-1], axis=1)
    pixels = np.outer(np.diff(rows), np.diff(columns))
    whole = np.zeros((_GRID, _GRID))
    whole[: sums.shape[0], : sums.shape[1]] = sums / np.sqrt(pixels)
    # Blocks from all over the frame come first, so that different frames are told apart early.
    return np.ascontiguousarray(whole.reshape(4, 4, 4, 4).transpose(1, 3, 0, 2).ravel())


class BlockIndex:
    """Block sums of frames of one shape, numbered from 0 in the order in which they were added."""

    def __init__(self) -> None:
        self._sums = np.empty((16, _GRID * _GRID))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, sums: NDArray[np.float64]) -> int:
        """Add what ``block_sums`` gave; return its number."""
        if self._count == len(self._sums):
            self._sums = np.concatenate([self._sums, np.empty_like(self._sums)])
        self._sums[self._count] = sums
        self._count += 1
        return self._count - 1

    def query(self, sums: NDArray[np.float64], limit: float) -> list[tuple[int, float]]:
        """Frames whose sum of squared errors may be below ``limit``: (number, lower bound), the lowest bound first."""
        bounds = _bounds(self._sums[: self._count], sums, limit * (1 + _ROUNDING))
        found = np.flatnonzero(bounds >= 0)
        return [(int(i), float(bounds[i])) for i in found[np.argsort(bounds[found], kind="stable")]]


def squared_error(x: NDArray[np.uint8], y: NDArray[np.uint8], limit: float) -> int | None:
    """Sum of (x - y)² over two frames of one shape; None as soon as it has reached ``limit``.

    Raises:
        ValueError: no grey images, or different shapes.
    """
    left, right = as_gray(x), as_gray(y)
    if left.shape != right.shape:
        raise ValueError(f"the error needs images of one shape, got {left.shape} and {right.shape}")
    total = int(_squares_below(left.ravel(), right.ravel(), limit))
    return None if total < 0 else total


@njit(nogil=True, cache=True)
def _bounds(known: NDArray[np.float64], sums: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    out = np.empty(known.shape[0])
    for i in range(known.shape[0]):
        other = known[i]
        total = 0.0
        for start in range(0, sums.size, _STEP):
            for j in range(start, start + _STEP):
                difference = sums[j] - other[j]
                total += difference * difference
            if total > limit:
                break
        out[i] = -1.0 if total > limit else total
    return out


@njit(nogil=True, cache=True)
def _squares_below(x: NDArray[np.uint8], y: NDArray[np.uint8], limit: float) -> int:
    total = 0
    for start in range(0, x.size, 16384):  # as many squares as int32 holds for sure
        left, right = x[start : start + 16384], y[start : start + 16384]
        part = int32(0)
        for j in range(left.size):
            difference = int32(int32(left[j]) - int32(right[j]))
            part = int32(part + int32(difference * difference))
        total += int(part)
        if total >= limit:
            return -1
    return total
