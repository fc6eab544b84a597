"""How time grows with the number of hashes and of images: measured, fitted with a power of N, drawn.

An exponent of 1 means twice the images, twice the time; 2 is what comparing all with all must cost. Each size is
measured several times, the sizes in random order, and the fastest counts: on a shared machine the rest is others' work.

Usage: python benchmarks/growth.py [--hashes 50000] [--images 2000] [--svg FILE] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from contest import machine
from main_job import ours
from self_join import self_join

from semtrace.core.hashing import hamming
from semtrace.parallel.processes import available_cores
from semtrace.synthetic.generate import generate
from semtrace.synthetic.settings import Settings

matplotlib.use("svg")
import matplotlib.pyplot as plt

Measured = dict[int, float]


def fastest(sizes: list[int], rounds: int, run: Callable[[int], float]) -> Measured:
    found: Measured = {}
    order = random.Random(1)
    for _ in range(rounds):
        for size in order.sample(sizes, len(sizes)):
            found[size] = min(run(size), found.get(size, float("inf")))
    return dict(sorted(found.items()))


def exponent(seconds: Measured) -> float:
    """Slope of the line through the logarithms, by least squares."""
    return float(np.polyfit(np.log(list(seconds)), np.log(list(seconds.values())), 1)[0])


def of_hashes(most: int) -> dict[str, Measured]:
    sizes = [size for size in (1000, 2000, 5000, 10_000, 20_000, 50_000) if size <= most]
    rng = np.random.default_rng(1)
    table = rng.integers(0, 2**64, (most, 16), dtype=np.uint64)
    table[1::10] = table[::10] ^ np.uint64(0b1111)
    queries = table[rng.permutation(most)] ^ np.uint64(1)
    workers = available_cores()

    def timed(search: Callable[[int], object]) -> Callable[[int], float]:
        def run(size: int) -> float:
            start = time.perf_counter()
            search(size)
            return time.perf_counter() - start

        run(sizes[0])  # compiles
        return run

    return {
        "the 10 nearest of N among N hashes": fastest(
            sizes, 5, timed(lambda n: hamming.nearest(queries[:n], table[:n], 10, workers=workers))
        ),
        "self-join of N hashes, radius 120": fastest(
            sizes, 5, timed(lambda n: self_join(table[:n], 120, workers=workers))
        ),
    }


def of_images(most: int) -> Measured:
    """All stages from inventory to plot, nothing cached: N originals and 3/4 N JPEGs, 512 pixels wide."""
    sizes = [size for size in (100, 200, 500, 1000, 2000) if size <= most]
    with tempfile.TemporaryDirectory(prefix="semtrace-growth-") as name:
        root, turn = Path(name), 0
        for size in sizes:
            generate(Settings(seed=1, originals=size, published=size * 3 // 4, width=512), root / f"data-{size}")

        def run(size: int) -> float:
            nonlocal turn
            turn += 1
            seconds = ours(root / f"data-{size}", root / f"run-{turn}").seconds
            shutil.rmtree(root / f"run-{turn}")
            return seconds

        run(sizes[0])  # compiles
        return fastest(sizes, 2, run)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hashes", type=int, default=50_000, help="largest table; 0 leaves hashes out")
    parser.add_argument("--images", type=int, default=2000, help="largest archive; 0 leaves images out")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the curves there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    setting = machine(("numpy", "numba", "Pillow"))
    curves = of_hashes(given.hashes) if given.hashes else {}
    if given.images:
        curves["all stages, N originals"] = of_images(given.images)
    for name, seconds in curves.items():
        each = ", ".join(f"{size:,}: {value:.3g} s" for size, value in seconds.items())
        print(f"{name}: {each}; exponent {exponent(seconds):.2f}")
    if given.json:
        given.json.write_text(json.dumps({**setting, "seconds": curves}, indent=2) + "\n")
    if given.svg:
        plt.rcParams["svg.hashsalt"] = "semtrace"
        figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
        for name, seconds in curves.items():
            axes.loglog(list(seconds), list(seconds.values()), "o-", label=f"{name}: exponent {exponent(seconds):.2f}")
        axes.set(xlabel="N", ylabel="seconds, wall, all cores")
        axes.grid(True, which="major", alpha=0.3)
        axes.legend(frameon=False)
        figure.savefig(given.svg, metadata={"Date": None})


if __name__ == "__main__":
    main()
