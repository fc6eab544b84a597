"""All near pairs of one table of hashes, by the search that the stages use; measured here, used by no stage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from semtrace.core.hashing import hamming

_BLOCK = 8192


def self_join(
    hashes: NDArray[np.uint64], radius: int, *, workers: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The pairs (i, j) with i < j nearer than ``radius``, int64 (p, 2), ordered; their distances, int32 (p,)."""
    pairs, found = [np.empty((0, 2), np.int64)], [np.empty(0, np.int32)]
    for start in range(0, len(hashes), _BLOCK):
        block = hashes[start : start + _BLOCK]
        offsets, indices, distances = hamming.within(block, hashes[start:], radius, workers=workers)
        query = np.repeat(np.arange(len(block)), np.diff(offsets))
        later = indices > query
        both = np.stack([query[later], indices[later]], 1) + start
        order = np.lexsort((both[:, 1], both[:, 0]))
        pairs.append(both[order])
        found.append(distances[later][order])
    return np.concatenate(pairs), np.concatenate(found)
