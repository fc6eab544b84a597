"""plot: the pictures people look at first, from the forward table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from semtrace.core.statistics.accuracy import TIERS
from semtrace.io import tables
from semtrace.io.files import write_atomic
from semtrace.io.staging import staged_folder
from semtrace.io.terminal import harmless
from semtrace.provenance.tables import JPEG_TO_TIFF, MATCHED_BY_HAMMING, MATCHED_BY_SSIM
from semtrace.stage.declaration import Job
from semtrace.stage.figures import BLUE, GREEN, GREY, ORANGE, RED, new_figure, png, quiet_axes
from semtrace.stage.settings import REFERENCE_BITS

COLOURS = {"matched": BLUE, "ambiguous": ORANGE, "unmatched": "#9aa5b1"}
_EXCELLENT, _OUTLIER = TIERS[0][1], TIERS[2][1]
_NAMED = 8  # outliers that get their name written beside them


@dataclass(frozen=True)
class Thresholds:
    """The lines drawn into the pictures, in bits of the hash in use; ``bits``: how many it has."""

    hamming_threshold: float
    ssim_trigger: float
    reach: float
    bits: int = REFERENCE_BITS


class PlotRow(NamedTuple):
    """One published picture: its position in the table, decision, distance in bits, and SSIM (None: not computed)."""

    position: int
    path: str
    decision: str
    hamming: float
    ssim: float | None


def stage(job: Job) -> list[str]:
    """The stage on the results of match."""
    bits = job.params.hash.size**2
    rules = job.params.match.rules(bits)
    thresholds = Thresholds(rules.criteria.hamming_threshold, rules.criteria.ssim_trigger, rules.reach, bits)
    return run(job.result("match/jpeg_to_tiff.csv"), job.result("plot"), thresholds)


def run(mapping_file: Path, out: Path, thresholds: Thresholds) -> list[str]:
    """Write the four PNGs, and two tables of curves, to the folder ``out``; return the names of the PNGs.

    Args:
        mapping_file: ``jpeg_to_tiff.csv``.
        out: folder to write.
        thresholds: what the pictures mark.
    """
    rows = [
        PlotRow(
            position,
            cells["jpeg_path"],
            cells["decision"],
            cells["hamming_distance"],
            cells["ssim_value"],
        )
        for position, cells in enumerate(tables.read(mapping_file, JPEG_TO_TIFF))
    ]
    figures: dict[str, Callable[[Axes], None]] = {
        "hamming_histogram_logscale.png": lambda axes: _hamming(axes, rows, thresholds),
        "ssim_histogram.png": lambda axes: _ssim(axes, rows, log=False),
        "ssim_histogram_logscale.png": lambda axes: _ssim(axes, rows, log=True),
        "ssim_plot_by_row.png": lambda axes: _by_row(axes, rows),
    }
    with staged_folder(out) as folder:
        for name, draw in figures.items():
            write_atomic(folder / name, _png(draw))
        tables.write(
            folder / MATCHED_BY_HAMMING.name, MATCHED_BY_HAMMING, _by_hamming(rows, thresholds.bits), sort=False
        )
        tables.write(folder / MATCHED_BY_SSIM.name, MATCHED_BY_SSIM, _by_ssim(rows), sort=False)
    return list(figures)


def _by_hamming(rows: Sequence[PlotRow], bits: int) -> list[dict[str, int]]:
    """How many matches lie within a distance: a curve for ``dvc plots diff``."""
    found = np.array([row.hamming for row in rows if row.decision == "matched"]) * (REFERENCE_BITS / bits)
    return [{"hamming_distance": distance, "matched": int((found <= distance).sum())} for distance in range(0, 321, 4)]


def _by_ssim(rows: Sequence[PlotRow]) -> list[dict[str, float]]:
    """How many matches have at least an SSIM."""
    found = np.array([row.ssim for row in rows if row.decision == "matched" and row.ssim is not None])
    return [{"ssim_value": k / 100, "matched": int((found >= k / 100).sum())} for k in range(101)]


def _png(draw: Callable[[Axes], None]) -> bytes:
    figure = new_figure(9, 5.2)
    axes = quiet_axes(figure.add_axes((0.08, 0.185, 0.89, 0.745)))
    draw(axes)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="lower center", ncols=len(handles), frameon=False, fontsize=9)
    return png(figure)


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
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.7)
    axes.yaxis.set_major_formatter("{x:g}")  # 1, 10, 100 rather than powers


def _hamming(axes: Axes, rows: Sequence[PlotRow], thresholds: Thresholds) -> None:
    lines = (
        (thresholds.ssim_trigger, "SSIM trigger"), (thresholds.hamming_threshold, "threshold"),
        (thresholds.reach, "reach of the farther look"),
    )  # fmt: skip
    top = max([row.hamming for row in rows] + [value for value, _ in lines])
    step = max(1, round(top / 64))
    _stacked(axes, [(row.decision, row.hamming) for row in rows], np.arange(0, top + 2 * step, step))
    for value, name in lines:
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


def _ssim(axes: Axes, rows: Sequence[PlotRow], *, log: bool) -> None:
    values = [(row.decision, row.ssim) for row in rows if row.ssim is not None]
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


def _by_row(axes: Axes, rows: Sequence[PlotRow]) -> None:
    compared = [(row, row.ssim) for row in rows if row.ssim is not None]
    for name, colour in COLOURS.items():
        part = [(row.position, value) for row, value in compared if row.decision == name]
        if part:
            axes.plot(*zip(*part, strict=True), ".", color=colour, markersize=5, label=f"{name} ({len(part)})")
    outliers = sorted((value, row) for row, value in compared if value < _OUTLIER and row.decision != "unmatched")
    if outliers:
        axes.plot(
            [row.position for _, row in outliers], [value for value, _ in outliers], "o", markersize=9,
            markerfacecolor="none", markeredgecolor=RED, linestyle="none",
            label=f"outlier, SSIM < {_OUTLIER:.2f} ({len(outliers)})",
        )  # fmt: skip
    for value, row in outliers[:_NAMED]:
        axes.annotate(
            harmless(f"{PurePosixPath(row.path).name[:14]}…"), (row.position, value), xytext=(8, 0),
            textcoords="offset points", fontsize=7, va="center", color=RED, parse_math=False,
        )  # fmt: skip
    for bound, name, colour in ((_EXCELLENT, "excellent", GREEN), (_OUTLIER, "problematic below", RED)):
        axes.axhline(bound, color=colour, linestyle="--", linewidth=1)
        axes.annotate(
            f"{name} {bound:.2f}", (1.0, bound), xycoords=("axes fraction", "data"), xytext=(0, 3),
            textcoords="offset points", ha="right", color=colour, fontsize=8,
        )  # fmt: skip
    axes.margins(x=0.04)
    axes.set(
        title="SSIM row by row of jpeg_to_tiff.csv",
        xlabel=f"row of jpeg_to_tiff.csv (of {len(rows)}; rows without SSIM are left out)",
        ylabel="SSIM",
    )
