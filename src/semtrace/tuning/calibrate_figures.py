"""The pictures of a calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from semtrace.core.statistics.accuracy import Accuracy
from semtrace.stage.figures import BLUE, GREEN, GREY, ORANGE, RED, new_figure, png, quiet
from semtrace.stage.settings import REFERENCE_BITS
from semtrace.tuning.judge import Judged
from semtrace.tuning.strangers import NullModel

_AXES = ("hamming_threshold", "min_ssim", "min_correlation", "min_margin")
_LABELS = {
    "hamming_threshold": "Hamming threshold and SSIM trigger [bits of 1024]",
    "min_ssim": "SSIM at least",
    "min_correlation": "high-pass correlation at least",
    "min_margin": "lead in SSIM over another picture at least",
}


def figures(judged: Judged, used: Mapping[str, int], model: NullModel, precision: float) -> dict[str, bytes]:
    """All pictures by file name.

    Args:
        judged: every point judged.
        used: positions of the point ``current`` and, where there is one, ``chosen``.
        model: of the archive.
        precision: requested.
    """
    return {
        "thresholds.png": _thresholds(judged, used, precision),
        "operating_points.png": _operating_points(judged, used, precision),
        "precision_recall.png": _precision_recall(judged, used, precision),
        "null_model.png": _null_model(judged, used, model),
    }


def _centre(judged: Judged, used: Mapping[str, int]) -> tuple[int, ...]:
    """Position in the grid of the chosen point, else the current one."""
    return tuple(int(i) for i in np.unravel_index(used.get("chosen", used["current"]), judged.grid.shape))


def _marks(used: Mapping[str, int]) -> list[tuple[str, int, str]]:
    return [(name, used[name], colour) for name, colour in (("current", GREY), ("chosen", GREEN)) if name in used]


def _thresholds(judged: Judged, used: Mapping[str, int], precision: float) -> bytes:
    """Precision and recall along each threshold, the others as chosen."""
    figure = new_figure(11, 7.4)
    centre = _centre(judged, used)
    positions = np.arange(len(judged.points)).reshape(judged.grid.shape)
    for k, name in enumerate(_AXES):
        axes = quiet(figure.add_axes((0.07 + 0.49 * (k % 2), 0.59 - 0.46 * (k // 2), 0.42, 0.33)))
        line = [int(i) for i in np.moveaxis(positions, k, -1)[centre[:k] + centre[k + 1 :]]]
        if name == "hamming_threshold":  # the current pair of distances has no place on the line
            line = [i for i in line if judged.points[i].hamming_threshold == judged.points[i].ssim_trigger]
        values = [getattr(judged.points[i], name) for i in line]
        for rate, colour in (("precision", BLUE), ("recall", ORANGE)):
            rows = [judged.accuracies[i].rates() for i in line]
            points = [
                (x, *(float(row[key] or 0) for key in (rate, f"{rate}_low", f"{rate}_high")))
                for x, row in zip(values, rows, strict=True)
                if row[rate] is not None
            ]
            if points:
                x, middle, low, high = zip(*points, strict=True)
                axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
                axes.plot(x, middle, ".-", color=colour, linewidth=1.4, label=f"{rate}, with 95 % interval")
        axes.axhline(precision, color=RED, linestyle=":", linewidth=1, label=f"requested precision {precision:g}")
        for text, index, colour in _marks(used):
            axes.axvline(getattr(judged.points[index], name), color=colour, linestyle="--", linewidth=1, label=text)
        axes.set(xlabel=_LABELS[name], ylim=(None, 1.003))
        if k == 0:
            handles, labels = axes.get_legend_handles_labels()
            figure.legend(handles, labels, loc="lower center", ncols=len(handles), frameon=False, fontsize=9)
    figure.suptitle(f"Precision and recall along each threshold, the others as {_marks(used)[-1][0]}", y=0.975)
    return png(figure)


def _operating_points(judged: Judged, used: Mapping[str, int], precision: float) -> bytes:
    """Precision and recall over Hamming x SSIM: with the loosest other thresholds, the chosen margin, both chosen."""
    figure = new_figure(13, 8)
    values = judged.grid
    _, _, c, m = _centre(judged, used)
    others = list(dict.fromkeys([(0, 0), (0, m), (c, m)]))
    rates = [accuracy.rates() for accuracy in judged.accuracies]
    lows = np.array([one["precision_low"] or 0 for one in rates]).reshape(values.shape)
    for row, rate in enumerate(("precision", "recall")):
        table = np.array([np.nan if one[rate] is None else one[rate] for one in rates]).reshape(values.shape)
        least = min([0.99, *table[~np.isnan(table)].tolist()])
        for column, (correlation, margin) in enumerate(others):
            axes = figure.add_axes((0.075 + 0.285 * column, 0.55 - 0.455 * row, 0.26, 0.355))
            image = axes.pcolormesh(
                table[:, :, correlation, margin], cmap=_colours(rate), vmin=least, vmax=1, edgecolors="white"
            )
            h, s = np.nonzero(lows[:, :, correlation, margin] >= precision)
            axes.plot(s + 0.5, h + 0.5, ".", color="black", markersize=3)
            _frame(axes, judged, used)
            axes.set_xticks(np.arange(len(values.min_ssim)) + 0.5, [f"{v:g}" for v in values.min_ssim], fontsize=8)
            names = [f"{a}" if a == b else f"{a} / {b}" for a, b in values.hamming]
            axes.set_yticks(np.arange(len(names)) + 0.5, names if column == 0 else [""] * len(names), fontsize=8)
            axes.set_title(
                f"{rate}: correlation from {values.min_correlation[correlation]:g}, "
                f"margin from {values.min_margin[margin]:g}",
                fontsize=9,
            )
            if row == 1:
                axes.set_xlabel(_LABELS["min_ssim"])
            if column == 0:
                axes.set_ylabel("Hamming threshold [/ SSIM trigger]")
        figure.colorbar(image, cax=figure.add_axes((0.93, 0.55 - 0.455 * row, 0.013, 0.355)))
    figure.suptitle(
        f"Operating points. Dot: a precision of {precision:g} is shown (lower bound). "
        "Frame: Hamming threshold and SSIM that are current (grey), chosen (green)",
        fontsize=11,
    )
    return png(figure)


def _colours(rate: str) -> Colormap:
    """White to the colour that the rate has everywhere."""
    end = np.array([int((BLUE if rate == "precision" else ORANGE)[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    ramp = np.linspace(0.06, 1, 256)[:, None]
    return ListedColormap((1 - ramp + ramp * end).tolist())


def _frame(axes: Axes, judged: Judged, used: Mapping[str, int]) -> None:
    for _, index, colour in _marks(used):
        h, s, *_ = np.unravel_index(index, judged.grid.shape)
        box = np.array([(s, h), (s + 1, h), (s + 1, h + 1), (s, h + 1), (s, h)])
        axes.plot(box[:, 0], box[:, 1], color=colour, linewidth=2.5, clip_on=False)


def _precision_recall(judged: Judged, used: Mapping[str, int], precision: float) -> bytes:
    """Every point by its recall and precision."""
    figure = new_figure(9, 5.6)
    axes = quiet(figure.add_axes((0.09, 0.2, 0.87, 0.72)))
    rates = [(a.recall, a.precision) for a in judged.accuracies if a.recall is not None and a.precision is not None]
    if rates:
        axes.plot(*zip(*rates, strict=True), ".", color=BLUE, alpha=0.3, markersize=5, label="operating points")
        axes.plot(*_frontier(rates), drawstyle="steps-pre", color=BLUE, linewidth=1.2, label="best precision by recall")
    axes.axhline(precision, color=RED, linestyle=":", linewidth=1, label=f"requested precision {precision:g}")
    for text, index, colour in _marks(used):
        _crossed(axes, judged.accuracies[index], text, colour)
    axes.set(
        title=f"{len(judged.points)} operating points, decided by similarity alone",
        xlabel="recall", ylabel="precision", ylim=(None, 1.003),
    )  # fmt: skip
    _legend(figure, axes)
    return png(figure)


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, frameon=False, fontsize=9)


def _frontier(rates: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Recall, rising, and the best precision among the points of at least that recall."""
    recalls = sorted({recall for recall, _ in rates})
    return recalls, [max(p for r, p in rates if r >= recall) for recall in recalls]


