"""sweep: judge every point of a grid of hash sizes and thresholds against truth, and recommend one.

Each picture is hashed once per size and each pair compared once for all. A point is then decided by the code that
``match`` runs (provenance/tracing/trace.py), so it is what a full run with its parameters would give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd

from semtrace.core.errors import InputError
from semtrace.core.statistics.accuracy import Accuracy
from semtrace.core.statistics.choice import Choice, choose_point
from semtrace.io import tables
from semtrace.io.files import write_atomic
from semtrace.io.staging import scratch_folder, staged_folder
from semtrace.parallel.processes import available_cores
from semtrace.provenance import fingerprint
from semtrace.provenance.fingerprint import HashSettings, Selection, Size
from semtrace.provenance.match import Settings as MatchSettings
from semtrace.provenance.tables import HASHES
from semtrace.provenance.tracing.evidence import Scope, compare_candidates
from semtrace.provenance.tracing.knowledge import Knowledge, read_knowledge
from semtrace.provenance.tracing.mapping import forward_rows, rejected, sides
from semtrace.provenance.tracing.sides import load_side
from semtrace.provenance.tracing.trace import trace_all
from semtrace.provenance.validate import accuracy_of, judged_rows, mapping_metrics, read_truth
from semtrace.stage.claim import headline
from semtrace.stage.executor import Executor
from semtrace.stage.settings import REFERENCE_BITS
from semtrace.tuning.measure import Measurements, measure
from semtrace.tuning.settings import SweepSettings
from semtrace.tuning.sweep_figures import draw_sweep
from semtrace.tuning.sweep_report import sweep_report
from semtrace.tuning.tables import SWEEP, TIMINGS

SWEEP_FILES = {
    "sweep.csv",
    "timings.csv",
    "sweep_report.txt",
    "heat_map.png",
    "precision_recall.png",
    "cost.png",
}
_TIMED = 12  # published images whose comparisons are timed, for the estimate of what a match takes


@dataclass(frozen=True)
class SweepPoint:
    """Parameters of one run: bits along each side of the hash, and the thresholds of the match."""

    hash_size: Size
    match: MatchSettings

    def values(self) -> dict[str, Any]:
        """Every parameter by the name it has in tables, where a switch is ``on`` or ``off``."""
        said = {True: "on", False: "off"}
        values = {name: said[value] if isinstance(value, bool) else value for name, value in asdict(self.match).items()}
        return {"hash_size": self.hash_size, **values}

    def changes(self, other: SweepPoint) -> tuple[int, float]:
        """How many parameters differ, and by how much in all, relative to the larger value."""
        pairs = [(value, other.values()[name]) for name, value in self.values().items()]
        differ = [(a, b) for a, b in pairs if a != b]
        numbers = [(a, b) for a, b in differ if not isinstance(a, str)]
        return len(differ), round(sum(abs(a - b) / max(abs(a), abs(b)) for a, b in numbers), 6)


@dataclass(frozen=True)
class SweepInputs:
    """Where the images are, what is known of them, what the pipeline made of them; what is left out of both folders."""

    archive: Path
    published: Path
    known: Path
    work: Path
    exclude: Sequence[str] = ()
    verdicts: Path | None = None


@dataclass(frozen=True)
class ScoredPoint:
    """One point and what came of it.

    Attributes:
        point: its parameters.
        metrics: as ``metrics.json`` names them.
        accuracy: counts against truth.
        ssim_pairs: pairs of images that a match compares.
        rejected: published files that could not be compared.
        decide_s: seconds that deciding and judging took here.
        match_s: seconds that its comparisons take without the side cache, estimated; None without a pair.
    """

    point: SweepPoint
    metrics: dict[str, Any]
    accuracy: Accuracy
    ssim_pairs: int
    rejected: int
    decide_s: float
    match_s: float | None


@dataclass(frozen=True)
class Sweep:
    """All points, judged, and the one to use.

    Attributes:
        judged: in the order of the grid; at the end the parameters in force, where the grid did not hold them.
        in_force: position of the parameters in force.
        varied: the parameters that differ between points, by their names in tables.
        basis: where truth comes from.
        recommended: None where no point has the requested precision, or nothing is known.
        report: for people.
        seconds: what hashing, measuring and deciding took, by name.
    """

    judged: list[ScoredPoint]
    in_force: int
    varied: list[str]
    basis: str
    recommended: Choice | None
    report: str
    seconds: dict[str, float]


def run(
    inputs: SweepInputs, points: Sequence[SweepPoint], current: SweepPoint, settings: SweepSettings,
    selection: Selection, executor: Executor, out: Path,
) -> Sweep:  # fmt: skip
    """Write tables, report and pictures to the folder ``out``.

    Args:
        inputs: see there; ``inventory`` and ``convert`` must have run.
        points: at least one.
        current: the parameters in force; a point of their own where ``points`` lacks them.
        settings: what is asked for.
        selection: which images take part.
        executor: where to work; no result but the times depends on it.
        out: folder to write.

    Raises:
        InputError: the pipeline has not run, or there is nothing to hash.
        TableError: see ``read_truth_table``.
    """
    converted = inputs.work / "convert" / "converted.csv"
    if not converted.is_file():
        raise InputError(f"{converted}: not there; a sweep varies a run of the pipeline: run it first (`make run`)")
    knowledge = read_knowledge(converted, inputs.verdicts)
    grid = len(points)
    points = [*points, *([] if current in points else [current])]
    judged: dict[int, ScoredPoint] = {}
    seconds = dict.fromkeys(("hash", "measure", "decide"), 0.0)
    basis = ""
    pace: float | None = None
    out.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(out.with_name(f".{out.name}.made.part")) as made:
        for size in sorted({point.hash_size for point in points}, reverse=True):
            start = perf_counter()
            hashes = _hash(inputs, made / str(size), HashSettings(size), selection, executor)
            seconds["hash"] += perf_counter() - start
            mine = [i for i, point in enumerate(points) if point.hash_size == size]
            scorer = Scorer(inputs, hashes, knowledge, executor)
            basis = scorer.truth.basis
            for geometry in sorted({points[i].match.geometry for i in mine}, key=str):
                some = [i for i in mine if points[i].match.geometry == geometry]
                start = perf_counter()
                measured = scorer.measured([points[i].match for i in some])
                seconds["measure"] += perf_counter() - start
                if pace is None:
                    pace = _seconds_per_pair(measured, made)
                judged |= {i: scorer.score(points[i], measured, pace) for i in some}
    seconds["decide"] = sum(one.decide_s for one in judged.values())
    return _write(
        out, headline(inputs.work), [judged[i] for i in range(len(points))], grid, basis, current, settings, seconds
    )


class Scorer:
    """Decides and judges points with hashes of one size."""

    def __init__(
        self, inputs: SweepInputs, hashes: tuple[Path, Path], knowledge: Knowledge, executor: Executor
    ) -> None:
        originals, self.published = (load_side([file]) for file in hashes)
        self.scope = Scope(originals, (inputs.archive, inputs.published), knowledge)
        self.both = sides(originals, self.published, executor.workers or available_cores())
        self.content = {row["path"]: row["picture_id"] for row in tables.read(hashes[0], HASHES)}
        jpegs = [row["path"] for row in tables.read(hashes[1], HASHES)]
        folders = inputs.published, inputs.archive
        # Parameters are chosen for exposures: a match that names another exposure of the place is wrong here.
        said = read_truth(inputs.known / "truth.csv", jpegs, self.content, folders, inputs.exclude)
        self.truth = replace(said, same_place={})
        self.executor = executor

    def measured(self, asked: Sequence[MatchSettings]) -> Measurements:
        """All that decisions with these settings, of one ``geometry``, may rest on."""
        every = dict.fromkeys(range(len(self.published.contents)), frozenset[int]())
        return measure(self.scope, self.published, asked, every, self.executor)

    def score(self, point: SweepPoint, measured: Measurements, pace: float | None) -> ScoredPoint:
        """Judge one point; ``pace``: seconds that a comparison takes, where that is known."""
        start = perf_counter()
        traces = trace_all(measured, point.match.rules(self.scope.originals.bits))
        pairs = sum(trace.examined for trace in traces.values())
        rows = judged_rows(forward_rows(self.both, traces), self.truth, self.content)
        accuracy = accuracy_of(rows)
        metrics = mapping_metrics(rows, accuracy, self.truth.basis) | {"ssim_pairs": pairs}
        lost = len(rejected(self.published, traces))
        cost = None if pace is None else pairs * pace
        return ScoredPoint(point, metrics, accuracy, pairs, lost, perf_counter() - start, cost)


def _hash(
    inputs: SweepInputs, folder: Path, size: HashSettings, selection: Selection, executor: Executor
) -> tuple[Path, Path]:
    """Hash tables of both sides; the side cache knows what was hashed before."""
    listing = inputs.work / "inventory" / "inventory.csv"
    fingerprint.tiffs(inputs.archive, listing, folder / "tiff", size, selection, executor)
    fingerprint.jpegs(inputs.published, folder / "jpeg", size, selection, executor, exclude=inputs.exclude)
    return folder / "tiff" / "hashes.csv", folder / "jpeg" / "hashes.csv"


def _seconds_per_pair(measured: Measurements, scratch: Path) -> float | None:
    """What one comparison takes in one process, decoding included, on some of the pairs and without the side cache."""
    some = [j for j, found in measured.pairs.items() if found]
    near = {j: measured.pairs[j][:2] for j in some[:: max(1, len(some) // _TIMED)][:_TIMED]}
    executor = replace(measured.executor, workers=1, cache=scratch / "timed.sqlite")
    start = perf_counter()
    compare_candidates(near, measured.published, measured.scope, executor)
    taken, pairs = perf_counter() - start, sum(map(len, near.values()))
    return taken / pairs if pairs else None


def _write(
    out: Path, head: str, judged: list[ScoredPoint], grid: int, basis: str, current: SweepPoint,
    settings: SweepSettings, seconds: dict[str, float],
) -> Sweep:  # fmt: skip
    changes = [one.point.changes(current) for one in judged]
    in_force = changes.index((0, 0.0))
    preferences = [
        (changed[0] > 0, -one.accuracy.absent_unmatched, *changed, one.ssim_pairs)  # what is in force wins ties
        for one, changed in zip(judged, changes, strict=True)
    ]  # fmt: skip
    recommended = choose_point([one.accuracy for one in judged], settings.precision, preferences)
    rows = [_row(number, one, recommended) for number, one in enumerate(judged, 1)]
    rows[in_force]["in_force"] = True
    varied = varied_columns(pd.DataFrame([one.point.values() for one in judged[:grid]]))
    report = head + sweep_report(rows, varied, current.values(), basis, settings.precision, recommended)
    timings = [
        {
            "point": number,
            "hash_size": one.point.hash_size,
            "decide_s": round(one.decide_s, 6),
            "match_s": None if one.match_s is None else round(one.match_s, 3),
        }
        for number, one in enumerate(judged, 1)
    ]
    with staged_folder(out) as folder:
        tables.write(folder / "sweep.csv", SWEEP, rows, sort=False)
        tables.write(folder / "timings.csv", TIMINGS, timings, sort=False)
        write_atomic(folder / "sweep_report.txt", report.encode())
        best = recommended.index if recommended else None
        for name, drawn in draw_sweep(rows, timings, varied, grid, best, settings.precision).items():
            write_atomic(folder / name, drawn)
    return Sweep(judged, in_force, varied, basis, recommended, report, seconds)


def varied_columns(points: pd.DataFrame) -> list[str]:
    """The columns whose values differ between points; of several that always agree (one follows another) the first."""
    words = points.astype(str)
    return list(words.loc[:, words.nunique() > 1].T.drop_duplicates().index)


def _row(number: int, one: ScoredPoint, recommended: Choice | None) -> dict[str, Any]:
    threshold = one.point.match.hamming_threshold
    row: dict[str, Any] = {
        "point": number,
        "recommended": bool(recommended and recommended.index == number - 1),
        "in_force": False,
        **one.point.values(),
        "hamming_bits": round(one.point.match.rules(one.point.hash_size**2).criteria.hamming_threshold, 4),
        "hamming_share": round(threshold / REFERENCE_BITS, 6),
        **one.metrics["decisions"],
        "rejected": one.rejected,
        "ambiguous_rate": one.metrics["ambiguous_rate"],
        "ssim_pairs": one.ssim_pairs,
    }
    rates = one.accuracy.rates()
    return {name: row[name] if name in row else rates[name] for name in SWEEP.names}
