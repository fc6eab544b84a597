"""A Dask cluster on this machine beside processes: what does the cluster cost, and from which size on is it worth it?

Both have the same cores and do the same stage (inventory: read, decode whole, digest) on the same files, turn by turn,
each time with an empty side cache; the tables must be equal. Then the cost model of docs/scale.md: the stages on images
and the match on hashes at three sizes, against what the model says from the smaller ones.

Usage: python benchmarks/cluster.py [--images 20000] [--rounds 3] [--hashes 100000] [--json FILE]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tifffile

from semtrace.cluster.client import check_cluster
from semtrace.config import params
from semtrace.parallel.processes import available_cores
from semtrace.provenance import inventory, match
from semtrace.stage.executor import Executor

TINY, USUAL = (48, 64), (768, 1024)


def make(folder: Path, count: int, shape: tuple[int, int]) -> Path:
    """Grey TIFFs, each of other content, 500 in a folder."""
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, shape, np.uint8)
    for number in range(count):
        path = folder / f"{number // 500:04}" / f"{number:06}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture[0, :4] = list(number.to_bytes(4, "little"))
        tifffile.imwrite(path, picture, software=False, metadata=None)
    return folder


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "dask"]
    commands = [[*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--dashboard-address", "127.0.0.1:0"]]
    commands += [[*dask, "worker", address, "--nthreads", "1", "--no-dashboard"]] * workers
    started = []
    try:
        for number, command in enumerate(commands):
            place = folder / f"dask{number}"
            place.mkdir()
            with (place / "said.txt").open("w") as said:
                started.append(subprocess.Popen(command, cwd=place, stdout=said, stderr=said))
        yield address
    finally:
        for process in started:
            process.terminate()
            process.wait()


def timed(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def inventories(archive: Path, folder: Path, executors: dict[str, Executor], rounds: int) -> dict[str, float]:
    """Seconds of each executor, turn by turn; the fastest round counts, the rest is the work of others."""
    found: dict[str, list[float]] = {name: [] for name in executors}
    for number in range(rounds):
        for name in list(executors)[:: 1 if number % 2 else -1]:
            where = executors[name]
            cache = folder / "cache"
            job = json.dumps([*map(str, (archive, folder / name, where.workers, cache / "c.sqlite")), where.address])
            alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # as the command sets them
            command = [sys.executable, __file__, "--stage", job]
            said = subprocess.run(command, env=alone, check=True, stdout=subprocess.PIPE, text=True).stdout
            found[name].append(float(said))
            shutil.rmtree(cache)
        tables = {(folder / name / "inventory.csv").read_bytes() for name in executors}
        assert len(tables) == 1, "the tables differ"
    return {name: min(seconds) for name, seconds in found.items()}


def hashes(file: Path, side: str, count: int, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["file", "path", "phash"])
        for number in range(count):
            name = f"{number:07}.tif" if side == "tiff" else f"L0_{number:032x}.jpg"
            writer.writerow([name, f"Tips/{name}", rng.bytes(128).hex()])
    return file


def matched(folder: Path, count: int) -> float:
    """Seconds of the match of ``count`` random hashes with as many, from tables alone."""
    tables = [hashes(folder / f"{side}.csv", side, count, seed) for seed, side in enumerate(("tiff", "jpeg"))]
    p = params.load(Path(__file__).parents[1] / "params.yaml")
    executor = Executor(0, folder / "match.sqlite")
    return timed(lambda: match.run(tables[0], tables[1:], folder / "match", p.match, executor))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hashes", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--stage", help=argparse.SUPPRESS)  # one measurement, in a process without threads
    given = parser.parse_args()
    if given.stage:
        archive, out, workers, cache, address = json.loads(given.stage)
        executor = Executor(int(workers), Path(cache), address=address)
        print(timed(lambda: inventory.run(Path(archive), Path(out), executor)))
        return
    cores = available_cores()
    result: dict[str, object] = {"cores": cores, "load before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as name, cluster(Path(name), cores) as address:
        folder = Path(name)
        executors = {"processes": Executor(cores, Path()), "dask": Executor(cores, Path(), address=address)}
        first = make(folder / "one", 1, TINY)
        result["first contact"] = timed(lambda: check_cluster(address, [first], folder))
        result["contact"] = statistics.median(timed(lambda: check_cluster(address, [first], folder)) for _ in range(5))
        for what, shape, sizes in (
            ("tiny", TINY, [given.images // 200, given.images // 20, given.images // 4, given.images]),
            ("usual", USUAL, [given.images // 200, given.images // 20]),
        ):
            found = {
                n: inventories(make(folder / f"{what}{n}", n, shape), folder, executors, given.rounds) for n in sizes
            }
            result[what] = found
            for size, seconds in found.items():
                print(f"{what:6} {size:7} images: processes {seconds['processes']:.2f} s, dask {seconds['dask']:.2f} s")
            least, most = min(found), max(found)
            one, dask_one = ((found[most][name] - found[least][name]) / (most - least) for name in executors)
            fixed = found[least]["dask"] - found[least]["processes"]
            print(
                f"  each: processes {one * 1e3:.2f} ms, dask {dask_one * 1e3:.2f} ms; dask at once {fixed:.2f} s more"
            )
            # Twice the cores elsewhere halve what an image takes, and save that much against what a cluster costs.
            saved = one - dask_one / 2
            even = fixed / saved if saved > 0 else float("inf")
            result[f"{what}, break-even"] = even
            print(f"  a cluster of twice these cores is as fast from {even:.0f} images on")
        tables = {n: matched(folder, n) for n in (given.hashes // 100, given.hashes // 10, given.hashes)}
        result["match"] = tables
        print("match from hash tables: " + ", ".join(f"{n} x {n}: {seconds:.2f} s" for n, seconds in tables.items()))
    result["load after"] = os.getloadavg()[0]
    print(f"load {result['load before']:.1f} before, {result['load after']:.1f} after; {cores} cores")
    if given.json:
        given.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
