"""crop: every patch of every section and image, where it lies, its hash and its measures: the *Raw* dataset, a table.

Pixels stay in the volumes and are cut again whenever they are wanted. A gate marks patches that show nothing; they stay
in the table with their reason.
"""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from semtrace.core.errors import InputError
from semtrace.core.hashing.patch_hash import hashes_to_hex
from semtrace.core.image.structure import Gate
from semtrace.core.volume.blocks import blocks, slab_stretches, stretches
from semtrace.core.volume.location import Location, digits_for
from semtrace.core.volume.patches import lost
from semtrace.core.volume.sections import section_shape
from semtrace.curation import tables as contracts
from semtrace.curation.clean import CLEANED_FOLDER
from semtrace.curation.cut_blocks import (
    IN_2D,
    BlockTask,
    Cutting,
    SectionsTask,
    cut_block,
    cut_image,
    cut_sections,
    empty,
    load_patch_kernels,
    section_grids,
)
from semtrace.curation.patch_files import PATCHES_FOLDER, write_pairs
from semtrace.curation.recut import PatchSources
from semtrace.curation.section import shape_of
from semtrace.curation.sources import Source
from semtrace.io import tables
from semtrace.io.cache import Cache, Kind
from semtrace.io.columns import Columns, columns_as_parquet, join_rows, read_columns, take_rows
from semtrace.io.digests import md5
from semtrace.io.files import read_regular, safe_join, write_atomic
from semtrace.io.images import UnreadableImage, decode
from semtrace.io.staging import scratch_folder, staged_folder
from semtrace.io.volumes.volume import ReadingChoices, UnreadableVolume
from semtrace.stage.cached_map import cached_map
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure, Reject, why_unreadable, write_rejects
from semtrace.stage.settings import Number, Section, Whole

_REASONS = sorted(["", "constant", "padded", "saturated", "missing_chunk", "no_structure"])  # of the gate


