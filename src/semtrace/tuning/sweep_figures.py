"""The pictures of a sweep: rates over two parameters, precision against recall, time against accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from semtrace.stage.figures import BLUE, GREEN, GREY, ORANGE, RED, new_figure, png, quiet_axes

SweepRows = Sequence[Mapping[str, Any]]
_COLOURS = {8: ORANGE, 16: GREEN, 32: BLUE}
_LABELS = {
    "hash_size": "hash size [bits a side]",
    "hamming_threshold": "Hamming threshold [bits of 1024]",
    "ssim_trigger": "SSIM trigger [bits of 1024]",
    "reach": "reach [bits of 1024]",
    "max_candidates": "candidates compared at most",
    "min_ssim": "SSIM at least",
    "min_correlation": "high-pass correlation at least",
    "min_margin": "lead in SSIM at least",
    "min_hamming_margin": "lead in bits of 1024 at least",
    "geometry": "geometry",
    "one_to_one": "one to one",
}
_NARROW, _WRITTEN = 10, 26  # columns of a heat map that fit half a page; that have room for their numbers


def draw_sweep(
    rows: SweepRows, timings: SweepRows, varied: Sequence[str], reference: int, precision: float
) -> dict[str, bytes]:
    """All pictures by file name.

    Args:
        rows: of ``sweep.csv``.
        timings: of ``timings.csv``.
        varied: the columns that differ between points.
        reference: position of the recommended point, else of the nearest to the parameters in force.
        precision: requested.
    """
    drawn = {"heat_map.png": _heat_map(rows, varied, reference)}
    if any(row["precision"] is not None for row in rows):
        drawn["precision_recall.png"] = _precision_recall(rows, reference, precision)
    if any(row["match_s"] is not None for row in timings):
        drawn["time_accuracy.png"] = _time_accuracy(rows, timings, reference)
    return drawn


def axes_of(rows: SweepRows, varied: Sequence[str]) -> tuple[str, str]:
    """The two columns of a heat map: threshold and hash size where these vary, else what varies most."""
    most = sorted(varied, key=lambda name: (-len({str(row[name]) for row in rows}), name))
    across = "hamming_threshold" if "hamming_threshold" in varied else (most or ["hamming_threshold"])[0]
    others = [name for name in most if name != across]
    return across, "hash_size" if "hash_size" in varied and across != "hash_size" else (others or ["hash_size"])[0]


def _heat_map(rows: SweepRows, varied: Sequence[str], reference: int) -> bytes:
    """Rates over two parameters, the others as at the reference point."""
    across, down = axes_of(rows, varied)
    if across == down:
        down = "geometry"  # one row: nothing else varies
    fixed = [name for name in varied if name not in (across, down)]
    shown = [row for row in rows if all(row[name] == rows[reference][name] for name in fixed)]
    columns, lines = (_sorted({row[name] for row in shown}) for name in (across, down))
    known = any(row["accuracy"] is not None for row in shown)
    rates = ("precision", "recall", "accuracy", "ambiguous_rate") if known else ("matched", "ambiguous_rate")
    across_page = 2 if len(columns) <= _NARROW else 1
    down_page = len(rates) // across_page
    figure = new_figure(13, 0.7 + down_page * (1.1 + 0.34 * len(lines)))
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.07, right=0.985, top=1 - 0.85 / height, bottom=0.55 / height, wspace=0.16)
    figure.subplots_adjust(hspace=1.0 / (0.1 + 0.34 * len(lines)))
    for k, rate in enumerate(rates, 1):
        axes = figure.add_subplot(down_page, across_page, k)
        table = np.full((len(lines), len(columns)), np.nan)
        for row in shown:
            if row[rate] is not None:
                table[lines.index(row[down]), columns.index(row[across])] = row[rate]
        _cells(axes, table, rate)
        axes.set_xticks(range(len(columns)), [_text(value) for value in columns], fontsize=8)
        axes.set_yticks(range(len(lines)), [_text(value) for value in lines], fontsize=8)
        axes.set_xlabel(_LABELS[across], fontsize=9)
        axes.set_ylabel("" if across_page == 2 and k % 2 == 0 else _LABELS[down].replace(" [", "\n["), fontsize=8)
        axes.set_title(rate.replace("_", " "), fontsize=10)
        x, y = columns.index(rows[reference][across]), lines.index(rows[reference][down])
        box = np.array([(x - 0.5, y - 0.5), (x + 0.5, y - 0.5), (x + 0.5, y + 0.5), (x - 0.5, y + 0.5)])
        axes.fill(box[:, 0], box[:, 1], fill=False, edgecolor=RED, linewidth=2.2, clip_on=False)
    rest = ", ".join(f"{name} {_text(rows[reference][name])}" for name in fixed)
    title = "Frame: the recommended point" if known else "Frame: nearest to the parameters in force"
    figure.suptitle(title + (f"; all with its {rest}" if rest else ""), fontsize=11)
    return png(figure)


def _cells(axes: Axes, table: NDArray[np.float64], rate: str) -> None:
    values = table[~np.isnan(table)]
    low, high = (0.0, 1.0) if rate == "ambiguous_rate" else (0.0, max([1.0, *values.tolist()]))
    if rate in ("precision", "recall", "accuracy"):
        low = min([0.9, *values.tolist()])
    axes.imshow(table, aspect="auto", cmap="Blues", vmin=low - 0.1 * (high - low), vmax=high + 0.25 * (high - low))
    if table.shape[1] <= _WRITTEN:
        for y, x in np.ndindex(table.shape):
            if not np.isnan(table[y, x]):
                dark = (table[y, x] - low) / (high - low) > 0.6 if high > low else False
                text = f"{table[y, x]:.0f}" if rate == "matched" else f"{table[y, x]:.3f}".rstrip("0").rstrip(".")
                colour = "white" if dark else "black"
                axes.annotate(text, (x, y), ha="center", va="center", fontsize=8, color=colour)


def _precision_recall(rows: SweepRows, reference: int, precision: float) -> bytes:
    """Every point, and per hash size the best precision by recall."""
    figure = new_figure(9, 5.6)
    axes = quiet_axes(figure.add_axes((0.09, 0.2, 0.87, 0.72)))
    for size in _sorted({row["hash_size"] for row in rows}):
        mine = [row for row in rows if row["hash_size"] == size and None not in (row["precision"], row["recall"])]
        if mine:
            colour, recalls = _COLOURS[size], sorted({row["recall"] for row in mine})
            best = [max(row["precision"] for row in mine if row["recall"] >= recall) for recall in recalls]
            # Where the lines of several sizes are one, the wider one of the shorter hash stays to be seen.
            axes.plot(
                recalls, best, ".-", drawstyle="steps-pre", color=colour, linewidth=48 / size, markersize=96 / size + 4,
                alpha=0.8, label=f"hash size {size}",
            )  # fmt: skip
            axes.plot([row["recall"] for row in mine], [row["precision"] for row in mine], ".", color=colour, alpha=0.4)
    axes.axhline(precision, color=GREY, linestyle=":", linewidth=1, label=f"requested precision {precision:g}")
    _ring(axes, rows[reference]["recall"], rows[reference]["precision"])
    axes.set(
        title=f"Precision against recall: {len(rows)} points, and the best precision by recall for each hash size",
        xlabel="recall", ylabel="precision",
    )  # fmt: skip
    _legend(figure, axes)
    return png(figure)


def _time_accuracy(rows: SweepRows, timings: SweepRows, reference: int) -> bytes:
    """What each point costs and what it is worth."""
    known = any(row["accuracy"] is not None for row in rows)
    worth = "accuracy" if known else "matched"
    figure = new_figure(9, 5.6)
    axes = quiet_axes(figure.add_axes((0.09, 0.2, 0.87, 0.72)))
    for size in _sorted({row["hash_size"] for row in rows}):
        mine = [i for i, row in enumerate(rows) if row["hash_size"] == size and row[worth] is not None]
        x, y = [timings[i]["match_s"] or 0.0 for i in mine], [rows[i][worth] for i in mine]
        axes.plot(x, y, "o", color=_COLOURS[size], alpha=0.5, markersize=5, label=f"hash size {size}")
    _ring(axes, timings[reference]["match_s"] or 0.0, rows[reference][worth])
    axes.set(
        title="Time against accuracy: comparing candidates anew, in one process (estimate)",
        xlabel="time to compare the candidates [s]", ylabel="accuracy" if known else "pictures matched",
    )  # fmt: skip
    _legend(figure, axes)
    return png(figure)


def _ring(axes: Axes, x: float | None, y: float | None) -> None:
    if x is not None and y is not None:
        axes.plot(
            [x], [y], "o", markersize=13, fillstyle="none", color=RED, label="recommended, or nearest to in force"
        )


def _legend(figure: Any, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, frameon=False, fontsize=9)


def _sorted(values: set[Any]) -> list[Any]:
    return sorted(values, key=lambda value: (isinstance(value, str), value))


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
