"""Groups of pictures that are one picture, or nearly: pairs of near hashes, links, what hangs together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numba import njit
from numpy.typing import NDArray

from semtrace.core.hashing import hamming

Evidence = Literal[
    "verdict", "identical_bytes", "identical_pixels", "same_picture", "traced", "correlation", "hamming"
]  # fmt: skip
_STRENGTH = {evidence: rank for rank, evidence in enumerate(get_args(Evidence))}


@dataclass(frozen=True)
class Link:
    """Two pictures that belong together, by index, and why.

    Attributes:
        first: one of them.
        second: the other.
        evidence: what says so, strongest first: a person, equal bytes, equal pixels, equal pixels above the data
            bar, a published image and its original, correlation, near hashes alone.
        hamming: bits between their hashes.
        correlation: high-pass correlation, where it was computed.
        drift: displacement of one against the other, in parts of the width, where it was computed.

    """

    first: int
    second: int
    evidence: Evidence
    hamming: int
    correlation: float | None = None
    drift: float | None = None

    @property
    def order(self) -> tuple[int, float, int, int, int]:
        """Sorts links, strongest first."""
        return _STRENGTH[self.evidence], -(self.correlation or 0.0), self.hamming, self.first, self.second


@dataclass(frozen=True)
class NearPairs:
    """Pairs of pictures with near hashes.

    Attributes:
        pairs: int64 (p, 2), the smaller index first, sorted.
        distances: int64 (p,), bits between the nearest hashes of the two.
        cut: how many pictures had more near ones than were asked for.

    """

    pairs: NDArray[np.int64]
    distances: NDArray[np.int64]
    cut: int


def near_hash_pairs(
    words: NDArray[np.uint64], owners: NDArray[np.int64], radius: float, most: int, *, workers: int = 1
) -> NearPairs:
    """All pairs of pictures nearer than ``radius``, and of each picture at most its ``most`` nearest.

    Exact, all against all; a pair stays if it is among the nearest of either. Ties go to the smaller index. Memory
    is bounded by some 100 bytes x hashes x ``most``, however alike the hashes are.

    Args:
        words: packed hashes, shape (n, w), uint64. Degenerate ones must be left out: they are near to anything flat.
        owners: the picture of each hash, shape (n,), ascending; one or two hashes for each.
        radius: bits; a pair is reported when its distance is **below** this.
        most: neighbours kept for a picture, at least 1.
        workers: threads; the result does not depend on them.

    """
    # Of a picture's list at least ``most`` + 1 entries belong to others: each has two hashes at the most.
    limit = int(np.ceil(radius))
    indices, distances = hamming.nearest(words, words, 2 * (most + 2), below=limit, workers=workers)
    left, right = np.broadcast_to(owners[:, None], indices.shape), owners[indices]
    near = (indices >= 0) & (distances < radius) & (left != right)
    left, right, bits = left[near], right[near], distances[near].astype(np.int64)
    order = np.lexsort((bits, right, left))  # the nearest hashes of two pictures count
    left, right, bits = left[order], right[order], bits[order]
    kept = _first_of_runs(left, right)
    left, right, bits = left[kept], right[kept], bits[kept]
    order = np.lexsort((right, bits, left))
    left, right, bits = left[order], right[order], bits[order]
    starts = np.flatnonzero(_first_of_runs(left))
    rank = np.arange(left.size) - np.repeat(starts, np.diff([*starts, left.size]))
    kept = rank < most
    pairs = np.sort(np.stack([left[kept], right[kept]], axis=1), axis=1)
    pairs, once = np.unique(pairs, axis=0, return_index=True)
    return NearPairs(pairs, bits[kept][once], int((rank == most).sum()))


def _first_of_runs(*columns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where a row of sorted columns differs from the row before."""
    first = np.ones(columns[0].size, np.bool_)
    if first.size:
        first[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return first


def group(count: int, links: Sequence[Link]) -> list[list[int]]:
    """Members of each group: what hangs together by links (single linkage), ascending, by the smallest member."""
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for link in links:
        low, high = sorted((root(link.first), root(link.second)))
        parent[high] = low
    groups: dict[int, list[int]] = {}
    for i in range(count):
        groups.setdefault(root(i), []).append(i)
    return list(groups.values())


def toward(keeper: int, links: Sequence[Link]) -> dict[int, tuple[int, Link]]:
    """How each other member of a group hangs on its keeper: the next member on the way, and the link to it.

    The way has as few links as it can; of several next members the one with the strongest link is taken.
    """
    around: dict[int, list[tuple[int, Link]]] = {}
    for link in links:
        around.setdefault(link.first, []).append((link.second, link))
        around.setdefault(link.second, []).append((link.first, link))
    found: dict[int, tuple[int, Link]] = {}
    reached, edge = {keeper}, [keeper]
    while edge:
        further: dict[int, tuple[int, Link]] = {}
        for here in edge:
            for there, link in around.get(here, ()):
                if there not in reached and (there not in further or link.order < further[there][1].order):
                    further[there] = here, link
        found |= further
        reached |= further.keys()
        edge = sorted(further)
    return found


def link_distances(
    words: NDArray[np.uint64], owners: NDArray[np.int64], pairs: Sequence[tuple[int, int]]
) -> NDArray[np.int64]:
    """Bits between the nearest hashes of the two pictures of each pair, shape (p,).

    Args:
        words: packed hashes, shape (n, w), uint64.
        owners: the picture of each hash, shape (n,), ascending; of every picture from 0 on there is at least one.
        pairs: pictures.

    Raises:
        IndexError: there is no such picture.

    """
    found, firsts = np.empty(len(pairs), np.int64), _firsts(owners)
    _distances(words, firsts, _existing(np.array(pairs, np.int64).reshape(-1, 2), firsts), found)
    return found


def diameters(
    words: NDArray[np.uint64], owners: NDArray[np.int64], groups: Sequence[Sequence[int]]
) -> NDArray[np.int64]:
    """Bits between the two pictures of each group that are farthest apart, shape (g,); as ``distances`` otherwise."""
    found, firsts = np.zeros(len(groups), np.int64), _firsts(owners)
    ends = np.cumsum([0, *(len(members) for members in groups)])
    members = np.array([i for its in groups for i in its], np.int64)
    _diameters(words, firsts, _existing(members, firsts), ends, found)
    return found


def _existing(pictures: NDArray[np.int64], firsts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Refuse what the kernels, which do not look, would read beyond the hashes."""
    if pictures.size and not 0 <= pictures.min() <= pictures.max() < firsts.size - 1:
        raise IndexError(f"pictures {pictures.min()} to {pictures.max()}, of {firsts.size - 1}")
    return pictures


def _firsts(owners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the hashes of each picture begin, and where the last end."""
    return np.append(np.flatnonzero(_first_of_runs(owners)), owners.size).astype(np.int64)


@njit(nogil=True, cache=True)
def _apart(words: NDArray[np.uint64], firsts: NDArray[np.int64], i: int, j: int) -> np.int64:
    lowest = np.int64(64 * words.shape[1])
    for a in range(firsts[i], firsts[i + 1]):
        for b in range(firsts[j], firsts[j + 1]):
            bits = np.int64(0)
            for word in range(words.shape[1]):
                bits += np.int64(hamming.popcount(words[a, word] ^ words[b, word]))
            lowest = min(lowest, bits)
    return lowest


@njit(nogil=True, cache=True)
def _distances(
    words: NDArray[np.uint64], firsts: NDArray[np.int64], pairs: NDArray[np.int64], found: NDArray[np.int64]
) -> None:
    for k in range(pairs.shape[0]):
        found[k] = _apart(words, firsts, pairs[k, 0], pairs[k, 1])


@njit(nogil=True, cache=True)
def _diameters(
    words: NDArray[np.uint64],
    firsts: NDArray[np.int64],
    members: NDArray[np.int64],
    ends: NDArray[np.int64],
    found: NDArray[np.int64],
) -> None:
    for k in range(found.size):
        for x in range(ends[k], ends[k + 1]):
            for y in range(x + 1, ends[k + 1]):
                found[k] = max(found[k], _apart(words, firsts, members[x], members[y]))
