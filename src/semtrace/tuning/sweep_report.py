"""The report of a sweep that people read: the point to use and why, what was tried, how the best compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from semtrace.core.statistics.recommend import Recommendation

OVERRIDE = {"hash_size": "hash.size"}  # a table's name -> the parameter; the others are match.<name>
_SHOWN = 10  # of the best points


def parameter(name: str) -> str:
    """The parameter that a column of ``sweep.csv`` holds."""
    return OVERRIDE.get(name, f"match.{name}")


def sweep_report(
    rows: Sequence[Mapping[str, Any]],
    varied: Sequence[str],
    current: Mapping[str, Any],
    basis: str,
    precision: float,
    recommended: Recommendation | None,
) -> str:
    """Write the report as text.

    Args:
        rows: of ``sweep.csv``.
        varied: the columns that differ between points.
        current: the parameters in force, by column.
        basis: where truth comes from.
        precision: requested.
        recommended: see ``core.recommend``.
    """
    known = any(row["accuracy"] is not None for row in rows)
    lines = []
    if not known:
        lines.append("Accuracy is unknown: no truth.csv, and no JPEG has the file stem of a TIFF. So no point can be")
        lines.append("recommended; below stands how many pictures each matches, and how many it leaves to a person.")
    elif recommended is None:
        best = max((row["precision"] for row in rows if row["precision"] is not None), default=None)
        lines.append(f"No point has the requested precision {precision:g}; the highest is {_text(best)}")
    else:
        lines += _reason(rows, varied, current, precision, recommended)
    if known:
        lines.append(f"Truth: {basis}")
    lines += ["", f"Tried: {len(rows)} point{'s' if len(rows) > 1 else ''}"]
    for name in varied:
        tried = list(dict.fromkeys(row[name] for row in rows))
        lines.append(f"  {parameter(name):<26} {', '.join(map(_text, tried))}   (in force: {_text(current[name])})")
    order = sorted(range(len(rows)), key=lambda i: _rank(rows[i], i, recommended))
    lines += ["", f"The best {min(_SHOWN, len(rows))} of {len(rows)}" if known else f"The first of {len(rows)}"]
    head = [*varied, "matched", "ambiguous", "unmatched", "wrong", "precision", "recall", "accuracy", "ssim_pairs"]
    if not known:
        head = [*varied, "matched", "ambiguous", "unmatched", "ssim_pairs"]
    cells = [["point", *head]] + [[_text(rows[i][name]) for name in ("point", *head)] for i in order[:_SHOWN]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines += ["  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(lines) + "\n"


def why(rows: Sequence[Mapping[str, Any]], varied: Sequence[str], precision: float, recommended: Recommendation) -> str:
    """The reason of a recommendation, in a few sentences."""
    row, count = rows[recommended.index], len(rows)
    if recommended.shown:
        among = f"the {len(recommended.shown)} of {count} points whose precision is shown to be {precision:g} or more"
        proof = f"the lower bound of its 95 % interval, {row['precision_low']:.4f}, reaches it"
    else:
        among = f"the {len(recommended.observed)} of {count} points with a precision of {precision:g} or more"
        proof = (
            f"that precision is observed, not shown: with so few matches the lower bound of its 95 % interval is "
            f"{row['precision_low']:.4f}"
        )
    text = f"It has the highest recall, {row['recall']:.4f}, among {among}; {proof}."
    if len(recommended.equal) > 1:
        same = [
            f"{parameter(name)} {_spread([rows[i][name] for i in recommended.equal])}" for name in varied
        ]  # fmt: skip
        text += (
            f" {len(recommended.equal)} points decide as well ({'; '.join(same)}); of these it is the nearest to the "
            "parameters in force, by the number of changes, then by their size."
        )
    return text


def _reason(
    rows: Sequence[Mapping[str, Any]],
    varied: Sequence[str],
    current: Mapping[str, Any],
    precision: float,
    recommended: Recommendation,
) -> list[str]:
    row = rows[recommended.index]
    chosen = [f"{parameter(name)}={_text(row[name])}" for name in varied]
    changed = [f"{parameter(name)}={_text(row[name])}" for name in current if row[name] != current[name]]
    use = f'make run set="{" ".join(changed)}"' if changed else "nothing to change: these are the parameters in force"
    rates = [
        f"  {name:<10} {row[name]:.4f}  (95 % Wilson interval {row[f'{name}_low']:.4f} to {row[f'{name}_high']:.4f})"
        for name in ("precision", "recall", "accuracy")
    ]
    title = f"Recommended: point {row['point']}" + (f", {' '.join(chosen)}" if chosen else "")
    reason = why(rows, varied, precision, recommended)
    return [title, *rates, "", *fill(reason, 110).splitlines(), "", f"To use it: {use}"]


def _spread(values: Sequence[Any]) -> str:
    """``a to b`` of numbers, a list of words."""
    if all(isinstance(value, (int, float)) for value in values):
        low, high = min(values), max(values)
        return _text(low) if low == high else f"{_text(low)} to {_text(high)}"
    return ", ".join(dict.fromkeys(map(str, values)))


def _rank(row: Mapping[str, Any], index: int, recommended: Recommendation | None) -> tuple[Any, ...]:
    if recommended is not None and index == recommended.index:
        return (-1,)
    worth = -(row["accuracy"] or 0), row["wrong"], -(row["found"])
    return (0 if recommended and index in recommended.equal else 1, *worth, index)


def _text(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
