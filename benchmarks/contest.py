"""How contestants are measured side by side: in turns, in random order, on one core; then on all; then for memory.

A shared machine drifts by a factor of two within a minute, so times of different runs say little. Within a round
the contestants take turns; a ratio is the median of the rounds' ratios. Each way of measuring has its own process,
because a thread pool or a memory high-water mark, once there, stays.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Contestant:
    """Work to be measured: ``run(workers)`` does ``units`` of it and gives what ``Contest.check`` compares."""

    run: Callable[[int], Any]
    units: int


@dataclass(frozen=True)
class Contest:
    """Contestants for one job, one of them ours. Ratios say how many times as long as ours the others take.

    Attributes:
        unit: what a unit of work is.
        scale: seconds are shown times this, and with ``shown`` as their unit.
        contestants: by name; ours starts with "semtrace".
        check: from the first one's result and another's, one line on how far they agree.
        rounds: fewer than asked for, where a round takes long.
        processes: the work is done in other processes, whose CPU time is not seen: wall time on one core, too.
    """

    unit: str
    scale: float
    shown: str
    contestants: dict[str, Contestant]
    check: Callable[[Any, Any], str]
    rounds: int = 99
    processes: bool = False


_WORK: list[tuple[Callable[[Any], Any], Sequence[Any]]] = []  # forked processes inherit it: items do not travel


def over(function: Callable[[Any], Any], items: Sequence[Any], times: int = 1) -> Contestant:
    """Apply a function to all items, several times over; with several workers in as many forked processes."""
    place = len(_WORK)
    _WORK.append((function, items))

    @cache
    def pool(workers: int) -> Any:
        return multiprocessing.get_context("fork").Pool(workers)

    def run(workers: int) -> list[Any]:
        every = [(place, i) for _ in range(times) for i in range(len(items))]
        done = list(map(_apply, every)) if workers == 1 else pool(workers).map(_apply, every)
        return done[: len(items)]

    return Contestant(run, len(items) * times)


def _apply(work: tuple[int, int]) -> Any:
    function, items = _WORK[work[0]]
    return function(items[work[1]])


def machine(packages: Sequence[str]) -> dict[str, Any]:
    """Processor, cores, date and versions, for the record."""
    model = platform.processor()
    if (info := Path("/proc/cpuinfo")).is_file():
        lines = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = lines[0] if lines else model
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "versions": found,
    }


def on_one_core(contest: Contest, rounds: int) -> dict[str, Any]:
    """CPU time of one thread, pinned."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return _in_turns(contest, rounds, 1, time.perf_counter if contest.processes else time.process_time)


def on_all_cores(contest: Contest, rounds: int) -> dict[str, Any]:
    """Wall time with a worker for each core."""
    return _in_turns(contest, rounds, len(os.sched_getaffinity(0)), time.perf_counter)


def memory(contest: Contest, name: str) -> dict[str, Any]:
    """Peak of the resident memory of a warm run beyond what is held before it, in MB; None where unknown."""
    contestant = contest.contestants[name]
    contestant.run(1)
    try:
        Path("/proc/self/clear_refs").write_text("5")  # forget the high-water mark
        before = _status("VmRSS")
        contestant.run(1)
        return {"mb": round((_status("VmHWM") - before) / 1000, 1)}
    except OSError:
        return {"mb": None}


def _status(what: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))


def _in_turns(contest: Contest, rounds: int, workers: int, clock: Callable[[], float]) -> dict[str, Any]:
    names = list(contest.contestants)
    results = {name: contest.contestants[name].run(workers) for name in names}  # the kernels compile here
    agreement = {name: contest.check(results[names[0]], results[name]) for name in names[1:]}
    del results
    seconds: dict[str, list[float]] = {name: [] for name in names}
    order = random.Random(1)
    for _ in range(min(rounds, contest.rounds)):
        for name in order.sample(names, len(names)):
            start = clock()
            contest.contestants[name].run(workers)
            seconds[name].append((clock() - start) / contest.contestants[name].units)
    found: dict[str, Any] = {}
    ours = next((name for name in names if name.startswith("semtrace")), names[0])
    for name in names:
        ratios = sorted(b / a for a, b in zip(seconds[ours], seconds[name], strict=True))
        found[name] = {
            "seconds_per_unit": statistics.median(seconds[name]),
            "ratio": statistics.median(ratios),
            "ratios": [round(ratio, 3) for ratio in ratios],
            "agreement": agreement.get(name, "reference"),
        }
    return found


@dataclass
class Report:
    """Runs each measurement of a contest in its own process, prints a table, keeps the figures."""

    script: Path
    arguments: list[str]
    figures: dict[str, Any] = field(default_factory=dict)

    def measure(self, contest: str) -> None:
        """Measure one contest of ``script`` in all three ways."""
        cores = str(len(os.sched_getaffinity(0)))
        single = self._child(contest, "one", dict.fromkeys(THREADS, "1"))
        if "skipped" in single:
            print(f"\n{contest}: {single['skipped']}")
            return
        # OpenMP threads that wait actively would take the cores from each other, and from other programs.
        several = self._child(contest, "all", {**dict.fromkeys(THREADS, cores), "OMP_WAIT_POLICY": "PASSIVE"})[
            "figures"
        ]
        print(f"\n{contest}: {single['shown']} for each {single['unit']}")
        print(
            f"  {'':<34}{'CPU, 1 core':>12}{'x ours':>9}{'(range)':>17}{'wall, all':>11}{'x ours':>9}{'MB':>8}  agrees"
        )
        rows = self.figures[contest] = {}
        for name, one in single["figures"].items():
            # Freed memory goes back at once, so that the peak of a second run shows.
            lean = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536", **dict.fromkeys(THREADS, "1")}
            peak = self._child(contest, f"memory:{name}", lean)["figures"]["mb"]
            wall = several[name]
            rows[name] = {"one_core_cpu": one, "all_cores_wall": wall, "peak_mb": peak}
            scale = single["scale"]
            spread = f"({_times(one['ratios'][0])}-{_times(one['ratios'][-1])})"
            print(
                f"  {name:<34}{one['seconds_per_unit'] * scale:>12.3f}{_times(one['ratio']):>9}{spread:>17}"
                f"{wall['seconds_per_unit'] * scale:>11.3f}{_times(wall['ratio']):>9}{peak or 0:>8.1f}  "
                + one["agreement"],
                flush=True,
            )

    def _child(self, contest: str, way: str, environment: dict[str, str]) -> dict[str, Any]:
        command = [sys.executable, str(self.script), *self.arguments, "--contest", contest, "--way", way]
        done = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True)
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer


def _times(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.3g}"


def answer(contest: Contest | str, way: str, rounds: int) -> None:
    """What a child says to ``Report``: one line of JSON. A contest that cannot be held is a string: why."""
    if isinstance(contest, str):
        print(json.dumps({"skipped": contest}))
        return
    if way == "one":
        figures = on_one_core(contest, rounds)
    elif way == "all":
        figures = on_all_cores(contest, rounds)
    else:
        figures = memory(contest, way.partition(":")[2])
    shown = {"unit": contest.unit, "scale": contest.scale, "shown": contest.shown}
    print(json.dumps({"figures": figures, **shown}))
