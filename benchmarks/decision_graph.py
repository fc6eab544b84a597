"""The nearest denser neighbour of every point, beside DADApy's decision graph: processor seconds, interleaved.

`make oracles` first: DADApy lives in an environment of its own, and this program starts itself there as its peer.
Both are given 100 neighbours of each point, the density of 30 and the dimension that DADApy finds; the time is that of
the decision graph alone. `python benchmarks/decision_graph.py --points 4000` takes seconds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PEER = Path(__file__).parents[1] / ".venv/oracles/bin/python"
NEIGHBOURS, K, ROUNDS = 100, 30, 3


def peer(given: Path, out: Path) -> None:
    """DADApy's side: distances, dimension and density, then its decision graph."""
    from dadapy import Data

    data = Data(np.load(given), verbose=False)
    data.compute_distances(maxk=NEIGHBOURS)
    dimension, _, _ = data.compute_id_2NN(mu_fraction=0.9)
    data.compute_density_kNN(K)
    begin = time.process_time()
    data.compute_DecGraph()
    seconds = time.process_time() - begin
    np.savez(out, seconds=seconds, delta=data.delta, parent=data.ref, dimension=dimension)


def main() -> None:
    """Print the seconds of each round, their ratio, and whether both graphs are equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=16_000)
    parser.add_argument("--python", type=Path, default=PEER, help="of DADApy's environment")
    parser.add_argument("--peer", nargs=2, type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.peer:
        peer(*asked.peer)
        return
    from discovery import cloud

    from semtrace.core.grouping.density_peaks import peaks
    from semtrace.core.grouping.neighbours import nearest_points

    if not asked.python.is_file():
        sys.exit(f"{asked.python}: DADApy's environment is not there; run `make oracles`")
    points = cloud(asked.points)
    near = nearest_points(points, NEIGHBOURS)
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder, "points.npy"), Path(folder, "graph.npz")
        np.save(given, points)
        for number in range(1, ROUNDS + 1):
            command = [asked.python, __file__, "--peer", given, out]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            theirs = np.load(out)
            begin = time.process_time()
            ours = peaks(points, near, float(theirs["dimension"]), K)
            seconds = time.process_time() - begin
            ratios.append(float(theirs["seconds"]) / seconds)
            print(
                f"{asked.points} points, round {number}: {seconds:.3f} CPU s, DADApy {float(theirs['seconds']):.2f}, "
                f"{ratios[-1]:.0f} times as long",
                flush=True,
            )
    below = ours.parent >= 0
    same = (ours.parent == theirs["parent"])[below].mean()
    apart = np.abs(ours.delta - theirs["delta"])[below].max()
    print(f"median ratio {np.median(ratios):.0f}; equal denser neighbours {same:.2%}; largest difference {apart:.1e}")


if __name__ == "__main__":
    main()
