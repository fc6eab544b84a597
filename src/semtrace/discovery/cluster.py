"""cluster: every feature set clustered by every method; trees and decision graphs that give any number of clusters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from semtrace.core.grouping.agglomerative import Merges, cut_tree
from semtrace.core.grouping.neighbours import Points, TooFewPointsError
from semtrace.core.statistics.agreement import best_jaccard
from semtrace.discovery import cluster_figures, feature_sets, methods
from semtrace.discovery.looks import digits
from semtrace.discovery.methods import Density, MethodLabels, Settings
from semtrace.discovery.tables import DENSITY, MERGES, POINTS
from semtrace.io import column_table, tables
from semtrace.io.files import write_atomic
from semtrace.io.staging import staged_folder
from semtrace.stage.declaration import Job
from semtrace.stage.rejects import Reject, write_rejects

CLUSTERS = ("path", "features", "method", "k", "cluster", "to_medoid", "stability")


@dataclass(frozen=True)
class Summary:
    """What was clustered: points and clusters found by the methods that choose a number themselves."""

    points: dict[str, int]
    found: dict[str, int]
    skipped: dict[str, str]
    rejects: dict[str, int]


@dataclass(frozen=True, eq=False)
class _Clustering:
    """One partition of a set."""

    method: str
    k: int
    labels: MethodLabels
    stability: Points


def stage(job: Job) -> Summary:
    """Run on what ``reduce`` wrote."""
    return run(job.result("reduce"), job.result("cluster"), job.params.cluster)


def run(reduced: Path, out: Path, settings: Settings) -> Summary:
    """Write points, merges, densities, clusters, figures and ``rejects.csv`` to ``out``.

    Raises:
        TooFewPointsError: fewer points than neighbours, or than a method needs.
        MemoryBoundError: a method needs more memory than it may take.

    """
    loaded = [
        (name, feature_sets.load(reduced / f"{name}.parquet", "cluster"))
        for name in feature_sets.feature_set_names(reduced)
    ]
    for name, one in loaded:
        _check(name, one, settings)
    points_rows: list[dict[str, Any]] = []
    merge_rows: list[dict[str, Any]] = []
    density_rows: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    found: dict[str, int] = {}
    skipped: dict[str, str] = {}
    kept = 0
    graphs: dict[str, Density] = {}
    for name, one in loaded:
        rejects += [Reject(f"{name}: {bad.path}", "cluster", bad.reason, bad.detail) for bad in one.rejects]
        kept += one.images
        points_rows += [
            {"features": name, "point": number, "md5": md5, "path": paths[0], "images": len(paths)}
            for number, (md5, paths) in enumerate(zip(one.md5, one.members, strict=True))
        ]
        trees = {m: methods.tree(m, one.points, settings.memory_mb) for m in methods.TREES if m in settings.methods}
        merge_rows += [row for method, merged in trees.items() for row in _merge_rows(name, method, merged)]
        if {"density_peaks", "saddles"} & set(settings.methods):
            graphs[name] = methods.density(name, one.points, settings)
            density_rows += _density_rows(name, one, graphs[name])
        if too_many := [k for k in settings.k if k > len(one.points)]:
            skipped[name] = f"k = {', '.join(map(str, too_many))}: there are {len(one.points)} points"
        clusterings = _clusterings(one.points, trees, graphs.get(name), settings)
        found |= {f"{name} {c.method}": int(c.labels.max()) + 1 for c in clusterings if c.k == 0}
        parts += [_columns(one, name, clustering) for clustering in clusterings]
    with staged_folder(out) as folder:
        tables.write(folder / "points.csv", POINTS, points_rows, sort=False)
        tables.write(folder / "merges.csv", MERGES, merge_rows, sort=False)
        tables.write(folder / "density.csv", DENSITY, density_rows, sort=False)
        column_table.write(folder / "clusters.parquet", _joined(parts))
        for name, graph in graphs.items():
            write_atomic(folder / f"decision_graph_{name}.png", cluster_figures.decision_graph(name, graph.graph))
        counts = write_rejects(folder, rejects, rows_in=kept + len(rejects), rows_out=kept)
    return Summary({name: len(one.points) for name, one in loaded}, found, skipped, counts)


def _check(name: str, one: feature_sets.FeatureSet, settings: Settings) -> None:
    """Refuse before any work what cannot be done."""
    count = len(one.points)
    if count < 2:
        raise TooFewPointsError(f"{name}: {count} different image; clustering needs 2 or more")
    if {"density_peaks", "saddles", "spectral"} & set(settings.methods) and count <= settings.neighbours:
        raise TooFewPointsError(
            f"{name}: {count} points are fewer than cluster.neighbours = {settings.neighbours} and the point itself; "
            "lower it, or give more images"
        )
    for method in settings.methods:
        if method in methods.TREES:
            methods.check_memory(name, method, count, "cluster", settings.memory_mb)
        if method == "hdbscan" and count < settings.smallest:
            raise TooFewPointsError(
                f"{name}: {count} points are fewer than cluster.smallest = {settings.smallest} of HDBSCAN"
            )


def _merge_rows(name: str, method: str, merged: Merges) -> Iterator[dict[str, Any]]:
    for step, (left, right, height, size) in enumerate(merged):
        yield {
            "features": name, "method": method, "step": step, "left": int(left), "right": int(right),
            "height": digits(height), "size": int(size),
        }  # fmt: skip


def _density_rows(name: str, one: feature_sets.FeatureSet, found: Density) -> Iterator[dict[str, Any]]:
    graph = found.graph
    rank = graph.rank
    gamma = graph.gamma.copy()
    gamma[graph.order[0]] = np.inf
    centre = np.empty(len(gamma), np.int64)
    centre[np.lexsort((rank, -gamma))] = np.arange(len(gamma))
    for row, number in enumerate(found.stands):
        stands_in = found.distinct[number]
        merged = stands_in != row  # equal or nearly equal to another, which stands for it
        parent = stands_in if merged else found.distinct[graph.parent[number]] if graph.parent[number] >= 0 else None
        yield {
            "features": name, "point": row, "path": one.members[row][0],
            "log_density": digits(graph.log_density[number]), "error": digits(graph.error[number]),
            "delta": 0.0 if merged else digits(graph.delta[number]), "parent": None if parent is None else int(parent),
            "rank": None if merged else int(rank[number]), "centre": None if merged else int(centre[number]),
        }  # fmt: skip


def _clusterings(
    points: Points, trees: dict[str, Merges], graph: Density | None, settings: Settings
) -> list[_Clustering]:
    count = len(points)
    found = []
    for method in settings.methods:
        if method in methods.NESTED:
            most = count if method in methods.TREES or graph is None else len(graph.distinct)
            for k in (k for k in sorted(settings.k) if k <= most):
                labels = cut_tree(trees[method], k) if method in trees else methods.peaks_labels(_there(graph), k)
                found.append(_Clustering(method, k, labels, _stability(method, points, labels, k, settings)))
        elif method == "saddles":
            labels, halo = methods.saddle_labels(_there(graph), settings)
            found.append(_Clustering("saddles", 0, labels, _nothing(labels)))
            found.append(_Clustering("saddles_halo", 0, halo, _nothing(halo)))
        elif method == "hdbscan":
            labels = methods.flat_clusters(method, points, 0, settings)
            found.append(_Clustering(method, 0, labels, _nothing(labels)))
        else:
            for k in (k for k in sorted(settings.k) if k < count):
                labels = methods.flat_clusters(method, points, k, settings)
                found.append(_Clustering(method, k, labels, _nothing(labels)))
    return found


def _there(graph: Density | None) -> Density:
    assert graph is not None  # noqa: S101  (it is made where one of its methods is asked for)
    return graph


def _nothing(labels: MethodLabels) -> Points:
    return np.full(int(labels.max()) + 1, np.nan)


def _stability(method: str, points: Points, labels: MethodLabels, k: int, settings: Settings) -> Points:
    """For each cluster the mean Jaccard index with its like in subsamples of 80 %, clustered anew."""
    keep = round(0.8 * len(points))
    if not settings.stability_samples or len(points) > settings.stability_points or keep <= max(k, 2):
        return _nothing(labels)
    rng = np.random.default_rng([settings.seed, k])
    scores = np.full((settings.stability_samples, int(labels.max()) + 1), np.nan)
    for number in range(settings.stability_samples):
        rows = np.sort(rng.permutation(len(points))[:keep])
        sample = points[rows]
        try:
            if method in methods.TREES:
                again = cut_tree(methods.tree(method, sample, settings.memory_mb), k)
            else:
                again = methods.peaks_labels(methods.density("subsample", sample, settings), k)
        except TooFewPointsError:  # too few different points are left: this subsample says nothing
            continue
        found = best_jaccard(labels[rows], again)
        scores[number, : len(found)] = found
    has = ~np.isnan(scores)
    return np.where(has.any(axis=0), np.where(has, scores, 0).sum(axis=0) / np.maximum(has.sum(axis=0), 1), np.nan)


def _columns(one: feature_sets.FeatureSet, name: str, clustering: _Clustering) -> dict[str, Any]:
    """Rows of ``clusters.parquet``, one an image, duplicates beside their representative, sorted by path."""
    _, distance = methods.medoids(one.points, clustering.labels)
    pairs = sorted((path, row) for row, paths in enumerate(one.members) for path in paths)
    rows = np.array([row for _, row in pairs])
    cluster = clustering.labels[rows]
    scores = np.append(clustering.stability, np.nan)  # noise, -1, has the last one: none
    k = clustering.k or int(clustering.labels.max()) + 1
    return {
        "path": [path for path, _ in pairs], "features": [name] * len(pairs),
        "method": [clustering.method] * len(pairs),
        "k": np.full(len(pairs), k, np.int32), "cluster": cluster.astype(np.int32),
        "to_medoid": np.array([digits(value) for value in distance[rows]]),
        "stability": np.array([digits(value, 6) for value in scores[cluster]]),
    }  # fmt: skip


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for name in CLUSTERS:
        pieces = [part[name] for part in parts]
        joined[name] = np.concatenate(pieces) if isinstance(pieces[0], np.ndarray) else [v for p in pieces for v in p]
    return joined
