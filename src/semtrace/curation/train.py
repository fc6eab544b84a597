"""train: a classifier of informative and empty patches, from a person's patches, ones emptied, and labels.

Whole groups of datasets are held out to score it, never single patches: neighbours of a patch know too much about it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from semtrace.core.image.constructed_empties import RECIPES, construct_empty
from semtrace.core.statistics.accuracy import wilson
from semtrace.core.statistics.logistic import LinearModel, fit_logistic
from semtrace.core.statistics.ranking import area_under_curve, curve, found_while_keeping, keeping_threshold
from semtrace.curation import tables as contracts
from semtrace.curation.crop import CropInputs, crop_inputs
from semtrace.curation.patch_features import PatchFeatures, see, see_patches, taken
from semtrace.curation.patch_labels import read_patch_labels
from semtrace.curation.recut import PatchSources
from semtrace.io import tables
from semtrace.io.columns import Columns, read_columns, take_rows
from semtrace.io.files import write_atomic
from semtrace.io.staging import scratch_folder, staged_folder
from semtrace.io.volumes.volume import ReadingChoices
from semtrace.models.patch_classifier import (
    PACKAGED,
    PatchClassifier,
    read_classifier,
    read_model_facts,
    write_classifier,
)
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Reject, write_rejects
from semtrace.stage.settings import Number, Section, Whole

_OWN, _FOREIGN = 1.0, 23.0  # ridge of texture: for patches like those learned from, and for any other
_LEAST = 20  # informative patches; below that the packaged weights know more


class Settings(Section, section="curation.train"):
    """How the classifier is trained (conf/curation/train).

    Attributes:
        network: whether features of EfficientNet-Lite0 are used beside texture.
        samples: at most so many patches without a label, an equal share of each dataset.
        min_structure: structure above noise from which on a patch without a label is taken as informative.
        recipes: how empty patches are made, in turn; see ``core.image.constructed_empties``.
        folds: parts that are held out in turn, whole groups of datasets each.
        seed: of what is drawn.
    """

    network: bool = True
    samples: Annotated[Whole, Field(ge=1)] = 300
    min_structure: Number = 8.0
    recipes: list[str] = Field(default_factory=lambda: [*RECIPES, "border"])
    folds: Annotated[Whole, Field(ge=2)] = 5
    seed: Annotated[Whole, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.recipes or set(self.recipes) - set(RECIPES):
            raise ValueError(f"curation.train.recipes is {self.recipes}; known are {', '.join(RECIPES)}")
        return self


@dataclass(frozen=True)
class Summary:
    """What was trained on, and how well it tells what it has not seen."""

    informative: int
    constructed: int
    labels: int
    weights: str
    auc_constructed: float | None
    auc_labels: float | None
    rejects: dict[str, int]


class Sample(NamedTuple):
    """Patches to learn from, n rows.

    Attributes:
        name, dataset, group, kind: text, shape (n,); ``kind`` as in folds.csv.
        informative: shape (n,).
        seen: features.
    """

    name: NDArray[Any]
    dataset: NDArray[Any]
    group: NDArray[Any]
    kind: NDArray[Any]
    informative: NDArray[np.bool_]
    seen: PatchFeatures


def stage(job: Job) -> Any:
    """Train on the Deduplicated dataset."""
    settings, reading = job.params.train, job.params.import_volumes.reading()
    folders = job.result("deduplicated"), job.result("train")
    return run(crop_inputs(job), *folders, job.verdicts, settings, reading, job.executor)


def run(
    inputs: CropInputs, deduplicated: Path, out: Path, verdicts: Path, settings: Settings, reading: ReadingChoices,
    executor: Executor,
) -> Summary:  # fmt: skip
    """Write ``weights.npz``, ``model.json``, ``metrics.json``, ``curves.csv``, ``folds.csv`` and ``rejects.csv``.

    Where there are fewer than 20 informative patches, the weights are the packaged ones.

    Args:
        inputs: where the pixels are.
        deduplicated: folder of the deduplicate stage.
        out: folder to write.
        verdicts: folder of a person's labels.
        settings: how to train.
        reading: how volumes are read, as at import.
        executor: where to work.
    """
    groups = {row["dataset"]: row["group"] for row in tables.read(deduplicated / "datasets.csv", contracts.DATASETS)}
    read = {name: read_columns(deduplicated / f"{name}.parquet", contracts.DEDUPLICATED) for name in sorted(groups)}
    exemplars = {name: take_rows(columns, columns["md5"] != "") for name, columns in read.items()}
    labels, _ = read_patch_labels(verdicts)
    chosen, kinds = _choose(exemplars, labels, settings)
    rejects: list[Reject] = []
    with staged_folder(out) as folder, scratch_folder(out.with_name(f".{out.name}.scratch")) as scratch:
        sources = PatchSources(inputs.root, inputs.imported, inputs.cleaned, reading, scratch)
        sample, failed = _look(chosen, kinds, groups, sources, settings, executor)
        for name, reject in sorted(failed.items()):
            rejects.append(Reject.of(name, "train", reject))
        facts, numbers = _fit_and_write(folder, sample, settings)
        counts = write_rejects(folder, rejects, rows_in=len(chosen), rows_out=len(chosen) - len(failed))
    plain = np.isin(sample.kind, ("assumed", "label"))
    return Summary(
        int((sample.informative & plain).sum()), int((~plain).sum()), int((sample.kind == "label").sum()), facts,
        numbers["constructed"]["auc"], numbers["labels"]["auc"], counts,
    )  # fmt: skip


def _choose(
    exemplars: Mapping[str, Columns], labels: Mapping[str, Mapping[str, str]], settings: Settings
) -> tuple[dict[str, Columns], dict[str, NDArray[Any]]]:
    """Patches to learn from, and of each its label, or ``""`` where it is taken as informative."""
    said = {name: np.array([labels.get(digest, {}).get("label", "") for digest in columns["md5"].tolist()], object)
            for name, columns in exemplars.items()}  # fmt: skip
    queues = {}
    for name, columns in exemplars.items():  # by md5: content alone decides who is drawn
        rows = np.flatnonzero((said[name] == "") & (columns["structure"] >= settings.min_structure))
        queues[name] = rows[np.argsort(columns["md5"][rows].astype(str), kind="stable")]
    most, drawn = settings.samples, dict.fromkeys(queues, 0)
    while most > 0 and (open_ := [name for name, rows in queues.items() if drawn[name] < len(rows)]):
        share = max(1, most // len(open_))
        for name in open_[:most] if share == 1 else open_:
            step = min(share, len(queues[name]) - drawn[name])
            drawn[name] += step
            most -= step
    picked = {}
    for name in exemplars:
        labelled = np.flatnonzero((said[name] == "informative") | (said[name] == "uninformative"))
        picked[name] = np.sort(np.concatenate([labelled, queues[name][: drawn[name]]]))
    chosen = taken(exemplars, picked)
    return chosen, {name: said[name][picked[name]] for name in chosen}


def _look(
    chosen: Mapping[str, Columns], said: Mapping[str, NDArray[Any]], groups: Mapping[str, str], sources: PatchSources,
    settings: Settings, executor: Executor,
) -> tuple[Sample, dict[str, Any]]:  # fmt: skip
    """Features of the patches, and of an empty one made of each that is informative."""
    twice, recipes, numbers = {}, {}, 0
    names = settings.recipes
    for name, columns in chosen.items():
        good = np.flatnonzero(said[name] != "uninformative")
        rows = np.concatenate([np.arange(len(columns["name"])), good])
        twice[name] = take_rows(columns, rows)
        made = [("", 0)] * len(columns["name"])
        for row in good.tolist():  # the seed follows from the content
            made.append((names[numbers % len(names)], settings.seed + int(columns["md5"][row][:8], 16)))
            numbers += 1
        recipes[name] = made
    seen, failed = see_patches(twice, sources, executor, network=settings.network, recipes=recipes, what="train")
    parts: dict[str, list[Any]] = defaultdict(list)
    for name, features in seen.items():
        rows = twice[name]["name"]
        kinds = np.array([recipe for recipe, _ in recipes[name]], object)
        plain = kinds == ""
        words = np.concatenate([said[name], np.full(int((~plain).sum()), "made", object)])
        parts["name"].append(rows)
        parts["kind"].append(np.where(plain, np.where(words == "", "assumed", "label"), kinds))
        parts["informative"].append(plain & (words != "uninformative"))
        parts["dataset"].append(np.full(len(rows), name, object))
        parts["group"].append(np.full(len(rows), groups[name], object))
        parts["texture"].append(features.texture)
        parts["network"].append(features.network)
    nothing = np.empty(0, object)
    joined = {key: np.concatenate([nothing, *parts[key]]) for key in ("name", "dataset", "group", "kind")}
    width = 1280 if settings.network else 0
    both = PatchFeatures(
        np.concatenate([np.empty((0, 23)), *parts["texture"]]),
        np.concatenate([np.empty((0, width), np.float32), *parts["network"]]),
    )
    informative = np.concatenate([np.empty(0, np.bool_), *parts["informative"]])
    return Sample(**joined, informative=informative, seen=both), failed


def _fit_and_write(folder: Path, sample: Sample, settings: Settings) -> tuple[str, dict[str, Any]]:
    """Fit, score what was held out, and write all; return where the weights come from, and the numbers.

    An unlabelled patch that looks empty to a model which has not seen its group is not learned from: among a person's
    patches some are empty. The model is then fitted again without it.
    """
    fold = folds(sample.group, settings.folds)
    kind = sample.kind
    if int(sample.informative.sum()) < _LEAST:
        whence = "packaged"
        classifier = read_classifier(PACKAGED)
        facts = {**read_model_facts(PACKAGED), "weights": whence}
        held = score(classifier, sample.seen)
        learned = np.ones(len(kind), np.bool_)
    else:
        whence = "trained"
        held = _held_out(sample, fold)
        learned = ~((kind == "assumed") & (held[1] < 0.5))
        if not sample.informative[learned].any():
            learned[:] = True
        kind = np.where(learned, kind, "doubted")
        clean = _of(sample, learned)
        classifier = fit_classifier(clean, held[1][learned & sample.informative], _OWN)
        facts = {
            "weights": whence, "informative": int(clean.informative.sum()), "empty": int((~clean.informative).sum()),
            "doubted": int((~learned).sum()), "datasets": len(set(sample.dataset)), "groups": len(set(sample.group)),
            "folds": int(fold.max()) + 1,
        }  # fmt: skip
    digest = write_classifier(folder, classifier, facts)
    numbers = judge(_of(sample, learned), held[1][learned])
    numbers |= {"folds": int(fold.max(initial=0)) + 1, "sha256": digest}
    write_atomic(folder / "metrics.json", (json.dumps(numbers, indent=2) + "\n").encode())
    values = zip(
        sample.name, sample.dataset, sample.group, fold.tolist(), kind, sample.informative.tolist(),
        held[0].round(6).tolist(), held[1].round(6).tolist(), strict=True,
    )  # fmt: skip
    rows = [dict(zip(contracts.FOLDS.names, row, strict=True)) for row in values]
    tables.write(folder / "folds.csv", contracts.FOLDS, rows)
    write_curves(folder, _of(sample, learned), held[1][learned])
    return whence, numbers


def _of(sample: Sample, rows: NDArray[np.bool_]) -> Sample:
    """Some rows of a sample."""
    seen = PatchFeatures(sample.seen.texture[rows], sample.seen.network[rows])
    text = {name: getattr(sample, name)[rows] for name in ("name", "dataset", "group", "kind")}
    return Sample(**text, informative=sample.informative[rows], seen=seen)


def folds(groups: NDArray[Any], most: int) -> NDArray[np.int64]:
    """The fold of each patch, from 0: whole groups, the largest first into the emptiest fold; one fold of one group."""
    names, sizes = np.unique(groups.astype(str), return_counts=True)
    filled = np.zeros(max(1, min(most, len(names))), np.int64)
    fold_of = {}
    for at in np.lexsort([names, -sizes]):
        fold_of[str(names[at])] = int(filled.argmin())
        filled[filled.argmin()] += sizes[at]
    return np.array([fold_of[str(name)] for name in groups], np.int64)


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


def _held_out(
    sample: Sample, fold: NDArray[np.int64], ridge: float = _OWN
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of each patch by models that have not seen its fold; of one fold alone by models that have."""
    texture, both = np.zeros(len(fold)), np.zeros(len(fold))
    for number in range(int(fold.max()) + 1):
        out = fold == number
        learned = ~out if not out.all() else out
        models = PatchClassifier(*_models(sample, learned, ridge), np.empty(0))
        texture[out], both[out] = score(models, PatchFeatures(sample.seen.texture[out], sample.seen.network[out]))
    return texture, both


