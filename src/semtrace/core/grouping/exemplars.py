"""Greedy exemplars: of hashes that are alike one stays, so that no two that stay are alike and none goes without cause.

Each hash in its turn joins the first exemplar within the distance, or becomes an exemplar itself. That is what a loop
finds which takes the next hash, removes all within the distance of it, and goes on with the rest.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from semtrace.core.hashing.hamming import popcount

_BLOCK = 4096  # hashes that are compared with the earlier exemplars at once
_TILE = 2048  # exemplars that stay in the fastest cache
_CHUNK = 64


def exemplars(
    hashes: NDArray[np.uint64], distance: int, *, workers: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Find exemplars among hashes of 64 bits.

    Args:
        hashes: shape (n,), in the order in which they may become exemplars.
        distance: hashes alike differ in at most this many bits, 0 to 64.
        workers: threads; the result does not depend on them.

    Returns:
        For each hash the index of its exemplar (its own, where it is one), shape (n,), and its distance to it in bits.

    Raises:
        ValueError: not one word a hash, or the distance is out of range.
    """
    if hashes.ndim != 1 or hashes.dtype != np.uint64 or not 0 <= distance <= 64:
        raise ValueError(f"need (n,) uint64 and a distance of 0 to 64, got {hashes.dtype} {hashes.shape}, {distance}")
    owner = np.full(len(hashes), -1, np.int64)
    apart = np.zeros(len(hashes), np.uint8)
    words, indices = np.empty(len(hashes), np.uint64), np.empty(len(hashes), np.int64)
    found = 0
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for start in range(0, len(hashes), _BLOCK):
            stop = min(start + _BLOCK, len(hashes))
            step = -(-(stop - start) // max(1, workers))
            parts = [slice(at, min(at + step, stop)) for at in range(start, stop, step)]
            known = words[:found], indices[:found]
            tasks = [pool.submit(_join, hashes[p], *known, distance, owner[p], apart[p]) for p in parts]
            for task in tasks:
                task.result()
            block = slice(start, stop)
            found = _elect(hashes[block], start, words, indices, found, distance, owner[block], apart[block])
    return owner, apart


@njit(nogil=True, cache=True)
def _join(hashes: Any, words: Any, indices: Any, distance: int, owner: Any, apart: Any) -> None:
    """Give each hash the first of the known exemplars within the distance."""
    for low in range(0, words.size, _TILE):
        tile = words[low : low + _TILE]
        for i in range(hashes.size):
            if owner[i] < 0:
                at = _first_within(hashes[i], tile, distance)
                if at >= 0:
                    owner[i] = indices[low + at]
                    apart[i] = popcount(hashes[i] ^ tile[at])


@njit(nogil=True, cache=True)
def _elect(hashes: Any, start: int, words: Any, indices: Any, found: int, distance: int, owner: Any, apart: Any) -> int:
    """Let what is left join an exemplar of its own block, or become one; return how many there are now."""
    first = found
    for i in range(hashes.size):
        if owner[i] >= 0:
            continue
        at = _first_within(hashes[i], words[first:found], distance)
        if at >= 0:
            owner[i] = indices[first + at]
            apart[i] = popcount(hashes[i] ^ words[first + at])
        else:
            owner[i] = start + i
            words[found], indices[found] = hashes[i], start + i
            found += 1
    return found


@njit(nogil=True, cache=True)
def _first_within(word: Any, words: Any, distance: int) -> int:
    """Place of the first word within the distance, -1 where none is; a chunk at a time, which takes no decision."""
    limit = np.uint64(distance)
    for low in range(0, words.size, _CHUNK):
        chunk = words[low : low + _CHUNK]
        near = np.uint64(0)
        for k in range(chunk.size):
            near += np.uint64(popcount(chunk[k] ^ word) <= limit)
        if near:
            for k in range(chunk.size):
                if popcount(chunk[k] ^ word) <= limit:
                    return low + k
    return -1
