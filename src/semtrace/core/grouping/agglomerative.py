"""Hierarchical clustering of many points in little memory, and cuts that have as many clusters as was asked for.

Ward, single and centroid linkage are fastcluster's. Complete linkage is a nearest-neighbour chain here, because every
library needs the full matrix of distances for it: 11 GB for 52,682 points.
"""

from __future__ import annotations

from typing import Literal

import fastcluster
import numba
import numpy as np
from numpy.typing import NDArray

from semtrace.core.errors import SemtraceError
from semtrace.core.grouping.complete_linkage import complete
from semtrace.core.grouping.neighbours import Points, TooFewPointsError

Method = Literal["single", "complete", "centroid", "ward", "average"]
METHODS: tuple[Method, ...] = ("single", "complete", "centroid", "ward", "average")
Merges = NDArray[np.float64]
"""Shape (N - 1, 4), as scipy has it: left, right, height, size. Clusters 0 to N - 1 are the points, N + i is made by
row i. Heights go up, but for centroid linkage, where they may go down."""


class MemoryBoundError(SemtraceError, ValueError):
    """A method would need more memory than it may take; the message has both figures."""


def linkage_mb(method: Method, points: int) -> float:
    """Memory in 10^6 bytes beyond the points: the matrix for average linkage, an upper estimate for complete."""
    if method == "average":
        return points * (points - 1) / 2 * 8 / 1e6
    if method == "complete":
        return points * 8 * max(points / 12, 64) / 1e6
    return 0.0


def merges(points: Points, method: Method, memory_mb: float = 2048) -> Merges:
    """Cluster points by a linkage criterion on Euclidean distances.

    Args:
        points: shape (N, D), float64, N at least 2. Put rows into an order of their own content first: equal
            distances are settled by it.
        method: one of ``METHODS``.
        memory_mb: bound for what is held beside the points, 10^6 bytes.

    Raises:
        TooFewPointsError: fewer than 2 points.
        MemoryBoundError: the method needs more; said before any work.

    """
    if len(points) < 2:
        raise TooFewPointsError(f"clustering needs at least 2 points, there are {len(points)}")
    if (need := linkage_mb(method, len(points))) > memory_mb:
        raise MemoryBoundError(
            f"{method} linkage of {len(points)} points needs up to {need:.0f} MB, the bound is {memory_mb:.0f} MB; "
            "raise it or take another method"
        )
    if method == "complete":
        return complete(points)
    if method == "average":
        return np.asarray(fastcluster.linkage(points, "average", preserve_input=True), dtype=np.float64)
    return np.asarray(fastcluster.linkage_vector(points, method), dtype=np.float64)


def cut_tree(merged: Merges, k: int) -> NDArray[np.int64]:
    """Exactly ``k`` clusters: the last k - 1 merges are undone, in the order in which they were made.

    So a centroid tree, whose heights go down in places, is cut rightly too; scipy's ``fcluster`` gives another number.

    Args:
        merged: as ``merges`` gives them.
        k: 1 to N.

    Returns:
        A label for each point, shape (N,), numbered by size, largest first, then by the first point.

    Raises:
        TooFewPointsError: there are fewer than ``k`` points.

    """
    count = len(merged) + 1
    if not 1 <= k <= count:
        raise TooFewPointsError(f"{k} clusters were asked for, there are {count} points")
    made = count - k
    return numbered_clusters(_roots(merged[:made, :2].astype(np.int64), count))


@numba.njit(cache=True)
def _roots(pairs: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    root = np.arange(count + len(pairs))
    for row in range(len(pairs) - 1, -1, -1):  # a parent is always later than its children
        root[pairs[row, 0]] = root[pairs[row, 1]] = root[count + row]
    return root[:count]


def numbered_clusters(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The partition with clusters numbered from 0 by size, largest first, then by first point; noise, -1, stays."""
    result = np.full(len(labels), -1, np.int64)
    real = labels >= 0
    if real.any():
        _, first, inverse, sizes = np.unique(labels[real], return_index=True, return_inverse=True, return_counts=True)
        rank = np.empty(len(sizes), np.int64)
        rank[np.lexsort((first, -sizes))] = np.arange(len(sizes))
        result[real] = rank[inverse]
    return result
