"""What JPEG coding makes of a grey picture, without writing a JPEG: transform, quantise, restore, compare.

Bit for bit the slow-but-accurate integer transforms of the Independent JPEG Group's library, which libjpeg-turbo
keeps in all its variants: C. Loeffler, A. Ligtenberg, G. Moschytz, "Practical fast 1-D DCT algorithms with 11
multiplications", ICASSP 1989, with constants of 13 bits (jfdctint.c, jidctint.c). The entropy code between the two is
left out, for it loses nothing. All numbers are integers below 2^53, so float64 holds them exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

_LANES = 128  # columns that are worked on at once: 16 blocks
_SAME, _OTHER, _BEYOND = 0, 1, 2
_F = NDArray[np.float64]


def is_coded(gray: NDArray[np.uint8], steps: Sequence[int], published: NDArray[np.uint8]) -> bool | None:
    """Whether encoding ``gray`` as a JPEG and decoding that gives exactly ``published``.

    Args:
        gray: uint8 (H, W).
        steps: quantisation table of the brightness, 64 steps in the order of the rows of a block.
        published: uint8 (H, W).

    Returns:
        None where it cannot be said: nothing to encode, a step that baseline JPEG cannot have, or a block that is
        restored so far outside 0 to 255 that decoders may disagree.
    """
    if gray.shape != published.shape:
        return False
    if not gray.size or len(steps) != 64 or not 1 <= min(steps) <= max(steps) <= 255:
        return None
    table = np.array(steps, np.float64).reshape(8, 8)
    pictures = np.ascontiguousarray(gray), np.ascontiguousarray(published)
    state = _compare(*pictures, np.ascontiguousarray(np.tile(table, _LANES // 8)))
    return None if state == _BEYOND else state == _SAME


@njit(nogil=True, cache=True)
def _compare(gray: NDArray[np.uint8], published: NDArray[np.uint8], steps: _F) -> int:
    height, width = gray.shape
    rows, columns, inverse = np.empty((8, _LANES)), np.empty((8, _LANES)), 1 / (8.0 * steps)
    for top in range(0, height, 8):
        for left in range(0, width, _LANES):
            there = min(_LANES, width - left)
            for r in range(8):
                line = gray[min(top + r, height - 1), left : left + there]  # the last row and column are repeated
                row = rows[r]
                for i in range(there):
                    row[i] = np.float64(line[i]) - 128.0
                for i in range(there, _LANES):
                    row[i] = row[there - 1]
            _turn(rows, columns)
            _forward(columns, 4.0, 1 / 2048)
            _turn(columns, rows)
            _forward(rows, 0.25, 1 / 32768)
            _quantise(rows, steps, inverse)
            _backward(rows, 1 / 2048)
            _turn(rows, columns)
            _backward(columns, 1 / 262144)
            _turn(columns, rows)
            if _beyond(rows):
                return _BEYOND
            for r in range(min(8, height - top)):
                line = published[top + r, left : left + there]
                row = rows[r]
                different = 0
                for i in range(there):
                    different |= min(max(row[i] + 128.0, 0.0), 255.0) != np.float64(line[i])
                if different:
                    return _OTHER
    return _SAME


@njit(nogil=True, cache=True)
def _turn(source: _F, target: _F) -> None:
    """Transpose every block."""
    for start in range(0, _LANES, 8):
        for r in range(8):
            for k in range(8):
                target[k, start + r] = source[r, start + k]


@njit(nogil=True, cache=True)
def _forward(d: _F, even: float, rest: float) -> None:
    """One pass of the forward transform, from row to row of ``d``, results times ``even`` or ``rest`` and rounded."""
    for i in range(_LANES):
        t0, t7 = d[0, i] + d[7, i], d[0, i] - d[7, i]
        t1, t6 = d[1, i] + d[6, i], d[1, i] - d[6, i]
        t2, t5 = d[2, i] + d[5, i], d[2, i] - d[5, i]
        t3, t4 = d[3, i] + d[4, i], d[3, i] - d[4, i]
        t10, t13, t11, t12 = t0 + t3, t0 - t3, t1 + t2, t1 - t2
        d[0, i] = np.floor((t10 + t11) * even + 0.5)
        d[4, i] = np.floor((t10 - t11) * even + 0.5)
        z1 = (t12 + t13) * 4433.0
        d[2, i] = np.floor((z1 + t13 * 6270.0) * rest + 0.5)
        d[6, i] = np.floor((z1 - t12 * 15137.0) * rest + 0.5)
        z1, z2, z3, z4 = t4 + t7, t5 + t6, t4 + t6, t5 + t7
        z5 = (z3 + z4) * 9633.0
        z1, z2, z3, z4 = -7373.0 * z1, -20995.0 * z2, z5 - 16069.0 * z3, z5 - 3196.0 * z4
        d[7, i] = np.floor((2446.0 * t4 + z1 + z3) * rest + 0.5)
        d[5, i] = np.floor((16819.0 * t5 + z2 + z4) * rest + 0.5)
        d[3, i] = np.floor((25172.0 * t6 + z2 + z3) * rest + 0.5)
        d[1, i] = np.floor((12299.0 * t7 + z1 + z4) * rest + 0.5)


@njit(nogil=True, cache=True)
def _quantise(d: _F, steps: _F, inverse: _F) -> None:
    """To the nearest multiple of the step, halves away from zero; the transform's results are eight times too large."""
    for r in range(8):
        line, step, share = d[r], steps[r], inverse[r]
        for i in range(_LANES):
            # Half a unit more keeps the product on the right side of the quotient of the integers.
            size = np.floor((np.abs(line[i]) + 4.0 * step[i] + 0.5) * share[i]) * step[i]
            line[i] = np.copysign(size, line[i])


