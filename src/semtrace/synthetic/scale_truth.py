"""What is known of the scale of every generated picture: rows of ``known/scale.csv``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from semtrace.io.schema import Column, Table
from semtrace.synthetic.databar import BarFacts, DataBar

SCALE = Table(
    "known/scale.csv",
    1,
    (
        Column("path", "text", "the picture in the archive"),
        Column("pixel_size_m", "number", "width of its pixels", "metres"),
        Column("bar_text", "text", "text of its scale bar; empty where it has none"),
        Column("bar_value_m", "number", "the length that the text states", "metres"),
        Column("bar_px", "number", "length of the bar, between the centres of its ends", "pixels"),
        Column("layout", "text", "of the data bar"),
    ),
)


def scale_truth_rows(paths: Iterable[str], layout: str, facts: BarFacts, bar: DataBar | None) -> list[dict[str, Any]]:
    """A row for each path of a picture; ``bar_px`` is from cap centre to cap centre, or first tick to last."""
    return [
        {
            "path": path, "pixel_size_m": float(f"{facts.pixel_size:.6g}"),
            "bar_text": bar.scale_text if bar else "", "bar_value_m": float(f"{bar.scale_length:.6g}") if bar else None,
            "bar_px": bar.scale_pixels if bar else None, "layout": layout,
        }
        for path in paths
    ]  # fmt: skip
