"""yz sections of a block, many at once, without a strided copy by numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


def yz_sections(block: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn a block (Z, Y, X) into its yz sections, (X, Z, Y), contiguous."""
    depth, height, width = block.shape
    out = np.empty((width, depth, height), np.uint8)
    _turn(block, out)
    return out


@njit(nogil=True, cache=True)
def _turn(block: Any, out: Any) -> None:
    depth, height, width = block.shape
    for z in range(depth):
        plane = block[z]
        for low in range(0, height, 32):  # rows whose pieces stay in the fastest cache
            high = min(low + 32, height)
            for x in range(width):
                line = out[x, z]
                for y in range(low, high):
                    line[y] = plane[y, x]