def _crossed(axes: Axes, accuracy: Accuracy, text: str, colour: str) -> None:
    """A point with the intervals of both rates."""
    if accuracy.recall is None or accuracy.precision is None:
        return
    spread = [
        [[rate - low], [high - rate]]
        for rate, (low, high) in (
            (accuracy.recall, accuracy.recall_interval or (0, 0)),
            (accuracy.precision, accuracy.precision_interval or (0, 0)),
        )
    ]
    axes.errorbar(
        [accuracy.recall], [accuracy.precision], xerr=spread[0], yerr=spread[1],
        fmt="o", color=colour, capsize=3, label=f"{text}, with 95 % intervals",
    )  # fmt: skip


def _null_model(judged: Judged, used: Mapping[str, int], model: NullModel) -> bytes:
    """Distances between different pictures, and of published pictures to their own original."""
    figure = new_figure(10, 5.8)
    axes = quiet(figure.add_axes((0.08, 0.23, 0.89, 0.70)))
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
    _steps(axes, np.array(own, dtype=np.int64), edges, BLUE, "published picture to its own original")
    for text, index, colour in _marks(used):
        threshold = judged.points[index].hamming_threshold * bits / REFERENCE_BITS
        axes.axvline(threshold, color=colour, linestyle="--", linewidth=1.2, label=f"{text} threshold {threshold:g}")
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
    _legend(figure, axes)
    return png(figure)


def _steps(axes: Axes, values: NDArray[np.int64], edges: NDArray[Any], colour: str, label: str) -> None:
    if values.size:
        shares = np.histogram(values, edges)[0] / values.size
        axes.stairs(shares, edges, color=colour, linewidth=1.4, label=label)
