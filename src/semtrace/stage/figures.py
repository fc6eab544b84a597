"""What all pictures share: colours, a quiet look, and bytes that depend on nothing but the picture."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, GREY = "#2b6cb0", "#dd9b1f", "#2f855a", "#c53030", "#6b7780"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, size in inches, that can be saved without a display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to import, and most processes draw nothing
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=120)
    FigureCanvasAgg(figure)
    return figure


def quiet_axes(axes: Axes) -> Axes:
    """Take away what is no data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e3e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def png(figure: Figure) -> bytes:
    """Save as PNG; without the Software entry the bytes depend on nothing but the picture."""
    data = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a name may hold any letter; it is drawn as a box
        figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()
