"""One range of grey levels for all deep frames of a folder, so that frames stay comparable.

A range chosen for each frame by itself would stretch the noise of an empty 12-bit frame over all 256 grey levels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

TOPS = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
"""The brightest levels of the depths that cameras have."""


def top_for(highest: int) -> int:
    """The smallest of ``TOPS`` that holds the grey level ``highest``.

    Raises:
        ValueError: more than 16 bits.
    """
    for top in TOPS:
        if highest <= top:
            return top
    raise ValueError(f"{highest}: more than 16 bits")


def to_gray8(pixels: NDArray[np.uint8] | NDArray[np.uint16], top: int) -> NDArray[np.uint8]:
    """Map 0..``top`` to 0..255, rounding half up; 8-bit frames are returned as they are.

    Args:
        pixels: frame, shape (H, W), uint8 or uint16, no level above ``top``.
        top: one of ``TOPS``.

    Raises:
        ValueError: a level above ``top``, or an unknown ``top``.
    """
    if top not in TOPS:
        raise ValueError(f"top is {top}; it must be one of {TOPS}")
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    if pixels.size and int(pixels.max()) > top:
        raise ValueError(f"the frame has the level {int(pixels.max())}, above {top}")
    return _table(top)[pixels]


@lru_cache(maxsize=len(TOPS))
def _table(top: int) -> NDArray[np.uint8]:
    levels = np.arange(top + 1, dtype=np.int64)
    table = ((2 * 255 * levels + top) // (2 * top)).astype(np.uint8)
    table.flags.writeable = False
    return table
