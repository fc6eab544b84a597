"""The pictures of a sweep: rates over two parameters, precision against recall, time against accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from semtrace.provenance.figures import BLUE, GREEN, GREY, ORANGE, RED, new_figure, png, quiet

Rows = Sequence[Mapping[str, Any]]
_COLOURS = {8: ORANGE, 16: GREEN, 32: BLUE}
_LABELS = {
    "hash_size": "hash size [bits along a side]",
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
_WRITTEN = 200  # cells of a heat map that still have room for their number


def figures(rows: Rows, timings: Rows, varied: Sequence[str], reference: int, precision: float) -> dict[str, bytes]:
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


def axes_of(rows: Rows, varied: Sequence[str]) -> tuple[str, str]:
    """The two columns of a heat map: threshold and hash size where these vary, else what varies most."""
    most = sorted(varied, key=lambda name: (-len({str(row[name]) for row in rows}), name))
    across = "hamming_threshold" if "hamming_threshold" in varied else (most or ["hamming_threshold"])[0]
    others = [name for name in most if name != across]
    return across, "hash_size" if "hash_size" in varied and across != "hash_size" else (others or ["hash_size"])[0]


def _heat_map(rows: Rows, varied: Sequence[str], reference: int) -> bytes:
    """Rates over two parameters, the others as at the reference point."""
    across, down = axes_of(rows, varied)
    if across == down:
        down = "geometry"  # one row: nothing else varies
    fixed = [name for name in varied if name not in (across, down)]
    shown = [row for row in rows if all(row[name] == rows[reference][name] for name in fixed)]
    columns, lines = (_sorted({row[name] for row in shown}) for name in (across, down))
    known = any(row["accuracy"] is not None for row in shown)
    rates = ("precision", "recall", "accuracy", "ambiguous_rate") if known else ("matched", "ambiguous_rate")
    height = 1.5 + len(lines) * 0.42
    figure = new_figure(12, 0.9 + height * (len(rates) // 2))
    figure.subplots_adjust(left=0.08, right=0.98, hspace=0.75, wspace=0.16, top=1 - 0.95 / figure.get_figheight())
    figure.subplots_adjust(bottom=0.62 / figure.get_figheight())
    for k, rate in enumerate(rates, 1):
        axes = figure.add_subplot(len(rates) // 2, 2, k)
        table = np.full((len(lines), len(columns)), np.nan)
        for row in shown:
            if row[rate] is not None:
                table[lines.index(row[down]), columns.index(row[across])] = row[rate]
        _cells(axes, table, rate, len(shown))
        axes.set_xticks(range(len(columns)), [_text(value) for value in columns], fontsize=8)
        axes.set_yticks(range(len(lines)), [_text(value) for value in lines], fontsize=8)
        axes.set_xlabel(_LABELS[across], fontsize=9)
        axes.set_ylabel(_LABELS[down] if k % 2 else "", fontsize=9)
        axes.set_title(rate.replace("_", " "), fontsize=10)
        x, y = columns.index(rows[reference][across]), lines.index(rows[reference][down])
        box = np.array([(x - 0.5, y - 0.5), (x + 0.5, y - 0.5), (x + 0.5, y + 0.5), (x - 0.5, y + 0.5)])
        axes.fill(box[:, 0], box[:, 1], fill=False, edgecolor=RED, linewidth=2.2, clip_on=False)
    rest = ", ".join(f"{name} {_text(rows[reference][name])}" for name in fixed)
    title = "Frame: the recommended point" if known else "Frame: nearest to the parameters in force"
    figure.suptitle(title + (f"; all with its {rest}" if rest else ""), fontsize=11)
    return png(figure)


def _cells(axes: Axes, table: Any, rate: str, count: int) -> None:
    values = table[~np.isnan(table)]
    low = min([0.9, *values.tolist()]) if rate in ("precision", "recall", "accuracy") else 0.0
    high = 1.0 if rate != "matched" else max([1.0, *values.tolist()])
    axes.imshow(table, aspect="auto", cmap="Blues", vmin=low - 0.3 * (high - low), vmax=high + 0.2 * (high - low))
    if count <= _WRITTEN:
        for y, x in np.ndindex(table.shape):
            if not np.isnan(table[y, x]):
                text = f"{table[y, x]:.0f}" if rate == "matched" else f"{table[y, x]:.3f}"
                axes.annotate(text, (x, y), ha="center", va="center", fontsize=8)


def _precision_recall(rows: Rows, reference: int, precision: float) -> bytes:
    """Every point, and per hash size the best precision by recall."""
    figure = new_figure(9, 5.6)
    axes = quiet(figure.add_axes((0.09, 0.2, 0.87, 0.72)))
    for size in _sorted({row["hash_size"] for row in rows}):
        mine = [row for row in rows if row["hash_size"] == size and None not in (row["precision"], row["recall"])]
        if mine:
            colour, recalls = _COLOURS[size], sorted({row["recall"] for row in mine})
            best = [max(row["precision"] for row in mine if row["recall"] >= recall) for recall in recalls]
            axes.plot([row["recall"] for row in mine], [row["precision"] for row in mine], ".", color=colour, alpha=0.4)
            axes.plot(recalls, best, drawstyle="steps-pre", color=colour, linewidth=1.4, label=f"hash size {size}")
    axes.axhline(precision, color=GREY, linestyle=":", linewidth=1, label=f"requested precision {precision:g}")
    _ring(axes, rows[reference]["recall"], rows[reference]["precision"])
    axes.set(
        title=f"Precision against recall: {len(rows)} points, and the best precision by recall for each hash size",
        xlabel="recall", ylabel="precision",
    )  # fmt: skip
    _legend(figure, axes)
    return png(figure)


def _time_accuracy(rows: Rows, timings: Rows, reference: int) -> bytes:
    """What each point costs and what it is worth."""
    known = any(row["accuracy"] is not None for row in rows)
    worth = "accuracy" if known else "matched"
    figure = new_figure(9, 5.6)
    axes = quiet(figure.add_axes((0.09, 0.2, 0.87, 0.72)))
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
