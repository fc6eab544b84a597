"""Density Peaks: every point follows its nearest denser neighbour up to a peak.

Peaks that are dense and far from denser points are the centres of clusters.
Rodriguez and Laio, Science 344, 1492 (2014). The variant that merges peaks by their saddles is in ``saddles``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from semtrace.core.grouping.neighbours import Neighbours, Points, TooFewPointsError

RowIndices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Peaks:
    """The decision graph of N points.

    Attributes:
        log_density: natural logarithm of the points per unit volume over N, shape (N,).
        error: its standard error, shape (N,).
        order: rows by falling density; of equal density the lower row is denser.
        parent: nearest denser point, shape (N,); -1 for the densest.
        delta: distance to it, in the unit of the points; for the densest the largest distance from it.
        searched: points whose denser neighbour was none of their neighbours, so that all denser ones were looked at.

    """

    log_density: Points
    error: Points
    order: RowIndices
    parent: RowIndices
    delta: Points
    searched: int

    @property
    def rank(self) -> RowIndices:
        """Place in ``order``, shape (N,): 0 is the densest."""
        rank = np.empty(len(self.order), np.int64)
        rank[self.order] = np.arange(len(self.order))
        return rank

    @property
    def gamma(self) -> Points:
        """Density times delta, shape (N,), with the density as its logarithm above the lowest one."""
        return np.asarray((self.log_density - self.log_density.min()) * self.delta, dtype=np.float64)


def log_density(near: Neighbours, dimension: float, k: int) -> tuple[Points, Points]:
    """Density at each point from the volume that holds its ``k`` nearest neighbours.

    Args:
        near: at least ``k`` neighbours, none at distance 0 as the k-th: merge equal points first.
        dimension: intrinsic dimension, above 0.
        k: neighbours; the error is 1 over the root of it.

    Returns:
        Its natural logarithm, over N, and the standard error of that; shape (N,) each.

    """
    if near.k < k:
        raise TooFewPointsError(f"the density asks for {k} neighbours, there are {near.k}")
    radius = near.distances[:, k - 1]
    if not (radius > 0).all():
        raise ValueError(f"more than {k} points are equal; merge equal points first")
    if not 0 < dimension < np.inf:
        raise ValueError(f"the intrinsic dimension is {dimension:g}; it must be a positive number")
    count = len(radius)
    log_ball = dimension / 2 * np.log(np.pi) - gammaln(dimension / 2 + 1)
    return np.log(k / count) - log_ball - dimension * np.log(radius), np.full(count, 1 / np.sqrt(k))


def peaks(points: Points, near: Neighbours, dimension: float, k: int) -> Peaks:
    """The decision graph.

    Args:
        points: shape (N, D), float64, no two equal.
        near: their neighbours, ``k`` or more; more of them leave less to search for.
        dimension: intrinsic dimension of the points.
        k: neighbours that the density comes from.

    """
    density, error = log_density(near, dimension, k)
    order = np.lexsort((np.arange(len(points)), -density))
    rank = np.empty(len(points), np.int64)
    rank[order] = np.arange(len(points))
    denser = rank[near.indices] < rank[:, None]
    first = denser.argmax(axis=1)
    rows = np.arange(len(points))
    parent, delta = near.indices[rows, first], near.distances[rows, first]
    left = np.flatnonzero(~denser.any(axis=1))
    sorted_points = points[order]
    for row in left:
        above = sorted_points[: rank[row]]
        if len(above):
            squared = ((above - points[row]) ** 2).sum(axis=1)
            parent[row] = order[: rank[row]][squared == squared.min()].min()
            delta[row] = np.sqrt(squared.min())
        else:
            parent[row] = -1
            delta[row] = np.sqrt(((points - points[row]) ** 2).sum(axis=1).max())
    return Peaks(density, error, order, parent, delta, len(left) - 1)


def centres_by_number(graph: Peaks, k: int) -> RowIndices:
    """The ``k`` points of largest ``gamma``, the densest point always among them; of equal ones the denser."""
    if not 1 <= k <= len(graph.order):
        raise TooFewPointsError(f"{k} centres were asked for, there are {len(graph.order)} points")
    gamma = graph.gamma.copy()
    gamma[graph.order[0]] = np.inf
    return np.lexsort((graph.rank, -gamma))[:k]


def centres_by_thresholds(graph: Peaks, least_log_density: float, least_delta: float) -> RowIndices:
    """Points above both thresholds, densest first; the densest point of all is one in any case."""
    chosen = (graph.log_density > least_log_density) & (graph.delta > least_delta)
    chosen[graph.order[0]] = True
    return graph.order[chosen[graph.order]]


def assign_to_peaks(graph: Peaks, centres: RowIndices) -> RowIndices:
    """Give every point the cluster of its nearest denser point.

    Returns:
        Positions in ``centres``, shape (N,).

    """
    label = np.full(len(graph.order), -1, np.int64)
    label[centres] = np.arange(len(centres))
    follow(graph.order, graph.parent, label)
    return label


@numba.njit(cache=True)
def follow(order: RowIndices, parent: RowIndices, label: RowIndices) -> None:
    """Give every point without a label (-1), densest first, that of its parent; ``label`` is changed."""
    for row in order:
        if label[row] < 0:
            label[row] = label[parent[row]]
