"""The main job against the algorithm it replaces: same inputs, whole processes, interleaved in one run.

Prints the ratio of wall times (median over rounds), accuracy of both against the known truth, peak memory, and how it
grows with the number of images. Only the ratios mean something on a shared machine.

Usage: python benchmarks/main_job.py [--originals 1000] [--data FOLDER] [--rounds 2] [--json FILE]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import psutil

from semtrace.config import params
from semtrace.synthetic.generate import generate
from semtrace.synthetic.settings import Settings

HERE = Path(__file__).resolve().parent
_UNBUFFERED = {"PYTHONUNBUFFERED": "1"}
SEMTRACE = [sys.executable, "-m", "semtrace.cli"]


class Measured(NamedTuple):
    """Wall seconds of a command, those of its conversion and of its page, and its processes' peak memory in MB."""

    seconds: float
    converting: float
    page: float
    peak_mb: float  # pages of memory that processes share count once


def measured(command: list[str], cwd: Path) -> Measured:
    """Run a command that may say in lines ``convert: ...`` and ``report: ...`` that these parts are done.

    The time since the line before counts as that of the work. Work of another process at the same time is in it.
    """
    start, peak = time.perf_counter(), 0.0
    passed, before = {"convert": 0.0, "report": 0.0}, start
    with subprocess.Popen(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **_UNBUFFERED},
    ) as process:
        root, finished = psutil.Process(process.pid), threading.Event()

        def watch() -> None:
            nonlocal peak
            while not finished.wait(0.25):
                total = 0
                try:
                    for part in (root, *root.children(recursive=True)):
                        total += part.memory_full_info().pss
                except psutil.Error:
                    continue
                peak = max(peak, total / 1e6)

        watcher = threading.Thread(target=watch)
        watcher.start()
        for line in process.stdout or ():
            now = time.perf_counter()
            if (stage := line.partition(":")[0]) in passed:
                passed[stage] = now - before
            before = now
        code = process.wait()
        finished.set()
        watcher.join()
    if code:
        raise SystemExit(f"{' '.join(command)} failed with exit code {code} in {cwd}")
    return Measured(time.perf_counter() - start, passed["convert"], passed["report"], peak)


def project(data: Path, root: Path) -> Path:
    """A project folder whose parameters name the data; its side cache is cold."""
    root.mkdir()
    paths = [f"dataset.{name}={data / name}" for name in ("archive", "published", "known")]
    params.write_params(HERE.parent / "conf", root / "params.yaml", paths)
    return root


def archive(root: Path, originals: int, made: Path | None) -> None:
    """Make an archive with its published set in ``root``, or copy one that was ``made`` before."""
    if made:
        shutil.copytree(made, root)
    else:
        generate(Settings(seed=1, originals=originals, published=originals * 3 // 4), root)


def ours(data: Path, root: Path) -> Measured:
    """All stages from inventory to plot, reports and pictures included, nothing cached."""
    return measured([*SEMTRACE, "run"], project(data, root))


def accuracy_of_seeds(data: Path, mapping: Path) -> tuple[int, int, int]:
    """Right traces, wrong traces, and pictures that should have been left alone or found but were not."""
    same: dict[str, bytes] = {}
    with (data / "known" / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = {row["jpeg_path"]: row["tiff_path"] for row in csv.DictReader(file)}
    with mapping.open(encoding="utf-8", newline="") as file:
        traced = {row["jpeg_path"]: row["matched_tiff_path"] for row in csv.DictReader(file)}

    def content(path: str) -> bytes:
        return same.setdefault(path, (data / "archive" / path).read_bytes())

    right = sum(bool(t) and j in traced and content(traced[j]) == content(t) for j, t in truth.items())
    return right, len(traced) - right, len(truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--originals", type=int, default=1000, help="size of the archive")
    parser.add_argument("--data", type=Path, help="copy this one, of that size, made by the same generator before")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    given = parser.parse_args()
    figures: dict[str, object] = {
        "versions": {name: version(name) for name in ("numpy", "numba", "Pillow", "ImageHash", "scikit-image")},
        "python": platform.python_version(),
        "cores": psutil.cpu_count(),
    }
    with tempfile.TemporaryDirectory(prefix="semtrace-bench-") as name:
        root = Path(name)
        data = root / "data"
        archive(data, given.originals, given.data)
        print(f"archive: {sum(p.is_file() for p in (data / 'archive').rglob('*'))} files, "
              f"{sum(p.is_file() for p in (data / 'published').rglob('*'))} published")  # fmt: skip
        ours(data, root / "warm-up")  # compiles the kernels once, as the first run after installation does
        ratios, without, same = [], [], []
        for turn in range(given.rounds):
            mine = ours(data, root / f"ours-{turn}")
            seeds = root / f"seeds-{turn}"
            command = [sys.executable, str(HERE / "seed_algorithm.py"), data / "archive", data / "published", seeds]
            theirs = measured([str(part) for part in command], root)
            ratios.append(theirs.seconds / mine.seconds)
            without.append((theirs.seconds - theirs.converting) / (mine.seconds - mine.converting))
            same.append(theirs.seconds / (mine.seconds - mine.page))
            print(
                f"round {turn + 1}: semtrace {mine.seconds:.1f} s, {mine.converting:.1f} s of it converting, "
                f"{mine.page:.1f} s the page of results, "
                f"seeds {theirs.seconds:.1f} s, {theirs.converting:.1f} s; "
                f"ratio {ratios[-1]:.2f}, without conversion {without[-1]:.2f}, without the page {same[-1]:.2f}",
                flush=True,
            )
        last = root / f"ours-{given.rounds - 1}"
        metrics = json.loads((last / "data/work/validate/metrics.json").read_text())["accuracy"]
        right, wrong, known = accuracy_of_seeds(data, root / f"seeds-{given.rounds - 1}" / "mapping.csv")
        middle = [statistics.median(each) for each in (ratios, without, same)]
        print(
            f"ratio, median of {given.rounds}: {middle[0]:.2f}, without conversion {middle[1]:.2f}, "
            f"without the page, which the other has not: {middle[2]:.2f}"
        )
        print(
            f"traced rightly / wrongly of {known}: "
            f"semtrace {metrics['found']} / {metrics['wrong']}, seeds {right} / {wrong}"
        )
        print(f"peak memory: semtrace {mine.peak_mb:.0f} MB (all processes together), seeds {theirs.peak_mb:.0f} MB")
        figures |= {"ratios": ratios, "without_conversion": without, "without_page": same, "semtrace": metrics}
        figures["peak_mb"] = [mine.peak_mb, theirs.peak_mb]
        figures["seeds"] = {"right": right, "wrong": wrong, "known": known}
        few, fewer = root / "few", max(40, given.originals // 4)
        generate(Settings(seed=2, originals=fewer, published=fewer * 3 // 4), few)
        small_peak, peak = ours(few, root / "small").peak_mb, mine.peak_mb
        slope = (peak - small_peak) / (given.originals - fewer) * 1000
        print(
            f"memory: {small_peak:.0f} MB with {fewer} originals, {peak:.0f} MB with {given.originals}: "
            f"{slope:+.0f} MB per 1,000"
        )
        figures["small_peak_mb"] = small_peak
        shutil.rmtree(root, ignore_errors=True)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
