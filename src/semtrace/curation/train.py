"""train: a classifier of informative and empty patches, from a person's patches, ones emptied, and labels.

Whole groups of datasets are held out to score it, never single patches: neighbours of a patch know too much about it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from semtrace.core.gpu.device import choose_device
from semtrace.core.image.constructed_empties import RECIPES
from semtrace.curation import tables as contracts
from semtrace.curation.crop import CropInputs, crop_inputs
from semtrace.curation.patch_labels import read_patch_labels
from semtrace.curation.recut import PatchSources
from semtrace.curation.sheets import SHEET_ACROSS, SHEET_TILE, sheet_png
from semtrace.curation.train_judge import confusion_rows, judge, worst_mistakes, write_curves
from semtrace.curation.train_linear import OWN_RIDGE, fit_classifier, score, scores_unseen
from semtrace.curation.train_resnet import check_labels, fit_resnet
from semtrace.curation.train_sample import Looked, choose_patches, folds, look_at_patches, pixels_of, rows_of_sample
from semtrace.io import tables
from semtrace.io.columns import read_columns, take_rows
from semtrace.io.files import write_atomic
from semtrace.io.staging import scratch_folder, staged_folder
from semtrace.io.volumes.volume import ReadingChoices
from semtrace.models.patch_classifier import PACKAGED, read_classifier, read_model_facts, write_classifier
from semtrace.models.weights import check_weights, fetched
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Reject, write_rejects
from semtrace.stage.settings import Number, Section, Whole

if TYPE_CHECKING:
    from semtrace.models.resnet34_training import TrainingPlan

_LEAST = 20  # informative patches; below that the packaged weights know more
_SHOWN = 40  # mistakes


class Settings(Section, section="curation.train"):
    """How the classifier is trained (conf/curation/train).

    Attributes:
        model: ``linear``: logistic regression of texture and features; ``resnet34``: texture first, then a ResNet34.
        network: whether features of EfficientNet-Lite0 are used beside texture (``linear``).
        samples: at most so many patches without a label, an equal share of each dataset.
        min_structure: structure above noise from which on a patch without a label is taken as informative.
        recipes: how empty patches are made, in turn; see ``core.image.constructed_empties``.
        folds: parts that are held out in turn, whole groups of datasets each.
        seed: of what is drawn.
        start: weights that ResNet34 starts from, a file or an https address: a state dict of its published names with
            one output; empty: new weights, for which 2,000 labels are needed.
        start_sha256: what these weights must have.
        layers: what of ResNet34 is trained: ``layer4`` and the head, or ``all``, as it is without starting weights.
        side: of the pictures that ResNet34 sees, in pixels.
        epochs: of ResNet34, at most.
        batch: patches of one of its steps.
        rate: its learning rate.
        patience: epochs without a smaller loss on held-out patches after which it ends.
    """

    model: Literal["linear", "resnet34"] = "linear"
    network: bool = True
    samples: Annotated[Whole, Field(ge=1)] = 300
    min_structure: Number = 8.0
    recipes: list[str] = Field(default_factory=lambda: [*RECIPES, "border"])
    folds: Annotated[Whole, Field(ge=2)] = 5
    seed: Annotated[Whole, Field(ge=0)] = 0
    start: str = ""
    start_sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$", description="64 hex digits, or empty")] = ""
    layers: Literal["layer4", "all"] = "layer4"
    side: Annotated[Whole, Field(ge=32)] = 224
    epochs: Annotated[Whole, Field(ge=1)] = 30
    batch: Annotated[Whole, Field(ge=2)] = 64
    rate: Annotated[Number, Field(gt=0)] = 0.001
    patience: Annotated[Whole, Field(ge=1)] = 5

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.recipes or set(self.recipes) - set(RECIPES):
            raise ValueError(f"curation.train.recipes is {self.recipes}; known are {', '.join(RECIPES)}")
        if self.start and not self.start_sha256:
            raise ValueError("curation.train.start needs curation.train.start_sha256, the digest of these weights")
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


def stage(job: Job) -> Any:
    """Train on the Deduplicated dataset."""
    settings, reading = job.params.train, job.params.import_volumes.reading()
    folders = job.result("deduplicated"), job.result("train")
    return run(crop_inputs(job), *folders, job.verdicts, settings, reading, job.executor)


def run(
    inputs: CropInputs, deduplicated: Path, out: Path, verdicts: Path, settings: Settings, reading: ReadingChoices,
    executor: Executor,
) -> Summary:  # fmt: skip
    """Write the classifier, how it scores what it has not seen, and ``rejects.csv`` to the folder ``out``.

    That is ``weights.npz`` (and ``weights.pt`` of ResNet34), ``model.json``, ``metrics.json``, ``curves.csv``,
    ``folds.csv``, ``epochs.csv``, ``confusion.csv``, and the worst mistakes as ``mistakes.png`` and ``.csv``. Where
    there are fewer than 20 informative patches, the weights are the packaged ones.

    Args:
        inputs: where the pixels are.
        deduplicated: folder of the deduplicate stage.
        out: folder to write.
        verdicts: folder of a person's labels.
        settings: how to train.
        reading: how volumes are read, as at import.
        executor: where to work.

    Raises:
        InputError: ResNet34 is wanted, there are fewer than 2,000 labels, and no weights to start from.
        WeightsError: these are missing or are others.
    """
    groups = {row["dataset"]: row["group"] for row in tables.read(deduplicated / "datasets.csv", contracts.DATASETS)}
    read = {name: read_columns(deduplicated / f"{name}.parquet", contracts.DEDUPLICATED) for name in sorted(groups)}
    exemplars = {name: take_rows(columns, columns["md5"] != "") for name, columns in read.items()}
    labels, _ = read_patch_labels(verdicts)
    chosen, kinds = choose_patches(exemplars, labels, settings.samples, settings.min_structure)
    start = None
    if settings.model == "resnet34":
        check_labels(sum(int((said != "").sum()) for said in kinds.values()), started=bool(settings.start))
        if settings.start:
            digest = settings.start_sha256
            start = str(fetched(settings.start, digest, executor.cache.parent)), digest
            check_weights(*start)
    rejects: list[Reject] = []
    with staged_folder(out) as folder, scratch_folder(out.with_name(f".{out.name}.scratch")) as scratch:
        sources = PatchSources(inputs.root, inputs.imported, inputs.cleaned, reading, scratch)
        network = settings.network and settings.model == "linear"
        names, seed = settings.recipes, settings.seed
        looked = look_at_patches(chosen, kinds, groups, sources, executor, names=names, seed=seed, network=network)
        for name, reject in sorted(looked.failed.items()):
            rejects.append(Reject.of(name, "train", reject))
        plan = _plan(settings, executor) if settings.model == "resnet34" else None
        whence, numbers = _fit_and_write(folder, looked, sources, settings, start, plan, executor)
        counts = write_rejects(folder, rejects, rows_in=len(chosen), rows_out=len(chosen) - len(looked.failed))
    sample = looked.sample
    plain = np.isin(sample.kind, ("assumed", "label"))
    return Summary(
        int((sample.informative & plain).sum()), int((~plain).sum()), int((sample.kind == "label").sum()), whence,
        numbers["constructed"]["auc"], numbers["labels"]["auc"], counts,
    )  # fmt: skip


def _plan(settings: Settings, executor: Executor) -> TrainingPlan:
    from semtrace.models.resnet34_training import TrainingPlan

    layers = settings.layers if settings.start else "all"
    return TrainingPlan(
        settings.epochs, settings.batch, settings.rate, settings.patience, layers, settings.seed,
        choose_device(executor.device),
    )  # fmt: skip


def _fit_and_write(
    folder: Path,
    looked: Looked,
    sources: PatchSources,
    settings: Settings,
    start: tuple[str, str] | None,
    plan: TrainingPlan | None,
    executor: Executor,
) -> tuple[str, dict[str, Any]]:
    """Fit, score what was held out, and write all; return where the weights come from, and the numbers.

    An unlabelled patch that looks empty to a linear model which has not seen its group is not learned from: among a
    person's patches some are empty. The model is then fitted again without it.
    """
    sample = looked.sample
    fold, kind = folds(sample.group, settings.folds), sample.kind
    learned, epochs = np.ones(len(kind), np.bool_), []
    if int(sample.informative.sum()) < _LEAST:
        whence = "packaged"
        classifier = read_classifier(PACKAGED)
        facts = {**read_model_facts(PACKAGED), "weights": whence}
        held = score(classifier, sample.seen)
    else:
        whence = "trained"
        held = scores_unseen(sample, fold)
        learned = ~((kind == "assumed") & (held[1] < 0.5))
        if not sample.informative[learned].any():
            learned[:] = True
        kind = np.where(learned, kind, "doubted")
        clean = rows_of_sample(sample, learned)
        facts = {
            "weights": whence, "informative": int(clean.informative.sum()), "empty": int((~clean.informative).sum()),
            "doubted": int((~learned).sum()), "datasets": len(set(sample.dataset)), "groups": len(set(sample.group)),
            "folds": int(fold.max()) + 1,
        }  # fmt: skip
        if plan is not None:
            patches = pixels_of(looked, np.flatnonzero(learned), sources, settings.side)
            fitted = fit_resnet(folder, patches, clean.informative, fold[learned], start, plan, executor)
            held[1][learned] = fitted.scores
            epochs, facts = fitted.epochs, facts | fitted.facts
        classifier = fit_classifier(clean, held[1][learned & sample.informative], OWN_RIDGE)
    digest = write_classifier(folder, classifier, facts)
    used, scores = rows_of_sample(sample, learned), held[1][learned]
    numbers = judge(used, scores) | {"folds": int(fold.max(initial=0)) + 1, "sha256": digest}
    write_atomic(folder / "metrics.json", (json.dumps(numbers, indent=2) + "\n").encode())
    values = zip(
        sample.name, sample.dataset, sample.group, fold.tolist(), kind, sample.informative.tolist(),
        held[0].round(6).tolist(), held[1].round(6).tolist(), strict=True,
    )  # fmt: skip
    rows = [dict(zip(contracts.FOLDS.names, row, strict=True)) for row in values]
    tables.write(folder / contracts.FOLDS.name, contracts.FOLDS, rows)
    tables.write(folder / contracts.EPOCHS.name, contracts.EPOCHS, epochs, sort=False)
    tables.write(folder / contracts.CONFUSION.name, contracts.CONFUSION, confusion_rows(used, scores, 0.5))
    write_curves(folder, used, scores)
    _write_mistakes(folder, looked, np.flatnonzero(learned), scores, sources)
    return whence, numbers


def _write_mistakes(
    folder: Path, looked: Looked, learned: NDArray[np.int64], scores: NDArray[np.float64], sources: PatchSources
) -> None:
    """Write the worst mistakes as a sheet and a table; no sheet where there is none."""
    used = rows_of_sample(looked.sample, learned)
    worst = worst_mistakes(used, scores, _SHOWN)
    if len(worst):
        patches = pixels_of(looked, learned[worst], sources, SHEET_TILE)
        write_atomic(folder / "mistakes.png", sheet_png(list(patches)))
    rows = [
        {
            "row": number // SHEET_ACROSS, "column": number % SHEET_ACROSS, "name": used.name[at],
            "kind": used.kind[at], "informative": bool(used.informative[at]), "score": round(float(scores[at]), 6),
        }
        for number, at in enumerate(worst.tolist())
    ]  # fmt: skip
    tables.write(folder / contracts.MISTAKES.name, contracts.MISTAKES, rows, sort=False)
