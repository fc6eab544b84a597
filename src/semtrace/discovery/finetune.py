"""finetune: known categories from features, by a linear head or by training all layers, never scored on what was seen.

The groups of duplicates are cut into tenths; equal files and equal features are one group whatever the table says.
Tenth 0 is the test part, tenth 1 the validation part that ends the training, the rest the training part. A head is
trained ten times, with each tenth as the test part in its turn. So every labelled picture is scored by a head that did
not see its group. These scores are a feature set of their own.
"""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from semtrace.core.errors import InputError
from semtrace.core.gpu.device import choose_device
from semtrace.core.grouping import splits
from semtrace.core.statistics.linear_head import (
    Balance,
    CurvePoint,
    HeadTraining,
    LinearHead,
    train_head,
)
from semtrace.discovery import feature_sets
from semtrace.discovery.pictures import network_pictures
from semtrace.discovery.training_results import PARTS, TENTHS, LabelledPoints, Learnt, write_training
from semtrace.io.staging import staged_folder
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import write_rejects
from semtrace.stage.settings import Number, Section, Whole

if TYPE_CHECKING:
    from semtrace.models.finetuned import TrainedNetwork


NOTHING = "fewer than two categories have images to train on: nothing to learn"


class Settings(Section, section="finetune"):
    """How categories are learnt (conf/finetune/).

    Attributes:
        method: ``head`` trains a linear layer on the features of the stage ``features``; ``full`` all layers of lite0.
        features: the feature set of ``head``; empty: lite0's 1280 features, else the first by name.
        epochs: over the training part at most.
        patience: epochs without a smaller validation loss that end the training.
        rate: learning rate.
        l2: weight of the squared weights.
        balance: ``classes`` gives each category the same weight, ``none`` each picture.
        batch: pictures a step of ``full``; a head takes all at once.
        seed: of the tenths, and in ``full`` of the order of the pictures.

    """

    method: Literal["head", "full"]
    features: str
    epochs: Annotated[Whole, Field(ge=1)]
    patience: Annotated[Whole, Field(ge=1)]
    rate: Annotated[Number, Field(gt=0)]
    l2: Annotated[Number, Field(ge=0)]
    balance: Balance
    batch: Annotated[Whole, Field(ge=1)]
    seed: Whole


@dataclass(frozen=True)
class Summary:
    """What was learnt: shares of right answers with their 95 % Wilson intervals."""

    name: str
    labelled: int
    categories: int
    epochs: int
    test: str
    tenths: str
    note: str
    rejects: dict[str, int]


def stage(job: Job) -> Summary:
    """Run on what ``features`` wrote."""
    root: Path = job.params.features.root
    return run(job.result("features"), root, job.result("finetune"), job.params.finetune, job.executor)


def run(features: Path, root: Path, out: Path, settings: Settings, executor: Executor) -> Summary:
    """Write weights, tables and figures to a folder of ``out``, feature sets and ``rejects.csv`` beside it.

    Where fewer than two categories have images to train on nothing is learnt, and the note says so.

    Raises:
        InputError: there is no such feature set, or a picture would be on two sides.

    """
    chosen = _chosen(features, settings)
    loaded = feature_sets.load(feature_sets.file_of(features, chosen), "finetune")
    known = {path: str(row["category"]) for path, row in feature_sets.read_images(features).items()}
    labelled = _divided(loaded, known, settings.seed)
    start = chosen.removesuffix("_in")
    name = f"{start}_{settings.method}"
    with staged_folder(out) as folder:
        if labelled is None:
            done = Summary(name, 0, 0, 0, "", "", NOTHING, {})
        else:
            (folder / name).mkdir()
            learnt = _head(loaded, labelled, settings) if settings.method == "head" else None
            if learnt is None:
                learnt = _full(loaded, labelled, settings, features, root, executor)
            metrics = write_training(folder, name, start, loaded, labelled, learnt)
            shown = {
                of: f"{m['accuracy']:.3f} ({m['low']:.3f} to {m['high']:.3f}) of {m['images']}"
                for of, m in metrics.items()
            }
            done = Summary(
                name, len(labelled.rows), len(labelled.names), len(learnt.curve), shown["test"],
                shown.get("tenths", ""), "", {},
            )  # fmt: skip
        counts = write_rejects(
            folder, loaded.rejects, rows_in=loaded.images + len(loaded.rejects), rows_out=loaded.images
        )
    return Summary(**{**asdict(done), "rejects": counts})


def _chosen(features: Path, settings: Settings) -> str:
    if settings.method == "full" and settings.features:
        raise InputError(
            f"finetune.features is {settings.features}, but finetune.method=full looks at the pictures; leave it empty"
        )
    there = feature_sets.feature_set_names(features, [settings.features] if settings.features else [])
    lite = next((name for name in there if "_lite0_1280_" in name), "")
    if settings.method == "full" and not lite:
        raise InputError(f"{features}: no features of lite0, which finetune.method=full starts from")
    return lite or there[0]


