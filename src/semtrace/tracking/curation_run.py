"""MLflow: one run per curation, with its funnel, the classifier's numbers and all figures; below it one per fold."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from semtrace.config.params import Params
from semtrace.core.errors import InputError
from semtrace.core.statistics.ranking import area_under_curve
from semtrace.curation import tables as contracts
from semtrace.io import tables
from semtrace.tracking import pipeline_run as tracking

_LEAST = 1e-7  # a score that is surer counts as this


def log_curation(params: Params, work: Path) -> str:
    """Log the results in ``work`` as one run, and each fold of the classifier as a run below it; say where it is.

    Raises:
        InputError: there is nothing to log yet, or the tracking server does not answer.
    """
    funnel, trained = work / "show" / "funnel.json", work / "train" / "metrics.json"
    for file in (funnel, trained):
        if not file.is_file():
            raise InputError(f"{file}: nothing to log yet; run the pipeline first (`make curate`)")
    store = tracking.connect(params.tracking)
    if store is None:
        return "tracking is off (conf/tracking/off.yaml)"
    name = f"{params.curation_dataset.name} curation"
    tags = tracking.made_from(params) | {"kind": "curation"}
    with tracking.told(store.uri), tracking.run(store, name, tags) as run_id:
        numbers = {
            key: json.loads(file.read_text(encoding="utf-8")) for key, file in (("funnel", funnel), ("train", trained))
        }
        tracking.log(store, run_id, {"curation": params.tree["curation"]}, numbers)
        for folder in ("show", "train"):
            store.client.log_artifacts(run_id, str(work / folder), folder)
        folds = tables.read(work / "train" / contracts.FOLDS.name, contracts.FOLDS)
        epochs = tables.read(work / "train" / contracts.EPOCHS.name, contracts.EPOCHS)
        _log_epochs(store, run_id, [row for row in epochs if row["fold"] < 0])
        for fold, found in fold_numbers(folds).items():
            told = {"curation": {"train": params.tree["curation"]["train"]}, "fold": fold}
            with tracking.run(store, f"{name}, fold {fold}", tags, parent=run_id) as child:
                tracking.log(store, child, told, found)
                _log_epochs(store, child, [row for row in epochs if row["fold"] == fold])
    return f"logged as run {name!r} of experiment {store.name!r}; `semtrace ui` shows it"


def fold_numbers(rows: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """Of each fold: patches, loss and area under the curve by models that have not seen it; from rows of folds.csv."""
    found: dict[int, dict[str, Any]] = {}
    for fold in sorted({int(row["fold"]) for row in rows}):
        some = [row for row in rows if int(row["fold"]) == fold and row["kind"] != "doubted"]
        scores = np.array([row["score"] for row in some], np.float64)
        classes = np.array([bool(row["informative"]) for row in some], np.bool_)
        right = np.where(classes, scores, 1 - scores).clip(_LEAST)
        found[fold] = {
            "informative": int(classes.sum()), "empty": int((~classes).sum()),
            "loss": float(-np.log(right).mean()) if len(right) else math.nan, "auc": area_under_curve(scores, classes),
        }  # fmt: skip
    return found


def _log_epochs(store: tracking.Store, run_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Log loss and area under the curve by epoch."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    names = {"loss": "epoch.loss", "held_loss": "epoch.held_loss", "held_auc": "epoch.held_auc"}
    points = [
        Metric(metric, float(row[column]), now, int(row["epoch"]))
        for row in rows
        for column, metric in names.items()
        if row[column] is not None
    ]
    if points:
        store.client.log_batch(run_id, metrics=points)
