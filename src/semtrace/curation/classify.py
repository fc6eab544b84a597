"""classify: which exemplars are informative, the cheapest way first: a person's label, texture, the network in doubt.

Three outcomes: kept, unsure, removed. Those kept are the *Filtered* dataset.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from semtrace.core.grouping.splits import assign
from semtrace.core.statistics.ranking import keeping_threshold
from semtrace.core.volume.sections import in_plane
from semtrace.curation import tables as contracts
from semtrace.curation.crop import CropInputs, crop_inputs
from semtrace.curation.cut_blocks import IN_2D
from semtrace.curation.patch_features import PatchFeatures, ResNetChoice, see_patches, taken
from semtrace.curation.patch_files import PATCHES_FOLDER, write_patch_files, write_shards
from semtrace.curation.patch_labels import read_patch_labels
from semtrace.curation.recut import PatchSources
from semtrace.curation.sources import voxel_sides
from semtrace.curation.train_resnet import RESNET_WEIGHTS
from semtrace.io import tables
from semtrace.io.columns import Columns, read_columns, take_rows, write_columns
from semtrace.io.files import write_atomic
from semtrace.io.staging import scratch_folder, staged_folder
from semtrace.io.volumes.volume import ReadingChoices
from semtrace.models.patch_classifier import PACKAGED, PatchClassifier, cascade, read_classifier, read_model_facts
from semtrace.models.weights import check_weights
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Reject, write_rejects
from semtrace.stage.settings import Number, Section, Whole

_MANY = 100_000
OUTCOMES = {"informative": "kept", "unsure": "unsure", "uninformative": "removed"}
"""What becomes of a patch by a person's label."""


class Settings(Section, section="curation.classify"):
    """How patches are filtered (conf/curation/classify).

    Attributes:
        weights: ``trained`` by the stage train, ``packaged``, or a folder with weights.npz and model.json.
        network: whether the network looks at what texture leaves in doubt.
        resnet: state dict of a ResNet34 with one output, such as the released classifier of CEM: it looks in the place
            of EfficientNet-Lite0. A file; empty: none.
        resnet_sha256: what that file must have.
        band: scores of texture between these two are in doubt.
        keep: share of informative patches that are not removed.
        images: how the images of kept patches are written: ``tiff``, ``tar`` (shards of 10,000), ``none``, or ``auto``:
            tiff up to 100,000.
        splits: share of each part of the split.
        seed: of the split.
    """

    weights: str = "trained"
    network: bool = True
    resnet: str = ""
    resnet_sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$", description="64 hex digits, or empty")] = ""
    band: list[Number] = Field(default_factory=lambda: [0.02, 0.98])
    keep: Annotated[Number, Field(gt=0, le=1)] = 0.99
    images: Literal["auto", "tiff", "tar", "none"] = "auto"
    splits: dict[str, Number] = Field(default_factory=lambda: {"train": 0.8, "validation": 0.1, "test": 0.1})
    seed: Annotated[Whole, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.band) != 2 or not 0 <= self.band[0] <= self.band[1] <= 1:
            raise ValueError(f"curation.classify.band is {list(self.band)}; it must be two scores from 0 to 1, rising")
        if self.resnet and not self.resnet_sha256:
            raise ValueError("curation.classify.resnet needs curation.classify.resnet_sha256, the digest of that file")
        if not self.splits or min(self.splits.values()) <= 0 or abs(sum(self.splits.values()) - 1) > 1e-9:
            raise ValueError(f"curation.classify.splits is {dict(self.splits)}; shares must be above 0 and sum to 1")
        return self


@dataclass(frozen=True)
class Summary:
    """What became of the exemplars."""

    datasets: int
    patches: int
    kept: int
    unsure: int
    removed: int
    decided_by: dict[str, int]
    labels_unused: int
    rejects: dict[str, int]


def stage(job: Job) -> Any:
    """Filter the Deduplicated dataset."""
    settings, reading = job.params.classify, job.params.import_volumes.reading()
    return run(crop_inputs(job), job.work, job.verdicts, settings, reading, job.executor)


