"""plot: the pictures people look at first: what became of all files, and how alike the traced pairs are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from semtrace.core.statistics.accuracy import TIERS, tier
from semtrace.core.tracing.labels import Depth
from semtrace.io import tables
from semtrace.io.files import write_staged
from semtrace.io.kept_figures import KeptFigures
from semtrace.io.staging import staged_folder
from semtrace.io.terminal import harmless
from semtrace.provenance.count_plots import COLOURS, name_parts_below, outcomes_png, steps_png
from semtrace.provenance.funnel import Step, count_outcomes, count_steps, read_traced
from semtrace.provenance.tables import FUNNEL, MATCHED_BY_HAMMING, MATCHED_BY_SSIM, OUTCOMES_BY_CATEGORY
from semtrace.stage.declaration import Job
from semtrace.stage.figures import GREEN, GREY, ORANGE, RED, new_figure, png, quiet_axes
from semtrace.stage.settings import REFERENCE_BITS

if TYPE_CHECKING:  # matplotlib is slow to load, and a figure that has not changed needs none of it
    from matplotlib.axes import Axes

_TIER_COLOURS = dict(zip((name for name, _ in TIERS), (GREEN, "#7fb069", ORANGE, RED), strict=True))
_EXCELLENT = TIERS[0][1]
_RANGES = dict(zip(_TIER_COLOURS, ("> 0.95", "0.85–0.95", "0.70–0.85", "< 0.70"), strict=True))
_LOWEST = TIERS[2][1] - 0.05  # so far down the plot of SSIM goes at least: all tiers are seen
_NAMED = 8  # points of lowest SSIM that get their name


@dataclass(frozen=True)
class Thresholds:
    """The lines drawn into the pictures, in bits of the hash in use; ``bits``: how many it has."""

    hamming_threshold: float
    ssim_trigger: float
    reach: float
    bits: int = REFERENCE_BITS


class PlotRow(NamedTuple):
    """One published image: its decision, distance in bits, and SSIM (None: not computed)."""

    path: str
    decision: str
    hamming: float
    ssim: float | None


def stage(job: Job) -> list[str]:
    """The stage on the results of inventory, fingerprint, match and label."""
    bits = job.params.hash.size**2
    rules = job.params.match.rules(bits)
    thresholds = Thresholds(rules.criteria.hamming_threshold, rules.criteria.ssim_trigger, rules.reach, bits)
    depth = job.params.labels.depth
    return run(job.work, job.result("plot"), thresholds, KeptFigures(job.executor.cache), depth=depth)


def run(
    work: Path, out: Path, thresholds: Thresholds, kept: KeptFigures | None = None, *, depth: Depth = "last"
) -> list[str]:
    """Write six PNGs, their numbers and two curves to the folder ``out``; return the names of the PNGs.

    Args:
        work: folder of the results; a stage that has not run leaves out its part of the funnel.
        out: folder to write.
        thresholds: what the pictures mark.
        kept: figures of earlier runs; a figure whose numbers are the same is taken from there.
        depth: which folder of a published path is its category.

    Raises:
        TableError: the match has not run, or a table is damaged.
        AccountingError: the steps of the funnel do not add up.
    """
    given = read_traced(work)
    rows = [
        PlotRow(cells["jpeg_path"], cells["decision"], cells["hamming_distance"], cells["ssim_value"])
        for cells in given.forward
    ]
    steps, outcomes = count_steps(given), count_outcomes(given.forward, depth)
    distances = [(row.decision, row.hamming) for row in rows]
    compared = [(row.decision, row.ssim) for row in rows if row.ssim is not None]
    lowest = sorted((row for row in rows if row.ssim is not None), key=lambda row: (row.ssim or 0.0, row.path))
    drawn: dict[str, tuple[object, Callable[[], bytes]]] = {
        "funnel.png": ([asdict(step) for step in steps], lambda: steps_png(steps)),
        "outcomes_by_category.png": (outcomes, lambda: outcomes_png(outcomes)),
        "hamming_histogram_logscale.png": (
            [distances, asdict(thresholds)],
            lambda: _png(lambda axes: _hamming(axes, distances, thresholds)),
        ),
        "ssim_histogram.png": (compared, lambda: _png(lambda axes: _ssim(axes, compared, log=False))),
        "ssim_histogram_logscale.png": (compared, lambda: _png(lambda axes: _ssim(axes, compared, log=True))),
        "ssim_plot_by_row.png": (
            [lowest, len(rows)],
            lambda: _png(lambda axes: _by_row(axes, lowest, len(rows))),
        ),
    }
    kept = kept or KeptFigures(None)
    with staged_folder(out) as folder:
        for name, (numbers, draw) in drawn.items():
            write_staged(folder / name, kept.drawn(__name__, name, json.dumps(numbers), draw))
        tables.write(folder / FUNNEL.name, FUNNEL, _funnel_rows(steps), sort=False)
        rows_of_outcomes = [{"category": name, **counts} for name, counts in outcomes.items()]
        tables.write(folder / OUTCOMES_BY_CATEGORY.name, OUTCOMES_BY_CATEGORY, rows_of_outcomes)
        curve = _by_distance(rows, thresholds.bits)
        tables.write(folder / MATCHED_BY_HAMMING.name, MATCHED_BY_HAMMING, curve, sort=False)
        tables.write(folder / MATCHED_BY_SSIM.name, MATCHED_BY_SSIM, _by_similarity(rows), sort=False)
    return list(drawn)


def _by_distance(rows: Sequence[PlotRow], bits: int) -> list[dict[str, int]]:
    """How many matches lie within a distance: a curve for ``dvc plots diff``."""
    found = np.array([row.hamming for row in rows if row.decision == "matched"]) * (REFERENCE_BITS / bits)
    return [{"hamming_distance": distance, "matched": int((found <= distance).sum())} for distance in range(0, 321, 4)]


def _by_similarity(rows: Sequence[PlotRow]) -> list[dict[str, float]]:
    """How many matches have at least an SSIM."""
    found = np.array([row.ssim for row in rows if row.decision == "matched" and row.ssim is not None])
    return [{"ssim_value": k / 100, "matched": int((found >= k / 100).sum())} for k in range(101)]


def _png(draw: Callable[[Axes], None]) -> bytes:
    figure = new_figure(9, 5.2)
    axes = quiet_axes(figure.add_axes((0.08, 0.185, 0.89, 0.745)))
    draw(axes)
    name_parts_below(figure, axes)
    return png(figure)


def _funnel_rows(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """What is left after each step, and after it what went on the way, by reason."""
    rows = []
    for step in steps:
        place = {"side": step.side, "step": step.name}
        rows.append({**place, "reason": "", "count": step.count})
        rows += [{**place, "reason": reason, "count": count} for reason, count in step.lost.items()]
    return rows


def _stacked(axes: Axes, values: Sequence[tuple[str, float]], bins: NDArray[Any]) -> None:
    parts = {name: [value for decision, value in values if decision == name] for name in COLOURS}
    parts = {name: part for name, part in parts.items() if part}
    if not parts:
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center", color=GREY)
        return
    axes.hist(
        list(parts.values()),
        bins=bins.tolist(),
        stacked=True,
        color=[COLOURS[name] for name in parts],
        label=[f"{name} ({len(part)})" for name, part in parts.items()],
        edgecolor="white",
        linewidth=0.4,
    )


def _log(axes: Axes) -> None:
    from matplotlib.ticker import LogFormatter

    axes.set_yscale("log")
    axes.set_ylim(bottom=0.7)
    axes.yaxis.set_major_formatter("{x:g}")  # 1, 10, 100 rather than powers
    axes.yaxis.set_minor_formatter(LogFormatter())  # 2, 3, 4 where there is room


def _hamming(axes: Axes, distances: Sequence[tuple[str, float]], thresholds: Thresholds) -> None:
    lines = (
        (thresholds.ssim_trigger, "SSIM trigger"), (thresholds.hamming_threshold, "threshold"),
        (thresholds.reach, "reach of the farther look"),
    )  # fmt: skip
    top = max([distance for _, distance in distances] + [value for value, _ in lines])
    step = max(1, round(top / 64))
    _stacked(axes, distances, np.arange(0, top + 2 * step, step))
    for value in dict.fromkeys(value for value, _ in lines):
        name = ", ".join(name for equal, name in lines if equal == value)  # each label in a place of its own
        axes.axvline(value, color=RED, linestyle="--", linewidth=1)
        axes.annotate(
            f"{name} {value:g}", (value, 0.98), xycoords=("data", "axes fraction"), rotation=90,
            xytext=(-3, 0), textcoords="offset points", ha="right", va="top", color=RED, fontsize=8,
        )  # fmt: skip
    _log(axes)
    axes.set(
        title="Hamming distance of each JPEG to its original (unmatched: to the nearest TIFF)",
        xlabel="Hamming distance [bits]",
        ylabel="JPEGs (log scale)",
    )


def _ssim(axes: Axes, values: Sequence[tuple[str, float]], *, log: bool) -> None:
    low = min([0.0] + [float(np.floor(value / 0.05) * 0.05) for _, value in values])
    _stacked(axes, values, np.arange(round(low / 0.05), 21) * 0.05)
    axes.axvspan(_EXCELLENT, 1.0, color="#38a169", alpha=0.10, zorder=0)
    axes.axvline(_EXCELLENT, color=GREEN, linestyle="--", linewidth=1)
    excellent = sum(decision == "matched" and value > _EXCELLENT for decision, value in values)
    axes.annotate(
        f"excellent > {_EXCELLENT}: {excellent} matched", (_EXCELLENT, 0.98), xycoords=("data", "axes fraction"),
        xytext=(-6, 0), textcoords="offset points", ha="right", va="top", color=GREEN, fontsize=9,
    )  # fmt: skip
    if log:
        _log(axes)
    axes.set_xlim(low, 1.0)
    axes.set(
        title="SSIM of each JPEG with its best candidate, data bar left out",
        xlabel="SSIM (bins of 0.05)",
        ylabel="JPEGs (log scale)" if log else "JPEGs",
    )


def _by_row(axes: Axes, lowest: Sequence[PlotRow], count: int) -> None:
    """Draw all rows that have an SSIM, the lowest first, over the four tiers."""
    values = [row.ssim or 0.0 for row in lowest]
    bottom = min([_LOWEST, *(value - 0.03 for value in values)])
    axes.set_ylim(bottom, 1.0 + 0.02 * (1.0 - bottom))
    axes.set_xlim(-0.02 * max(len(values), 1), 1.17 * max(len(values), 1))
    matched = [tier(row.ssim) for row in lowest if row.ssim is not None and row.decision == "matched"]
    top = 1.0
    for name, bound in TIERS:
        bound_ = max(bound, bottom)
        axes.axhspan(bound_, top, color=_TIER_COLOURS[name], alpha=0.09, zorder=0)
        words = f"{name}\n{_RANGES[name]}"
        axes.text(
            1.16 * max(len(values), 1), (bound_ + top) / 2, f"{words}: {matched.count(name)}", ha="right", va="center",
            color=_TIER_COLOURS[name], fontsize=8.5,
        )  # fmt: skip
        top = bound_
    for decision, colour in COLOURS.items():
        part = [
            (place, value)
            for place, (row, value) in enumerate(zip(lowest, values, strict=True), 1)
            if row.decision == decision
        ]
        if part:
            axes.plot(*zip(*part, strict=True), ".", color=colour, markersize=5, label=f"{decision} ({len(part)})")
    _name_lowest(axes, lowest, values)
    axes.grid(visible=False)
    axes.set(
        title="SSIM of the rows of jpeg_to_tiff.csv, lowest first; counts are of matched rows",
        xlabel=f"rows by SSIM ({len(values)} of {count}; the others have none)",
        ylabel="SSIM",
    )


def _name_lowest(axes: Axes, lowest: Sequence[PlotRow], values: Sequence[float]) -> None:
    """Ring the lowest points, and list their names from left to right, where a rising line leaves room."""
    if not values:
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center", color=GREY)
        return
    every = zip(range(1, len(values) + 1), lowest, values, strict=True)
    named = [one for one in every if one[1].decision != "unmatched"][:_NAMED]
    if not named:
        return
    axes.plot(
        [place for place, _, _ in named], [value for _, _, value in named], "o", markersize=8, markerfacecolor="none",
        markeredgecolor=RED, markeredgewidth=0.8, linestyle="none", label="lowest that are not unmatched",
    )  # fmt: skip
    top = 0.05 + 0.045 * len(named)
    axes.text(0.36, top, "ringed, from the left:", transform=axes.transAxes, color=RED, fontsize=8)
    for line, (_, row, value) in enumerate(named, 1):
        path = PurePosixPath(row.path)
        name = f"{path.parent.name}/{path.name}"
        name = harmless(name if len(name) < 52 else f"{name[:50]}…").replace("\n", " ").replace("\t", " ")
        axes.text(
            0.36, top - 0.045 * line, f"{value:.3f}  {name}", transform=axes.transAxes, color=RED, fontsize=7.5,
            parse_math=False,
        )  # fmt: skip
