"""Figures of rated operating points: rates over two parameters, and precision against recall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from semtrace.stage.figures import RED, new_figure, png, quiet_axes

LABELS = {
    "hash_size": "hash size [bits a side]",
    "hamming_threshold": "Hamming threshold [bits of 1024]",
    "hamming": "Hamming threshold [/ SSIM trigger]",
    "ssim_trigger": "SSIM trigger [bits of 1024]",
    "reach": "reach [bits of 1024]",
    "max_candidates": "candidates compared at most",
    "min_ssim": "SSIM at least",
    "min_correlation": "high-pass correlation at least",
    "min_margin": "lead in SSIM at least",
    "min_hamming_margin": "lead in bits of 1024 at least",
    "hash_reach": "reach of hashes alone [bits of 1024]",
    "min_mutual_margin": "lead on both sides, bits of 1024 at least",
    "geometry": "geometry",
    "one_to_one": "one to one",
}
_NARROW, _WRITTEN = 10, 26  # columns of a heat map that fit half a page; that have room for their numbers

RatedRows = Sequence[Mapping[str, Any]]
"""Rows of ``sweep.csv`` or ``calibration.csv``."""


@dataclass(frozen=True)
class Mark:
    """A point to show: what it is, its row, and a colour."""

    text: str
    index: int
    colour: str


def heat_maps(
    rows: RatedRows, axes: tuple[str, str], fixed: Sequence[str], rates: Sequence[str], marks: Sequence[Mark],
    precision: float,
) -> bytes:  # fmt: skip
    """Rates over two parameters, the others as at the last mark; bold: precision is shown, by its lower bound.

    Args:
        rows: of the points.
        axes: columns of the two parameters, across and down.
        fixed: columns of the other parameters that vary.
        rates: columns to draw.
        marks: points to frame.
        precision: requested.
    """
    across, down = axes
    centre = rows[marks[-1].index]
    shown = [row for row in rows if all(row[name] == centre[name] for name in fixed)]
    columns, lines = (_ordered([row[name] for row in shown]) for name in axes)
    across_page = 2 if len(columns) <= _NARROW else 1
    down_page = -(-len(rates) // across_page)
    figure = new_figure(13, 0.7 + down_page * (1.1 + 0.34 * len(lines)))
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.085, right=0.985, top=1 - 0.85 / height, bottom=0.55 / height, wspace=0.16)
    figure.subplots_adjust(hspace=1.0 / (0.1 + 0.34 * len(lines)))
    sure = np.zeros((len(lines), len(columns)), bool)
    for row in shown:
        sure[lines.index(row[down]), columns.index(row[across])] = (row["precision_low"] or 0) >= precision
    for k, rate in enumerate(rates, 1):
        plot = figure.add_subplot(down_page, across_page, k)
        table = np.full((len(lines), len(columns)), np.nan)
        for row in shown:
            if row[rate] is not None:
                table[lines.index(row[down]), columns.index(row[across])] = row[rate]
        _cells(plot, table, rate, sure)
        plot.set_xticks(range(len(columns)), [cell_text(value) for value in columns], fontsize=8)
        plot.set_yticks(range(len(lines)), [cell_text(value) for value in lines], fontsize=8)
        plot.set_xlabel(LABELS[across], fontsize=9)
        plot.set_ylabel("" if across_page == 2 and k % 2 == 0 else LABELS[down].replace(" [", "\n["), fontsize=8)
        plot.set_title(rate.replace("_", " "), fontsize=10)
        for mark in marks:
            place = rows[mark.index]
            if place[across] in columns and place[down] in lines:
                x, y = columns.index(place[across]) - 0.5, lines.index(place[down]) - 0.5
                box = np.array([(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)])
                plot.fill(*box.T, fill=False, edgecolor=mark.colour, linewidth=2.2, clip_on=False, label=mark.text)
    rest = ", ".join(f"{name} {cell_text(centre[name])}" for name in fixed)
    figure.legend(*plot.get_legend_handles_labels(), loc="upper right", frameon=False, fontsize=9)
    rest = f"All with {rest}, as {marks[-1].text}. " if rest else ""
    figure.suptitle(f"{rest}Bold: a precision of {precision:g} is shown", fontsize=11)
    return png(figure)


def _cells(plot: Axes, table: NDArray[np.float64], rate: str, sure: NDArray[np.bool_]) -> None:
    values = table[~np.isnan(table)]
    low, high = (0.0, 1.0) if rate == "ambiguous_rate" else (0.0, max([1.0, *values.tolist()]))
    if rate in ("precision", "recall", "accuracy"):
        low = min([0.9, *values.tolist()])
    plot.imshow(table, aspect="auto", cmap="Blues", vmin=low - 0.1 * (high - low), vmax=high + 0.25 * (high - low))
    if table.shape[1] > _WRITTEN:
        return
    for y, x in np.ndindex(table.shape):
        if not np.isnan(table[y, x]):
            dark = (table[y, x] - low) / (high - low) > 0.6 if high > low else False
            text = f"{table[y, x]:.0f}" if rate == "matched" else f"{table[y, x]:.3f}".rstrip("0").rstrip(".")
            colour, weight = "white" if dark else "black", "bold" if sure[y, x] else "normal"
            plot.annotate(text, (x, y), ha="center", va="center", fontsize=8, color=colour, weight=weight)


def precision_recall(rows: RatedRows, colours: Mapping[int, str], marks: Sequence[Mark], precision: float) -> bytes:
    """Every point by its recall and precision, and the best precision by recall; by hash size where rows have one.

    Args:
        rows: of the points.
        colours: by hash size; a single one, of any key, for rows without that column.
        marks: points to show with the intervals of both rates.
        precision: requested.
    """
    figure = new_figure(9, 5.6)
    axes = quiet_axes(figure.add_axes((0.09, 0.2, 0.87, 0.72)))
    for size, colour in colours.items():
        mine = [
            (row["recall"], row["precision"])
            for row in rows
            if row.get("hash_size", size) == size and None not in (row["precision"], row["recall"])
        ]
        if mine:
            name = f"hash size {size}" if "hash_size" in rows[0] else "operating points"
            best, recalls = 0.0, sorted(set(mine), reverse=True)
            frontier = [(recall, best := max(best, rate)) for recall, rate in recalls]
            axes.plot(*zip(*mine, strict=True), ".", color=colour, alpha=0.3, markersize=5)
            # Where the lines of several sizes are one, the wider one of the shorter hash stays to be seen.
            axes.plot(
                *zip(*frontier[::-1], strict=True), drawstyle="steps-pre", color=colour, linewidth=48 / size,
                alpha=0.8, label=f"{name}, the best by recall",
            )  # fmt: skip
    axes.axhline(precision, color=RED, linestyle=":", linewidth=1, label=f"requested precision {precision:g}")
    for mark in marks:
        row = rows[mark.index]
        if None in (row["precision"], row["recall"]):
            continue
        spread = [
            [[row[rate] - row[f"{rate}_low"]], [row[f"{rate}_high"] - row[rate]]] for rate in ("recall", "precision")
        ]
        axes.errorbar(
            [row["recall"]], [row["precision"]], xerr=spread[0], yerr=spread[1],
            fmt="o", color=mark.colour, capsize=3, label=f"{mark.text}, with 95 % intervals",
        )  # fmt: skip
    axes.set(title=f"{len(rows)} operating points", xlabel="recall", ylabel="precision", ylim=(None, 1.003))
    legend_below(figure, axes)
    return png(figure)


def legend_below(figure: Figure, axes: Axes) -> None:
    """A legend under the axes."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, frameon=False, fontsize=9)


def cell_text(value: Any) -> str:
    """A value as it stands in a figure or a report; empty for None."""
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _ordered(values: Sequence[Any]) -> list[Any]:
    """Each value once: numbers rising, words as they come."""
    once = list(dict.fromkeys(values))
    return once if any(isinstance(value, str) for value in once) else sorted(once)