def run(
    inputs: CropInputs, work: Path, verdicts: Path, settings: Settings, reading: ReadingChoices, executor: Executor
) -> Summary:
    """Write ``filtered.csv``, ``scores.parquet``, ``nn_filtered_fpaths.npy``, ``patches/`` and ``rejects.csv``.

    Args:
        inputs: where the pixels are.
        work: folder of the results; ``deduplicated`` and ``train`` are read, ``filtered`` is written.
        verdicts: folder of a person's labels.
        settings: how to filter.
        reading: how volumes are read, as at import.
        executor: where to work.

    Raises:
        WeightsError: weights are missing or damaged.
    """
    deduplicated, out = work / "deduplicated", work / "filtered"
    scorer = scorer_of(settings, work / "train")
    rows = tables.read(deduplicated / "datasets.csv", contracts.DATASETS)
    group = {row["dataset"]: row["group"] for row in rows}
    read = {name: read_columns(deduplicated / f"{name}.parquet", contracts.DEDUPLICATED) for name in sorted(group)}
    exemplars = taken(read, {name: columns["md5"] != "" for name, columns in read.items()})
    if scorer.resnet is not None:
        check_weights(scorer.resnet.file, scorer.resnet.sha256)
    labels, wrong = read_patch_labels(verdicts)
    rejects: list[Reject] = []
    with staged_folder(out) as folder, scratch_folder(out.with_name(f".{out.name}.scratch")) as scratch:
        sources = PatchSources(inputs.root, inputs.imported, inputs.cleaned, reading, scratch)
        decided, failed = decide_exemplars(exemplars, labels, scorer, settings, sources, executor)
        for name, failure in sorted(failed.items()):
            rejects.append(Reject.of(name, "classify", failure))
        every = _joined(decided)
        write_columns(folder / "scores.parquet", {name: every[name] for name in contracts.SCORES})
        kept = {
            name: take_rows({**exemplars[name], **found}, found["outcome"] == "kept") for name, found in decided.items()
        }
        paths = _write_images(folder, kept, sources, settings)
        _write_filtered(folder, kept, paths, group, sources, settings)
        present = set(every["md5"])
        unused = [
            *wrong,
            *(
                f"{row['name']}: no patch has these pixels any more"
                for md5, row in sorted(labels.items())
                if md5 not in present
            ),
        ]
        write_atomic(folder / "labels_unused.txt", "".join(f"{line}\n" for line in unused).encode())
        counts = write_rejects(folder, rejects, rows_in=len(exemplars), rows_out=len(decided))
    outcomes = Counter(every["outcome"].tolist())
    by = dict(sorted(Counter(every["decided_by"].tolist()).items()))
    return Summary(
        len(decided),
        outcomes.total(),
        outcomes["kept"],
        outcomes["unsure"],
        outcomes["removed"],
        by,
        len(unused),
        counts,
    )


@dataclass(frozen=True, eq=False)
class PatchScorer:
    """A classifier with its thresholds: patches below ``low`` are removed, those from ``high`` on kept."""

    classifier: PatchClassifier
    low: float
    high: float
    band: tuple[float, float]
    resnet: ResNetChoice | None = None


def scorer_of(settings: Settings, trained: Path) -> PatchScorer:
    """The classifier that the settings name, with the thresholds that keep what they say.

    The threshold that ``keep`` of the informative patches reach removes no patch above 0.5, and lets none below 0.5 be
    kept: what lies between the two is unsure.
    """
    folder = {"trained": trained, "packaged": PACKAGED}.get(settings.weights, Path(settings.weights))
    found = read_classifier(folder)
    if not settings.network:
        found = PatchClassifier(found.texture, None, found.reference)
    threshold = keeping_threshold(found.reference, settings.keep)
    resnet = ResNetChoice(settings.resnet, settings.resnet_sha256) if settings.resnet else None
    facts = read_model_facts(folder)
    if resnet is None and facts.get("kind") == "resnet34" and settings.network:
        resnet = ResNetChoice(str(folder / RESNET_WEIGHTS), str(facts["resnet_sha256"]), int(facts["side"]))
    low, high = min(threshold, 0.5), max(threshold, 0.5)
    return PatchScorer(found, low, high, (settings.band[0], settings.band[1]), resnet)


