"""discover: a tree of proposed sub-categories that a person can look at, correct and use.

The upper part of one dendrogram is the tree. Every node says how stable it is, which category it holds, and what it
agrees with beside its shape. What a person wrote in names.csv is applied, and found again after a rerun.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from semtrace.core.errors import InputError
from semtrace.core.grouping.agglomerative import Merges
from semtrace.core.grouping.neighbours import Points, TooFewPointsError
from semtrace.discovery import explain, feature_sets, methods, names, page, thumbs, tree
from semtrace.discovery.looks import digits
from semtrace.discovery.proposals import Proposals
from semtrace.discovery.tables import MEMBERS, OUTLIERS, PREDICTIONS, PROPOSED_SUBCATEGORIES, SUSPECTS, TREE, UNUSED
from semtrace.io import tables
from semtrace.io.files import write_atomic
from semtrace.io.staging import staged_folder
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import write_rejects
from semtrace.stage.settings import Number, Section, Whole


class Settings(Section, section="discover"):
    """Which tree is proposed (conf/discover/).

    Attributes:
        features: of the feature sets the reduced one whose tree it is; empty: that of the
            1280 features of lite0, else the first by name.
        method: a linkage.
        leaves: sub-categories that are proposed, 2 or more.
        within: a category: the tree of its images alone; empty: of all.
        extended: least probability, 0 to 1, with which an image without a label counts as one of ``within``; 0: none
            does.
        samples: subsamples for the stability of the nodes; 0: none.
        confounded: least adjusted mutual information, 0 to 1, of a node that is an instrument and not a shape.
        pure: least purity of a leaf whose foreign images are listed as likely label errors.
        memory_mb: as for clustering.
        names: a person's names.csv; it may be absent.
        seed: of subsamples and of the random images shown.

    """

    features: str
    method: str
    leaves: Annotated[Whole, Field(ge=2)]
    within: str
    extended: Annotated[Number, Field(ge=0, le=1)]
    samples: Annotated[Whole, Field(ge=0)]
    confounded: Annotated[Number, Field(ge=0, le=1)]
    pure: Annotated[Number, Field(ge=0, le=1)]
    memory_mb: Annotated[Whole, Field(ge=1)]
    names: str
    seed: Whole

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.method not in methods.TREES:
            raise ValueError(f"discover.method is {self.method!r}; it must be one of {', '.join(methods.TREES)}")
        return self


@dataclass(frozen=True)
class Summary:
    """What is proposed."""

    images: int
    subcategories: int
    named: int
    unused_names: int
    confounded: int
    likely_label_errors: int
    note: str
    rejects: dict[str, int]


def stage(job: Job) -> Summary:
    """The tree of the images that features were computed of."""
    settings: Settings = job.params.discover
    root: Path = job.params.features.root
    return run(job.work, root, job.result("discover"), settings, job.executor)


def run(work: Path, root: Path, out: Path, settings: Settings, executor: Executor) -> Summary:
    """Write the tree, the sub-categories, the page and ``rejects.csv`` to ``out``.

    Args:
        work: folder of the results of features and reduce, and, where they are there, of inventory and match: these
            lend published images the instrument and user of their original.
        root: folder of the images.
        out: folder to write; the earlier result in it helps to find named nodes again.
        settings: which tree.
        executor: where the small pictures are made.

    Raises:
        InputError: no such feature set or category, or names.csv has a slip.
        TooFewPointsError: fewer than two different images.
        MemoryBoundError: the method needs more memory than it may take.

    """
    features = work / "features"
    file = _chosen(work / "reduce", settings.features)
    images = feature_sets.read_images(features)
    words = names.read(Path(settings.names)) if settings.names else []
    categories = {path: row["category"] for path, row in images.items()}
    keep = None
    if settings.within:
        likely = _predicted(work / "predict/predictions.csv", settings) if settings.extended else set()
        keep = {path: category == settings.within or path in likely for path, category in categories.items()}
        if not any(keep.values()):
            there = ", ".join(sorted(set(categories.values()) - {""})) or "none"
            raise InputError(f"--within {settings.within!r}: no image has this category; there are {there}")
    loaded = feature_sets.load(file, "discover", keep=keep)
    count = len(loaded.points)
    if count < 2:
        raise TooFewPointsError(f"{file}: {count} different image; a tree needs 2 or more")
    methods.check_memory(file.stem, settings.method, count, "discover", settings.memory_mb)
    leaves = min(settings.leaves, count)
    merged = methods.tree(settings.method, loaded.points, settings.memory_mb)
    splits = {row["node"] for row in words if row["decision"] == "split"}
    found = tree.nodes(merged, loaded.md5, leaves, splits.__contains__)
    earlier = out / "members.csv"
    applied = names.applied(words, found, loaded.md5, earlier)
    if again := {word.now for word in applied if word.decision == "split" and word.now} - splits:
        found = tree.nodes(merged, loaded.md5, leaves, (splits | again).__contains__)
        applied = names.applied(words, found, loaded.md5, earlier)

    def cluster(points: Points) -> Merges:
        return methods.tree(settings.method, points, settings.memory_mb)

    stable = tree.stability(found, loaded.points, cluster, settings.samples, settings.seed)
    said = feature_sets.labels(loaded.members, categories)
    known = explain.attributes(images, work / "match/jpeg_to_tiff.csv", work / "inventory/inventory.csv")
    looked = Proposals(loaded, found, stable, said.category, known, applied, settings.confounded, settings.pure)
    tree_rows = [looked.row(node) for node in found]
    subcategories = list(looked.subcategories(categories))
    suspects, outliers = looked.suspects(), looked.outliers()
    unused = [
        {"node": word.node, "name": word.name, "decision": word.decision, "likeness": digits(word.jaccard, 3)}
        for word in applied
        if not word.now
    ]
    shown = page.shown(found, loaded, suspects, outliers, settings.seed)
    with staged_folder(out) as folder:
        tables.write(folder / "tree.csv", TREE, tree_rows, sort=False)
        made_of = {"features": file.stem, "method": settings.method, "leaves": leaves, "within": settings.within}
        write_atomic(folder / "tree.json", (json.dumps(made_of, indent=2) + "\n").encode())
        tables.write(folder / "subcategories.csv", PROPOSED_SUBCATEGORIES, subcategories, sort=False)
        tables.write(folder / "suspects.csv", SUSPECTS, suspects, sort=False)
        tables.write(folder / "outliers.csv", OUTLIERS, outliers, sort=False)
        tables.write(folder / "unused_names.csv", UNUSED, unused)
        members = ({"node": n.id, "md5": loaded.md5[row]} for n in found for row in n.rows)
        tables.write(folder / "members.csv", MEMBERS, members)
        (folder / "thumbs").mkdir()
        pictures = {
            loaded.md5[row]: (loaded.members[row][0], int(images[loaded.members[row][0]]["picture_rows"]))
            for row in shown.rows()
            if loaded.members[row][0] in images
        }
        thumbs.write(root, pictures, folder / "thumbs", executor)
        drawn = {} if settings.within else _drawn(work, file.stem)  # they are about all images
        if drawn:
            (folder / "assets").mkdir()
        for picture in drawn.values():
            write_atomic(folder / "assets" / picture.name, picture.read_bytes())
        curves = {title: picture.name for title, picture in drawn.items()}
        text = page.html(
            tree_rows, shown, loaded, said.category, suspects, outliers, unused, settings, file.stem, curves
        )
        write_atomic(folder / "index.html", text.encode())
        counts = write_rejects(
            folder, loaded.rejects, rows_in=len(subcategories) + len(loaded.rejects), rows_out=len(subcategories)
        )
    fewer = (
        f"{count} different images: {leaves} sub-categories, not {settings.leaves}" if leaves < settings.leaves else ""
    )
    return Summary(
        len(subcategories), len(looked.leaves), sum(bool(word.now) for word in applied), len(unused),
        sum(row["is_confounded"] for row in tree_rows), len(suspects), fewer, counts,
    )  # fmt: skip


def _predicted(file: Path, settings: Settings) -> set[str]:
    """Images without a label that are likely of the category."""
    return {
        row["path"]
        for row in tables.read(file, PREDICTIONS)
        if (row["category"], row["predicted"]) == ("", settings.within) and row["probability"] >= settings.extended
    }


def _drawn(work: Path, name: str) -> dict[str, Path]:
    """Pictures of other stages that the page shows, by their title, as far as they are there."""
    wanted = {
        "Decision graph of Density Peaks": work / f"cluster/decision_graph_{name}.png",
        "AMI against the categories over the number of clusters": work / "agree/ami_by_k_category.png",
        "NMI against the categories over the number of clusters": work / "agree/nmi_by_k_category.png",
    }
    return {title: file for title, file in wanted.items() if file.is_file()}


def _chosen(reduced: Path, wanted: str) -> Path:
    there = feature_sets.feature_set_names(reduced, [wanted] if wanted else [])
    return reduced / f"{next((name for name in there if '_lite0_1280_' in name), there[0])}.parquet"