@njit(nogil=True, cache=True)
def _backward(d: _F, scale: float) -> None:
    """One pass of the inverse transform, as ``_forward``."""
    for i in range(_LANES):
        z1 = (d[2, i] + d[6, i]) * 4433.0
        t2, t3 = z1 - d[6, i] * 15137.0, z1 + d[2, i] * 6270.0
        t0, t1 = (d[0, i] + d[4, i]) * 8192.0, (d[0, i] - d[4, i]) * 8192.0
        t10, t13, t11, t12 = t0 + t3, t0 - t3, t1 + t2, t1 - t2
        t0, t1, t2, t3 = d[7, i], d[5, i], d[3, i], d[1, i]
        z1, z2, z3, z4 = t0 + t3, t1 + t2, t0 + t2, t1 + t3
        z5 = (z3 + z4) * 9633.0
        z1, z2, z3, z4 = -7373.0 * z1, -20995.0 * z2, z5 - 16069.0 * z3, z5 - 3196.0 * z4
        t0, t1, t2, t3 = 2446.0 * t0 + z1 + z3, 16819.0 * t1 + z2 + z4, 25172.0 * t2 + z2 + z3, 12299.0 * t3 + z1 + z4
        d[0, i], d[7, i] = np.floor((t10 + t3) * scale + 0.5), np.floor((t10 - t3) * scale + 0.5)
        d[1, i], d[6, i] = np.floor((t11 + t2) * scale + 0.5), np.floor((t11 - t2) * scale + 0.5)
        d[2, i], d[5, i] = np.floor((t12 + t1) * scale + 0.5), np.floor((t12 - t1) * scale + 0.5)
        d[3, i], d[4, i] = np.floor((t13 + t0) * scale + 0.5), np.floor((t13 - t0) * scale + 0.5)


@njit(nogil=True, cache=True)
def _beyond(d: _F) -> int:
    """Whether a pixel lies so far outside that the library's table for clamping does not cover it."""
    beyond = 0
    for r in range(8):
        line = d[r]
        for i in range(_LANES):
            beyond |= np.abs(line[i]) > 511.0
    return beyond
