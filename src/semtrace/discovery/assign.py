"""assign: new images into a tree that there is, by the nearest medoid, without clustering again.

An image that lies farther from every leaf than the leaf's own images do is new: it may be a sub-category of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from semtrace.core.errors import InputError
from semtrace.core.grouping.neighbours import Points
from semtrace.discovery import features
from semtrace.discovery.looks import digits
from semtrace.discovery.reduction import read_reduction
from semtrace.discovery.tables import ASSIGNED, PROPOSED_SUBCATEGORIES, TREE
from semtrace.io import feature_table, tables
from semtrace.io.staging import staged_folder
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import REJECTS
from semtrace.stage.settings import Number, Section


class Settings(Section, section="assign"):
    """How far a leaf reaches (conf/assign/).

    Attributes:
        reach: an image belongs to a leaf up to so many times the distance that the leaf reaches. That is the largest
            distance of its own images to its medoid, or the median of this over all leaves, where that is larger.

    """

    reach: Annotated[Number, Field(gt=0, description="times the largest distance in the leaf")]


@dataclass(frozen=True)
class Summary:
    """What became of the new images."""

    images: int
    assigned: int
    new: int
    refused: int
    leaves: int
    rejects: dict[str, int]


@dataclass(frozen=True, eq=False)
class _Leaves:
    """Leaves of a tree: rows of tree.csv, medoids, shape (L, K), limits, and what their images are called."""

    rows: list[dict[str, Any]]
    medoids: Points
    limits: Points
    names: dict[str, str]


def run(
    work: Path, tree: Path, folder: Path, out: Path, settings: Settings, how: features.Settings, executor: Executor
) -> Summary:
    """Write ``assigned.csv``, the new images' features and ``rejects.csv`` to ``out``.

    Args:
        work: folder of the results of features and reduce.
        tree: folder of the result of discover.
        folder: of the new images.
        out: folder to write.
        settings: see there.
        how: features are computed; encoder and crop are those of the tree's.
        executor: where to work.

    Raises:
        InputError: there is no tree, it is of a feature set that no encoder makes, or no image could be read.

    """
    name = _set_of(tree)
    reduction, about = read_reduction(work / "reduce", name)
    described = work / "features" / f"{about['features']}.json"
    said = json.loads(described.read_text(encoding="utf-8")) if described.is_file() else {}
    if "crop" not in said:
        raise InputError(
            f"{tree}: its tree is of {about['features']}, which `semtrace features` did not make; new images have no "
            "such features. Choose another set, discover.features"
        )
    leaves = _leaves(work / "reduce" / f"{name}.parquet", tree, settings)
    wanted = replace(how, root=folder, table="", encoders=[said["encoder"]], crop=said["crop"])
    with staged_folder(out) as staged:
        seen = features.run(wanted, None, staged / "features", executor)
        table = feature_table.read(staged / "features" / f"{wanted.subset}_{said['set']}.parquet")
        rows = list(_assigned(table, reduction.apply(table.values), leaves))
        tables.write(staged / "assigned.csv", ASSIGNED, rows)
        rejects = tables.read(staged / "features/rejects.csv", REJECTS)
        tables.write(staged / "rejects.csv", REJECTS, rejects)
    counts = {source: sum(row["source"] == source for row in rows) for source in ("assigned", "new", "refused")}
    return Summary(len(rows), **counts, leaves=len(leaves.rows), rejects=seen.rejects)


def _set_of(tree: Path) -> str:
    file = tree / "tree.json"
    if not file.is_file():
        raise InputError(f"{file}: no tree to assign to; run `semtrace discover` first")
    return str(json.loads(file.read_text(encoding="utf-8"))["features"])


def _leaves(reduced: Path, tree: Path, settings: Settings) -> _Leaves:
    nodes = tables.read(tree / "tree.csv", TREE)
    above = {row["parent"] for row in nodes}
    rows = [row for row in nodes if row["node"] not in above]
    table = feature_table.read(reduced)
    place = {path: number for number, path in enumerate(table.path)}
    if missing := [row["medoid"] for row in rows if row["medoid"] not in place]:
        raise InputError(f"{reduced}: has no row for the medoid {missing[0]}; run `semtrace discover` again")
    farthest = {row["node"]: 0.0 for row in rows}
    names: dict[str, str] = {}
    for image in tables.read(tree / "subcategories.csv", PROPOSED_SUBCATEGORIES):
        farthest[image["cluster"]] = max(farthest[image["cluster"]], image["distance"])
        names[image["cluster"]] = image["subcategory"]
    usual = float(np.median(list(farthest.values())))
    limits = settings.reach * np.array([max(farthest[row["node"]], usual) for row in rows])
    medoids = table.values[[place[row["medoid"]] for row in rows]].astype(np.float64)
    return _Leaves(rows, medoids, limits, names)


def _assigned(table: feature_table.FeatureTable, points: Points, leaves: _Leaves) -> Iterator[dict[str, Any]]:
    for path, md5, point in zip(table.path, table.md5, points, strict=True):
        distance = np.sqrt(((leaves.medoids - point) ** 2).sum(axis=1))
        nearest = int(distance.argmin())
        leaf = leaves.rows[nearest]
        name = leaves.names[leaf["node"]]
        inside = digits(distance[nearest], 6) <= digits(leaves.limits[nearest], 6)  # the features have no more digits
        yield {
            "path": path, "md5": md5, "subcategory": name if inside else "",
            "category": leaf["category"] if inside else "", "cluster": leaf["node"],
            "distance": digits(distance[nearest]), "limit": digits(leaves.limits[nearest]),
            "source": ("assigned" if name else "refused") if inside else "new",
        }  # fmt: skip