def _divided(loaded: feature_sets.FeatureSet, known: dict[str, str], seed: int) -> LabelledPoints | None:
    """Labelled points with their tenths; equal contents and equal features are in one tenth, or in none if they differ.

    Raises:
        InputError: a picture would be on two sides.

    """
    unit = _units(loaded)
    said: dict[str, set[str]] = defaultdict(set)
    category = feature_sets.labels(loaded.members, known).category
    for row, name in enumerate(category):
        said[unit[row]] |= {name} - {""}
    rows = np.flatnonzero([bool(category[row]) and len(said[unit[row]]) == 1 for row in range(len(category))])
    names = tuple(sorted({category[row] for row in rows}))
    if len(names) < 2:
        return None
    ratios = {str(tenth): 1 / TENTHS for tenth in range(TENTHS)}
    found = splits.assign([unit[row] for row in rows], [category[row] for row in rows], ratios, seed)
    tenth = np.array([int(word) for word in found], np.int64)
    check_apart(
        [PARTS[number] for number in tenth],
        [[*loaded.members[row], *(loaded.contents[path] for path in loaded.members[row])] for row in rows],
    )
    divided = LabelledPoints(rows, names, np.array([names.index(category[row]) for row in rows], np.int64), tenth)
    return divided if len(np.unique(divided.codes[divided.part("training")])) > 1 else None


def _units(loaded: feature_sets.FeatureSet) -> list[str]:
    """Of each point the first name of those that it is one picture with: equal bytes of a member, or equal features."""
    first: dict[str, int] = {}
    parent = list(range(len(loaded.members)))

    def top(row: int) -> int:
        while parent[row] != row:
            row = parent[row]
        return row

    for row, paths in enumerate(loaded.members):
        seen = hashlib.sha1(loaded.points[row].tobytes(), usedforsecurity=False).hexdigest()
        for key in {f"features {seen}", *(f"md5 {loaded.contents[path]}" for path in paths)}:
            other = top(first.setdefault(key, row))
            parent[max(other, top(row))] = min(other, top(row))
    return [loaded.md5[top(row)] for row in range(len(parent))]


def check_apart(parts: Sequence[str], keys: Sequence[Iterable[str]]) -> None:
    """Make sure that nothing is trained on and scored.

    Args:
        parts: of each point.
        keys: of each point what another must not share that is in another part: its paths and their md5.

    Raises:
        InputError: two parts share a key.

    """
    where: dict[str, str] = {}
    for part, names in zip(parts, keys, strict=True):
        for name in names:
            if where.setdefault(name, part) != part:
                raise InputError(
                    f"{name} is in the {where[name]} part and in the {part} part: nothing may be scored that was "
                    "trained on; give its copies one group"
                )


def _training(settings: Settings) -> HeadTraining:
    return HeadTraining(settings.epochs, settings.patience, settings.rate, settings.l2, settings.balance)


def _head(loaded: feature_sets.FeatureSet, labelled: LabelledPoints, settings: Settings) -> Learnt:
    points, how = loaded.points[labelled.rows], _training(settings)

    def learn(turn: int) -> tuple[LinearHead, list[CurvePoint]]:
        parts = [labelled.part(which, turn) for which in ("training", "validation")]
        seen, unseen = [(points[rows], labelled.codes[rows]) for rows in parts]
        return train_head(labelled.names, seen, unseen, how)

    final, curve = learn(0)
    logits = final.logits(loaded.points)
    for turn in range(1, TENTHS):
        test = labelled.part("test", turn)
        if len(test):
            logits[labelled.rows[test]] = learn(turn)[0].logits(points[test])
    return Learnt(curve, logits, True, None, ("head.npz", saved_head(final)))


def saved_head(head: LinearHead) -> bytes:
    """A head as NumPy's compressed arrays, no objects in it."""
    data = io.BytesIO()
    np.savez(data, names=np.array(head.names), shift=head.shift, scale=head.scale, weights=head.weights, bias=head.bias)
    return data.getvalue()


def _full(
    loaded: feature_sets.FeatureSet,
    labelled: LabelledPoints,
    settings: Settings,
    features: Path,
    root: Path,
    executor: Executor,
) -> Learnt:
    from semtrace.models.finetuned import LayerTraining, train_network

    pictures = network_pictures(root, [paths[0] for paths in loaded.members], features, executor)
    how = LayerTraining(
        settings.epochs, settings.patience, settings.rate, settings.l2, settings.batch, settings.seed,
        HeadTraining(balance=settings.balance),
    )  # fmt: skip
    parts = labelled.part("training"), labelled.part("validation")
    device = choose_device(executor.device)
    network: TrainedNetwork
    network, curve = train_network(pictures[labelled.rows], labelled.codes, *parts, labelled.names, how, device)
    seen, logits = network.look(pictures)
    return Learnt(curve, logits.astype(np.float64), False, seen, ("weights.pth", network.saved()))