def judge(sample: Sample, scores: NDArray[np.float64]) -> dict[str, Any]:
    """How well scores tell the classes apart: against constructed empties, and against a person's labels alone."""
    labelled = sample.kind == "label"
    recipes = sorted(set(sample.kind) - {"assumed", "label"})
    return {
        "constructed": _rates(scores[~labelled], sample.informative[~labelled]),
        "labels": _rates(scores[labelled], sample.informative[labelled]),
        "by_recipe": {str(name): _found_at_half(scores[sample.kind == name]) for name in recipes},
        "by_dataset": {
            str(name): _rates(scores[sample.dataset == name], sample.informative[sample.dataset == name])
            for name in sorted(set(sample.dataset))
        },
    }


def _found_at_half(scores: NDArray[np.float64]) -> dict[str, Any]:
    return {"empty": len(scores), "found_at_half": round(float((scores < 0.5).mean()), 6)}


def _rates(scores: NDArray[np.float64], informative: NDArray[np.bool_]) -> dict[str, Any]:
    good, empty = scores[informative], scores[~informative]
    found: dict[str, Any] = {"informative": len(good), "empty": len(empty)}
    found["auc"] = _round(area_under_curve(scores, informative))
    found["found_at_95_kept"] = _round(found_while_keeping(scores, informative, 0.95))
    found["found_at_99_kept"] = _round(found_while_keeping(scores, informative, 0.99))
    found["kept_at_half"] = _round(float((good >= 0.5).mean())) if len(good) else None
    found["found_at_half"] = _round(float((empty < 0.5).mean())) if len(empty) else None
    if len(good):
        found["threshold_at_99_kept"] = _round(keeping_threshold(good, 0.99))
    for name, hits, size in (
        ("kept", int((good >= 0.5).sum()), len(good)),
        ("found", int((empty < 0.5).sum()), len(empty)),
    ):
        bounds = wilson(hits, size)
        found[f"{name}_at_half_95_percent"] = None if bounds is None else [_round(end) for end in bounds]
    return found


def write_curves(folder: Path, sample: Sample, scores: NDArray[np.float64]) -> None:
    """Write ``curves.csv``."""
    rows = []
    labelled = sample.kind == "label"
    for name, some in (("constructed", ~labelled), ("labels", labelled)):
        if some.any():
            made = curve(scores[some], sample.informative[some])
            for values in zip(*made, strict=True):
                numbers = [round(float(value), 6) for value in values]
                rows.append(dict(zip(contracts.CURVES.names, (name, *numbers), strict=True)))
    tables.write(folder / "curves.csv", contracts.CURVES, rows, sort=False)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


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
    held = _held_out(sample, fold, _FOREIGN)[1]
    out.mkdir(parents=True, exist_ok=True)
    facts = {"weights": "packaged", "informative": len(patches), "empty": len(empty), "groups": len(set(group))}
    digest = write_classifier(
        out, fit_classifier(sample, held[sample.informative], _FOREIGN), {**facts, "folds": int(fold.max()) + 1}
    )
    write_atomic(out / "metrics.json", (json.dumps(judge(sample, held) | {"sha256": digest}, indent=2) + "\n").encode())
    write_curves(out, sample, held)
    return digest
