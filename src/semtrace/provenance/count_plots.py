"""The figures that count: what became of all files, and what was decided by category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from semtrace.io.terminal import harmless
from semtrace.provenance.funnel import OUTCOMES, SIDES, Step
from semtrace.stage.figures import BLUE, GREEN, GREY, ORANGE, new_figure, png, quiet_axes

if TYPE_CHECKING:  # matplotlib is slow to load, and a figure that has not changed needs none of it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"matched": BLUE, "ambiguous": ORANGE, "unmatched": "#9aa5b1"}
_WORDS = {"copy": "copies", "conflict": "in a conflict", "not_chosen": "not in the sample"}


def steps_png(steps: Sequence[Step]) -> bytes:
    """What is left after each step of both sides, and what went on the way, as PNG."""
    figure = new_figure(9, 5.2)
    sides = [side for side in SIDES if any(step.side == side for step in steps)]
    for place, side in enumerate(sides):
        mine = [step for step in steps if step.side == side]
        axes = quiet_axes(figure.add_axes((0.1, 0.55 - 0.48 * place, 0.88, 0.37)))
        axes.grid(visible=False)
        most = max(1, *(step.count for step in mine))
        for line, step in enumerate(mine):
            axes.barh(line, step.count, height=0.66, color=(GREY, GREY, BLUE, BLUE, GREEN)[line])
            axes.text(step.count, line, f" {step.count:,}", va="center", fontsize=10, fontweight="bold")
            if step.lost:
                axes.text(step.count + 0.12 * most, line, _went(step), va="center", fontsize=8.5, color=GREY)
        axes.set_yticks(range(len(mine)), [step.name for step in mine])
        axes.invert_yaxis()
        axes.set_xlim(0, 2.4 * most)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_title(f"What became of the files of the {SIDES[side]}", loc="left", fontsize=11)
    if not sides:
        figure.text(0.5, 0.5, "no values", ha="center", va="center", color=GREY)
    return png(figure)


def _went(step: Step) -> str:
    """The losses of a step in words, the greatest first."""
    parts = sorted(step.lost.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{count:,} {_WORDS.get(reason, reason.replace('_', ' '))}" for reason, count in parts[:4]]
    if rest := sum(count for _, count in parts[4:]):
        shown.append(f"{rest:,} others")
    total = f"{sum(step.lost.values()):,}: " if len(shown) > 1 else ""
    return f"−{total}{', '.join(shown)}"


def outcomes_png(outcomes: Mapping[str, Mapping[str, int]]) -> bytes:
    """What was decided of the published images of each category, as PNG."""
    height = 1.3 + 0.36 * max(1, len(outcomes))
    figure = new_figure(9, height)
    axes = quiet_axes(figure.add_axes((0.27, 0.6 / height, 0.58, 1 - 1.15 / height)))
    axes.grid(visible=False)
    names = list(outcomes)
    totals = [sum(outcomes[name].values()) for name in names]
    most = max(totals, default=1)
    left = np.zeros(len(names))
    for decision in OUTCOMES:
        counts = np.array([outcomes[name][decision] for name in names], float)
        label = f"{decision} ({int(counts.sum()):,})"
        axes.barh(range(len(names)), counts, left=left, height=0.7, color=COLOURS[decision], label=label)
        for line, count in enumerate(counts):
            if count > 0.035 * most:
                axes.text(
                    left[line] + count / 2, line, f"{int(count):,}", ha="center", va="center", color="white", fontsize=8
                )
        left += counts
    for line, name in enumerate(names):
        axes.text(
            totals[line],
            line,
            f"  {outcomes[name]['matched']:,} of {totals[line]:,} matched",
            va="center",
            fontsize=8.5,
        )
    shown = [harmless(name if len(name) < 34 else f"{name[:32]}…") or "(no folder)" for name in names]
    axes.set_yticks(range(len(names)), shown, fontsize=9, parse_math=False)
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_title("Published images by category", loc="left", fontsize=11)
    name_parts_below(figure, axes)
    return png(figure)


def name_parts_below(figure: Figure, axes: Axes) -> None:
    """Put the names of what is drawn in one line below it."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="lower center", ncols=len(handles), frameon=False, fontsize=9)
