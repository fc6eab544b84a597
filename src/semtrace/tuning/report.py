"""What the reports of a calibration and of a sweep share: the reason of a choice, rates, columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from semtrace.core.statistics.accuracy import trials_to_show
from semtrace.core.statistics.choice import Choice

ReportRow = Mapping[str, Any]


def reason(choice: Choice, rates: ReportRow, points: int, precision: float, *, hint: str = "") -> list[str]:
    """Why a point was chosen, in lines.

    Args:
        choice: the point.
        rates: its counts and rates, as ``Accuracy.rates`` names them.
        points: how many there are.
        precision: requested.
        hint: how to get more matches where too few show nothing.
    """
    low = f"the lower bound of its 95 % interval, {rates['precision_low']:.4f}"
    if choice.shown:
        among = f"the {len(choice.shown)} of {points} points whose precision is shown to be {precision:g} or more"
        proof = f"{low}, reaches it."
    else:
        among = f"the {len(choice.observed)} of {points} points with a precision of {precision:g} or more"
        proof = (
            f"that precision is observed, NOT SHOWN: so few matches cannot show a precision of {precision:g} ({low}). "
            f"Without one wrong match it takes {trials_to_show(precision)}{hint}."
        )
    text = f"It has the highest recall, {rates['recall']:.4f}, among {among}; {proof}"
    if len(choice.equal) > 1:
        text += (
            f" {len(choice.equal)} points decide as well; of these it is the nearest to the parameters in force, "
            "by the number of changes."
        )
    return fill(text, 110).splitlines()


def interval(rates: ReportRow, name: str) -> str:
    """A rate with its interval."""
    if rates[name] is None:
        return "unknown"
    return f"{rates[name]:.4f}  (95 % Wilson interval {rates[f'{name}_low']:.4f} to {rates[f'{name}_high']:.4f})"


def aligned_columns(cells: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, every column to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells]
