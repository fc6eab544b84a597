"""The linear classifier of texture and EfficientNet-Lite0: fitted, scored on what is held out, and the packaged one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.constructed_empties import RECIPES, construct_empty
from semtrace.core.statistics.logistic import LinearModel, fit_logistic
from semtrace.curation.patch_features import PatchFeatures, see
from semtrace.curation.train_judge import judge, write_curves
from semtrace.curation.train_sample import Sample, folds
from semtrace.io.files import write_atomic
from semtrace.models.patch_classifier import PatchClassifier, write_classifier

OWN_RIDGE, FOREIGN_RIDGE = 1.0, 23.0
"""Ridge of texture: for patches like those learned from, and for any other."""


def fit_classifier(sample: Sample, reference: NDArray[np.float64], ridge: float) -> PatchClassifier:
    """The classifier of a sample, with a ridge of its own for texture alone; that of both is one per column."""
    texture, both = _models(sample, np.ones(len(sample.name), np.bool_), ridge)
    return PatchClassifier(texture, both, np.sort(reference))


def _models(sample: Sample, rows: NDArray[np.bool_], ridge: float) -> tuple[LinearModel, LinearModel | None]:
    """Models of some rows; both classes weigh the same."""
    classes = sample.informative[rows]
    weights = np.where(classes, 1 / max(1, classes.sum()), 1 / max(1, (~classes).sum()))
    texture = sample.seen.texture[rows]
    models = [fit_logistic(texture, classes, weights, ridge)]
    if sample.seen.network.shape[1]:
        every = np.concatenate([texture, sample.seen.network[rows]], axis=1)
        models.append(fit_logistic(every, classes, weights, float(every.shape[1])))
    return models[0], models[1] if len(models) > 1 else None


def score(classifier: PatchClassifier, seen: PatchFeatures) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of texture alone, and of texture and network where there is one."""
    texture = classifier.texture.probability(seen.texture)
    if classifier.both is None or not seen.network.shape[1]:
        return texture, texture
    return texture, classifier.both.probability(np.concatenate([seen.texture, seen.network], axis=1))


def scores_unseen(
    sample: Sample, fold: NDArray[np.int64], ridge: float = OWN_RIDGE
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of each patch by models that have not seen its fold; of one fold alone by models that have."""
    texture, both = np.zeros(len(fold)), np.zeros(len(fold))
    for number in range(int(fold.max()) + 1):
        out = fold == number
        learned = ~out if not out.all() else out
        models = PatchClassifier(*_models(sample, learned, ridge), np.empty(0))
        texture[out], both[out] = score(models, PatchFeatures(sample.seen.texture[out], sample.seen.network[out]))
    return texture, both


def train_packaged(patches: list[tuple[str, NDArray[np.uint8]]], out: Path) -> str:
    """Write a classifier that is trained on given informative patches and empty ones made of them; its sha256.

    Args:
        patches: the group of each and its pixels, shape (H, W), uint8.
        out: folder to write ``weights.npz``, ``model.json``, ``metrics.json`` and ``curves.csv`` to.
    """
    names = [name for name in RECIPES if name != "border"]  # of unknown fields a bare substrate may be the sample
    empty = [construct_empty(patch, names[i % len(names)], i) for i, (_, patch) in enumerate(patches)]
    seen = see([patch for _, patch in patches] + empty, texture=True, network=True)
    group = np.array([name for name, _ in patches] * 2, object)
    kind = np.array(["assumed"] * len(patches) + [names[i % len(names)] for i in range(len(patches))], object)
    numbers = np.array([str(i) for i in range(2 * len(patches))], object)
    sample = Sample(numbers, group, group, kind, np.arange(2 * len(patches)) < len(patches), seen)
    fold = folds(group, 5)
    held = scores_unseen(sample, fold, FOREIGN_RIDGE)[1]
    out.mkdir(parents=True, exist_ok=True)
    facts = {"weights": "packaged", "informative": len(patches), "empty": len(empty), "groups": len(set(group))}
    digest = write_classifier(
        out, fit_classifier(sample, held[sample.informative], FOREIGN_RIDGE), {**facts, "folds": int(fold.max()) + 1}
    )
    write_atomic(out / "metrics.json", (json.dumps(judge(sample, held) | {"sha256": digest}, indent=2) + "\n").encode())
    write_curves(out, sample, held)
    return digest
