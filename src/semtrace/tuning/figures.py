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
    """A point to show: what it is, its row, a colour, its parameters in words, and a marker of matplotlib."""

    text: str
    index: int
    colour: str
    name: str = ""
    shape: str = "o"


def heat_maps(
    rows: RatedRows, axes: tuple[str, str], fixed: Sequence[str], rates: Sequence[str], marks: Sequence[Mark],
    precision: float, centres: Sequence[int] = (),
) -> bytes:  # fmt: skip
    """Rates over two parameters with their counts, the others as at a point; bold: precision is shown.

    Args:
        rows: of the points. One with a true ``apart`` has a column of its own, whatever its other parameters.
        axes: columns of the two parameters, across and down.
        fixed: columns of the other parameters that vary.
        rates: columns to draw.
        marks: points to frame.
        precision: requested.
        centres: positions of the points that say the other parameters, a set of maps for each; none: the last mark's.
    """
    centres = centres or [marks[-1].index]
    slices = [
        [i for i, row in enumerate(rows) if row.get("apart") or all(row[name] == rows[centre][name] for name in fixed)]
        for centre in centres
    ]
    columns, lines = (_ordered([rows[i][name] for shown in slices for i in shown]) for name in axes)
    across_page = 2 if len(columns) <= _NARROW else 1
    maps = [(rate, centre, shown) for centre, shown in zip(centres, slices, strict=True) for rate in rates]
    down_page = -(-len(maps) // across_page)
    figure = new_figure(13, 0.7 + down_page * (1.1 + 0.42 * len(lines)))
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.085, right=0.985, top=1 - 0.8 / height, bottom=0.55 / height, wspace=0.16)
    figure.subplots_adjust(hspace=1.0 / (0.1 + 0.42 * len(lines)))
    framed = {}
    for k, (rate, centre, shown) in enumerate(maps, 1):
        plot = figure.add_subplot(down_page, across_page, k)
        at = {i: (lines.index(rows[i][axes[1]]), columns.index(rows[i][axes[0]])) for i in shown}
        table = np.full((len(lines), len(columns)), np.nan)
        for i in shown:
            if rows[i][rate] is not None:
                table[at[i]] = rows[i][rate]
        _shades(plot, table, rate, rows)
        if len(columns) <= _WRITTEN:
            for i in shown:
                _write(plot, at[i], rows[i], rate, sure=(rows[i]["precision_low"] or 0) >= precision)
        plot.set_xticks(range(len(columns)), [cell_text(value) for value in columns], fontsize=8)
        plot.set_yticks(range(len(lines)), [cell_text(value) for value in lines], fontsize=8)
        plot.set_xlabel(LABELS[axes[0]], fontsize=9)
        plot.set_ylabel("" if across_page == 2 and k % 2 == 0 else LABELS[axes[1]].replace(" [", "\n["), fontsize=8)
        rest = ", ".join(f"{name} {cell_text(rows[centre][name])}" for name in fixed)
        plot.set_title(f"{rate.replace('_', ' ')}{f' at {rest}' if rest else ''}", fontsize=10)
        for mark in marks:
            if mark.index in at:
                y, x = (place - 0.5 for place in at[mark.index])
                box = np.array([(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)])
                [framed[mark.text]] = plot.fill(
                    *box.T, fill=False, edgecolor=mark.colour, linewidth=2.2, clip_on=False, label=mark.text
                )
    figure.legend(list(framed.values()), list(framed), loc="upper right", frameon=False, fontsize=9, ncols=2)
    figure.text(0.085, 1 - 0.25 / height, f"Bold: a precision of {precision:g} is shown", fontsize=10, va="top")
    return png(figure)


def _shades(plot: Axes, table: NDArray[np.float64], rate: str, rows: RatedRows) -> None:
    """Colours of the cells, the same over all maps of a rate."""
    values = [row[rate] for row in rows if row[rate] is not None]
    low, high = (0.0, 1.0) if rate == "ambiguous_rate" else (0.0, max([1.0, *values]))
    if rate in ("precision", "recall", "accuracy"):
        low = min([0.9, *values])
    plot.imshow(table, aspect="auto", cmap="Blues", vmin=low - 0.1 * (high - low), vmax=high + 0.6 * (high - low))


def _write(plot: Axes, place: tuple[int, int], row: Mapping[str, Any], rate: str, *, sure: bool) -> None:
    """The rate of a cell with three digits, and below it the counts that it comes from."""
    value, weight = row[rate], "bold" if sure else "normal"
    if value is None:
        return
    text = f"{value:.0f}" if rate == "matched" else f"{value:.3f}"
    plot.annotate(
        text, place[::-1], (0, 5), textcoords="offset points", ha="center", va="center", fontsize=8, weight=weight
    )
    plot.annotate(
        _counts(row, rate), place[::-1], (0, -6), textcoords="offset points", ha="center", va="center", fontsize=6.5
    )


def _counts(row: Mapping[str, Any], rate: str) -> str:
    if rate == "ambiguous_rate":
        return f"{row['ambiguous']}" if "ambiguous" in row else ""
    if rate in ("precision", "recall") and row[rate]:
        return f"{row['found']} of {round(row['found'] / row[rate])}"
    return ""


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
            fmt=mark.shape, color=mark.colour, capsize=3, label=f"{mark.text}, with 95 % intervals",
        )  # fmt: skip
        axes.annotate(
            mark.name or mark.text, (row["recall"], row["precision"]), (-8, -12 - 14 * marks.index(mark)),
            textcoords="offset points", ha="right", va="top", fontsize=9, color=mark.colour,
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
    """Each value once: numbers rising, then words as they come."""
    once = list(dict.fromkeys(values))
    words = [value for value in once if isinstance(value, str)]
    return sorted(value for value in once if not isinstance(value, str)) + words
