"""The report of a sweep as text: the point to use and why, what was tried, how the best compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from semtrace.core.statistics.choice import Choice
from semtrace.tuning.figures import cell_text
from semtrace.tuning.report import ReportRow, aligned_columns, interval, reason

OVERRIDE = {"hash_size": "hash.size"}  # a table's name -> the parameter; the others are match.<name>
SHORT = {"hash_size": "size", "hamming_threshold": "threshold", "min_ssim": "SSIM"}  # where there is little room
_SHOWN = 10  # of the best points
_COUNTS = ("matched", "ambiguous", "unmatched")


def parameter(name: str) -> str:
    """The parameter that a column of ``sweep.csv`` holds."""
    return OVERRIDE.get(name, f"match.{name}")


def sweep_report(
    rows: Sequence[ReportRow],
    varied: Sequence[str],
    current: ReportRow,
    basis: str,
    precision: float,
    recommended: Choice | None,
) -> str:
    """Write the report as text.

    Args:
        rows: of ``sweep.csv``.
        varied: the columns that differ between points.
        current: the parameters in force, by column.
        basis: where truth comes from.
        precision: requested.
        recommended: the point to use; None where there is none.
    """
    known = any(row["accuracy"] is not None for row in rows)
    lines = []
    if not known:
        lines.append("Accuracy is unknown: no truth.csv, and no JPEG has the file stem of a TIFF. So no point can be")
        lines.append("recommended; below stands how many pictures each matches, and how many it leaves to a person.")
    elif recommended is None:
        best = max((row["precision"] for row in rows if row["precision"] is not None), default=None)
        lines.append(f"No point has the requested precision {precision:g}; the highest is {cell_text(best)}")
    else:
        row = rows[recommended.index]
        changed = [f"{parameter(name)}={cell_text(row[name])}" for name in current if row[name] != current[name]]
        use = f'make run set="{" ".join(changed)}"' if changed else "nothing to change: these parameters are in force"
        lines += [
            " ".join([f"Recommended: point {row['point']},", *(f"{parameter(n)}={cell_text(row[n])}" for n in varied)]),
            *(f"  {name:<10} {interval(row, name)}" for name in ("precision", "recall", "accuracy")),
            "",
            *reason(recommended, row, len(rows), precision),
            *(
                f"  {parameter(name)} {_spread([rows[i][name] for i in recommended.equal])}"
                for name in (varied if len(recommended.equal) > 1 else ())
            ),
            "",
            f"To use it: {use}",
        ]
    if known:
        lines.append(f"Truth: {basis}")
    if len(rows) > 1 and len({tuple(row[name] for name in (*_COUNTS, "found", "wrong")) for row in rows}) == 1:
        lines += ["", "All points decide alike. `match.reach` compares again what a threshold left out: sweep both, as"]
        lines.append("in `semtrace sweep +experiment=sizes`.")
    lines += ["", f"Tried: {len(rows)} point{'s' if len(rows) > 1 else ''}"]
    for name in varied:
        tried = list(dict.fromkeys(row[name] for row in rows))
        lines.append(
            f"  {parameter(name):<26} {', '.join(map(cell_text, tried))}   (in force: {cell_text(current[name])})"
        )
    order = sorted(range(len(rows)), key=lambda i: _rank(rows[i], i, recommended))
    lines += ["", f"The best {min(_SHOWN, len(rows))} of {len(rows)}" if known else f"The first of {len(rows)}"]
    rated = ("wrong", "precision", "recall", "accuracy") if known else ()
    head = ["point", *varied, *_COUNTS, *rated, "ssim_pairs"]
    lines += aligned_columns([head, *([cell_text(rows[i][name]) for name in head] for i in order[:_SHOWN])])
    return "\n".join(lines) + "\n"


def _spread(values: Sequence[Any]) -> str:
    """``a to b`` of numbers, a list of words."""
    if all(isinstance(value, (int, float)) for value in values):
        return " to ".join(dict.fromkeys((cell_text(min(values)), cell_text(max(values)))))
    return ", ".join(dict.fromkeys(map(str, values)))


def _rank(row: ReportRow, index: int, recommended: Choice | None) -> tuple[Any, ...]:
    if recommended is not None and index == recommended.index:
        return (-1,)
    worth = -(row["accuracy"] or 0), row["wrong"], -(row["found"])
    return (0 if recommended and index in recommended.equal else 1, *worth, index)
