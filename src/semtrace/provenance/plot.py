"""plot: the pictures people look at first, from the forward table."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from semtrace.io import tables
from semtrace.io.files import staged_folder, write_atomic

COLOURS = {"matched": "#2b6cb0", "ambiguous": "#dd9b1f", "unmatched": "#9aa5b1"}
_EXCELLENT = 0.95
_OUTLIER = 0.70  # below it a match is "problematic"
_NAMED = 8  # outliers that get their name written beside them


@dataclass(frozen=True)
class Thresholds:
    """The lines drawn into the pictures: distances in bits, SSIM from -1 to 1."""

    hamming_threshold: float
    ssim_trigger: float


def run(mapping_file: Path, out: Path, thresholds: Thresholds) -> list[str]:
    """Write the four PNGs to the folder ``out`` and return their names.

    Args:
        mapping_file: ``jpeg_to_tiff.csv``.
        out: folder to write.
        thresholds: what the pictures mark.

    """
    mapping = tables.frame(mapping_file, tables.JPEG_TO_TIFF)
    mapping["ssim"] = pd.to_numeric(mapping["ssim_value"], errors="coerce")
    mapping["hamming"] = pd.to_numeric(mapping["hamming_distance"])
    figures: dict[str, Callable[[Axes], None]] = {
        "hamming_histogram_logscale.png": lambda axes: _hamming(axes, mapping, thresholds),
        "ssim_histogram.png": lambda axes: _ssim(axes, mapping, log=False),
        "ssim_histogram_logscale.png": lambda axes: _ssim(axes, mapping, log=True),
        "ssim_plot_by_row.png": lambda axes: _by_row(axes, mapping),
    }
    with staged_folder(out) as folder:
        for name, draw in figures.items():
            write_atomic(folder / name, _png(draw))
    return list(figures)


def _png(draw: Callable[[Axes], None]) -> bytes:
    figure = Figure(figsize=(9, 5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e3e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    draw(axes)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)
    data = io.BytesIO()
    # Without the Software entry the bytes depend on nothing but the picture.
    figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()


def _stacked(axes: Axes, mapping: pd.DataFrame, column: str, bins: np.ndarray) -> None:
    parts = [(name, mapping.loc[mapping["decision"] == name, column].dropna()) for name in COLOURS]
    parts = [(name, values) for name, values in parts if len(values)]
    if not parts:
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center", color="#6b7780")
        return
    axes.hist(
        [values for _, values in parts],
        bins=list(bins),
        stacked=True,
        color=[COLOURS[name] for name, _ in parts],
        label=[f"{name} ({len(values)})" for name, values in parts],
        edgecolor="white",
        linewidth=0.4,
    )


def _log(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.7)
    axes.yaxis.set_major_formatter("{x:g}")  # 1, 10, 100 rather than powers


def _hamming(axes: Axes, mapping: pd.DataFrame, thresholds: Thresholds) -> None:
    top = max(float(mapping["hamming"].max()) if len(mapping) else 0.0, thresholds.hamming_threshold)
    step = max(1, round(top / 64))
    _stacked(axes, mapping, "hamming", np.arange(0, top + 2 * step, step))
    for value, name in (
        (thresholds.ssim_trigger, "SSIM trigger"),
        (thresholds.hamming_threshold, "threshold"),
    ):
        axes.axvline(value, color="#c53030", linestyle="--", linewidth=1)
        axes.annotate(
            f"{name} {value:g}", (value, 0.98), xycoords=("data", "axes fraction"), rotation=90,
            xytext=(-3, 0), textcoords="offset points", ha="right", va="top", color="#c53030", fontsize=8,
        )  # fmt: skip
    _log(axes)
    axes.set(
        title="Hamming distance of each JPEG to its original (unmatched: to the nearest TIFF)",
        xlabel="Hamming distance [bits]",
        ylabel="JPEGs (log scale)",
    )


def _ssim(axes: Axes, mapping: pd.DataFrame, *, log: bool) -> None:
    low = min(0.0, float(np.floor(mapping["ssim"].min() / 0.05) * 0.05) if mapping["ssim"].notna().any() else 0.0)
    _stacked(axes, mapping, "ssim", np.arange(round(low / 0.05), 21) * 0.05)
    axes.axvspan(_EXCELLENT, 1.0, color="#38a169", alpha=0.10, zorder=0)
    axes.axvline(_EXCELLENT, color="#2f855a", linestyle="--", linewidth=1)
    excellent = int((mapping.loc[mapping["decision"] == "matched", "ssim"] > _EXCELLENT).sum())
    axes.annotate(
        f"excellent > {_EXCELLENT}: {excellent} matched", (_EXCELLENT, 0.98), xycoords=("data", "axes fraction"),
        xytext=(-6, 0), textcoords="offset points", ha="right", va="top", color="#2f855a", fontsize=9,
    )  # fmt: skip
    if log:
        _log(axes)
    axes.set_xlim(low, 1.0)
    axes.set(
        title="SSIM of each JPEG with its best candidate, data bar left out",
        xlabel="SSIM (bins of 0.05)",
        ylabel="JPEGs (log scale)" if log else "JPEGs",
    )


def _by_row(axes: Axes, mapping: pd.DataFrame) -> None:
    compared = mapping.reset_index(drop=True).dropna(subset=["ssim"])
    for name, colour in COLOURS.items():
        part = compared[compared["decision"] == name]
        if len(part):
            axes.plot(part.index, part["ssim"], ".", color=colour, markersize=5, label=f"{name} ({len(part)})")
    outliers = compared[(compared["ssim"] < _OUTLIER) & (compared["decision"] != "unmatched")].sort_values("ssim")
    if len(outliers):
        axes.plot(
            outliers.index, outliers["ssim"], "o", markersize=9, markerfacecolor="none", markeredgecolor="#c53030",
            linestyle="none", label=f"outlier, SSIM < {_OUTLIER:.2f} ({len(outliers)})",
        )  # fmt: skip
    for position, (ssim, path) in outliers[["ssim", "jpeg_path"]].head(_NAMED).iterrows():
        axes.annotate(
            f"{PurePosixPath(path).name[:14]}…", (position, ssim), xytext=(8, 0), textcoords="offset points",
            fontsize=7, va="center", color="#c53030",
        )  # fmt: skip
    for value, name, colour in ((_EXCELLENT, "excellent", "#2f855a"), (_OUTLIER, "problematic below", "#c53030")):
        axes.axhline(value, color=colour, linestyle="--", linewidth=1)
        axes.annotate(
            f"{name} {value:.2f}", (1.0, value), xycoords=("axes fraction", "data"), xytext=(0, 3),
            textcoords="offset points", ha="right", color=colour, fontsize=8,
        )  # fmt: skip
    axes.margins(x=0.04)
    axes.set(
        title="SSIM row by row of jpeg_to_tiff.csv",
        xlabel=f"row of jpeg_to_tiff.csv (of {len(mapping)}; rows without SSIM are left out)",
        ylabel="SSIM",
    )
