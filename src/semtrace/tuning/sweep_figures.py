"""The figures of a sweep: rates over two parameters, precision against recall, cost against quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from semtrace.stage.figures import BLUE, GREEN, ORANGE, RED, new_figure, png, quiet_axes
from semtrace.tuning.figures import Mark, RatedRows, cell_text, heat_maps, legend_below, precision_recall
from semtrace.tuning.sweep_report import SHORT

_COLOURS = {8: ORANGE, 16: GREEN, 32: BLUE}
_IN_FORCE = "#1a202c"
_SLICES = 4  # values of a third parameter that have maps of their own


def draw_sweep(
    rows: RatedRows, timings: RatedRows, varied: Sequence[str], grid: int, recommended: int | None, precision: float
) -> dict[str, bytes]:
    """All figures by file name.

    Args:
        rows: of ``sweep.csv``.
        timings: of ``timings.csv``.
        varied: the columns that differ between points.
        grid: how many of the rows, the first, are the grid; the parameters in force may follow as a row of their own.
        recommended: position of the recommended point; None where there is none.
        precision: requested.
    """
    known = any(row["accuracy"] is not None for row in rows)
    in_force = next(i for i, row in enumerate(rows) if row["in_force"])
    across, down = axes_of(rows[:grid], varied)
    if across == down:
        down = "geometry"  # one row: nothing else varies
    fixed = [name for name in varied if name not in (across, down)]
    marks = _marks(rows, varied, in_force, recommended)
    apart = [{**row, "apart": True, across: f"in force\n{cell_text(row[across])}"} for row in rows[grid:]]
    on_grid = recommended is not None and recommended < grid
    centre = recommended if on_grid and recommended is not None else _nearest(rows[:grid], rows[in_force], varied)
    rates = ("precision", "recall", "accuracy", "ambiguous_rate") if known else ("matched", "ambiguous_rate")
    centres = [centre]
    third = {rows[i][fixed[0]]: i for i in reversed(range(grid))} if len(fixed) == 1 else {}
    if 1 < len(third) <= _SLICES:
        rates, centres = rates[:2], sorted(third.values())
    maps = heat_maps([*rows[:grid], *apart], (across, down), fixed, rates, marks, precision, centres)
    drawn = {"heat_map.png": maps}
    if any(row["precision"] is not None for row in rows):
        sizes = sorted({row["hash_size"] for row in rows})
        colours = {size: _COLOURS[size] for size in sizes}
        drawn["precision_recall.png"] = precision_recall(rows, colours, marks, precision)
    if any(row["match_s"] is not None for row in timings):
        drawn["cost.png"] = _cost(rows, timings, marks, precision)
    return drawn


def _marks(rows: RatedRows, varied: Sequence[str], in_force: int, recommended: int | None) -> list[Mark]:
    """The point in force and the recommended one; one mark where they are the same."""

    def named(what: str, index: int) -> str:
        return f"{what}: {', '.join(f'{SHORT.get(name, name)} {cell_text(rows[index][name])}' for name in varied)}"

    if recommended == in_force:
        return [Mark("in force and recommended", in_force, RED, named("in force and recommended", in_force))]
    marks = [Mark("in force", in_force, _IN_FORCE, named("in force", in_force), "D")]
    if recommended is not None:
        marks.append(Mark("recommended", recommended, RED, named("recommended", recommended)))
    return marks


def _nearest(rows: RatedRows, wanted: Mapping[str, Any], varied: Sequence[str]) -> int:
    """The point of the grid that is most like another one."""

    def far(i: int) -> tuple[int, float]:
        pairs = [(rows[i][name], wanted[name]) for name in varied]
        steps = [abs(a - b) / max(abs(a), abs(b)) for a, b in pairs if a != b and not isinstance(a, str)]
        return sum(a != b for a, b in pairs), sum(steps)

    return min(range(len(rows)), key=far)


def axes_of(rows: RatedRows, varied: Sequence[str]) -> tuple[str, str]:
    """The two columns of a heat map: threshold and hash size where these vary, else what varies most."""
    most = sorted(varied, key=lambda name: (-len({str(row[name]) for row in rows}), name))
    across = "hamming_threshold" if "hamming_threshold" in varied else (most or ["hamming_threshold"])[0]
    others = [name for name in most if name != across]
    return across, "hash_size" if "hash_size" in varied and across != "hash_size" else (others or ["hash_size"])[0]


def _cost(rows: RatedRows, timings: RatedRows, marks: Sequence[Mark], precision: float) -> bytes:
    """What each point costs, in pairs compared and in time, and what it is worth."""
    known = any(row["accuracy"] is not None for row in rows)
    worth = "recall" if known else "matched"
    costs = (
        ("pairs compared by SSIM", [row["ssim_pairs"] for row in rows]),
        ("time to compare them in one process [s], estimate", [one["match_s"] or 0.0 for one in timings]),
    )
    figure = new_figure(11, 5.4)
    for k, (name, cost) in enumerate(costs):
        axes = quiet_axes(figure.add_axes((0.07 + 0.48 * k, 0.24, 0.43, 0.67)))
        for size in sorted({row["hash_size"] for row in rows}):
            mine = [i for i, row in enumerate(rows) if row["hash_size"] == size and row[worth] is not None]
            for sure in (True, False):
                some = [i for i in mine if (not known or (rows[i]["precision"] or 0) >= precision) == sure]
                what = f"hash size {size}" + ("" if sure else f", precision below {precision:g}")
                place = [cost[i] for i in some], [rows[i][worth] for i in some]
                if some:
                    axes.plot(
                        *place, "o" if sure else "x", color=_COLOURS[size], alpha=0.6, markersize=5, label=what
                    )  # fmt: skip
        for mark in marks:
            if rows[mark.index][worth] is not None:
                place = [cost[mark.index]], [rows[mark.index][worth]]
                axes.plot(*place, "o", markersize=12, fillstyle="none", color=mark.colour, label=mark.text)
        axes.set(xlabel=name, ylabel="" if k else "recall" if known else "pictures matched")
    figure.suptitle("Cost beside quality", fontsize=12)
    legend_below(figure, axes)
    return png(figure)
