"""The pictures of a training: its curve, the confusion of categories, the recall of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.statistics.linear_head import CurvePoint, kept_epoch
from semtrace.discovery.looks import DARK, SERIES_COLOURS, saved
from semtrace.stage.figures import new_figure, quiet_axes

ClassRows = Sequence[Mapping[str, Any]]
_OF = {"test": "test part", "tenths": "every tenth, by a head that did not see it"}


def draw_training(
    name: str,
    curve: Sequence[CurvePoint],
    confusion: Mapping[str, NDArray[np.int64]],
    per_class: ClassRows,
    names: Sequence[str],
) -> dict[str, bytes]:
    """All pictures by file name; of confusion and recall the one with the most images."""
    of = list(confusion)[-1]
    return {
        "curve.png": _curve(name, curve),
        "confusion.png": _confusion(name, of, confusion[of], names),
        "per_class.png": _per_class(name, of, [row for row in per_class if row["of"] == of]),
    }


def _curve(name: str, curve: Sequence[CurvePoint]) -> bytes:
    figure = new_figure(9, 3.8)
    epochs = [point.epoch for point in curve]
    best = kept_epoch(curve)
    for number, what in enumerate(("loss", "accuracy")):
        said = ("mean cross entropy [nats]", "share of right answers")[number]
        axes = quiet_axes(figure.add_subplot(1, 2, number + 1))
        for place, part in enumerate(("training", "validation")):
            values = [getattr(point, f"{part}_{what}") for point in curve]
            axes.plot(epochs, values, ("-", "--")[place], color=SERIES_COLOURS[place], label=f"{part} part")
        axes.axvline(best, color=DARK, linewidth=0.8, linestyle=":", label=f"kept: epoch {best}")
        axes.set(xlabel="epoch", ylabel=said, ylim=(0, 1.03 if what == "accuracy" else None))
        axes.legend(frameon=False, fontsize=8)
    figure.suptitle(name, fontsize=10)
    figure.tight_layout()
    return saved(figure)


def _confusion(name: str, of: str, counts: NDArray[np.int64], names: Sequence[str]) -> bytes:
    size = 2.6 + 0.42 * len(names)
    figure = new_figure(size + 1.2, size)
    axes = figure.add_subplot()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="cividis", vmin=0, vmax=1)
    for (row, column), images in np.ndenumerate(counts):
        if images:
            colour = "white" if share[row, column] < 0.6 else "black"
            axes.annotate(str(images), (column, row), ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(xlabel="said", ylabel="known")
    axes.set_title(f"{name}: images of {_OF[of]}, n = {counts.sum()}", fontsize=9)
    figure.tight_layout()
    return saved(figure)


def _per_class(name: str, of: str, rows: ClassRows) -> bytes:
    figure = new_figure(8, 1.6 + 0.36 * len(rows))
    axes = quiet_axes(figure.add_axes((0.34, 0.2, 0.62, 0.66)))
    for place, row in enumerate(reversed(rows)):
        if row["recall"] is not None:
            axes.plot([row["recall_low"], row["recall_high"]], [place, place], color=SERIES_COLOURS[0], linewidth=1.2)
            axes.plot(row["recall"], place, "o", color=SERIES_COLOURS[0])
    axes.set_yticks(range(len(rows)), [f"{row['category']} ({row['images']})" for row in reversed(rows)], fontsize=8)
    axes.set(xlabel="recall with its 95 % Wilson interval", xlim=(0, 1.02), ylim=(-0.6, len(rows) - 0.4))
    total = sum(row["images"] for row in rows)
    axes.set_title(f"{name}: images of {_OF[of]}, n = {total}", fontsize=9, x=0.35)
    return saved(figure)
