"""The figures of a calibration: rates over the thresholds, and distances between different pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from semtrace.stage.figures import BLUE, GREEN, GREY, ORANGE, RED, new_figure, png, quiet_axes
from semtrace.stage.settings import REFERENCE_BITS
from semtrace.tuning.figures import LABELS, Mark, RatedRows, heat_maps, legend_below, precision_recall
from semtrace.tuning.judge import Evaluation
from semtrace.tuning.null_model import NullModel

_THRESHOLDS = ("hamming", "min_ssim", "min_correlation", "min_margin")


def draw_calibration(
    judged: Evaluation, rows: RatedRows, used: Mapping[str, int], model: NullModel, precision: float
) -> dict[str, bytes]:
    """All figures by file name.

    Args:
        judged: every point judged.
        rows: of ``calibration.csv``.
        used: positions of the point ``current`` and, where there is one, ``chosen``.
        model: of the archive.
        precision: requested.
    """
    marks = [Mark(name, used[name], colour) for name, colour in (("current", GREY), ("chosen", GREEN)) if name in used]
    rows = [{**row, "hamming": _distances(row["hamming_threshold"], row["ssim_trigger"])} for row in rows]
    axes, fixed = ("min_ssim", "hamming"), ("min_correlation", "min_margin")
    return {
        "thresholds.png": _thresholds(rows, marks, precision),
        "operating_points.png": heat_maps(rows, axes, fixed, ("precision", "recall"), marks, precision),
        "precision_recall.png": precision_recall(rows, {32: BLUE}, marks, precision),
        "null_model.png": _null_model(judged, marks, model),
    }


def _distances(threshold: int, trigger: int) -> str:
    return f"{threshold}" if threshold == trigger else f"{threshold} / {trigger}"


def _thresholds(rows: RatedRows, marks: Sequence[Mark], precision: float) -> bytes:
    """Precision and recall along each threshold, the others as at the last mark."""
    figure, centre = new_figure(11, 7.4), rows[marks[-1].index]
    for k, name in enumerate(_THRESHOLDS):
        axes = quiet_axes(figure.add_axes((0.07 + 0.49 * (k % 2), 0.59 - 0.46 * (k // 2), 0.42, 0.33)))
        others = [other for other in _THRESHOLDS if other != name]
        value = "hamming_threshold" if name == "hamming" else name
        line = [row for row in rows if all(row[other] == centre[other] for other in others)]
        if name == "hamming":  # a pair of two distances has no place on the line
            line = [row for row in line if row["hamming_threshold"] == row["ssim_trigger"]]
        for rate, colour in (("precision", BLUE), ("recall", ORANGE)):
            points = [
                (row[value], row[rate], row[f"{rate}_low"], row[f"{rate}_high"])
                for row in line
                if row[rate] is not None
            ]  # fmt: skip
            if points:
                x, middle, low, high = zip(*points, strict=True)
                axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
                axes.plot(x, middle, ".-", color=colour, linewidth=1.4, label=f"{rate}, with 95 % interval")
        axes.axhline(precision, color=RED, linestyle=":", linewidth=1, label=f"requested precision {precision:g}")
        for mark in marks:
            axes.axvline(rows[mark.index][value], color=mark.colour, linestyle="--", linewidth=1, label=mark.text)
        axes.set(xlabel=LABELS[name], ylim=(None, 1.003))
        if k == 0:
            handles, labels = axes.get_legend_handles_labels()
            figure.legend(handles, labels, loc="lower center", ncols=len(handles), frameon=False, fontsize=9)
    figure.suptitle(f"Precision and recall along each threshold, the others as {marks[-1].text}", y=0.975)
    return png(figure)


def _null_model(judged: Evaluation, marks: Sequence[Mark], model: NullModel) -> bytes:
    """Distances between different pictures, and of published images to their own original."""
    figure = new_figure(10, 5.8)
    axes = quiet_axes(figure.add_axes((0.08, 0.23, 0.89, 0.70)))
    bits = judged.originals.bits
    step = max(1, bits // 128)
    edges = np.arange(0, bits + 2 * step, step)
    if model.seen is not None:
        counts = model.seen.counts
        pairs = np.add.reduceat(np.pad(counts, (0, edges[-1] - len(counts))), edges[:-1]) / counts.sum()
        axes.stairs(pairs, edges, fill=True, color=GREY, alpha=0.5, label="different pictures, all pairs")
        _steps(axes, model.seen.nearest, edges, RED, "to the nearest other picture")
        least = 0.3 / counts.sum()
        if model.chance is not None:
            chance = np.diff([model.chance.below(edge) for edge in edges.tolist()])
            axes.plot(edges[:-1] + step / 2, chance, color="black", linewidth=1, label="binomial fitted to the bulk")
        if model.tail is not None:
            low = edges[edges <= model.tail.start]
            shares = np.diff([model.tail.below(edge) for edge in low.tolist()])
            axes.plot(low[:-1] + step / 2, shares, "k:", linewidth=1, label="exponential fitted to the nearest 1 %")
    else:
        least = 1e-3
    own = [
        pair.hamming
        for trial in judged.trials
        if trial.original == "present"
        for pair in judged.measured[trial.source].pairs[trial.j]
        if pair.original in trial.right
    ]
    _steps(axes, np.array(own, dtype=np.int64), edges, BLUE, "published image to its own original")
    for mark in marks:
        threshold = judged.points[mark.index].hamming_threshold * bits / REFERENCE_BITS
        text = f"{mark.text} threshold {threshold:g}"
        axes.axvline(threshold, color=mark.colour, linestyle="--", linewidth=1.2, label=text)
    reach = judged.settings.reach * bits / REFERENCE_BITS
    axes.axvline(reach, color=ORANGE, linestyle=":", linewidth=1.2, label=f"reach {reach:g}")
    axes.set_yscale("log")
    axes.set(
        title=f"Distances between the {model.pictures} different pictures of the archive",
        xlabel=f"Hamming distance [bits of {bits}]",
        ylabel="share (log scale)",
        ylim=(least, 1.5),
        xlim=(0, 0.62 * bits),
    )
    legend_below(figure, axes)
    return png(figure)


def _steps(axes: Axes, values: NDArray[np.int64], edges: NDArray[Any], colour: str, label: str) -> None:
    if values.size:
        shares = np.histogram(values, edges)[0] / values.size
        axes.stairs(shares, edges, color=colour, linewidth=1.4, label=label)
