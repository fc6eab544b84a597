"""Exact Hamming search among packed hashes, by brute force: the k nearest, or all within a radius.

Distances of 256 references at a time come from one SIMD loop for eight words (XOR, population count, add). After
each eight words the whole group is dropped when none of it can still win; this never changes a result. Ties go to
the smallest index.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

_BLOCK = 256  # queries a task works on: they share each tile
_TILE = 256  # references copied word by word, whose distances are computed, and dropped, together
_STEP = 8  # words taken in one turn: few enough for the compiler to prove that the rows do not overlap

_Result = TypeVar("_Result")


def nearest(
    queries: NDArray[np.uint64], references: NDArray[np.uint64], k: int, *, below: int | None = None, workers: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The k nearest references of every query.

    Memory beyond the result is workers x 2048 w bytes. Meant for small k: each reference that enters a
    query's list costs up to k moves.

    Args:
        queries: m packed hashes of w words, shape (m, w), uint64.
        references: n packed hashes, shape (n, w), uint64.
        k: neighbours wanted, at least 1; n are given when there are fewer.
        below: only references nearer than this many bits are wanted, which is quicker; None: all.
        workers: threads; the result does not depend on them.

    Returns:
        Indices into ``references``, int64, and distances in bits, int32, both of shape (m, min(k, n)),
        ordered by distance, then index. Where there are fewer than k ``below``, the rest is -1 and ``below``.

    Raises:
        ValueError: not (m, w) and (n, w) words of uint64, or ``k`` or ``workers`` below 1.
    """
    left, right = check_search(queries, references, k)
    shape = (len(left), min(k, len(right)))
    indices = np.full(shape, -1, np.int64)
    farthest = 64 * left.shape[1] + 1
    distances = np.full(shape, farthest if below is None else max(0, min(below, farthest)), np.int32)

    def search(block: slice) -> None:
        _nearest(left[block], right, indices[block], distances[block])

    _in_blocks(search, len(left), workers)
    return indices, distances


def within(
    queries: NDArray[np.uint64], references: NDArray[np.uint64], radius: int, *, workers: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """All pairs nearer than ``radius``, as compressed sparse rows.

    Memory is about 100 bytes for each pair found and workers x 2048 w bytes.

    Args:
        queries: m packed hashes of w words, shape (m, w), uint64.
        references: n packed hashes, shape (n, w), uint64.
        radius: a pair is reported when its distance in bits is **below** this.
        workers: threads; the result does not depend on them.

    Returns:
        Offsets, int64, shape (m + 1,), and of all p pairs the reference index, int64, and the distance,
        int32: those of query i are at ``offsets[i]:offsets[i + 1]``, ordered by distance, then index.

    Raises:
        ValueError: not (m, w) and (n, w) words of uint64, or ``workers`` below 1.
    """
    left, right = check_search(queries, references)

    def search(block: slice) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        hits = _within(left[block], right, radius)
        query, index, distance = hits[np.lexsort((hits[:, 1], hits[:, 2], hits[:, 0]))].T
        return np.bincount(query, minlength=len(left[block])), index, distance

    parts = _in_blocks(search, len(left), workers)
    empty = np.empty(0, np.int64)
    counts, indices, distances = (np.concatenate([empty, *(part[i] for part in parts)]) for i in range(3))
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), indices, distances.astype(np.int32)


