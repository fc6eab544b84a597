"""section: which sections of each volume are cut, on which planes; their pixels stay in the volume until wanted."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import tifffile
from pydantic import Field, model_validator

from semtrace.core.errors import InputError
from semtrace.core.volume.box import Box
from semtrace.core.volume.location import MARK
from semtrace.core.volume.sections import in_plane, planes, section_indices, section_shape
from semtrace.core.volume.voxels import VoxelSides
from semtrace.curation import tables as contracts
from semtrace.curation.sources import Source, opened_source, volume_source, voxel_sides
from semtrace.io import tables
from semtrace.io.columns import Columns, write_columns
from semtrace.io.files import write_staged
from semtrace.io.staging import scratch_folder, staged_folder
from semtrace.io.volumes.volume import ReadingChoices, UnreadableVolume
from semtrace.parallel.processes import Crashed
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Reject, why_unreadable, write_rejects
from semtrace.stage.settings import Number, Section, Whole

FOLDER = "tiff"


Axis = Literal[0, 1, 2]


def _all_axes() -> list[Axis]:
    return [0, 1, 2]


class Settings(Section, section="curation.section"):
    """Which sections are cut (conf/curation/section).

    Attributes:
        axes: axes to cut across: 0 (xy), 1 (xz), 2 (yz).
        spacing: every how manieth section.
        first: number of the first section, from 0.
        max_ratio: a plane is cut where the longer side of its voxels is at most so many times the shorter.
        assume_isotropic: cut all planes where the ratio is not known.
        write: write each section as TIFF as well.
    """

    axes: list[Axis] = Field(default_factory=_all_axes)
    spacing: Annotated[Whole, Field(ge=1)] = 1
    first: Annotated[Whole, Field(ge=0)] = 0
    max_ratio: Annotated[Number, Field(ge=1)] = 1.25
    assume_isotropic: bool = False
    write: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.axes:
            raise ValueError("section.axes is []; it must be some of 0 (xy), 1 (xz), 2 (yz)")
        return self


@dataclass(frozen=True)
class Summary:
    """What is cut."""

    volumes: int
    sections: int
    rejects: dict[str, int]


def stage(job: Job) -> Summary:
    """List the sections of a dataset."""
    reading = job.params.import_volumes.reading()
    return run(job.archive, job.result("import"), job.result("section"), job.params.section, reading, job.executor)


def run(
    root: Path, imported: Path, out: Path, settings: Settings, reading: ReadingChoices, executor: Executor
) -> Summary:
    """Write ``sections.parquet`` and ``rejects.csv`` (and ``tiff/``, if asked) to the folder ``out``.

    Args:
        root: folder of the volumes.
        imported: folder of the import stage.
        out: folder to write.
        settings: which sections.
        reading: how volumes are read, as at import.
        executor: where to work.
    """
    rows = tables.read(imported / "volumes.csv", contracts.VOLUMES)
    rejects, parts, kept = [], [], 0
    with staged_folder(out) as folder, scratch_folder(out.with_name(f".{out.name}.scratch")) as scratch:
        tasks = []
        for row in rows:
            found = sections_of(row, settings)
            if not len(found["index"]):
                detail = f"no section from number {settings.first} on, on the planes that may be cut"
                rejects.append(Reject(row["dataset"], "section", "no_section", detail))
                continue
            kept += 1
            parts.append(found)
            if settings.write:
                source = volume_source(row, root, imported, reading, scratch)
                tasks += [(source, int(axis), int(i)) for axis, i in zip(found["axis"], found["index"], strict=True)]
        parts.append(sections_of(_NOTHING, settings))
        columns = {name: np.concatenate([part[name] for part in parts]) for name in contracts.SECTIONS}
        write_columns(folder / "sections.parquet", columns)
        if settings.write:
            _write_all(tasks, folder, executor)
        counts = write_rejects(folder, rejects, rows_in=len(rows), rows_out=kept)
    return Summary(len(rows), len(columns["index"]), counts)


_NOTHING = dict.fromkeys(contracts.VOLUMES.names, "") | {
    "shape_z": "0",
    "shape_y": "0",
    "shape_x": "0",
    "kind": "video",
}


def planes_of(row: Mapping[str, Any], settings: Settings) -> list[int]:
    """The axes that the sections of a volume are cut across."""
    ratio: VoxelSides = voxel_sides(row, "ratio", "")
    unknown = None in ratio
    always = unknown and settings.assume_isotropic and row["kind"] != "video"
    allowed = [0] if row["kind"] == "video" else planes(ratio, settings.max_ratio, always=always)
    return [axis for axis in allowed if axis in settings.axes]


def shape_of(row: Mapping[str, Any]) -> tuple[int, int, int]:
    """Shape of a volume, z, y, x."""
    return int(row["shape_z"]), int(row["shape_y"]), int(row["shape_x"])


def sections_of(row: Mapping[str, Any], settings: Settings) -> Columns:
    """The sections of one volume, by axis and index."""
    shape, nm = shape_of(row), voxel_sides(row, "voxel", "_nm")
    found: dict[str, list[Any]] = {name: [] for name in contracts.SECTIONS}
    for axis in planes_of(row, settings):
        height, width = section_shape(shape, axis)
        down, along = in_plane(nm, axis)
        for index in section_indices(shape[axis], settings.spacing, settings.first):
            values = (row["dataset"], axis, index, height, width, down, along)
            for name, value in zip(contracts.SECTIONS, values, strict=True):
                found[name].append(value)
    types: dict[str, Any] = {"dataset": object, "pixel_row_nm": np.float64, "pixel_column_nm": np.float64}
    return {name: np.array(values, types.get(name, np.int64)) for name, values in found.items()}


def section_name(dataset: str, axis: int, index: int, digits: int) -> str:
    """Name of a section's file, without suffix."""
    return f"{dataset}{MARK}{axis}_{index:0{digits}}"


def _write_all(tasks: list[tuple[Source, int, int]], folder: Path, executor: Executor) -> None:
    (folder / FOLDER).mkdir()
    digits = len(str(max((index for *_, index in tasks), default=0)))
    write = partial(_write, str(folder / FOLDER), digits)
    done: Iterator[str | Crashed] = executor.map(
        write, tasks, what="section", reads=lambda task: (task[0].path, str(folder))
    )
    for problem in done:
        if problem:
            raise InputError(f"{problem if isinstance(problem, str) else problem.detail}; run `import` again")


def _write(folder: str, digits: int, task: tuple[Source, int, int]) -> str:
    """Write a section; return why it cannot be."""
    source, axis, index = task
    try:
        ends = [0, 0, 0, 0, 0, 0]
        for i, side in enumerate(opened_source(source).shape):
            ends[2 * i : 2 * i + 2] = (index, index + 1) if i == axis else (0, side)
        section = source.gray(Box(*ends)).squeeze(axis)
    except UnreadableVolume as error:
        return f"{source.path}: {error}"
    except OSError as error:
        return f"{source.path}: {why_unreadable(error).detail}"
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.ascontiguousarray(section), photometric="minisblack", metadata=None)
    write_staged(Path(folder, f"{section_name(source.dataset, axis, index, digits)}.tiff"), stream.getvalue())
    return ""
