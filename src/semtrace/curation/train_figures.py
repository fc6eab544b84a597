"""The figures of a classifier, from what `train` wrote: each with the numbers that it shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from semtrace.core.statistics.accuracy import wilson
from semtrace.curation import tables as contracts
from semtrace.curation.funnel_figures import DrawnNumbers, numbers_csv
from semtrace.io import tables
from semtrace.stage.figures import BLUE, GREEN, GREY, ORANGE, RED, new_figure, png, quiet_axes

_STEPS = 10  # of the reliability diagram
CLASSIFIER_CAPTIONS = {
    "classifier_roc": "Informative patches found against empty ones taken for informative, by held-out scores",
    "classifier_precision": "Precision against recall of informative patches, by held-out scores",
    "classifier_reliability": "Share of informative patches by score, with 95 % Wilson bounds",
    "classifier_confusion": "Held-out patches of each dataset at a score of 0.5",
    "classifier_epochs": "Loss by epoch, of each fold",
}


def draw_classifier(folder: Path) -> dict[str, DrawnNumbers]:
    """The figures of a folder of the stage train by name; those for which there are numbers."""
    folds = [row for row in tables.read(folder / contracts.FOLDS.name, contracts.FOLDS) if row["kind"] != "doubted"]
    curves = tables.read(folder / contracts.CURVES.name, contracts.CURVES)
    epochs = tables.read(folder / contracts.EPOCHS.name, contracts.EPOCHS)
    found = {
        "classifier_roc": _curves(curves, ("false_positive", "recall"), "empty patches taken for informative"),
        "classifier_precision": _curves(curves, ("recall", "precision"), "recall"),
        "classifier_reliability": _reliability(folds),
        "classifier_confusion": _confusion(tables.read(folder / contracts.CONFUSION.name, contracts.CONFUSION)),
    }
    return found | ({"classifier_epochs": _epochs(epochs)} if epochs else {})


def _curves(rows: Sequence[Mapping[str, Any]], columns: tuple[str, str], label: str) -> DrawnNumbers:
    figure = new_figure(4.6, 4.2)
    axes = quiet_axes(figure.add_axes((0.14, 0.13, 0.82, 0.8)))
    across, up = columns
    table = []
    for name, colour in (("constructed", BLUE), ("labels", ORANGE)):
        some = [(row[across], row[up], row["threshold"]) for row in rows if row["of"] == name]
        if some:
            axes.plot(
                [one[0] for one in some], [one[1] for one in some], color=colour, label=name, drawstyle="steps-post"
            )
            table += [(name, *one) for one in some]
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_xlabel(label)
    axes.set_ylabel("informative patches found" if up == "recall" else up)
    if table:
        axes.legend(frameon=False, fontsize=9, loc="lower center")
    return DrawnNumbers(png(figure), numbers_csv(("of", across, up, "threshold"), table))


def _reliability(folds: Sequence[Mapping[str, Any]]) -> DrawnNumbers:
    scores = np.array([row["score"] for row in folds], np.float64)
    classes = np.array([bool(row["informative"]) for row in folds], np.bool_)
    step = np.minimum((scores * _STEPS).astype(int), _STEPS - 1)
    figure = new_figure(4.6, 4.2)
    axes = quiet_axes(figure.add_axes((0.14, 0.13, 0.82, 0.8)))
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
    table = []
    for number in range(_STEPS):
        here = step == number
        size, hits = int(here.sum()), int(classes[here].sum())
        bounds = wilson(hits, size)
        if bounds is None:
            continue
        mean, share = float(scores[here].mean()), hits / size
        axes.errorbar(mean, share, [[share - bounds[0]], [bounds[1] - share]], color=BLUE, fmt="o", markersize=4)
        table.append((number / _STEPS, (number + 1) / _STEPS, size, hits, *(round(end, 6) for end in (mean, *bounds))))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("held-out score")
    axes.set_ylabel("share of informative patches")
    return DrawnNumbers(
        png(figure), numbers_csv(("from", "to", "patches", "informative", "mean_score", "low", "high"), table)
    )


def _confusion(rows: Sequence[Mapping[str, Any]]) -> DrawnNumbers:
    names = contracts.CONFUSION.names[1:]
    height = 1.3 + 0.34 * max(1, len(rows))
    figure = new_figure(8, height)
    axes = quiet_axes(figure.add_axes((0.3, 0.55 / height, 0.66, 1 - 1.2 / height)))
    axes.grid(axis="y", visible=False)
    left = np.zeros(len(rows))
    for name, colour in zip(names, (GREEN, RED, ORANGE, BLUE), strict=True):
        counts = np.array([row[name] for row in rows], np.float64)
        axes.barh(range(len(rows)), counts, left=left, color=colour, label=name.replace("_", " "), height=0.7)
        left += counts
    axes.set_yticks(range(len(rows)), [str(row["dataset"])[-32:] for row in rows], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("patches")
    axes.legend(ncols=4, frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.4, 1.0))
    table = [tuple(row[name] for name in contracts.CONFUSION.names) for row in rows]
    return DrawnNumbers(png(figure), numbers_csv(contracts.CONFUSION.names, table))


def _epochs(rows: Sequence[Mapping[str, Any]]) -> DrawnNumbers:
    figure = new_figure(6.4, 3.4)
    axes = quiet_axes(figure.add_axes((0.13, 0.16, 0.84, 0.74)))
    by: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by[int(row["fold"])].append(row)
    for fold, some in sorted(by.items()):
        colour = GREEN if fold < 0 else BLUE
        axes.plot([row["epoch"] for row in some], [row["loss"] for row in some], color=colour, linewidth=1, marker=".")
        held = [row for row in some if row["held_loss"] is not None]
        axes.plot(
            [row["epoch"] for row in held], [row["held_loss"] for row in held], color=ORANGE, linewidth=1, marker="."
        )
    for colour, text in ((BLUE, "learned"), (ORANGE, "held out"), (GREEN, "learned, all patches")):
        axes.plot([], [], color=colour, label=text)
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    axes.legend(frameon=False, fontsize=8)
    names = contracts.EPOCHS.names
    return DrawnNumbers(png(figure), numbers_csv(names, [tuple(row[name] for name in names) for row in rows]))
