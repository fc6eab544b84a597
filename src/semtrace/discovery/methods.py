"""How each method clusters a feature set, and how a tree or a decision graph gives any number of clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Self, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from semtrace.core.grouping import agglomerative, density_peaks, graph_clusters, saddles
from semtrace.core.grouping.agglomerative import Merges, numbered_clusters
from semtrace.core.grouping.density_peaks import Peaks
from semtrace.core.grouping.neighbours import Neighbours, Points, TooFewPointsError, nearest_points
from semtrace.core.statistics import intrinsic_dimension as idim
from semtrace.stage.settings import Number, Section, Whole

TREES: tuple[str, ...] = agglomerative.METHODS
OTHERS = ("density_peaks", "saddles", "hdbscan", "spectral")
METHODS = (*TREES, *OTHERS)
NESTED = (*TREES, "density_peaks")
"""Methods that have a clustering for every number of clusters, each refining the one before."""

MethodLabels = NDArray[np.int64]


class Settings(Section, section="cluster"):
    """How feature sets are clustered (conf/cluster/).

    Attributes:
        methods: any of ``METHODS``.
        k: numbers of clusters that are written; larger ones than there are points are left out, and named.
        neighbours: for the density of Density Peaks, and the graph of spectral clustering; 3 or more.
        search: neighbours that are looked up in all, ``neighbours`` or more: the more, the fewer points are searched
            for their denser one.
        z: standard errors by which a peak must rise above its saddle.
        smallest: points of the smallest cluster of HDBSCAN, 2 or more.
        memory_mb: bound for one method, 10^6 bytes; a method that needs more is refused before any work.
        stability_samples: seeded subsamples of 80 % that each cluster is found again in; 0: none.
        stability_points: sets with more points have no stability, for it clusters them that often again.
        seed: of the subsamples and of spectral clustering.

    """

    methods: list[str]
    k: list[Whole]
    neighbours: Annotated[Whole, Field(ge=3)]
    search: Whole
    z: Annotated[Number, Field(ge=0)]
    smallest: Annotated[Whole, Field(ge=2)]
    memory_mb: Annotated[Whole, Field(ge=1)]
    stability_samples: Annotated[Whole, Field(ge=0)]
    stability_points: Annotated[Whole, Field(ge=0)]
    seed: Whole

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.methods or set(self.methods) - set(METHODS):
            raise ValueError(f"cluster.methods is {self.methods}; it must be of {', '.join(METHODS)}")
        if not self.k or min(self.k) < 2:
            raise ValueError(f"cluster.k is {self.k}; each must be 2 clusters or more")
        if self.search < self.neighbours:
            raise ValueError(f"cluster.search is {self.search}; it must be {self.neighbours} (neighbours) or more")
        return self


@dataclass(frozen=True, eq=False)
class Density:
    """What Density Peaks needs of a set: its points without equal ones, and their decision graph.

    Attributes:
        distinct: rows that are left, ascending.
        stands: for each row the position in ``distinct`` that stands for it.
        near, graph: of the distinct points.

    """

    distinct: NDArray[np.int64]
    stands: NDArray[np.int64]
    near: Neighbours
    graph: Peaks


def density(name: str, points: Points, settings: Settings) -> Density:
    """Neighbours, intrinsic dimension and decision graph, with one search for all three.

    Raises:
        TooFewPointsError: there are fewer different points than neighbours; the message has both numbers.

    """
    distinct = idim.distinct_points(points)
    if len(distinct) <= settings.neighbours:
        raise TooFewPointsError(
            f"{name}: {len(distinct)} different points are fewer than cluster.neighbours = {settings.neighbours} and "
            "the point itself; lower it, or give more images"
        )
    chosen = points[distinct]
    near = nearest_points(chosen, min(settings.search, len(chosen) - 1))
    # On a grid all ratios are 1 and the estimate is infinite; no set has more dimensions than columns.
    dimension = min(idim.two_nn_fit(near.distances[:, 0], near.distances[:, 1]).dimension, points.shape[1])
    stands = np.empty(len(points), np.int64)
    stands[distinct] = np.arange(len(distinct))
    for row in np.setdiff1d(np.arange(len(points)), distinct):
        stands[row] = int(((chosen - points[row]) ** 2).sum(axis=1).argmin())
    return Density(distinct, stands, near, density_peaks.peaks(chosen, near, dimension, settings.neighbours))


def check_memory(name: str, method: str, points: int, section: str, memory_mb: int) -> None:
    """Refuse a linkage that may need more memory beside the points than ``section`` of the parameters allows.

    Args:
        name: of the feature set.
        method: one of ``TREES``.
        points: how many there are.
        section: whose ``memory_mb`` is the bound.
        memory_mb: 10^6 bytes.

    Raises:
        MemoryBoundError: it may need more; the message has both figures.

    """
    need = agglomerative.linkage_mb(cast("agglomerative.Method", method), points)
    if need > memory_mb:
        raise agglomerative.MemoryBoundError(
            f"{name}: {method} linkage of {points} points needs up to {need:.0f} MB, {section}.memory_mb is "
            f"{memory_mb}; raise it, or take another method"
        )


def tree(method: str, points: Points, memory_mb: int) -> Merges:
    """Merges of a linkage; raises as ``agglomerative.merges`` does."""
    return agglomerative.merges(points, cast("agglomerative.Method", method), memory_mb)


def peaks_labels(found: Density, k: int) -> MethodLabels:
    """Density Peaks with ``k`` centres, for all rows of the set."""
    labels = density_peaks.assign_to_peaks(found.graph, density_peaks.centres_by_number(found.graph, k))
    return numbered_clusters(labels[found.stands])


def saddle_labels(found: Density, settings: Settings) -> tuple[MethodLabels, MethodLabels]:
    """Clusters parted by significant saddles, and the same with -1 in the halo."""
    topography = saddles.topography(found.graph, found.near, settings.neighbours, settings.z)
    labels = numbered_clusters(topography.labels[found.stands])
    halo = topography.halo[found.stands]
    return labels, np.where(halo < 0, -1, labels)


def flat_clusters(method: str, points: Points, k: int, settings: Settings) -> MethodLabels:
    """HDBSCAN, which chooses its own number of clusters, or spectral clustering with ``k``."""
    if method == "hdbscan":
        return graph_clusters.hdbscan(points, settings.smallest)
    return graph_clusters.spectral(nearest_points(points, min(settings.neighbours, len(points) - 1)), k, settings.seed)


def medoids(points: Points, labels: MethodLabels) -> tuple[NDArray[np.int64], Points]:
    """Of every cluster the point with the least sum of squared distances, and each point's distance to its own.

    That point is the nearest to the cluster's mean; of equally near ones the first row. Noise, -1, has none: NaN.
    """
    count = int(labels.max()) + 1
    medoid = np.full(count, -1, np.int64)
    distance = np.full(len(points), np.nan)
    for cluster in range(count):
        rows = np.flatnonzero(labels == cluster)
        if len(rows):
            medoid[cluster] = medoid_of(points, rows)
            distance[rows] = np.sqrt(((points[rows] - points[medoid[cluster]]) ** 2).sum(axis=1))
    return medoid, distance


def medoid_of(points: Points, rows: NDArray[np.int64]) -> int:
    """Of some rows, shape (M,) and ascending, the one nearest to their mean; of equally near ones the first."""
    middle = points[rows].mean(axis=0)
    return int(rows[((points[rows] - middle) ** 2).sum(axis=1).argmin()])
