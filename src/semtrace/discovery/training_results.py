"""What training gave, as files: weights, metrics, tables, pictures, and the scores as a feature set of their own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.statistics.accuracy import wilson
from semtrace.core.statistics.linear_head import CurvePoint, HeadPoints, kept_epoch, softmax
from semtrace.discovery import feature_sets, finetune_figures
from semtrace.discovery.looks import digits
from semtrace.discovery.tables import CONFUSION, CURVE, PER_CLASS, SPLIT
from semtrace.io import feature_table, tables
from semtrace.io.files import write_atomic

TENTHS = 10
PARTS = ("test", "validation", *["training"] * 8)
"""Part of each tenth when tenth 0 is the test part."""


@dataclass(frozen=True, eq=False)
class LabelledPoints:
    """The labelled points of a set, and how they are divided.

    Attributes:
        rows: of the set, ascending.
        names: of the categories, sorted; codes: of the rows.
        tenth: of each row.

    """

    rows: NDArray[np.int64]
    names: tuple[str, ...]
    codes: NDArray[np.int64]
    tenth: NDArray[np.int64]

    def part(self, which: str, turn: int = 0) -> NDArray[np.int64]:
        """Places in ``rows`` of a part, when tenth ``turn`` is the test part."""
        wanted = [(place + turn) % TENTHS for place, name in enumerate(PARTS) if name == which]
        return np.flatnonzero(np.isin(self.tenth, wanted))


@dataclass(frozen=True, eq=False)
class Learnt:
    """What training gave.

    Attributes:
        curve: of the training with tenth 0 as the test part.
        logits: of all points of the set; of labelled ones, where ``apart``, by a head that did not see them.
        apart: whether that is so for all labelled points, and not for the test part alone.
        features: of all points, float32, where the network changed.
        weights: file name and bytes.

    """

    curve: list[CurvePoint]
    logits: HeadPoints
    apart: bool
    features: NDArray[np.float32] | None
    weights: tuple[str, bytes]


def write_training(
    folder: Path,
    name: str,
    start: str,
    loaded: feature_sets.FeatureSet,
    labelled: LabelledPoints,
    learnt: Learnt,
) -> dict[str, dict[str, Any]]:
    """Write everything of one training to ``folder / name``, and its feature sets to ``folder``.

    Args:
        folder: of the results of the stage.
        name: of the training.
        start: name of the feature set that it began with, without its end ``_in``.
        loaded: that set.
        labelled: its labelled points.
        learnt: what training gave.

    Returns:
        Accuracy of the test part and, where every tenth was scored apart, of all tenths.

    """
    here = folder / name
    logits = learnt.logits[labelled.rows]
    said, probability = logits.argmax(axis=1), softmax(logits).max(axis=1)
    unseen = np.ones(len(said), bool) if learnt.apart else np.isin(np.arange(len(said)), labelled.part("test"))
    parts = {"test": labelled.part("test")} | ({"tenths": np.arange(len(said))} if learnt.apart else {})
    confusion = {
        of: np.bincount(
            labelled.codes[rows] * len(labelled.names) + said[rows], minlength=len(labelled.names) ** 2
        ).reshape(len(labelled.names), -1)
        for of, rows in parts.items()
    }
    per_class = [row for of, counts in confusion.items() for row in _per_class(of, counts, labelled.names)]
    weights, data = learnt.weights
    write_atomic(here / weights, data)
    tables.write(here / "split.csv", SPLIT, _split_rows(loaded, labelled, said, probability, unseen))
    tables.write(here / "curve.csv", CURVE, (_curve_row(point) for point in learnt.curve), sort=False)
    tables.write(here / "confusion.csv", CONFUSION, _confusion_rows(confusion, labelled.names), sort=False)
    tables.write(here / "per_class.csv", PER_CLASS, per_class, sort=False)
    metrics = {of: _accuracy(counts) for of, counts in confusion.items()}
    about = {
        "method": "head" if learnt.apart else "full", "features": loaded.name, "categories": list(labelled.names),
        "points": {which: len(labelled.part(which)) for which in ("training", "validation", "test")},
        "epochs": len(learnt.curve), "best_epoch": kept_epoch(learnt.curve), **metrics,
        "chance": digits(max(np.bincount(labelled.codes)) / len(labelled.codes), 6),
        "weights": weights, "weights_sha256": hashlib.sha256(data).hexdigest(),
    }  # fmt: skip
    write_atomic(here / "metrics.json", (json.dumps(about, indent=2) + "\n").encode())
    drawings = finetune_figures.draw_training(name, learnt.curve, confusion, per_class, labelled.names)
    for picture, drawn in drawings.items():
        write_atomic(here / picture, drawn)
    keys = _keys(loaded)
    of_row = [row for row, paths in enumerate(loaded.members) for _ in paths]
    sets = {f"{re.sub(r'_[0-9]+$', '', start)}_{len(labelled.names)}_ft": learnt.logits.astype(np.float32)}
    if learnt.features is not None:
        sets[f"{start}_ft"] = learnt.features
    for title, values in sets.items():
        columns = [f"f{number:04}" for number in range(values.shape[1])]
        feature_table.write(folder / f"{title}.parquet", keys, values[of_row], columns)
        what = {
            "encoder": name, "columns": values.shape[1], "standardise": False,
            "weights_sha256": about["weights_sha256"],
            "labels": "every labelled image scored by a head that did not see it" if learnt.apart else
            "images of the training and validation parts were seen",
            "seen": "" if learnt.apart else f"{name}/split.csv",
        }  # fmt: skip
        write_atomic(folder / f"{title}.json", (json.dumps(what, indent=2) + "\n").encode())
    return metrics


def _curve_row(point: CurvePoint) -> dict[str, Any]:
    """NaN, where a part has no picture, is an empty cell."""
    cells = {key: None if np.isnan(value) else digits(value) for key, value in asdict(point).items()}
    return {**cells, "epoch": point.epoch}


def _keys(loaded: feature_sets.FeatureSet) -> dict[str, list[str]]:
    paths = [path for members in loaded.members for path in members]
    groups = [loaded.md5[row] for row, members in enumerate(loaded.members) for _ in members]
    return {"path": paths, "md5": [loaded.contents[path] for path in paths], "group": groups}


def _split_rows(
    loaded: feature_sets.FeatureSet,
    labelled: LabelledPoints,
    said: NDArray[np.int64],
    probability: HeadPoints,
    unseen: NDArray[np.bool_],
) -> Iterator[dict[str, Any]]:
    for place, row in enumerate(labelled.rows):
        yield {
            "path": loaded.members[row][0], "md5": loaded.md5[row],
            "category": labelled.names[labelled.codes[place]], "tenth": int(labelled.tenth[place]),
            "part": PARTS[labelled.tenth[place]],
            "predicted": labelled.names[said[place]] if unseen[place] else "",
            "probability": digits(probability[place], 6) if unseen[place] else None,
        }  # fmt: skip


def _confusion_rows(confusion: dict[str, NDArray[np.int64]], names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for of, counts in confusion.items():
        for (row, column), images in np.ndenumerate(counts):
            yield {"of": of, "category": names[row], "predicted": names[column], "images": int(images)}


def _accuracy(counts: NDArray[np.int64]) -> dict[str, Any]:
    """Share of right answers with its Wilson interval, and the mean recall of the categories that have images."""
    right, images = int(np.trace(counts)), int(counts.sum())
    bounds = wilson(right, images) or (0.0, 1.0)
    there = counts.sum(axis=1) > 0
    recall = np.diag(counts)[there] / counts.sum(axis=1)[there]
    return {
        "images": images, "right": right, "accuracy": digits(right / images, 6) if images else 0.0,
        "low": bounds[0], "high": bounds[1], "mean_recall": digits(float(recall.mean()), 6) if images else 0.0,
    }  # fmt: skip


def _per_class(of: str, counts: NDArray[np.int64], names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, name in enumerate(names):
        right, images, said = (
            int(part) for part in (counts[number, number], counts[number].sum(), counts[:, number].sum())
        )
        row: dict[str, Any] = {"of": of, "category": name, "images": images, "right": right, "said": said}
        for rate, whole in (("recall", images), ("precision", said)):
            low, high = wilson(right, whole) or (None, None)
            row |= {rate: digits(right / whole, 6) if whole else None, f"{rate}_low": low, f"{rate}_high": high}
        yield row


def seen_by_training(tuned: Path) -> dict[str, set[str]]:
    """By feature set that training made the images that it saw, and that no score may count."""
    found = {}
    for file in sorted(tuned.glob("*_ft.json")):
        split = json.loads(file.read_text(encoding="utf-8"))["seen"]
        rows = tables.read(tuned / split, SPLIT) if split else []
        found[file.stem] = {row["path"] for row in rows if row["part"] != PARTS[0]}
    return found
