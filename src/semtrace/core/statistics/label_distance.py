"""How far distances between images follow their labels, and which feature set knows which other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from semtrace.core.errors import SemtraceError
from semtrace.core.grouping.neighbours import Neighbours, Points

_CHUNK = 1 << 22


class OneCategoryError(SemtraceError, ValueError):
    """All images have one label: nothing can be compared with a distance that is 0 everywhere."""


def label_distance(labels: NDArray[np.int64]) -> Points:
    """Discrete distance of every pair i < j in the order of ``pdist``, shape (pairs,): 0 for equal labels, 1 else."""
    above = np.triu_indices(len(labels), 1)
    return np.asarray(labels[above[0]] != labels[above[1]], dtype=np.float64)


def label_correlations(distances: Points, discrete: Points) -> tuple[float, float]:
    """Pearson and Spearman correlation (ties averaged) of two distances over the same pairs.

    Raises:
        OneCategoryError: all of one of the two are equal.

    """
    if np.ptp(discrete) == 0:
        raise OneCategoryError("all pairs have the same discrete distance; there must be two categories or more")
    if np.ptp(distances) == 0:
        raise OneCategoryError("all pairs are equally distant")
    from scipy.stats import rankdata  # it loads for 0.4 s, which checks of parameters do not need

    pearson = np.corrcoef(distances, discrete)[0, 1]
    spearman = np.corrcoef(rankdata(distances), rankdata(discrete))[0, 1]
    return float(pearson), float(spearman)


def ranked_matrix(points: Points) -> Points:
    """Distances as a square matrix of ranks from 0 to 1 over all pairs (ties averaged), 0 on the diagonal."""
    from scipy.stats import rankdata

    ranks = rankdata(pdist(points))
    return np.asarray(squareform(ranks / max(len(ranks), 1)), dtype=np.float64)


def same_label_share(near: Neighbours, labels: NDArray[np.int64], k: int) -> float:
    """Share of the ``k`` nearest neighbours, over all points, that have the point's own label."""
    return float((labels[near.indices[:, :k]] == labels[:, None]).mean())


def information_imbalance(known: Points, asked: Points, nearest_in_known: NDArray[np.int64]) -> float:
    """How little one feature set says about the neighbourhoods of another: 0 all, 1 nothing.

    Twice the mean rank, among the neighbours in ``asked``, of the nearest neighbour in ``known``, over N. Glielmo,
    Zeni, Cheng, Csányi, Laio, PNAS Nexus 1, pgac039 (2022).

    Args:
        known: the feature set that is given, shape (N, D1).
        asked: the one it should know, shape (N, D2).
        nearest_in_known: row of the nearest neighbour of each point in ``known``, shape (N,).

    """
    count = len(known)
    total = 0
    step = max(1, _CHUNK // count)
    norms = (asked**2).sum(axis=1)
    for start in range(0, count, step):
        rows = np.arange(start, min(start + step, count))
        squared = norms[rows, None] + norms[None, :] - 2 * asked[rows] @ asked.T
        there = squared[np.arange(len(rows)), nearest_in_known[rows]]
        squared[np.arange(len(rows)), rows] = np.inf
        total += int((squared < there[:, None]).sum()) + len(rows)
    return 2 * total / count**2
