"""Colours and marks of this house's figures, safe for colour-blind readers, and numbers as tables have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from semtrace.stage.figures import png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours; a line also differs by its dashes, so that no two are told apart by colour alone.
SERIES_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D1F", "#7F7F7F")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 3)), (0, (3, 3)))
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")
DARK, LIGHT = "#222222", "#B0B7BD"
FRACTION_SHADES = {1.0: 0.35, 0.9: 1.0, 0.7: 0.7, 0.5: 0.45}
"""Opacity of a curve by the fraction of points that was fitted."""


def digits(value: float, significant: int = 9) -> float:
    """A number as a table has it: so many digits that the order of a sum does not show."""
    return float(f"{value:.{significant}g}")


def saved(figure: Figure) -> bytes:
    """PNG bytes that depend on nothing but the picture."""
    return png(figure)
