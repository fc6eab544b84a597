"""ResNet34 trained on a sample: fold by fold to score what each has not seen, then on all of it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from semtrace.core.errors import InputError
from semtrace.io.files import sha256, write_atomic
from semtrace.parallel.processes import Crashed
from semtrace.stage.executor import Executor

if TYPE_CHECKING:
    from semtrace.models.resnet34_training import Epoch, TrainingPlan

RESNET_WEIGHTS = "weights.pt"
LEAST_LABELS = 2_000
_WITH_ENDING = 3  # folds from which on one of them can decide when to end


class FittedResNet(NamedTuple):
    """What came of it.

    Attributes:
        scores: of each patch by a network that has not seen its fold, shape (n,).
        epochs: rows of epochs.csv.
        facts: for model.json.
    """

    scores: NDArray[np.float64]
    epochs: list[dict[str, Any]]
    facts: dict[str, Any]


def check_labels(labels: int, *, started: bool) -> None:
    """Refuse to train a network from nothing on few labels.

    Raises:
        InputError: there are fewer than 2,000 and no starting weights.
    """
    if labels < LEAST_LABELS and not started:
        raise InputError(
            f"curation.train.model=resnet34: {labels:,} labels and no starting weights. A network that starts from "
            f"nothing needs {LEAST_LABELS:,} labels: from fewer it learns less than the linear model does. Label more, "
            "name weights in curation.train.start, or choose curation/train=linear"
        )


class _Task(NamedTuple):
    """A training: files of patches and of the state to start from, rows to learn, to decide the end, to score; how."""

    patches: str
    informative: NDArray[np.bool_]
    start: tuple[str, str] | None
    learned: NDArray[np.int64]
    ending: NDArray[np.int64]
    scored: NDArray[np.int64]
    plan: TrainingPlan
    target: str


class _Done(NamedTuple):
    scores: NDArray[np.float64]
    epochs: list[Epoch]
    best: int


def fit_resnet(
    folder: Path, patches: NDArray[np.uint8], informative: NDArray[np.bool_], fold: NDArray[np.int64],
    start: tuple[str, str] | None, plan: TrainingPlan, executor: Executor,
) -> FittedResNet:  # fmt: skip
    """Train, and write ``weights.pt`` to a folder.

    From three folds on, the fold after the one that is scored decides when to end. What is trained on all patches runs
    as many epochs as the folds' best ones do in the middle. Each training has a process of its own with one thread, so
    that no result depends on the number of cores; on CUDA one runs after the other.

    Args:
        folder: to write to.
        patches: shape (n, side, side), uint8.
        informative: shape (n,).
        fold: of each patch, from 0, shape (n,).
        start: file and sha256 of the weights to start from; None: new ones.
        plan: how to train.
        executor: where to work; a cluster is not asked.
    """
    count = int(fold.max()) + 1
    local = executor.on_this_machine()
    if plan.device == "cuda":
        local = replace(local, workers=1)
    file = folder / "patches.npy"
    np.save(file, patches, allow_pickle=False)
    nothing, every = np.empty(0, np.int64), np.arange(len(fold))
    tasks = []
    for number in range(count):
        scored, ending = every[fold == number], nothing
        learned = every[fold != number] if count > 1 else every
        if count >= _WITH_ENDING:
            ending = every[fold == (number + 1) % count]
            learned = np.setdiff1d(learned, ending)
        tasks.append(_Task(str(file), informative, start, learned, ending, scored, plan, ""))
    target = folder / RESNET_WEIGHTS
    last = _Task(str(file), informative, start, every, nothing, nothing, plan, str(target))
    ended = any(len(task.ending) for task in tasks)
    done = _trained(tasks if ended else [*tasks, last], local)
    scores = np.zeros(len(fold))
    for task, one in zip(tasks, done, strict=False):
        scores[task.scored] = one.scores
    rows = [row for number, one in enumerate(done[:count]) for row in _epoch_rows(number, one.epochs)]
    if ended:
        plan = replace(plan, epochs=max(1, int(np.median([one.best for one in done]))))
        done += _trained([last._replace(plan=plan)], local)
    rows += _epoch_rows(-1, done[-1].epochs)
    file.unlink()
    facts = {
        "kind": "resnet34", "resnet_sha256": sha256(target), "side": int(patches.shape[1]), "epochs": plan.epochs,
        "layers": plan.layers, "started_from_weights": start is not None,
    }  # fmt: skip
    return FittedResNet(scores, rows, facts)


def _trained(tasks: list[_Task], executor: Executor) -> list[_Done]:
    results = executor.map(
        _train, tasks, what="train: ResNet34", reads=lambda task: (task.patches,), chunk=1, prepare=_load_torch
    )
    done = []
    for result in results:
        if isinstance(result, Crashed):
            raise InputError(f"training of ResNet34: {result.detail}; set curation.train.batch or side lower")
        done.append(result)
    return done


def _load_torch() -> None:
    """Load what every training needs, so that processes which are forked then have it."""
    import semtrace.models.resnet34_training  # noqa: F401


def _train(task: _Task) -> _Done:
    import torch

    from semtrace.models.resnet34_training import resnet_scores, train_resnet34
    from semtrace.models.weights import load

    torch.set_num_threads(1)
    state = load(Path(task.start[0]), task.start[1]) if task.start is not None else None
    patches, classes = np.load(task.patches, mmap_mode="r", allow_pickle=False), task.informative
    held = (patches[task.ending], classes[task.ending]) if len(task.ending) else None
    trained = train_resnet34(state, patches[task.learned], classes[task.learned], held, task.plan)
    if task.target:
        stream = io.BytesIO()
        torch.save({name: value.cpu() for name, value in trained.model.state_dict().items()}, stream)
        write_atomic(Path(task.target), stream.getvalue())
    scores = resnet_scores(trained.model, patches[task.scored], task.plan.device)
    return _Done(scores, trained.epochs, trained.best)


def _epoch_rows(fold: int, epochs: list[Epoch]) -> list[dict[str, Any]]:
    return [
        {
            "fold": fold, "epoch": one.number, "loss": round(one.loss, 6),
            "held_loss": None if one.held_loss is None else round(one.held_loss, 6),
            "held_auc": None if one.held_auc is None else round(one.held_auc, 6),
        }
        for one in epochs
    ]  # fmt: skip
