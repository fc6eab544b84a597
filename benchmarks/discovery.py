"""Discovery against other libraries, interleaved in one process: processor seconds.

`python benchmarks/discovery.py` takes 52,682 points in 20 columns, some ten minutes on a quiet core; `--points 5000`
takes seconds. The full matrix that scipy and fastcluster need is only made up to 10,000 points.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import fastcluster
import numpy as np
import skdim
from numpy.typing import NDArray

from semtrace.core.grouping.agglomerative import Method, merges
from semtrace.core.grouping.density_peaks import peaks
from semtrace.core.grouping.neighbours import nearest_points
from semtrace.core.statistics.intrinsic_dimension import two_nn_fit

_MATRIX = 10_000


def cloud(count: int, columns: int = 20, heaps: int = 200, seed: int = 1) -> NDArray[np.float64]:
    """Points in heaps of ten dimensions, turned into ``columns``; nothing in them is equal."""
    rng = np.random.default_rng(seed)
    turn = rng.normal(size=(10, columns))
    middles = rng.normal(size=(heaps, 10)) * 3
    inside = rng.normal(size=(count, 10)) * rng.uniform(0.3, 1, (count, 1))
    return np.asarray((middles[rng.integers(heaps, size=count)] + inside) @ turn)


def timed(name: str, work: Callable[[], Any]) -> Any:
    """Do the work, print its processor seconds, and the largest memory that the process had up to here."""
    begin = time.process_time()
    result = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(f"{name:<52} {time.process_time() - begin:8.2f} CPU s {peak:8.0f} MB", flush=True)
    return result


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=52_682)
    count = parser.parse_args().points
    points = cloud(count)
    merges(points[:100], "complete")  # compile first
    near = timed("neighbours, 61 of each, and their distances anew", lambda: nearest_points(points, 61))
    ours = timed("2-NN with a search of its own", lambda: _two_nn(points))
    theirs = timed("2-NN, scikit-dimension", lambda: skdim.id.TwoNN().fit(points).dimension_)
    print(f"  dimensions {ours:.6f} and {theirs:.6f}")
    graph = timed("Density Peaks after the neighbours", lambda: peaks(points, near, ours, 15))
    print(f"  {graph.searched} points searched for their denser neighbour")
    methods: tuple[Method, ...] = ("single", "ward", "centroid", "complete")
    for method in methods:
        merged = timed(f"{method} linkage", partial(merges, points, method, 4096))
        if count <= _MATRIX:
            other = timed(
                f"{method} linkage, fastcluster with the matrix", partial(fastcluster.linkage, points, method)
            )
            worst = float(np.abs(np.sort(merged[:, 2]) - np.sort(other[:, 2])).max() / other[:, 2].max())
            print(f"  largest difference of heights, over the highest: {worst:.1e}")


def _two_nn(points: NDArray[np.float64]) -> float:
    near = nearest_points(points, 2)
    return two_nn_fit(near.distances[:, 0], near.distances[:, 1]).dimension


if __name__ == "__main__":
    main()
