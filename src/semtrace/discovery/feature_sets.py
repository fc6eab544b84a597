"""A feature set as the stages compute with it: one point a group of duplicates, in an order of their contents.

The points are sorted by the smallest md5 of their group before anything is computed. So no result can depend on the
order of rows. What was found is given back to every member of the group.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.errors import InputError
from semtrace.core.grouping.neighbours import Points
from semtrace.discovery.tables import DISCOVERED_IMAGES
from semtrace.io import feature_table, tables
from semtrace.stage.rejects import Reject


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Points of one feature set.

    Attributes:
        name: of the set.
        points: shape (N, D), float64, one a group; standardised where its columns have units of their own.
        members: paths of each group, sorted; the representative, whose features the point has, first.
        md5: of the representatives, ascending.
        contents: md5 of every row by its path.
        shift, scale: shape (D,); a row of the table became a point by taking ``shift`` and dividing by ``scale``.
        rejects: rows that could not be used.

    """

    name: str
    points: Points
    members: list[list[str]]
    md5: list[str]
    contents: Mapping[str, str]
    shift: Points
    scale: Points
    rejects: list[Reject]

    @property
    def images(self) -> int:
        """Rows, duplicates included."""
        return sum(len(paths) for paths in self.members)


OWN = ".features.csv"
"""End of the name of a table that a person brings: a column path and columns of numbers."""


def feature_set_names(folder: Path, wanted: Sequence[str] = ()) -> list[str]:
    """Names of the feature sets in a folder, sorted; those of ``wanted`` where it has any.

    Raises:
        InputError: there is none, or a wanted one is not there.

    """
    found = sorted(
        {path.stem for path in folder.glob("*.parquet")} | {p.name[: -len(OWN)] for p in folder.glob(f"*{OWN}")}
    )
    if missing := sorted(set(wanted) - set(found)):
        raise InputError(f"{folder}: no feature set {', '.join(missing)}; there are {', '.join(found) or 'none'}")
    if not found:
        raise InputError(f"{folder}: no feature set in it; run `semtrace features` first")
    return [name for name in found if not wanted or name in wanted]


def file_of(folder: Path, name: str) -> Path:
    """The table of a feature set."""
    own = folder / f"{name}{OWN}"
    return own if own.is_file() else folder / f"{name}.parquet"


def feature_set_files(features: Path, tuned: Path | None = None) -> dict[str, Path]:
    """Tables of all feature sets by name: those of the features, then those that training made of them.

    Raises:
        InputError: the first folder has no set.

    """
    found = {name: file_of(features, name) for name in feature_set_names(features)}
    return found | {file.stem: file for file in sorted(tuned.glob("*.parquet") if tuned is not None else ())}


def load(file: Path, stage: str, *, keep: Mapping[str, bool] | None = None) -> FeatureSet:
    """Read a table of features (Parquet, or CSV with a column path).

    Args:
        file: the table; a JSON file of the same name may say that columns are to be standardised.
        stage: named in the rejects.
        keep: paths that are wanted; None: all.

    Raises:
        InputError: no row is left.

    """
    table = feature_table.read(file)
    rejects = [Reject(path, stage, reason, detail) for path, reason, detail in table.bad]
    wanted = [row for row, path in enumerate(table.path) if keep is None or keep.get(path, False)]
    groups: dict[str, list[int]] = defaultdict(list)
    for row in wanted:
        groups[table.group[row]].append(row)
    if not groups:
        raise InputError(f"{file}: no row of features is left ({len(rejects)} rejected); nothing can be computed")
    members = [sorted(rows, key=lambda row: (table.md5[row], table.path[row])) for rows in groups.values()]
    members.sort(key=lambda rows: (table.md5[rows[0]], table.path[rows[0]]))
    points = np.ascontiguousarray(table.values[[rows[0] for rows in members]], dtype=np.float64)
    shift, scale = np.zeros(points.shape[1]), np.ones(points.shape[1])
    if _says_standardise(file):
        shift, scale = standard_scale(points)
        points = (points - shift) / scale
    paths = [[table.path[rows[0]], *sorted(table.path[row] for row in rows[1:])] for rows in members]
    name = file.name.removesuffix(OWN).removesuffix(".parquet")
    contents = {table.path[row]: table.md5[row] for row in wanted}
    md5s = [table.md5[rows[0]] for rows in members]
    return FeatureSet(name, points, paths, md5s, contents, shift, scale, rejects)


def standard_scale(points: Points) -> tuple[Points, Points]:
    """Mean and deviation of each column; that of a constant column is infinite, so that it becomes 0."""
    deviation = points.std(axis=0)
    varies = deviation > 1e-12 * np.maximum(np.abs(points).max(axis=0), 1e-300)
    return np.asarray(points.mean(axis=0)), np.where(varies, deviation, np.inf)


def _says_standardise(file: Path) -> bool:
    beside = file.with_suffix(".json")
    return beside.is_file() and bool(json.loads(beside.read_text(encoding="utf-8")).get("standardise"))


@dataclass(frozen=True, eq=False)
class CategoryLabels:
    """Known categories of the points of a set.

    Attributes:
        first: path of each point's representative.
        category: of each point, empty where no member has one or members contradict each other.
        conflicts: points whose members contradict each other.

    """

    first: list[str]
    category: list[str]
    conflicts: int

    @property
    def labelled(self) -> NDArray[np.int64]:
        """Rows that have a category."""
        return np.flatnonzero([bool(name) for name in self.category])

    def codes(self) -> NDArray[np.int64]:
        """Whole numbers for the labelled rows, in the order of the names."""
        chosen = [self.category[row] for row in self.labelled]
        order = {name: number for number, name in enumerate(sorted(set(chosen)))}
        return np.array([order[name] for name in chosen], np.int64)


def labels(members: Sequence[Sequence[str]], known: Mapping[str, str]) -> CategoryLabels:
    """Categories of groups: that of its labelled members where they agree."""
    category, conflicts = [], 0
    for paths in members:
        said = {known.get(path, "") for path in paths} - {""}
        conflicts += len(said) > 1
        category.append(said.pop() if len(said) == 1 else "")
    return CategoryLabels([paths[0] for paths in members], category, conflicts)


def read_images(folder: Path) -> dict[str, dict[str, Any]]:
    """Rows of ``images.csv`` by path; empty where there is none, as beside features that a person brought."""
    file = folder / "images.csv"
    return (
        {row["path"]: row for row in tables.read(file, DISCOVERED_IMAGES, required=("path", "category"))}
        if file.is_file()
        else {}
    )
