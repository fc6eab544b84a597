"""What the cluster stage wrote, read again: any number of clusters of any method, for the points of every set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.grouping import density_peaks
from semtrace.core.grouping.agglomerative import Merges, cut_tree, numbered_clusters
from semtrace.discovery.tables import DENSITY, MERGES, POINTS
from semtrace.io import column_table, tables

ClusterLabels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Graph:
    """Order, parents and centres of Density Peaks; points that another stands for are in no order and no centre."""

    order: ClusterLabels
    parent: ClusterLabels
    centre: ClusterLabels

    def labels(self, k: int) -> ClusterLabels:
        """Clusters of the ``k`` first centres."""
        label = np.full(len(self.parent), -1, np.int64)
        chosen = np.flatnonzero((self.centre >= 0) & (self.centre < k))
        label[chosen] = self.centre[chosen]
        merged = np.setdiff1d(np.arange(len(self.parent)), self.order)
        density_peaks.follow(np.concatenate([self.order, merged]), self.parent, label)
        return numbered_clusters(label)


@dataclass(frozen=True, eq=False)
class Clustered:
    """All clusterings of one feature set.

    Attributes:
        name: of the set.
        paths: of the representatives, in the order of the points.
        trees: merges by method.
        graph: of Density Peaks, where it was asked for.
        flat: labels by method and k of the methods that have no tree; noise is -1.

    """

    name: str
    paths: list[str]
    trees: dict[str, Merges]
    graph: Graph | None
    flat: dict[tuple[str, int], ClusterLabels]

    def nested(self) -> list[str]:
        """Methods with a clustering for every k."""
        return [*self.trees, *(["density_peaks"] if self.graph is not None else [])]

    def most(self, method: str) -> int:
        """The largest k of a method."""
        return len(self.paths) if method in self.trees or self.graph is None else len(self.graph.order)

    def labels(self, method: str, k: int) -> ClusterLabels:
        """Clusters of a nested method, numbered by size."""
        if method in self.trees:
            return cut_tree(self.trees[method], k)
        assert self.graph is not None  # noqa: S101  (nested() has it only where there is one)
        return self.graph.labels(k)

    def every(self, most: int) -> Iterator[tuple[str, int, ClusterLabels]]:
        """Method, k and labels: of nested methods for k from 2 to ``most``, of the others what was written."""
        for method in self.nested():
            for k in range(2, min(most, self.most(method)) + 1):
                yield method, k, self.labels(method, k)
        for (method, k), labels in sorted(self.flat.items()):
            yield method, k, labels


def read(folder: Path) -> list[Clustered]:
    """Everything in a folder of the cluster stage, sorted by feature set.

    Raises:
        TableError: a table is missing.

    """
    points: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in tables.read(folder / "points.csv", POINTS):
        points[row["features"]].append(row)
    merges: dict[tuple[str, str], list[tuple[float, float, float, float]]] = defaultdict(list)
    for row in tables.read(folder / "merges.csv", MERGES):
        cells = float(row["left"]), float(row["right"]), float(row["height"]), float(row["size"])
        merges[row["features"], row["method"]].append(cells)
    density: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in tables.read(folder / "density.csv", DENSITY):
        density[row["features"]].append(row)
    flat = _flat(folder / "clusters.parquet")
    return [
        Clustered(
            name,
            [row["path"] for row in rows],
            {method: np.array(found) for (of, method), found in merges.items() if of == name},
            _graph(density[name]) if name in density else None,
            _of_points([row["path"] for row in rows], flat.get(name, {})),
        )
        for name, rows in sorted(points.items())
    ]


def _graph(rows: list[dict[str, Any]]) -> Graph:
    def column(name: str) -> ClusterLabels:
        return np.array([-1 if row[name] is None else row[name] for row in rows], np.int64)

    rank = column("rank")
    ranked = np.flatnonzero(rank >= 0)
    return Graph(ranked[np.argsort(rank[ranked])], column("parent"), column("centre"))


def _flat(file: Path) -> dict[str, dict[tuple[str, int], dict[str, int]]]:
    table = column_table.read(file, ("path", "features", "method", "k", "cluster"))
    found: dict[str, dict[tuple[str, int], dict[str, int]]] = defaultdict(dict)
    wanted = ~np.isin(
        table["method"].astype(str), ["single", "complete", "centroid", "ward", "average", "density_peaks"]
    )
    for row in np.flatnonzero(wanted):
        key = str(table["method"][row]), int(table["k"][row])
        found[table["features"][row]].setdefault(key, {})[table["path"][row]] = int(table["cluster"][row])
    return found


def _of_points(paths: list[str], found: dict[tuple[str, int], dict[str, int]]) -> dict[tuple[str, int], ClusterLabels]:
    return {key: np.array([clusters[path] for path in paths], np.int64) for key, clusters in found.items()}
