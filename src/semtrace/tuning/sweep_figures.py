"""The figures of a sweep: rates over two parameters, precision against recall, time against accuracy."""

from __future__ import annotations

from collections.abc import Sequence

from semtrace.stage.figures import BLUE, GREEN, ORANGE, RED, new_figure, png, quiet_axes
from semtrace.tuning.figures import Mark, RatedRows, heat_maps, legend_below, precision_recall

_COLOURS = {8: ORANGE, 16: GREEN, 32: BLUE}


def draw_sweep(
    rows: RatedRows, timings: RatedRows, varied: Sequence[str], reference: int, precision: float
) -> dict[str, bytes]:
    """All figures by file name.

    Args:
        rows: of ``sweep.csv``.
        timings: of ``timings.csv``.
        varied: the columns that differ between points.
        reference: position of the recommended point, else of the nearest to the parameters in force.
        precision: requested.
    """
    known = any(row["accuracy"] is not None for row in rows)
    across, down = axes_of(rows, varied)
    if across == down:
        down = "geometry"  # one row: nothing else varies
    fixed = [name for name in varied if name not in (across, down)]
    rates = ("precision", "recall", "accuracy", "ambiguous_rate") if known else ("matched", "ambiguous_rate")
    recommended = any(row["recommended"] for row in rows)
    marks = [Mark("the recommended point" if recommended else "nearest to the parameters in force", reference, RED)]
    drawn = {"heat_map.png": heat_maps(rows, (across, down), fixed, rates, marks, precision)}
    if any(row["precision"] is not None for row in rows):
        sizes = sorted({row["hash_size"] for row in rows})
        colours = {size: _COLOURS[size] for size in sizes}
        drawn["precision_recall.png"] = precision_recall(rows, colours, marks, precision)
    if any(row["match_s"] is not None for row in timings):
        drawn["time_accuracy.png"] = _time_accuracy(rows, timings, marks[0])
    return drawn


def axes_of(rows: RatedRows, varied: Sequence[str]) -> tuple[str, str]:
    """The two columns of a heat map: threshold and hash size where these vary, else what varies most."""
    most = sorted(varied, key=lambda name: (-len({str(row[name]) for row in rows}), name))
    across = "hamming_threshold" if "hamming_threshold" in varied else (most or ["hamming_threshold"])[0]
    others = [name for name in most if name != across]
    return across, "hash_size" if "hash_size" in varied and across != "hash_size" else (others or ["hash_size"])[0]


def _time_accuracy(rows: RatedRows, timings: RatedRows, mark: Mark) -> bytes:
    """What each point costs and what it is worth."""
    known = any(row["accuracy"] is not None for row in rows)
    worth = "accuracy" if known else "matched"
    figure = new_figure(9, 5.6)
    axes = quiet_axes(figure.add_axes((0.09, 0.2, 0.87, 0.72)))
    for size in sorted({row["hash_size"] for row in rows}):
        mine = [i for i, row in enumerate(rows) if row["hash_size"] == size and row[worth] is not None]
        x, y = [timings[i]["match_s"] or 0.0 for i in mine], [rows[i][worth] for i in mine]
        axes.plot(x, y, "o", color=_COLOURS[size], alpha=0.5, markersize=5, label=f"hash size {size}")
    if rows[mark.index][worth] is not None:
        place = [timings[mark.index]["match_s"] or 0.0], [rows[mark.index][worth]]
        axes.plot(*place, "o", markersize=13, fillstyle="none", color=mark.colour, label=mark.text)
    axes.set(
        title="Time against accuracy: comparing candidates anew, in one process (estimate)",
        xlabel="time to compare the candidates [s]", ylabel="accuracy" if known else "pictures matched",
    )  # fmt: skip
    legend_below(figure, axes)
    return png(figure)