class Settings(Section, section="curation.crop"):
    """How patches are cut and which of them are empty (conf/curation/crop).

    Attributes:
        size: side of a patch in pixels, at least 16.
        stride: pixels from one patch to the next; 0: as ``size``.
        policy: what happens at the end of a side: ``overlap``, ``pad``, ``drop`` or ``seed``.
        small: what becomes of sections smaller than a patch: ``pad`` or ``drop``.
        gate: mark empty patches; false: none, as the published scripts.
        min_structure: structure above noise that a patch must have.
        max_mode_fraction: share of its pixels in one level from which on it is empty.
        max_saturated: share of black and white pixels from which on it is empty.
        memory_mb: bound in 10^6 bytes for the voxels of one block.
        write: patches as files, a TIFF and the hash as .npy of each: ``none``, ``raw``: of all, or ``kept``: of those
            that the gate lets pass.
        jitter: shift the grid of each section by an offset of its own, for augmentation.
        seed: of these offsets.
    """

    size: Annotated[Whole, Field(ge=16)] = 224
    stride: Annotated[Whole, Field(ge=0)] = 0
    policy: Literal["overlap", "pad", "drop", "seed"] = "overlap"
    small: Literal["pad", "drop"] = "pad"
    gate: bool = True
    min_structure: Number = 3.0
    max_mode_fraction: Number = 0.5
    max_saturated: Number = 0.5
    memory_mb: Annotated[Whole, Field(ge=1)] = 512
    write: Literal["none", "raw", "kept"] = "none"
    jitter: bool = False
    seed: Annotated[Whole, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.stride > self.size:
            raise ValueError(f"crop.size is {self.size}, stride {self.stride}; the stride is at most the size")
        if self.policy == "seed" and self.stride not in (0, self.size):
            raise ValueError("crop.stride must be 0 or size with crop.policy seed, whose patches do not overlap")
        if self.policy == "seed" and self.jitter:
            raise ValueError("crop.jitter must be false with crop.policy seed, whose grids all begin at 0")
        return self

    def cutting(self) -> Cutting:
        """The same, as the work on a block needs it."""
        gate = Gate(self.min_structure, self.max_mode_fraction, self.max_saturated) if self.gate else None
        jitter = self.seed if self.jitter else None
        return Cutting(self.size, self.stride or self.size, self.policy, self.small, gate, jitter)


@dataclass(frozen=True)
class Summary:
    """What was cut."""

    datasets: int
    patches: int
    gated: dict[str, int]
    rejects: dict[str, int]


class ImageTask(NamedTuple):
    """A cleaned image and its number in its dataset."""

    path: str
    number: int
    dataset: str


CropTask = BlockTask | SectionsTask | ImageTask


class Plan(NamedTuple):
    """The work on one dataset, and what it amounts to."""

    dataset: str
    kind: str
    sections: int
    pixels: int
    lost: int
    longest: int
    identity: str
    tasks: Sequence[CropTask]


class _Keyed(NamedTuple):
    """A task, and what its result follows from beside the settings."""

    key: str
    task: CropTask


def _key_of(one: _Keyed) -> str:
    return md5(one.key.encode())


def _keyed(plan: Plan) -> list[_Keyed]:
    return [_Keyed(f"{plan.identity} {_place_of(task)}", task) for task in plan.tasks]


def _key_of_table(plan: Plan) -> str:
    return md5(json.dumps([plan.dataset, plan.longest, [one.key for one in _keyed(plan)]]).encode())


def _place_of(task: CropTask) -> str:
    """What a task cuts of its dataset, in words."""
    if isinstance(task, ImageTask):
        return f"{task.dataset} {task.number}"
    if isinstance(task, SectionsTask):
        return f"{task.source.dataset} {task.axis} {task.sections.tolist()}"  # the name decides the offsets
    wanted = {axis: md5(numbers.tobytes()) for axis, numbers in sorted(task.wanted.items())}
    return f"{task.block} {wanted}"


class CropInputs(NamedTuple):
    """Where the earlier stages wrote: folders of import, section and clean (None: no images), and the volumes' root."""

    root: Path
    imported: Path
    sections: Path
    cleaned: Path | None


def crop_inputs(job: Job) -> CropInputs:
    """Where the stages of a job left what patches are cut from."""
    cleaned = job.result("clean")
    return CropInputs(job.archive, job.result("import"), job.result("section"), cleaned if cleaned.is_dir() else None)


def stage(job: Job) -> Summary:
    """Every patch of the sections and images of a dataset."""
    reading = job.params.import_volumes.reading()
    return run(crop_inputs(job), job.result("raw"), job.params.crop, reading, job.executor)


def run(inputs: CropInputs, out: Path, settings: Settings, reading: ReadingChoices, executor: Executor) -> Summary:
    """Write ``<dataset>.parquet`` for each dataset, ``datasets.csv`` and ``rejects.csv`` to the folder ``out``.

    Where the settings say so, patches are files in ``patches/<dataset>/`` as well.

    Raises:
        InputError: there is neither a volume nor an image.
    """
    gated: dict[str, Counter[str]] = {}
    rejects: list[Reject] = []
    rows: list[dict[str, Any]] = []
    with (
        staged_folder(out) as folder,
        scratch_folder(out.with_name(f".{out.name}.scratch")) as scratch,
        Cache(executor.cache) as cache,
    ):
        plans = list(_plans(inputs, settings, reading, scratch))
        if not plans:
            raise InputError(f"{inputs.imported}: no volume and no image to cut; see its rejects.csv")
        cutting = settings.cutting()
        whole = Kind(f"raw-{md5(repr(cutting).encode())[:12]}", (__name__,))
        keys = [_key_of_table(plan) for plan in plans]
        done = dict(zip(keys, cache.get_many(whole, keys), strict=True))
        every = [one for plan, key in zip(plans, keys, strict=True) if done[key] is None for one in _keyed(plan)]
        results = cached_map(
            every,
            partial(_work, cutting),
            kind=Kind(f"patches-{md5(repr(cutting).encode())[:12]}", (__name__,)),
            key=_key_of,
            executor=executor,
            what="crop",
            reads=lambda one: (_path(one.task),),
            chunk=1,
            prepare=load_patch_kernels,
            batch=1,
        )
        for plan, key in zip(plans, keys, strict=True):
            table = done[key]
            if table is None:
                table = _table(plan, [next(results) for _ in plan.tasks])
                if isinstance(table, Failure):
                    rejects.append(Reject.of(plan.dataset, "crop", table))
                    continue
                cache.put([(whole, key, table)])
            write_atomic(folder / f"{plan.dataset}.parquet", np.asarray(table["bytes"]).tobytes())
            reasons = Counter[str](table["reasons"])
            rows.append({
                "dataset": plan.dataset, "kind": plan.kind, "sections": plan.sections, "pixels": plan.pixels,
                "pixels_lost": plan.lost, "patches": reasons.total(), "gated": reasons.total() - reasons[""],
            })  # fmt: skip
            gated[plan.dataset] = reasons
        if settings.write != "none":
            sources = PatchSources(inputs.root, inputs.imported, inputs.cleaned, reading, scratch)
            failures = _write_files(folder, [row["dataset"] for row in rows], settings, sources, executor)
            rejects += [Reject.of(name, "crop", failure) for name, failure in sorted(failures.items())]
            rows = [row for row in rows if row["dataset"] not in failures]
        tables.write(folder / "datasets.csv", contracts.CROPPED, rows)
        counts = write_rejects(folder, rejects, rows_in=len(plans), rows_out=len(rows))
    reasons = sum((gated[row["dataset"]] for row in rows), Counter[str]())
    kept = reasons.pop("", 0)
    return Summary(len(rows), kept + reasons.total(), dict(sorted(reasons.items())), counts)


def _table(plan: Plan, found: Sequence[dict[str, Any] | Failure]) -> dict[str, Any] | Failure:
    """The table of a dataset as the side cache takes it: its bytes, and the count of each reason of the gate."""
    failed = next((one for one in found if isinstance(one, Failure)), None)
    if failed is not None:
        return failed
    parts = [_unpacked(one) for one in cast("Sequence[Columns]", found)]
    columns = named_patches(plan.dataset, join_rows([empty(), *parts]), plan)
    if not len(columns["name"]):
        return Failure("no_patch", "its sections are smaller than a patch")
    reasons = dict(sorted(Counter(columns["gate"].tolist()).items()))
    return {"bytes": np.frombuffer(columns_as_parquet(columns), np.uint8), "reasons": reasons}


def _write_files(
    folder: Path, datasets: list[str], settings: Settings, sources: PatchSources, executor: Executor
) -> dict[str, Failure]:
    """Write the patches that the settings want; datasets that cannot be read again, whose tables are gone then."""
    read = {name: read_columns(folder / f"{name}.parquet", contracts.RAW) for name in datasets}
    if settings.write == "kept":
        read = {name: take_rows(columns, columns["gate"] == "") for name, columns in read.items()}
    failures = write_pairs(folder, read, sources, executor)
    for name in failures:
        (folder / f"{name}.parquet").unlink()
        shutil.rmtree(folder / PATCHES_FOLDER / name)
    return failures


def named_patches(dataset: str, columns: Columns, plan: Plan) -> Columns:
    """Give each patch its name and its hash in hex digits, sorted by place, which is the order of the names."""
    order = np.lexsort([columns[name] for name in ("x0", "y0", "index", "axis")])
    columns = take_rows(columns, order)
    digits = digits_for(max(plan.longest, 1), max(int(columns[end].max(initial=0)) for end in ("y1", "x1")))
    places = zip(*(columns[name].tolist() for name in ("axis", "index", "y0", "y1", "x0", "x1")), strict=True)
    names = [Location(dataset, None if axis == IN_2D else axis, *rest).name(digits) for axis, *rest in places]
    out = {"name": np.array(names, object), **columns}
    out["dhash"] = np.array(hashes_to_hex(columns["dhash"]), object)
    return {name: out[name] for name in contracts.RAW}


def _plans(inputs: CropInputs, settings: Settings, reading: ReadingChoices, scratch: Path) -> Iterator[Plan]:
    """Plans of all datasets, by name."""
    sections = read_columns(inputs.sections / "sections.parquet", contracts.SECTIONS)
    wanted = _by_dataset(sections)
    sources = PatchSources(inputs.root, inputs.imported, inputs.cleaned, reading, scratch)
    plans = []
    for row in tables.read(inputs.imported / "volumes.csv", contracts.VOLUMES):
        if row["dataset"] in wanted:
            name = row["dataset"]
            plans.append(_volume_plan(row, sources.of_volume(name), sources.identity(name), wanted[name], settings))
    if inputs.cleaned is not None:
        images = tables.read(inputs.cleaned / "images.csv", contracts.IMAGES)
        for dataset in sorted({row["dataset"] for row in images}):
            some = [row for row in images if row["dataset"] == dataset]
            plans.append(_image_plan(some, inputs.cleaned, sources.identity(dataset), settings))
    yield from sorted(plans, key=lambda plan: plan.dataset)


def _by_dataset(sections: Columns) -> dict[str, dict[int, NDArray[np.int64]]]:
    """Dataset -> axis -> sorted numbers of its sections."""
    found: dict[str, dict[int, NDArray[np.int64]]] = {}
    for dataset in sorted(set(sections["dataset"].tolist())):
        here = take_rows(sections, sections["dataset"] == dataset)
        found[dataset] = {
            int(axis): np.sort(here["index"][here["axis"] == axis]).astype(np.int64) for axis in np.unique(here["axis"])
        }
    return found


def _volume_plan(
    row: Mapping[str, Any], source: Source, identity: str, wanted: dict[int, NDArray[np.int64]], settings: Settings
) -> Plan:
    shape, cutting = shape_of(row), settings.cutting()
    zs, ys, xs = (stretches(side, cutting.size, cutting.stride, cutting.policy, cutting.small) for side in shape)
    memory = settings.memory_mb * 10**6
    if set(wanted) <= {0}:
        plane = shape[1] * shape[2]  # no section needs its neighbours: thin blocks are as quick, and small
        zs = slab_stretches(shape[0], max(1, min(cutting.size, memory // (4 * plane))))
    tasks: list[CropTask] = []
    pixels = gone = count = 0
    for axis, indices in wanted.items():
        side = section_shape(shape, axis)
        count, pixels = count + len(indices), pixels + math.prod(side) * len(indices)
        if settings.jitter:
            gone += sum(_lost(cutting, row["dataset"], axis, int(index), side) for index in indices)
            tasks += [SectionsTask(source, axis, run) for run in _runs(indices, max(1, memory // math.prod(side)))]
        elif len(indices):
            gone += _lost(cutting, row["dataset"], axis, 0, side) * len(indices)
    if not settings.jitter:
        tasks += [BlockTask(source, block, wanted) for block in blocks(zs, ys, xs, memory)]
    return Plan(row["dataset"], row["kind"], count, pixels, gone, max(shape), identity, tasks)


def _runs(indices: NDArray[np.int64], most: int) -> list[NDArray[np.int64]]:
    """Sorted numbers of sections, cut where ``most`` sections, those between them counted, are exceeded."""
    if not len(indices):
        return []
    return np.split(indices, np.flatnonzero(np.diff((indices - indices[0]) // most)) + 1)


def _image_plan(images: list[dict[str, Any]], cleaned: Path, identity: str, settings: Settings) -> Plan:
    dataset, cutting = images[0]["dataset"], settings.cutting()
    sides = [(int(row["height"]), int(row["width"])) for row in images]
    files = [str(safe_join(cleaned.resolve(), f"{CLEANED_FOLDER}/{row['output_path']}")) for row in images]
    tasks = [ImageTask(file, int(row["number"]), dataset) for file, row in zip(files, images, strict=True)]
    gone = sum(_lost(cutting, dataset, IN_2D, task.number, side) for task, side in zip(tasks, sides, strict=True))
    pixels = sum(math.prod(side) for side in sides)
    return Plan(dataset, "images", len(images), pixels, gone, len(images), identity, tasks)


def _lost(cutting: Cutting, dataset: str, axis: int, index: int, shape: tuple[int, int]) -> int:
    """Pixels of a section that no patch has."""
    grids = section_grids(cutting, dataset, axis, index, shape)
    rows, columns = (side - lost(side, grid) for side, grid in zip(shape, grids, strict=True))
    return math.prod(shape) - rows * columns


def _packed(columns: Columns) -> dict[str, Any]:
    """Columns as the side cache takes them: reasons of the gate as numbers."""
    codes = np.searchsorted(_REASONS, columns["gate"].astype(str)).astype(np.int8)
    return {**columns, "gate": codes}


def _unpacked(columns: Mapping[str, Any]) -> Columns:
    return {**columns, "gate": np.array(_REASONS, object)[columns["gate"]]}


def _path(task: CropTask) -> str:
    return task.path if isinstance(task, ImageTask) else task.source.path


def _work(cutting: Cutting, one: _Keyed) -> dict[str, Any] | Failure:
    task = one.task
    try:
        if isinstance(task, ImageTask):
            return _packed(cut_image(cutting, decode(read_regular(task.path)).gray, task.number, task.dataset))
        if isinstance(task, SectionsTask):
            return _packed(cut_sections(cutting, task))
        return _packed(cut_block(cutting, task))
    except (UnreadableVolume, UnreadableImage) as error:
        return Failure(error.reason, error.detail)
    except OSError as error:
        return why_unreadable(error)
    except MemoryError:
        return Failure("out_of_memory", "not enough memory for a block: set crop.memory_mb lower, or memory is short")
