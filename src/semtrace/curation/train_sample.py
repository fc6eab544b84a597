"""What a classifier learns from: a person's patches, those with a label, and an empty patch made of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.constructed_empties import construct_empty
from semtrace.core.image.resample import resize
from semtrace.curation.patch_features import PatchFeatures, see_patches, taken
from semtrace.curation.recut import PatchSources, group_patches, patches_of
from semtrace.io.columns import Columns, take_rows
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure

_MEMORY = 64 * 10**6


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


class Looked(NamedTuple):
    """A sample, and where its rows come from.

    Attributes:
        sample: dataset by dataset, in the order of ``tables``.
        failed: datasets that cannot be read, and why.
        tables: dataset -> patch table of its rows, also of datasets that failed.
        recipes: dataset -> recipe and seed of each row; an empty recipe leaves the patch as it is.
    """

    sample: Sample
    failed: dict[str, Failure]
    tables: dict[str, Columns]
    recipes: dict[str, list[tuple[str, int]]]


def choose_patches(
    exemplars: Mapping[str, Columns], labels: Mapping[str, Mapping[str, str]], most: int, min_structure: float
) -> tuple[dict[str, Columns], dict[str, NDArray[Any]]]:
    """Patches to learn from, and of each its label, or ``""`` where it is taken as informative."""
    said = {name: np.array([labels.get(digest, {}).get("label", "") for digest in columns["md5"].tolist()], object)
            for name, columns in exemplars.items()}  # fmt: skip
    queues = {}
    for name, columns in exemplars.items():  # by md5: content alone decides who is drawn
        rows = np.flatnonzero((said[name] == "") & (columns["structure"] >= min_structure))
        queues[name] = rows[np.argsort(columns["md5"][rows].astype(str), kind="stable")]
    drawn = dict.fromkeys(queues, 0)
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


def look_at_patches(
    chosen: Mapping[str, Columns], said: Mapping[str, NDArray[Any]], groups: Mapping[str, str], sources: PatchSources,
    executor: Executor, *, names: Sequence[str], seed: int, network: bool,
) -> Looked:  # fmt: skip
    """Features of the patches, and of an empty one made of each that is informative."""
    twice: dict[str, Columns] = {}
    recipes: dict[str, list[tuple[str, int]]] = {}
    numbers = 0
    for name, columns in chosen.items():
        good = np.flatnonzero(said[name] != "uninformative")
        rows = np.concatenate([np.arange(len(columns["name"])), good])
        twice[name] = take_rows(columns, rows)
        made = [("", 0)] * len(columns["name"])
        for row in good.tolist():  # the seed follows from the content
            made.append((names[numbers % len(names)], seed + int(columns["md5"][row][:8], 16)))
            numbers += 1
        recipes[name] = made
    seen, failed = see_patches(twice, sources, executor, network=network, recipes=recipes, what="train")
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
    width = 1280 if network else 0
    both = PatchFeatures(
        np.concatenate([np.empty((0, 23)), *parts["texture"]]),
        np.concatenate([np.empty((0, width), np.float32), *parts["network"]]),
    )
    informative = np.concatenate([np.empty(0, np.bool_), *parts["informative"]])
    return Looked(Sample(**joined, informative=informative, seen=both), failed, twice, recipes)


def pixels_of(looked: Looked, rows: NDArray[np.int64], sources: PatchSources, side: int) -> NDArray[np.uint8]:
    """The patches of some rows of a sample, emptied where they are to be; shape (n, side, side).

    Raises:
        UnreadableVolume, UnreadableImage, OSError: a source cannot be read any more.
    """
    out = np.zeros((len(rows), side, side), np.uint8)
    start = 0
    for name in looked.tables:
        if name in looked.failed:
            continue
        size = len(looked.recipes[name])
        here = np.flatnonzero((rows >= start) & (rows < start + size))
        own = rows[here] - start
        for group in group_patches(name, take_rows(looked.tables[name], own), sources, _MEMORY):
            for number, patch in zip(group.rows.tolist(), patches_of(group), strict=True):
                recipe, seed = looked.recipes[name][int(own[number])]
                made = construct_empty(patch, recipe, seed) if recipe else patch
                out[here[number]] = made if made.shape == (side, side) else resize(made, side, side)
        start += size
    return out


def rows_of_sample(sample: Sample, rows: NDArray[Any]) -> Sample:
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
