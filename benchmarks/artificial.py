"""Five clusterings of six artificial sets of 3,000 points in a plane, with their processor seconds.

`python benchmarks/artificial.py` writes docs/discovery_artificial.png and .csv. The number of clusters is known; the
centres are those of Density Peaks, and the medoids of the linkages.
"""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.metrics import adjusted_mutual_info_score

from semtrace.core.grouping.agglomerative import cut_tree, merges, numbered_clusters
from semtrace.core.grouping.density_peaks import assign_to_peaks, centres_by_number, peaks
from semtrace.core.grouping.neighbours import nearest_points
from semtrace.core.statistics.intrinsic_dimension import two_nn_fit
from semtrace.discovery.looks import DARK, SERIES_COLOURS
from semtrace.discovery.methods import medoids
from semtrace.stage.figures import new_figure, png

POINTS, NEIGHBOURS = 3000, 15
METHODS = ("single", "complete", "centroid", "ward", "density_peaks")
OUT = Path(__file__).parents[1] / "docs/discovery_artificial.png"
Plane = NDArray[np.float64]
Known = NDArray[np.int64]


def sets() -> dict[str, tuple[Plane, Known]]:
    """Points and their known clusters, by name."""
    blobs, heaps = datasets.make_blobs(POINTS, random_state=8)
    turned, stretched = datasets.make_blobs(POINTS, random_state=170)
    varied, varying = datasets.make_blobs(POINTS, cluster_std=[1.0, 2.5, 0.5], random_state=170)
    made = {
        "rings": datasets.make_circles(POINTS, factor=0.5, noise=0.05, random_state=30),
        "moons": datasets.make_moons(POINTS, noise=0.05, random_state=30),
        "varied": (varied, varying),
        "stretched": (turned @ np.array([[0.6, -0.6], [-0.4, 0.8]]), stretched),
        "heaps": (blobs, heaps),
        "none": (np.random.default_rng(30).random((POINTS, 2)), np.zeros(POINTS, np.int64)),
    }
    return {
        name: ((points - points.mean(axis=0)) / points.std(axis=0), known.astype(np.int64))
        for name, (points, known) in made.items()
    }


def clustered(method: str, points: Plane, count: int) -> tuple[Known, Known]:
    """Labels, and rows of the centres."""
    if method != "density_peaks":
        labels = cut_tree(merges(points, method, 2048), count)  # type: ignore[arg-type]
        return labels, medoids(points, labels)[0]
    near = nearest_points(points, 60)
    dimension = two_nn_fit(near.distances[:, 0], near.distances[:, 1]).dimension
    graph = peaks(points, near, dimension, NEIGHBOURS)
    centres = centres_by_number(graph, count)
    return numbered_clusters(assign_to_peaks(graph, centres)), centres


def main() -> None:
    """Draw the figure, and write its numbers."""
    merges(np.random.default_rng(1).random((50, 2)), "complete", 100)  # compile first
    found = sets()
    figure = new_figure(13, 14.6)
    rows = []
    for line, (name, (points, known)) in enumerate(found.items()):
        count = max(len(np.unique(known)), 3) if name == "none" else len(np.unique(known))
        for column, method in enumerate(METHODS):
            begin = time.process_time()
            labels, centres = clustered(method, points, count)
            seconds = time.process_time() - begin
            ami = adjusted_mutual_info_score(known, labels) if name != "none" else float("nan")
            axes = figure.add_subplot(len(found), len(METHODS), line * len(METHODS) + column + 1)
            for label in range(count):
                inside = points[labels == label]
                axes.plot(*inside.T, ".", markersize=1.5, color=SERIES_COLOURS[label % len(SERIES_COLOURS)])
            axes.plot(*points[centres].T, "X", markersize=7, color="black", markeredgecolor="white")
            axes.set_xticks([])
            axes.set_yticks([])
            said = f"AMI {ami:.2f}, " if name != "none" else ""
            axes.set_xlabel(f"{said}{seconds:.2f} CPU s", fontsize=9, color=DARK)
            if line == 0:
                axes.set_title(method.replace("_", " "), fontsize=11)
            if column == 0:
                axes.set_ylabel(f"{name}, k = {count}", fontsize=10)
            shown = "" if name == "none" else f"{ami:.4f}"
            rows.append([name, method, POINTS, count, shown, f"{seconds:.3f}"])
            print(*rows[-1], flush=True)
    figure.suptitle(f"{POINTS:,} points each, standardised; black: centres (medoids of linkages)", fontsize=11, y=0.995)
    figure.tight_layout(rect=(0, 0, 1, 0.99))
    OUT.write_bytes(png(figure))
    with OUT.with_suffix(".csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([["set", "method", "points", "k", "ami", "cpu_s"], *rows])


if __name__ == "__main__":
    main()