def decide_exemplars(
    exemplars: Mapping[str, Columns], labels: Mapping[str, Mapping[str, str]], scorer: PatchScorer, settings: Settings,
    sources: PatchSources, executor: Executor,
) -> tuple[dict[str, Columns], dict[str, Any]]:  # fmt: skip
    """Score and outcome of every exemplar by dataset, columns ``SCORES``; and datasets that cannot be read, and why."""
    seen, failed = see_patches(exemplars, sources, executor, network=False, what="classify: texture")
    found: dict[str, Columns] = {}
    doubtful: dict[str, NDArray[np.int64]] = {}
    for name, features in seen.items():
        columns, size = exemplars[name], len(exemplars[name]["name"])
        texture, doubt = cascade(scorer.classifier, scorer.band, features.texture)
        if scorer.resnet is not None:
            doubt = (texture > scorer.band[0]) & (texture < scorer.band[1])
        said = np.array([labels.get(digest, {}).get("label", "") for digest in columns["md5"].tolist()], object)
        found[name] = {
            "name": columns["name"], "dataset": np.full(size, name, object), "score": texture.copy(),
            "texture": texture, "label": said, "md5": columns["md5"],
            "decided_by": np.where(said != "", "label", np.where(doubt, "network", "texture")).astype(object),
        }  # fmt: skip
        doubtful[name] = np.flatnonzero(doubt)
    some = taken({name: exemplars[name] for name in found}, doubtful)
    looked: dict[str, PatchFeatures] = {}
    lost: dict[str, Any] = {}
    if some:
        looked, lost = see_patches(
            some, sources, executor, network=True, texture=False, resnet=scorer.resnet, what="classify: network"
        )
    both = scorer.classifier.both
    for name, features in looked.items():
        rows = doubtful[name]
        if scorer.resnet is not None:
            found[name]["score"][rows] = features.network[:, 0]
            continue
        assert both is not None  # noqa: S101  (else nothing is in doubt)
        every = np.concatenate([seen[name].texture[rows], features.network], axis=1)
        found[name]["score"][rows] = both.probability(every)
    for name in lost:
        del found[name]
    for columns in found.values():
        columns["score"] = columns["score"].round(4)
        columns["texture"] = columns["texture"].round(4)
        score = columns["score"]
        outcome = np.where(score >= scorer.high, "kept", np.where(score < scorer.low, "removed", "unsure")).astype(
            object
        )
        for label, becomes in OUTCOMES.items():
            outcome[columns["label"] == label] = becomes
        columns["outcome"] = outcome
    return found, failed | lost


def _joined(decided: Mapping[str, Columns]) -> Columns:
    kinds: dict[str, Any] = {"score": np.float64, "texture": np.float64}
    nothing = {name: np.empty(0, kinds.get(name, object)) for name in contracts.SCORES}
    return {name: np.concatenate([nothing[name], *(columns[name] for columns in decided.values())]) for name in nothing}


def _write_filtered(
    folder: Path, kept: Mapping[str, Columns], paths: Mapping[str, str], group: Mapping[str, str],
    sources: PatchSources, settings: Settings,
) -> None:  # fmt: skip
    rows: list[dict[str, Any]] = []
    for name, columns in kept.items():
        volume = sources.volumes.get(name)
        sides = voxel_sides(volume, "voxel", "_nm") if volume is not None else (None, None, None)
        about = volume if volume is not None else next(iter(sources.images[name].values()))
        for number in range(len(columns["name"])):
            axis = int(columns["axis"][number])
            down, along = (
                in_plane(sides, axis) if axis != IN_2D else _pixel_of(sources, name, int(columns["index"][number]))
            )
            rows.append({
                "name": columns["name"][number], "dataset": name, "group": group[name],
                "experiment": about["experiment"],
                "score": float(columns["score"][number]), "decided_by": columns["decided_by"][number],
                "label": columns["label"][number], "weight": float(f"{1 / len(columns['name']):.6g}"), "split": "",
                "path": paths[columns["name"][number]], "licence": about["licence"],
                "pixel_row_nm": down, "pixel_column_nm": along, "md5": columns["md5"][number],
            })  # fmt: skip
    parts = assign([row["group"] for row in rows], [""] * len(rows), settings.splits, settings.seed)
    for row, part in zip(rows, parts, strict=True):
        row["split"] = part
    tables.write(folder / contracts.FILTERED.name, contracts.FILTERED, rows)
    texts = sorted(row["path"] or f"{row['dataset']}/{row['name']}.tiff" for row in rows)
    stream = io.BytesIO()
    np.save(stream, np.array(texts or [""][:0], dtype=np.str_), allow_pickle=False)
    write_atomic(folder / "nn_filtered_fpaths.npy", stream.getvalue())


def _pixel_of(sources: PatchSources, dataset: str, number: int) -> tuple[float | None, float | None]:
    size = sources.images[dataset][number]["pixel_size_m"]
    nm = None if size in (None, "") else float(f"{float(size) * 1e9:.9g}")
    return nm, nm


def _write_images(
    folder: Path, kept: Mapping[str, Columns], sources: PatchSources, settings: Settings
) -> dict[str, str]:
    """Write the pixels of kept patches; name -> path relative to ``folder``, empty where none is written."""
    count = sum(len(columns["name"]) for columns in kept.values())
    how = settings.images if settings.images != "auto" else ("tiff" if count <= _MANY else "tar")
    if how == "none":
        return {name: "" for columns in kept.values() for name in columns["name"].tolist()}
    (folder / PATCHES_FOLDER).mkdir()
    return (write_patch_files if how == "tiff" else write_shards)(folder, kept, sources)
