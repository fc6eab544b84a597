"""reconstruct: subvolumes around kept patches: a few sections around each, or blocks where many were kept.

A dataset is found by its name as a whole, and the place of a patch by the numbers in its name, never by parts of text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from semtrace.core.volume.box import Box
from semtrace.core.volume.location import MARK, Location, digits_for, parse_location
from semtrace.core.volume.sample import parent_name, parse_roi
from semtrace.core.volume.sections import in_plane, planes
from semtrace.core.volume.subvolumes import pick_apart, rich_runs, sections_around
from semtrace.core.volume.voxels import VoxelSides
from semtrace.curation import tables as contracts
from semtrace.curation.check import is_changed
from semtrace.curation.crop import CropInputs, crop_inputs
from semtrace.curation.recut import PatchSources
from semtrace.curation.section import shape_of
from semtrace.curation.sources import Source, opened_source, voxel_sides
from semtrace.io import tables
from semtrace.io.columns import read_columns
from semtrace.io.files import safe_join, write_staged
from semtrace.io.staging import scratch_folder, staged_folder
from semtrace.io.volumes.volume import ReadingChoices, UnreadableVolume
from semtrace.io.volumes.write import tiff_stack, write_ome_zarr
from semtrace.parallel.processes import Crashed
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure, Reject, why_unreadable, write_rejects
from semtrace.stage.settings import Number, Section, Whole

SUBVOLUMES_FOLDER = "subvolumes"
_EQUAL = 1.25  # longer over shorter side of a voxel that still counts as equal


class Settings(Section, section="curation.reconstruct"):
    """Which subvolumes are cut (conf/curation/reconstruct).

    Attributes:
        kind: ``flipbook``: some sections around each kept patch; ``cubes``: blocks where many patches were kept.
        nz: sections of a subvolume; 0: as many as the longer side of the patch.
        min_share: share of the sections of a cube whose patch was kept, at least.
        max_iou: voxels that two cubes may share, over the voxels of either.
        format: ``tiff`` stacks, or ``zarr``: OME-Zarr 0.5.
        most: at most so many subvolumes of a dataset, the richest first; 0: all.
    """

    kind: Literal["flipbook", "cubes"] = "flipbook"
    nz: Annotated[Whole, Field(ge=0)] = 5
    min_share: Annotated[Number, Field(ge=0, le=1)] = 0.1
    max_iou: Annotated[Number, Field(ge=0, le=1)] = 0.1
    format: Literal["tiff", "zarr"] = "tiff"
    most: Annotated[Whole, Field(ge=0)] = 0


@dataclass(frozen=True)
class Summary:
    """What was cut."""

    datasets: int
    subvolumes: int
    shifted: int
    rejects: dict[str, int]


class Wanted(NamedTuple):
    """A subvolume to cut: axis of its patches, where, shift, share of its sections with a kept patch, their names."""

    axis: int
    box: Box
    shift: int
    share: float
    members: list[str]


class _Task(NamedTuple):
    source: Source
    wanted: Wanted
    sides: VoxelSides
    target: str


def stage(job: Job) -> Summary:
    """Subvolumes of the Filtered dataset."""
    reading = job.params.import_volumes.reading()
    return run(crop_inputs(job), job.work, job.params.reconstruct, reading, job.executor)


def run(inputs: CropInputs, work: Path, settings: Settings, reading: ReadingChoices, executor: Executor) -> Summary:
    """Write ``subvolumes.csv``, ``subvolumes/<dataset>/`` and ``rejects.csv`` to ``reconstruct`` in ``work``.

    A dataset whose source is not what was imported is refused; one of 2D images has no subvolumes.
    """
    kept: dict[str, list[str]] = {}
    for row in tables.read(work / "filtered" / contracts.FILTERED.name, contracts.FILTERED):
        kept.setdefault(row["dataset"], []).append(row["name"])
    out, rejects, rows, done = work / "reconstruct", [], [], 0
    with staged_folder(out) as folder, scratch_folder(out.with_name(f".{out.name}.scratch")) as scratch:
        (folder / SUBVOLUMES_FOLDER).mkdir()
        sources = PatchSources(inputs.root, inputs.imported, inputs.cleaned, reading, scratch)
        wholes = _wholes(kept, sources)
        for name, datasets in sorted(wholes.items()):
            about = sources.volumes[datasets[0]]
            if is_changed(datasets[0], sources, inputs):
                rejects.append(
                    Reject(name, "reconstruct", "changed", "its source is not what was imported; run import")
                )
                continue
            source = replace(sources.of_volume(datasets[0]), dataset=name, roi="")
            shape = opened_source(source).shape if about["roi"] else shape_of(about)
            places = {one: _moved(kept[one], _alike(work, one), name, sources.volumes[one]["roi"]) for one in datasets}
            names = {moved: own for at in places.values() for moved, own in at.own.items()}
            alike = {moved: like for at in places.values() for moved, like in at.alike.items()}
            found = find_subvolumes([moved for at in places.values() for moved in at.kept], alike, shape, settings)
            wanted = [one._replace(members=[names[member] for member in one.members]) for one in found]
            if not wanted:
                detail = f"no {settings.kind} of {settings.nz} sections fits into a volume of {shape} voxels"
                rejects.append(Reject(name, "reconstruct", "too_thin", detail))
                continue
            made, failed = _cut_all(folder, source, shape, about, wanted, settings, executor)
            if failed is not None:
                rejects.append(Reject.of(name, "reconstruct", failed))
                continue
            rows += made
            done += 1
        tables.write(folder / contracts.SUBVOLUMES.name, contracts.SUBVOLUMES, rows)
        counts = write_rejects(folder, rejects, rows_in=len(wholes), rows_out=done)
    return Summary(done, len(rows), sum(row["shift"] != 0 for row in rows), counts)


def _wholes(kept: Iterable[str], sources: PatchSources) -> dict[str, list[str]]:
    """Volume -> the datasets with kept patches that are it, or cubes of it; 2D images are left out."""
    found: dict[str, list[str]] = {}
    for name in sorted(name for name in kept if name in sources.volumes):
        found.setdefault(parent_name(name, sources.volumes[name]["roi"]), []).append(name)
    return found


class _Moved(NamedTuple):
    """Patches by their names in the whole volume: those kept, those like each of them, and the name that each has."""

    kept: list[str]
    alike: dict[str, list[str]]
    own: dict[str, str]


def _moved(kept: list[str], alike: Mapping[str, list[str]], whole: str, roi: str) -> _Moved:
    every = sorted({*kept, *(like for name in kept for like in alike.get(name, []))})
    if not roi:
        return _Moved(kept, {name: alike[name] for name in kept if name in alike}, {name: name for name in every})
    origin = parse_roi(roi).origin
    to = {name: parse_location(name).moved(whole, origin).name() for name in every}
    moved = {to[name]: [to[like] for like in alike[name]] for name in kept if name in alike}
    return _Moved([to[name] for name in kept], moved, {new: old for old, new in to.items()})


def _alike(work: Path, dataset: str) -> dict[str, list[str]]:
    """Exemplar -> all patches of its dataset that are like it, itself among them."""
    columns = read_columns(work / "deduplicated" / f"{dataset}.parquet", contracts.DEDUPLICATED)
    found: dict[str, list[str]] = {}
    for name, exemplar in zip(columns["name"].tolist(), columns["exemplar"].tolist(), strict=True):
        if exemplar:
            found.setdefault(exemplar, []).append(name)
    return found


def find_subvolumes(
    kept: list[str], alike: Mapping[str, list[str]], shape: tuple[int, int, int], settings: Settings
) -> list[Wanted]:
    """Subvolumes of one volume.

    Args:
        kept: names of the kept patches.
        alike: kept patch -> patches that are like it; in a cube they count as kept.
        shape: of the volume, z, y, x.
        settings: which are wanted.
    """
    if settings.kind == "flipbook":
        books: dict[tuple[int, Box], Wanted] = {}
        for name in sorted(kept):
            made = _flipbook(name, shape, settings.nz)
            if made is not None:  # near a border several patches may have one box
                known = books.get((made.axis, made.box))
                books[made.axis, made.box] = made if known is None else _joined(known, made)
        return list(books.values())[: settings.most or None]
    columns: dict[tuple[int, int, int, int, int], dict[int, str]] = {}
    for name in kept:
        for like in alike.get(name, [name]):
            place = _clipped(parse_location(like), shape)
            if place.axis is not None:
                columns.setdefault((place.axis, place.y0, place.y1, place.x0, place.x1), {})[place.index] = like
    found = [cube for key, by_index in sorted(columns.items()) for cube in _cubes(key, by_index, shape, settings)]
    order = sorted(range(len(found)), key=lambda at: (-found[at].share, found[at].axis, found[at].box))
    chosen = pick_apart([one.box for one in found], order, settings.max_iou)
    return sorted((found[at] for at in chosen[: settings.most or None]), key=lambda one: (one.axis, one.box))


def _joined(one: Wanted, other: Wanted) -> Wanted:
    """Two flipbooks of one box as one, with the smaller shift."""
    shift = min((one.shift, other.shift), key=abs)
    return one._replace(shift=shift, share=one.share + other.share, members=[*one.members, *other.members])


def _clipped(place: Location, shape: tuple[int, int, int]) -> Location:
    """A place without what lies outside the volume, which was invented."""
    if place.axis is None:
        return place
    height, width = in_plane(shape, place.axis)
    assert height is not None and width is not None  # noqa: S101, PT018  (a shape has them)
    y1, x1 = min(place.y1, int(height)), min(place.x1, int(width))
    return Location(place.dataset, place.axis, place.index, place.y0, y1, place.x0, x1)


def _flipbook(name: str, shape: tuple[int, int, int], nz: int) -> Wanted | None:
    place = _clipped(parse_location(name), shape)
    if place.axis is None:
        return None
    count = nz or max(place.y1 - place.y0, place.x1 - place.x0)
    around = sections_around(place.index, count, shape[place.axis])
    if around is None:
        return None
    box = _stretched(place, around[0], around[0] + count)
    return Wanted(place.axis, box, around[1], 1 / count, [name])


def _cubes(
    key: tuple[int, int, int, int, int], by_index: Mapping[int, str], shape: tuple[int, int, int], settings: Settings
) -> Iterator[Wanted]:
    axis, y0, y1, x0, x1 = key
    count = settings.nz or max(y1 - y0, x1 - x0)
    indices = np.array(sorted(by_index), np.int64)
    for low, high, share in rich_runs(indices, count, shape[axis], settings.min_share):
        inside = [by_index[int(index)] for index in indices[(indices >= low) & (indices < high)]]
        yield Wanted(axis, _stretched(Location("", axis, low, y0, y1, x0, x1), low, high), 0, share, inside)


def _stretched(place: Location, low: int, high: int) -> Box:
    """The box of a patch, from one section to another."""
    ends = list(place.box())
    assert place.axis is not None  # noqa: S101
    ends[2 * place.axis : 2 * place.axis + 2] = low, high
    return Box(*ends)


def _cut_all(
    folder: Path, source: Source, shape: tuple[int, int, int], about: Mapping[str, Any], wanted: list[Wanted],
    settings: Settings, executor: Executor,
) -> tuple[list[dict[str, Any]], Failure | None]:  # fmt: skip
    """Write the subvolumes of one volume; their rows, or why they cannot be written."""
    nm, ratio = voxel_sides(about, "voxel", "_nm"), voxel_sides(about, "ratio", "")
    sides = [side for side in ratio if side]
    isotropic = len(sides) == 3 and max(sides) <= _EQUAL * min(sides)
    cross = about["kind"] != "video" and planes(ratio, _EQUAL) != [0]
    suffix = "tiff" if settings.format == "tiff" else "ome.zarr"
    dataset, digits = source.dataset, digits_for(max(shape), max(shape))
    target = safe_join(folder / SUBVOLUMES_FOLDER, dataset)
    target.mkdir()
    tasks, rows = [], []
    for one in wanted:
        name = subvolume_name(dataset, one, digits.pixel)
        tasks.append(_Task(source, one, nm, str(target / f"{name}.{suffix}")))
        ends = {f"{axis}{end}": one.box[2 * i + end] for i, axis in enumerate("zyx") for end in (0, 1)}
        size = dict(zip(("voxel_z_nm", "voxel_y_nm", "voxel_x_nm"), nm, strict=True))
        rows.append({
            "name": name, "dataset": dataset, "axis": one.axis, **ends, "shift": one.shift,
            "informative_share": float(f"{one.share:.6g}"), "members": json.dumps(one.members, ensure_ascii=False),
            "isotropic": isotropic,
            "cross_plane": cross, **size, "path": f"{dataset}/{name}.{suffix}",
        })  # fmt: skip
    results = executor.map(
        partial(_write, settings.format),
        tasks,
        what="reconstruct",
        reads=lambda task: (task.source.path, str(folder)),
        chunk=4,
    )
    failed: Failure | None = None
    for result in results:
        if isinstance(result, Crashed):
            failed = Failure("decoder_crashed", result.detail)
        elif result is not None:
            failed = result
    return rows, failed


def subvolume_name(dataset: str, one: Wanted, digits: int) -> str:
    """Name of a subvolume: its dataset, axis and box."""
    ends = [f"{one.box[i]:0{digits}}-{one.box[i + 1]:0{digits}}" for i in (0, 2, 4)]
    return f"{dataset}{MARK}{one.axis}_{'_'.join(ends)}"


def along_axis(voxels: NDArray[np.uint8], axis: int) -> NDArray[np.uint8]:
    """Voxels (Z, Y, X) with the sections of an axis first."""
    return np.ascontiguousarray(np.moveaxis(voxels, axis, 0))


def _write(format: str, task: _Task) -> Failure | None:
    one = task.wanted
    try:
        voxels = along_axis(task.source.gray(one.box), one.axis)
    except UnreadableVolume as error:
        return Failure(error.reason, error.detail)
    except OSError as error:
        return why_unreadable(error)
    except MemoryError:
        return Failure("out_of_memory", "no room for a subvolume")
    nm = (task.sides[one.axis], *in_plane(task.sides, one.axis))
    if format == "tiff":
        write_staged(Path(task.target), tiff_stack(voxels, nm))
    else:
        write_ome_zarr(Path(task.target), voxels, nm, levels=1)
    return None
