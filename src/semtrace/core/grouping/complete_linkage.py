"""Complete linkage by a nearest-neighbour chain that never holds the matrix of distances.

A cluster of two or more points keeps one vector: the largest distance from its points to every point. Merging two
clusters is one element-wise maximum, and the distance between two clusters is a maximum over one of the vectors.
"""

from __future__ import annotations

import numba
import numpy as np
from numba.typed import List
from numpy.typing import NDArray

from semtrace.core.grouping.neighbours import Points


def complete(points: Points) -> NDArray[np.float64]:
    """Merges of complete linkage on Euclidean distances, in the form and order of ``scipy.cluster.hierarchy.linkage``.

    Args:
        points: shape (N, D), float64, N at least 2.

    Returns:
        Shape (N - 1, 4): left, right, height, size; heights ascend.

    """
    pairs, heights = _chain(np.ascontiguousarray(points.T))
    order = np.argsort(heights, kind="stable")  # a cluster is never lower than its parts, and is made after them
    return _in_order(pairs[order], np.sqrt(heights[order]))


@numba.njit(cache=True)
def _squared_from(columns: Points, point: int, out: Points) -> None:
    """Squared distances from one point to all; ``columns`` has the shape (D, N), so each pass is along memory."""
    out[:] = 0.0
    for d in range(columns.shape[0]):
        here = columns[d, point]
        row = columns[d]
        for i in range(out.shape[0]):
            difference = row[i] - here
            out[i] += difference * difference


@numba.njit(cache=True)
def _chain(columns: Points) -> tuple[NDArray[np.int64], Points]:
    """Pairs of representatives (lowest points of both clusters) and squared heights, in the order of the chain."""
    count = columns.shape[1]
    owner = np.arange(count)  # of each point the representative of its cluster
    size = np.ones(count, np.int64)
    slot = np.full(count, -1)  # of a representative, where its vector is
    vectors = List()
    vectors.append(np.empty(count))
    free = [0]
    single = np.empty(count)
    farthest = np.empty(count)
    pairs = np.empty((count - 1, 2), np.int64)
    heights = np.empty(count - 1)
    chain = np.empty(count, np.int64)
    length, lowest, made = 0, 0, 0
    while made < count - 1:
        if length == 0:
            while size[lowest] == 0:
                lowest += 1
            chain[0] = lowest
            length = 1
        here = chain[length - 1]
        if slot[here] >= 0:
            vector = vectors[slot[here]]
        else:
            _squared_from(columns, here, single)
            vector = single
        farthest[:] = -1.0
        for p in range(count):
            c = owner[p]
            if vector[p] > farthest[c]:
                farthest[c] = vector[p]
        # The one before in the chain is preferred where distances are equal, else the chain might go round for ever.
        before = chain[length - 2] if length > 1 else -1
        best = farthest[before] if before >= 0 else np.inf
        next_one = before
        for c in range(count):
            if size[c] > 0 and c != here and farthest[c] < best:
                best, next_one = farthest[c], c
        if next_one != before or before < 0:
            chain[length] = next_one
            length += 1
            continue
        length -= 2
        keep, gone = min(here, before), max(here, before)
        pairs[made, 0], pairs[made, 1], heights[made] = keep, gone, best
        made += 1
        # The vector of what is kept: that of a pair member where it has one, else a free place.
        if slot[here] < 0:
            if len(free) == 0:
                vectors.append(np.empty(count))
                free.append(len(vectors) - 1)
            slot[here] = free.pop()
            vectors[slot[here]][:] = single
        merged = vectors[slot[here]]
        if slot[before] >= 0:
            other = vectors[slot[before]]
            for p in range(count):
                if other[p] > merged[p]:
                    merged[p] = other[p]
            free.append(slot[before])
        else:
            _squared_from(columns, before, single)
            for p in range(count):
                if single[p] > merged[p]:
                    merged[p] = single[p]
        where = slot[here]
        slot[here] = slot[before] = -1
        slot[keep] = where
        size[keep] += size[gone]
        size[gone] = 0
        for p in range(count):
            if owner[p] == gone:
                owner[p] = keep
    return pairs, heights


@numba.njit(cache=True)
def _in_order(pairs: NDArray[np.int64], heights: Points) -> Points:
    """Number the clusters by the order of the merges, as scipy does; ``pairs`` hold points of both clusters."""
    count = len(pairs) + 1
    parent = np.arange(count)
    name = np.arange(count)  # of a root
    sizes = np.ones(count, np.int64)
    merged = np.empty((count - 1, 4))
    for row in range(count - 1):
        a, b = pairs[row, 0], pairs[row, 1]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        merged[row, 0], merged[row, 1] = min(name[a], name[b]), max(name[a], name[b])
        merged[row, 2], merged[row, 3] = heights[row], sizes[a] + sizes[b]
        if sizes[a] < sizes[b]:
            a, b = b, a
        parent[b] = a
        sizes[a] += sizes[b]
        name[a] = count + row
    return merged