def check_search(
    queries: NDArray[np.uint64], references: NDArray[np.uint64], k: int = 1
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Check the arguments of a search; give the hashes contiguous and read-only, copied only if needed.

    Raises:
        ValueError: not (m, w) and (n, w) words of uint64, or ``k`` below 1.
    """
    left, right = _words(queries, "queries"), _words(references, "references")
    if left.shape[1] != right.shape[1]:
        raise ValueError(
            f"queries have {left.shape[1]} words and references {right.shape[1]}: hashes of one size needed"
        )
    if k < 1:
        raise ValueError(f"k is {k}: at least one neighbour must be asked for")
    return left, right


def _words(hashes: NDArray[np.uint64], name: str) -> NDArray[np.uint64]:
    if hashes.dtype != np.uint64 or hashes.ndim != 2 or hashes.shape[1] == 0:
        raise ValueError(f"{name} must be packed hashes, uint64 (n, words): got {hashes.dtype} {hashes.shape}")
    view = np.ascontiguousarray(hashes).view()
    view.flags.writeable = False  # one mutability, one compiled kernel
    return view


def _in_blocks(search: Callable[[slice], _Result], count: int, workers: int) -> list[_Result]:
    if workers < 1:
        raise ValueError(f"workers is {workers}: at least 1 is needed")
    blocks = [slice(start, start + _BLOCK) for start in range(0, count, _BLOCK)]
    if workers == 1 or len(blocks) < 2:
        return [search(block) for block in blocks]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(search, blocks))


def _ctpop(_context: Any, _word: Any) -> Any:
    """Numba type and code of LLVM's population count, one instruction where the processor has it."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


popcount: Any = intrinsic(_ctpop)


@njit(nogil=True, cache=True)
def _copy_by_word(references: NDArray[np.uint64], start: int, tile: NDArray[np.uint64]) -> int:
    """Fill tile (w, _TILE) with references from ``start``, one row per word; give their number."""
    count: int = min(tile.shape[1], references.shape[0] - start)
    for j in range(count):
        for word in range(tile.shape[0]):
            tile[word, j] = references[start + j, word]
    return count


@njit(nogil=True, cache=True)
def _eight_words(query: NDArray[np.uint64], tile: NDArray[np.uint64], distances: NDArray[np.uint64]) -> np.uint64:
    """Add the distances in the eight words of ``query`` (8,) and ``tile`` (8, _TILE); give the lowest sum."""
    p, q, r, s, t, u, v, w = query[0], query[1], query[2], query[3], query[4], query[5], query[6], query[7]
    a, b, c, d, e, f, g, h = tile[0], tile[1], tile[2], tile[3], tile[4], tile[5], tile[6], tile[7]
    lowest = np.uint64(2**63)
    for j in range(_TILE):
        left = (popcount(p ^ a[j]) + popcount(q ^ b[j])) + (popcount(r ^ c[j]) + popcount(s ^ d[j]))
        right = (popcount(t ^ e[j]) + popcount(u ^ f[j])) + (popcount(v ^ g[j]) + popcount(w ^ h[j]))
        total = distances[j] + (left + right)
        distances[j] = total
        lowest = min(lowest, total)
    return lowest


@njit(nogil=True, cache=True)
def _one_word(query: np.uint64, line: NDArray[np.uint64], distances: NDArray[np.uint64]) -> np.uint64:
    """The same for one word."""
    lowest = np.uint64(2**63)
    for j in range(_TILE):
        total = distances[j] + popcount(query ^ line[j])
        distances[j] = total
        lowest = min(lowest, total)
    return lowest


@njit(nogil=True, cache=True)
def _can_beat(limit: int, query: NDArray[np.uint64], tile: NDArray[np.uint64], distances: NDArray[np.uint64]) -> bool:
    """Distances to the whole tile; False, perhaps unfinished, if none of them is below ``limit``."""
    distances[:] = 0
    word = 0
    while word < query.size:
        if word + _STEP <= query.size:
            lowest = _eight_words(query[word : word + _STEP], tile[word : word + _STEP], distances)
            word += _STEP
        else:
            lowest = _one_word(query[word], tile[word], distances)
            word += 1
        if np.int64(lowest) >= limit:
            return False
    return True


@njit(nogil=True, cache=True)
def _nearest(
    queries: NDArray[np.uint64],
    references: NDArray[np.uint64],
    indices: NDArray[np.int64],
    distances: NDArray[np.int32],
) -> None:
    k = indices.shape[1]
    tile = np.zeros((queries.shape[1], _TILE), np.uint64)
    near = np.empty(_TILE, np.uint64)
    for start in range(0, references.shape[0], _TILE):
        count = _copy_by_word(references, start, tile)
        for q in range(queries.shape[0]):
            index, distance = indices[q], distances[q]
            if not _can_beat(distance[k - 1], queries[q], tile, near):
                continue
            for j in range(count):
                found = np.int64(near[j])
                if found >= distance[k - 1]:  # strict, in ascending order: the smallest index wins a tie
                    continue
                place = k - 1
                while place > 0 and distance[place - 1] > found:
                    distance[place] = distance[place - 1]
                    index[place] = index[place - 1]
                    place -= 1
                distance[place] = found
                index[place] = start + j


@njit(nogil=True, cache=True)
def _within(queries: NDArray[np.uint64], references: NDArray[np.uint64], radius: int) -> NDArray[np.int64]:
    """Hits in no useful order, rows of (query, reference, distance)."""
    tile = np.zeros((queries.shape[1], _TILE), np.uint64)
    near = np.empty(_TILE, np.uint64)
    hits = np.empty((1024, 3), np.int64)
    used = 0
    for start in range(0, references.shape[0], _TILE):
        count = _copy_by_word(references, start, tile)
        for q in range(queries.shape[0]):
            if not _can_beat(radius, queries[q], tile, near):
                continue
            for j in range(count):
                if np.int64(near[j]) < radius:
                    if used == hits.shape[0]:
                        hits = np.concatenate((hits, np.empty_like(hits)))
                    hits[used, 0], hits[used, 1], hits[used, 2] = q, start + j, np.int64(near[j])
                    used += 1
    return hits[:used].copy()
