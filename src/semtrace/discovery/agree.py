"""agree: how much every clustering agrees with the known categories, for every number of clusters, with references.

Only labelled images count, one of each duplicate group. NMI rises with the number of clusters by itself; AMI does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from semtrace.core.statistics.agreement import agreement, halved, orthogonal, uniform
from semtrace.discovery import agree_figures, clusterings, feature_sets
from semtrace.discovery.clusterings import Clustered, ClusterLabels
from semtrace.discovery.looks import digits
from semtrace.discovery.tables import AGREEMENT, REFERENCE, SCORES, SQUARE, SQUARE_PARTITIONS
from semtrace.discovery.training_results import seen_by_training
from semtrace.io import tables
from semtrace.io.files import write_atomic
from semtrace.io.schema import Column, Table
from semtrace.io.staging import staged_folder
from semtrace.stage.declaration import Job
from semtrace.stage.settings import Section, Whole

KNOWN_KINDS = Table(
    "subcategories.csv",
    1,
    (
        Column("path", "text", "the image"),
        Column("category", "text", "its category"),
        Column("kind", "text", "its kind below the category"),
    ),
)
"""The table that ``agree.known`` names."""


class Settings(Section, section="agree"):
    """What clusterings are compared with (conf/agree/).

    Attributes:
        known: table of kinds below the categories (path, category, kind), where there is one; empty: categories alone.
        most: largest number of clusters, 2 or more.
        draws: partitions without knowledge that the reference of chance is the mean of, 1 or more.
        seed: of these.

    """

    known: str
    most: Annotated[Whole, Field(ge=2, description="clusters")]
    draws: Annotated[Whole, Field(ge=1)]
    seed: Whole


@dataclass(frozen=True)
class Summary:
    """Labelled images, and the best AMI of each feature set against the categories, with its method and k."""

    labelled: dict[str, int]
    conflicts: int
    best: dict[str, str]
    note: str


def stage(job: Job) -> Summary:
    """Run on what ``features``, ``finetune`` and ``cluster`` wrote."""
    features, clusters, out = (job.result(name) for name in ("features", "cluster", "agree"))
    return run(features, clusters, out, job.params.agree, tuned=job.result("finetune"))


def run(features: Path, clusters: Path, out: Path, settings: Settings, *, tuned: Path | None = None) -> Summary:
    """Write ``agreement.csv``, ``reference.csv`` and figures to ``out``.

    In a set that training made (in ``tuned``) images that training saw do not count.

    Raises:
        TableError: a table is missing.

    """
    images = feature_sets.read_images(features)
    against = {"category": {path: row["category"] for path, row in images.items()}}
    known = Path(settings.known) if settings.known else None
    if known is not None and known.is_file():
        rows = tables.read(known, KNOWN_KINDS)
        against["kind"] = {row["path"]: f"{row['category']}/{row['kind']}" for row in rows}
    groups = _groups(features)
    sets = clusterings.read(clusters)
    seen = seen_by_training(tuned) if tuned is not None else {}
    found: list[dict[str, Any]] = []
    references: list[dict[str, Any]] = []
    labelled: dict[str, int] = {}
    conflicts = 0
    for name, labels in against.items():
        for one in sets:
            hidden = _hidden(one.name, seen, groups)
            open_ = {path: category for path, category in labels.items() if path not in hidden}
            said = feature_sets.labels([groups.get(path, [path]) for path in one.paths], open_)
            labelled[name], conflicts = len(said.labelled), max(conflicts, said.conflicts)
            if labelled[name]:
                found += _scores(one, name, said.labelled, said.codes(), settings)
        whole = feature_sets.labels([groups.get(path, [path]) for path in sets[0].paths], labels)
        if len(whole.labelled):
            references += _references(name, whole.codes(), settings)
    with staged_folder(out) as folder:
        tables.write(folder / "agreement.csv", AGREEMENT, found, sort=False)
        tables.write(folder / "reference.csv", REFERENCE, references, sort=False)
        cut = agree_figures.square_partitions()
        elements = zip(range(100), *(cut[k].tolist() for k in cut), strict=True)
        tables.write(folder / "square.csv", SQUARE_PARTITIONS, _rows(SQUARE_PARTITIONS, elements), sort=False)
        curves = agree_figures.square_curves()
        square = ([k, *map(digits, values)] for k, *values in zip(range(2, 101), *curves.values(), strict=True))
        tables.write(folder / "square_by_k.csv", SQUARE, _rows(SQUARE, square), sort=False)
        for file, data in agree_figures.draw_agreement(found, references, curves).items():
            write_atomic(folder / file, data)
    note = "" if labelled.get("category") else "no image has a category: nothing to agree with"
    return Summary(labelled, conflicts, _best(found), note)


def _rows(table: Table, cells: Iterable[Iterable[Any]]) -> Iterator[dict[str, Any]]:
    return (dict(zip(table.names, row, strict=True)) for row in cells)


def _hidden(name: str, seen: Mapping[str, set[str]], groups: Mapping[str, list[str]]) -> set[str]:
    """Images that training saw of a set or of what it was reduced to, and all of their groups."""
    paths = next((paths for title, paths in seen.items() if name == title or name.startswith(f"{title}_")), set())
    return {other for path in paths for other in groups.get(path, [path])}


def _groups(features: Path) -> dict[str, list[str]]:
    """Members of the duplicate group of every image."""
    by_group: dict[str, list[str]] = {}
    images = feature_sets.read_images(features)
    for path, row in images.items():
        by_group.setdefault(row["group"], []).append(path)
    return {path: by_group[row["group"]] for path, row in images.items()}


def _scores(
    one: Clustered, name: str, rows: ClusterLabels, codes: ClusterLabels, settings: Settings
) -> Iterator[dict[str, Any]]:
    for method, k, labels in one.every(settings.most):
        scores = asdict(agreement(labels[rows], codes))
        yield {
            "features": one.name, "method": method, "k": k, "against": name, "images": len(rows),
            "note": scores["note"],
            **{score: digits(scores[score]) if isinstance(scores[score], float) else scores[score] for score in SCORES},
        }  # fmt: skip


def _references(name: str, codes: ClusterLabels, settings: Settings) -> Iterator[dict[str, Any]]:
    """For every k: the labels refined by halving, chance, and a partition that cuts all labels alike."""
    rng = np.random.default_rng(settings.seed)
    for k in range(2, min(settings.most, len(codes)) + 1):
        drawn = [_plain(uniform(codes, k, rng), codes) for _ in range(settings.draws)]
        mean = {score: digits(float(np.mean([one[score] for one in drawn]))) for score in SCORES}
        for reference, scores in (
            ("halved", _plain(halved(codes, k), codes)),
            ("uniform", mean),
            ("orthogonal", _plain(orthogonal(codes, k), codes)),
        ):
            yield {"against": name, "reference": reference, "k": k, "images": len(codes), **scores}


def _plain(clusters: ClusterLabels, codes: ClusterLabels) -> dict[str, Any]:
    scores = asdict(agreement(clusters, codes))
    return {score: digits(float(scores[score])) for score in SCORES}


def _best(found: list[dict[str, Any]]) -> dict[str, str]:
    best: dict[str, Mapping[str, Any]] = {}
    for row in found:
        if row["against"] == "category" and row["ami"] > best.get(row["features"], {"ami": -1.0})["ami"]:
            best[row["features"]] = row
    return {name: f"{row['method']} k={row['k']} AMI {row['ami']:.3f}" for name, row in sorted(best.items())}
