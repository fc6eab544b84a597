"""distances: how well distances follow the known categories, before and after reduction, on a balanced sample.

Beside the correlation over pairs stand two measures that need no pairs. One is the share of nearest neighbours with
the same category. The other says, for every two feature sets, how much the one knows of the other's neighbourhoods.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.spatial.distance import pdist

from semtrace.core.grouping.neighbours import Points, TooFewPointsError, nearest_points
from semtrace.core.statistics import label_distance as measures
from semtrace.discovery import distance_figures, feature_sets
from semtrace.discovery.looks import digits
from semtrace.discovery.tables import DISTANCES, HEATMAPS, IMBALANCE, SAMPLE
from semtrace.io import tables
from semtrace.io.files import write_atomic
from semtrace.io.schema import Column
from semtrace.io.staging import staged_folder
from semtrace.stage.declaration import Job
from semtrace.stage.rejects import Reject, write_rejects
from semtrace.stage.settings import Section, Whole


class Settings(Section, section="distances"):
    """Which sample distances are compared on (conf/distances/).

    Attributes:
        sample: images at most, 10 or more; categories have equal parts of it as far as they have images.
        k: neighbours whose category is asked for, beside the nearest.
        seed: of the sample.

    """

    sample: Annotated[Whole, Field(ge=10, description="images")]
    k: Annotated[Whole, Field(ge=1, description="neighbours")]
    seed: Whole


@dataclass(frozen=True)
class Summary:
    """What was compared."""

    sample: dict[str, int]
    pearson: dict[str, float]
    same_category: dict[str, float]
    note: str
    rejects: dict[str, int]


@dataclass(frozen=True, eq=False)
class ComparedSets:
    """One feature set, whole or reduced, restricted to the sample, which is sorted by category and content."""

    name: str
    reduced: bool
    points: Points


def stage(job: Job) -> Summary:
    """Run on what ``features``, ``finetune`` and ``reduce`` wrote."""
    features, reduced, out = (job.result(name) for name in ("features", "reduce", "distances"))
    return run(features, reduced, out, job.params.distances, tuned=job.result("finetune"))


def run(features: Path, reduced: Path, out: Path, settings: Settings, *, tuned: Path | None = None) -> Summary:
    """Write ``sample.csv``, ``distances.csv``, ``imbalance.csv``, ``heatmaps.csv``, ``rejects.csv`` and figures.

    Without labels the tables that need none are written, and the note says what is missing.

    Raises:
        InputError: there is no feature set.
        TooFewPointsError: fewer than three images are in all sets.

    """
    images = feature_sets.read_images(features)
    known = {path: row["category"] for path, row in images.items()}
    rejects: list[Reject] = []
    sets: list[tuple[feature_sets.FeatureSet, bool]] = []
    whole_sets, reduced_sets = feature_sets.feature_set_files(features, tuned), feature_sets.feature_set_files(reduced)
    for files, is_reduced in ((whole_sets, False), (reduced_sets, True)):
        for name, file in files.items():
            loaded = feature_sets.load(file, "distances")
            rejects += [Reject(f"{name}: {bad.path}", "distances", bad.reason, bad.detail) for bad in loaded.rejects]
            sets.append((loaded, is_reduced))
    common = sorted(set.intersection(*({paths[0] for paths in loaded.members} for loaded, _ in sets)))
    if len(common) < 3:
        raise TooFewPointsError(f"{features}: {len(common)} images are in all feature sets; distances need 3 or more")
    rows_in = sum(loaded.images for loaded, _ in sets)
    inside = set(common)
    labelled = feature_sets.labels([paths for paths in sets[0][0].members if paths[0] in inside], known)
    sample = balanced(labelled, settings)
    note = "" if sample else "no image has a category: nothing to compare distances with"
    chosen = [path for category in sorted(sample) for path in sample[category]] or common[: settings.sample]
    compared = [ComparedSets(loaded.name, is_reduced, _restricted(loaded, chosen)) for loaded, is_reduced in sets]
    codes = np.repeat(np.arange(len(sample)), [len(sample[name]) for name in sorted(sample)])
    rows = [_measured(one, codes, settings) for one in compared]
    whole = [ComparedSets(loaded.name, is_reduced, _restricted(loaded, common)) for loaded, is_reduced in sets]
    imbalances = _imbalances([one for one in whole if not one.reduced])
    of = {path: category for category, paths in sample.items() for path in paths}
    with staged_folder(out) as folder:
        tables.write(
            folder / "sample.csv", SAMPLE, ({"path": p, "category": of.get(p, "")} for p in chosen), sort=False
        )
        tables.write(folder / "distances.csv", DISTANCES, rows, sort=False)
        tables.write(folder / "imbalance.csv", IMBALANCE, imbalances, sort=False)
        _write_pairs(folder / "heatmaps.csv", compared, codes)
        counts_by_category = {name: len(sample[name]) for name in sorted(sample)}
        for picture, data in distance_figures.draw_distances(
            compared, rows, codes, counts_by_category, imbalances
        ).items():
            write_atomic(folder / picture, data)
        counts = write_rejects(folder, rejects, rows_in=rows_in + len(rejects), rows_out=rows_in)
    pearson = {row["features"]: row["pearson"] for row in rows if row["pearson"] is not None}
    same = {row["features"]: row["overlap_1"] for row in rows if row["overlap_1"] is not None}
    return Summary(counts_by_category, pearson, same, note, counts)


def _write_pairs(path: Path, compared: Sequence[ComparedSets], codes: NDArray[np.int64]) -> None:
    """The numbers of the heat maps: every pair of the sample, with its distance in every set."""
    left, right = (rows.tolist() for rows in np.triu_indices(len(compared[0].points), 1))
    labels = measures.label_distance(codes).astype(int).tolist() if len(codes) else [None] * len(left)
    named = {one.name: [digits(value, 6) for value in pdist(one.points).tolist()] for one in compared}
    more = (Column(name, "number", "distance of the two in this feature set") for name in named)
    table = replace(HEATMAPS, columns=(*HEATMAPS.columns, *more))
    cells = zip(left, right, labels, *named.values(), strict=True)
    tables.write(path, table, (dict(zip(table.names, row, strict=True)) for row in cells), sort=False)


def balanced(labelled: feature_sets.CategoryLabels, settings: Settings) -> dict[str, list[str]]:
    """Paths by category: as equal parts as the categories allow, drawn by seed."""
    by_category: dict[str, list[str]] = defaultdict(list)
    for path, category in zip(labelled.first, labelled.category, strict=True):
        if category:
            by_category[category].append(path)
    parts, left, todo = {}, settings.sample, sorted(by_category, key=lambda name: (len(by_category[name]), name))
    for number, name in enumerate(todo):
        parts[name] = min(len(by_category[name]), left // (len(todo) - number))
        left -= parts[name]
    rng = np.random.default_rng(settings.seed)
    drawn = {}
    for name in sorted(by_category):
        paths = by_category[name]
        drawn[name] = [paths[row] for row in np.sort(rng.permutation(len(paths))[: parts[name]])]
    return {name: paths for name, paths in drawn.items() if paths}


def _restricted(loaded: feature_sets.FeatureSet, chosen: list[str]) -> Points:
    row = {paths[0]: number for number, paths in enumerate(loaded.members)}
    return loaded.points[[row[path] for path in chosen]]


def _measured(one: ComparedSets, codes: NDArray[np.int64], settings: Settings) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(DISTANCES.names)
    row |= {
        "features": one.name,
        "reduced": one.reduced,
        "columns": int(one.points.shape[1]),
        "sample": len(one.points),
    }
    row["note"] = ""
    if not len(codes):
        return {**row, "note": "no image has a category"}
    k = min(settings.k, len(one.points) - 1)
    near = nearest_points(one.points, k)
    row |= {"k": k, "overlap_1": digits(measures.same_label_share(near, codes, 1), 6)}
    row["overlap_k"] = digits(measures.same_label_share(near, codes, k), 6)
    try:
        pearson, spearman = measures.label_correlations(pdist(one.points), measures.label_distance(codes))
    except measures.OneCategoryError as error:
        return {**row, "note": str(error)}
    row |= {"pearson": digits(pearson, 6), "spearman": digits(spearman, 6)}
    if 1 < len(np.unique(codes)) < len(codes):
        from sklearn.metrics import silhouette_score

        row["silhouette"] = digits(float(silhouette_score(one.points, codes)), 6)
    return row


def _imbalances(sets: list[ComparedSets]) -> list[dict[str, Any]]:
    rows = []
    for left in sets:
        near = nearest_points(left.points, 1).indices[:, 0]
        for right in sets:
            if left is not right:
                value = measures.information_imbalance(left.points, right.points, near)
                rows.append(
                    {"knows": left.name, "known": right.name, "imbalance": digits(value, 6), "points": len(near)}
                )
    return rows
