"""Pairs of hashes of two groups that are alike, or of which one is like the complement of the other.

A dHash whose bits are all turned is that of the same picture with its contrast inverted.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from semtrace.core.hashing.hamming import popcount

_BLOCK = 1024  # hashes that a task looks for
_TILE = 2048  # hashes that stay in the fastest cache
_CHUNK = 64


class SharedHashes(NamedTuple):
    """Pairs, sorted by ``ones``, then ``others``; each array has the shape (pairs,).

    Attributes:
        ones: index of a hash, int64.
        others: index of its partner, int64; it is larger, and of a later group.
        distance: bits in which the two differ, or in which one differs from the complement of the other; int64.
        inverted: whether the complement is the nearer one.
    """

    ones: NDArray[np.int64]
    others: NDArray[np.int64]
    distance: NDArray[np.int64]
    inverted: NDArray[np.bool_]


def shared_hashes(
    hashes: NDArray[np.uint64], groups: NDArray[np.int64], distance: int, *, workers: int = 1
) -> SharedHashes:
    """All pairs of hashes of 64 bits that lie in two groups and are alike, or would be with one inverted.

    Args:
        hashes: shape (n,).
        groups: number of the group of each, shape (n,), ascending.
        distance: hashes alike differ in at most this many bits, 0 to 64.
        workers: threads; the result does not depend on them.

    Raises:
        ValueError: not one word and one group a hash, groups out of order, or the distance is out of range.
    """
    if hashes.ndim != 1 or hashes.dtype != np.uint64 or groups.shape != hashes.shape or not 0 <= distance <= 64:
        raise ValueError(
            f"need (n,) uint64, (n,) groups, 0 to 64 bits: got {hashes.dtype} {hashes.shape} {groups.shape} {distance}"
        )
    if np.any(np.diff(groups) < 0):
        raise ValueError("groups must ascend")
    words = np.ascontiguousarray(hashes)
    later = np.searchsorted(groups, groups, side="right").astype(np.int64)  # where the next group begins

    def search(start: int) -> Any:
        return _pairs(words, later, start, min(start + _BLOCK, len(words)), distance)

    starts = range(0, len(words), _BLOCK)
    if workers == 1:
        parts = [search(start) for start in starts]
    else:
        with ThreadPoolExecutor(workers) as pool:
            parts = list(pool.map(search, starts))
    found = np.concatenate([np.empty((0, 3), np.int64), *parts])
    one, other, bits = found[np.lexsort((found[:, 1], found[:, 0]))].T
    return SharedHashes(one, other, np.minimum(bits, 64 - bits), bits > 32)


@njit(nogil=True, cache=True)
def _pairs(words: Any, later: Any, first: int, last: int, distance: int) -> Any:
    """Rows of (one, other, bits that differ), in no useful order, for the hashes from ``first`` to ``last``."""
    limit = np.uint64(distance)
    hits = np.empty((256, 3), np.int64)
    used = 0
    for low in range(later[first], words.size, _TILE):
        high = min(low + _TILE, words.size)
        for i in range(first, last):
            word = words[i]
            for start in range(max(low, later[i]), high, _CHUNK):
                chunk = words[start : min(start + _CHUNK, high)]
                near = np.uint64(0)
                for k in range(chunk.size):
                    bits = popcount(chunk[k] ^ word)
                    near += np.uint64(min(bits, np.uint64(64) - bits) <= limit)
                if near:
                    for k in range(chunk.size):
                        bits = popcount(chunk[k] ^ word)
                        if min(bits, np.uint64(64) - bits) <= limit:
                            if used == hits.shape[0]:
                                hits = np.concatenate((hits, np.empty_like(hits)))
                            hits[used, 0], hits[used, 1], hits[used, 2] = i, start + k, np.int64(bits)
                            used += 1
    return hits[:used].copy()
