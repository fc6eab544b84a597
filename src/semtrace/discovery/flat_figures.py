"""Figures of the flat set: labels by category with the missing ones stacked, and subcategories within categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.ticker import MaxNLocator

from semtrace.stage.figures import BLUE, GREEN, ORANGE, RED, new_figure, png, quiet_axes

_COLOURS = (BLUE, ORANGE, GREEN, RED, "#6b46c1", "#0f766e", "#9aa5b1", "#b7791f")


def by_category(labels: Sequence[Mapping[str, Any]], missing: Sequence[Mapping[str, Any]]) -> bytes:
    """A bar a category: contents with a label in the flat set, and published ones that are not in it stacked on."""
    found = Counter(row["category"] for row in labels)
    lost = Counter(row["category"] for row in {row["md5"]: row for row in missing}.values())
    names = sorted(found | lost, key=lambda name: (-found[name], name))
    figure = new_figure(9, 5.2)
    axes = quiet_axes(figure.add_axes((0.1, 0.3, 0.87, 0.62)))
    axes.bar(range(len(names)), [found[name] for name in names], color=BLUE, label="in the flat set")
    axes.bar(
        range(len(names)), [lost[name] for name in names], bottom=[found[name] for name in names], color=ORANGE,
        label="published only",
    )  # fmt: skip
    axes.set_xticks(range(len(names)), [name.replace("_", " ") for name in names], rotation=35, ha="right")
    axes.set_ylabel("contents")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title("Labels by category", loc="left")
    axes.legend(frameon=False)
    return png(figure)


def subcategories(labels: Sequence[Mapping[str, Any]]) -> bytes:
    """A stacked bar a category: its contents by subcategory, those without one in grey."""
    counts = Counter((row["category"], row["subcategory"]) for row in labels)
    names = sorted({category for category, _ in counts})
    figure = new_figure(9, max(2.5, 1.6 + 0.42 * len(names)))
    axes = quiet_axes(figure.add_axes((0.27, 0.16, 0.7, 0.72)))
    axes.grid(axis="x", color="#e3e7eb", linewidth=0.8)
    for row, category in enumerate(reversed(names)):
        left = 0
        inside = sorted(sub for name, sub in counts if name == category)
        for number, sub in enumerate(inside):
            wide = counts[category, sub]
            colour = _COLOURS[number % len(_COLOURS)] if sub else "#d5dbe1"
            axes.barh(row, wide, left=left, color=colour)
            if sub:
                axes.text(
                    left + wide / 2, row, sub.replace("_", " "), ha="center", va="center", fontsize=6, color="white"
                )
            left += wide
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in reversed(names)])
    axes.set_xlabel("contents; grey: no subcategory")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title("Subcategories", loc="left")
    return png(figure)
