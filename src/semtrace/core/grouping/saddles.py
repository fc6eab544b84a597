"""Density Peaks without a number of clusters: peaks that no significant saddle parts are one cluster.

d'Errico, Facco, Laio, Rodriguez, Information Sciences 560, 476 (2021), as DADApy has it (``compute_clustering_ADP``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from semtrace.core.grouping.density_peaks import Peaks, RowIndices
from semtrace.core.grouping.neighbours import Neighbours, Points


@dataclass(frozen=True, eq=False)
class Topography:
    """Clusters that are significant at Z.

    Attributes:
        labels: positions in ``centres``, shape (N,).
        halo: the same, with -1 for points that are less dense than the highest saddle of their cluster.
        centres: peaks, rows of the points, ascending.
        saddles: log density at the saddle between two clusters, shape (C, C); -inf where they do not touch.

    """

    labels: RowIndices
    halo: RowIndices
    centres: RowIndices
    saddles: Points


def topography(graph: Peaks, near: Neighbours, k: int, z: float) -> Topography:
    """Merge peaks whose height above their saddle is less than ``z`` standard errors.

    Args:
        graph: densities, their errors and nearest denser points.
        near: neighbours, ``k`` or more.
        k: neighbours among which a peak must be the densest.
        z: number of standard errors, 0 or more; more merge more.

    """
    rank, small = graph.rank, np.ascontiguousarray(near.indices[:, :k])
    is_centre = _candidates(small, rank)
    centres = np.flatnonzero(is_centre)
    label = np.full(len(rank), -1, np.int64)
    label[centres] = np.arange(len(centres))
    _follow(near.indices, graph.order, graph.parent, label)
    lower = graph.log_density - graph.error
    border = _borders(small, near.indices, label, is_centre, lower, len(centres))
    touching = border >= 0
    saddle = np.where(touching, graph.log_density[border], -np.inf)
    saddle_error = np.where(touching, graph.error[border], 0.0)
    target = _merge(centres, graph.log_density, graph.error, saddle, saddle_error, z)
    kept = np.flatnonzero(target == np.arange(len(centres)))
    name = np.full(len(centres), -1, np.int64)
    name[kept] = np.arange(len(kept))
    labels = name[target[label]]
    saddle = saddle[np.ix_(kept, kept)]
    highest = saddle.max(axis=1) if len(kept) > 1 else np.full(len(kept), -np.inf)
    halo = np.where(graph.log_density < highest[labels], -1, labels)
    return Topography(labels, halo, centres[kept], saddle)


@numba.njit(cache=True)
def _candidates(small: NDArray[np.int64], rank: RowIndices) -> NDArray[np.bool_]:
    """Peaks: no neighbour is denser, and no denser point has it as a neighbour."""
    peak = np.ones(len(rank), np.bool_)
    for i in range(len(rank)):
        for j in small[i]:
            if rank[j] < rank[i]:
                peak[i] = False
            else:
                peak[j] = False
    return peak


@numba.njit(cache=True)
def _follow(near: NDArray[np.int64], order: RowIndices, parent: RowIndices, label: RowIndices) -> None:
    """Give every point, densest first, the cluster of the nearest neighbour that has one, else of its parent."""
    for i in order:
        if label[i] < 0:
            for j in near[i]:
                if label[j] >= 0:
                    label[i] = label[j]
                    break
        if label[i] < 0:
            label[i] = label[parent[i]]


@numba.njit(cache=True)
def _borders(
    small: NDArray[np.int64],
    near: NDArray[np.int64],
    label: RowIndices,
    is_centre: NDArray[np.bool_],
    lower: Points,
    count: int,
) -> NDArray[np.int64]:
    """Of every two clusters the densest border point, shape (count, count); -1 where there is none.

    A border point has a neighbour in the other cluster, and no point of its own cluster is nearer to that neighbour.
    """
    border = np.full((count, count), -1)
    for i in range(len(label)):
        if is_centre[i]:
            continue
        own = label[i]
        other = -1
        for j in small[i]:
            if label[j] != own:
                other = j
                break
        if other < 0:
            continue
        for j in near[other]:
            if j == i:
                break
            if label[j] == own:
                other = -1
                break
        if other < 0:
            continue
        there = label[other]
        if border[own, there] < 0 or lower[i] > lower[border[own, there]]:
            border[own, there] = border[there, own] = i
    return border


@numba.njit(cache=True)
def _merge(
    centres: RowIndices, density: Points, error: Points, saddle: Points, saddle_error: Points, z: float
) -> RowIndices:
    """For every peak the one it is merged into, highest saddle first; ``saddle`` is changed on the way."""
    count = len(centres)
    target = np.arange(count)
    while True:
        highest, first, second = -np.inf, -1, -1
        for i in range(count - 1):
            for j in range(i + 1, count):
                if saddle[i, j] > highest:
                    above_i = density[centres[i]] - saddle[i, j]
                    above_j = density[centres[j]] - saddle[i, j]
                    error_i = error[centres[i]] + saddle_error[i, j]
                    error_j = error[centres[j]] + saddle_error[i, j]
                    if above_i < z * error_i or above_j < z * error_j:
                        highest, first, second = saddle[i, j], i, j
        if first < 0:
            break
        keep, gone = first, second
        above_keep = (density[centres[keep]] - highest) / (error[centres[keep]] + saddle_error[keep, gone])
        above_gone = (density[centres[gone]] - highest) / (error[centres[gone]] + saddle_error[keep, gone])
        if above_keep < above_gone:
            keep, gone = gone, keep
        for i in range(count):
            if target[i] == gone:
                target[i] = keep
            if i != keep and i != gone and saddle[gone, i] > saddle[keep, i]:
                saddle[keep, i] = saddle[i, keep] = saddle[gone, i]
                saddle_error[keep, i] = saddle_error[i, keep] = saddle_error[gone, i]
        saddle[gone, :] = -np.inf
        saddle[:, gone] = -np.inf
    return target
