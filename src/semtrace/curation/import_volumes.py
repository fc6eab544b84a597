"""import: list volumes, stacks, videos and folders of sections, with what is known of each and its one rule to grey."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from semtrace.core.volume.box import Box, slabs, whole_box
from semtrace.core.volume.gray_rule import find_rule, fixed_range
from semtrace.core.volume.names import dataset_names
from semtrace.core.volume.sample import CUBE_SIDE, LEAST_UNPADDED, cubes_in_turn, is_unpadded, roi_name, roi_text
from semtrace.core.volume.voxels import overridden
from semtrace.curation import tables as contracts
from semtrace.curation.listing import Listed, list_sources
from semtrace.curation.sidecar import UNSAID, read_licences
from semtrace.curation.sources import STACKS, digest_of, open_path
from semtrace.io import tables
from semtrace.io.extras import require_extra
from semtrace.io.staging import scratch_folder, staged_folder
from semtrace.io.video import write_stack
from semtrace.io.volumes.open import open_volumes
from semtrace.io.volumes.volume import ReadingChoices, UnreadableVolume, Volume
from semtrace.parallel.processes import Crashed
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.inputs import check_folder
from semtrace.stage.rejects import Failure, Reject, why_unreadable, write_rejects
from semtrace.stage.settings import Number, Section, Whole

_SLAB = 2**26


class Settings(Section, section="curation.import"):
    """How volumes are read (conf/curation/import).

    Attributes:
        mode0: sign of MRC mode 0: ``auto``, ``signed`` or ``unsigned``.
        range: how voxels become 8-bit grey: ``auto``, ``full`` or ``LOW..HIGH``.
        channel: the channel that is taken of several, from 0.
        level: resolution level of OME-Zarr, 0 is the finest.
        salvage: take the whole sections or frames of a truncated file instead of refusing it.
        voxel_nm: dataset -> voxel size z, y, x in nm, in place of the header's.
        sample_gb: a volume of more than so many 10^9 bytes is sampled: cubes that hold as many bytes stand for
            it; 0: none is. Videos are never sampled.
        sample_side: of such a cube in voxels.
        seed: of where these cubes lie.
    """

    mode0: Literal["auto", "signed", "unsigned"] = "auto"
    range: str = "auto"
    channel: Annotated[Whole, Field(ge=0)] = 0
    level: Annotated[Whole, Field(ge=0)] = 0
    salvage: bool = False
    voxel_nm: dict[str, list[float]] = Field(default_factory=dict)
    sample_gb: Annotated[Number, Field(ge=0)] = 5.0
    sample_side: Annotated[Whole, Field(ge=16)] = CUBE_SIDE
    seed: Annotated[Whole, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.range not in ("auto", "full"):
            fixed_range(self.range)
        for name, size in self.voxel_nm.items():
            if len(size) != 3 or not all(side > 0 for side in size):
                raise ValueError(f"import.voxel_nm.{name} is {list(size)}; it must be three sizes above 0 in nm")
        return self

    def reading(self) -> ReadingChoices:
        """The choices that a reader of files needs."""
        return ReadingChoices(self.mode0, self.channel, self.level, self.salvage)


@dataclass(frozen=True)
class Summary:
    """What was imported."""

    files: int
    datasets: int
    sampled: int
    duplicates: int
    rejects: dict[str, int]


class _Item(NamedTuple):
    listed: Listed
    dataset: str
    source: str
    stack: str
    scratch: str


def stage(job: Job) -> Summary:
    """List the volumes of a dataset."""
    return run(job.archive, job.result("import"), job.params.import_volumes, job.executor)


def run(root: Path, out: Path, settings: Settings, executor: Executor) -> Summary:
    """Write ``volumes.csv``, ``stacks/`` (of videos) and ``rejects.csv`` to the folder ``out``.

    Every file below ``root`` belongs to a dataset or is a reject.

    Args:
        root: folder of volumes and videos, with an optional datasets.csv (path, licence, experiment).
        out: folder to write.
        settings: how to read.
        executor: where to work.

    Raises:
        MissingExtraError: the extra ``curation`` is not installed.
        InputError: the folder is missing, or the sidecar names what is not there.
    """
    require_extra("curation")
    check_folder(root, "volumes")
    root = root.resolve()
    listing = list_sources(root)
    sidecar = read_licences(root, [item.path for item in listing.items])
    names = dataset_names([item.path.replace("*", "") for item in listing.items])
    rejects, rows, imported = list(listing.rejects), [], 0
    with staged_folder(out) as folder, scratch_folder(out.with_name(f".{out.name}.scratch")) as scratch:
        (folder / STACKS).mkdir()
        items = [
            _Item(item, name, str(root / item.path), str(folder / STACKS / f"{name}.tif"), str(scratch))
            for item, name in zip(listing.items, names, strict=True)
        ]
        found = executor.map(
            partial(_examine, settings), items, what="import", reads=lambda item: (item.source, str(folder)), chunk=1
        )
        for item, result in zip(listing.items, found, strict=True):
            if isinstance(result, Crashed):
                result = Failure("decoder_crashed", result.detail)
            if isinstance(result, Failure):
                detail = result.detail if item.files == 1 else f"{item.files} files: {result.detail}"
                rejects.append(Reject(item.path, "import", result.reason, detail))
            else:
                imported += item.files
                rows += [{**row, "path": item.path, **sidecar.get(item.path, UNSAID)} for row in result]
        refused = sum(item.files for item in listing.items) - imported
        items_refused = len(rejects) - len(listing.rejects)
        _mark_duplicates(rows)
        tables.write(folder / "volumes.csv", contracts.VOLUMES, rows)
        # A refused store or series is one reject that stands for all its files.
        counts = write_rejects(folder, rejects, rows_in=listing.files - refused + items_refused, rows_out=imported)
    sampled = {(row["path"], row["part"]) for row in rows if row["roi"]}
    return Summary(listing.files, len(rows), len(sampled), sum(bool(row["duplicate_of"]) for row in rows), counts)


def _examine(settings: Settings, item: _Item) -> list[dict[str, Any]] | Failure:
    path, scratch = Path(item.source), Path(item.scratch)
    kind = item.listed.kind
    notes: tuple[str, ...] = ()
    try:
        size, digest = digest_of(path, kind)
        if kind == "video":
            notes = write_stack(path, Path(item.stack), salvage=settings.salvage).notes
            volumes = _stack(Path(item.stack), scratch)
        else:
            volumes = open_path(path, kind, settings.reading(), scratch)
        rows = [row for volume in volumes for row in _rows(settings, item.dataset, volume, kind)]
    except UnreadableVolume as error:
        return Failure(error.reason, error.detail)
    except OSError as error:
        return why_unreadable(error)
    except MemoryError:
        return Failure("out_of_memory", "not enough memory for its sections: they are too large, or memory is short")
    for row in rows:
        row |= {"kind": kind, "bytes": size, "digest": digest}
        row["format"] = "video" if kind == "video" else row["format"]
        row["voxel_note"] = "; ".join(note for note in (row["voxel_note"], *notes) if note)
    return rows


def _stack(path: Path, scratch: Path) -> list[Volume]:
    try:
        return open_volumes(path, ReadingChoices(), scratch)
    except UnreadableVolume as error:
        if error.reason == "single_page":
            raise UnreadableVolume("single_frame", "a video of one frame: put the picture among the images") from None
        raise


def _rows(settings: Settings, name: str, volume: Volume, kind: str) -> list[dict[str, Any]]:
    """The row of a volume, or of each cube that stands for it; one rule to grey for all."""
    dataset = f"{name}-{volume.part}" if volume.part else name
    voxel = volume.voxel
    if dataset in settings.voxel_nm or name in settings.voxel_nm:
        voxel = overridden(voxel, settings.voxel_nm.get(dataset, settings.voxel_nm.get(name, [])))
    size, limit = math.prod(volume.shape) * volume.dtype.itemsize, settings.sample_gb * 10**9
    cubes, notes = [whole_box(volume.shape)], volume.notes
    if 0 < limit < size and kind != "video":
        cubes = _cubes(dataset, volume, settings)
        share = sum(math.prod(cube.shape) for cube in cubes) / math.prod(volume.shape)
        notes = (*notes, f"sampled: {len(cubes)} cubes, {share:.2g} of the voxels")
    texts = [roi_text(cube) if cubes != [whole_box(volume.shape)] else "" for cube in cubes]
    states = [hashlib.md5(f"{cube.shape} {volume.dtype}".encode(), usedforsecurity=False) for cube in cubes]
    first = True

    def blocks() -> Iterator[NDArray[Any]]:
        nonlocal first
        hashing, first = first, False
        for cube, state in zip(cubes, states, strict=True):
            for box in slabs(cube.shape, volume.dtype.itemsize, _SLAB):
                block = volume.read(box.moved(cube.origin))
                if hashing:
                    state.update(np.ascontiguousarray(block).data)
                yield block

    rule = find_rule(blocks, volume.dtype, settings.range)
    if first:  # the rule did not need to look: every voxel is read once nevertheless, so that damage is found
        for _ in blocks():
            pass
    nm = dict(zip(("voxel_z_nm", "voxel_y_nm", "voxel_x_nm"), voxel.nm, strict=True))
    ratio = dict(zip(("ratio_z", "ratio_y", "ratio_x"), voxel.ratio, strict=True))
    same = {
        "format": volume.format, "dtype": volume.dtype.name, **nm, **ratio,
        "voxel_source": voxel.source, "voxel_note": "; ".join(note for note in (voxel.note, *notes) if note),
        "sign": volume.sign, "range_rule": rule.text, "level": volume.level, "part": volume.part, "duplicate_of": "",
    }  # fmt: skip
    rows = []
    for cube, text, state in zip(cubes, texts, states, strict=True):
        shape = dict(zip(("shape_z", "shape_y", "shape_x"), cube.shape, strict=True))
        rows.append({"dataset": roi_name(dataset, text), "roi": text, "content": state.hexdigest(), **shape, **same})
    return rows


def _cubes(dataset: str, volume: Volume, settings: Settings) -> list[Box]:
    """Cubes with enough in them, as many as ``sample_gb`` has room for, at least one; sorted by place.

    Raises:
        UnreadableVolume: ``padded``, where there is none.
    """
    found: list[Box] = []
    room = settings.sample_gb * 10**9
    for cube in cubes_in_turn(volume.shape, f"{settings.seed} {dataset}", settings.sample_side):
        size = math.prod(cube.shape) * volume.dtype.itemsize
        if found and size > room:
            break
        if is_unpadded(volume.read(cube)):
            found.append(cube)
            room -= size
    if not found:
        side = settings.sample_side
        detail = f"no cube of {side} voxels is {LEAST_UNPADDED:.0%} unpadded; import.sample_gb=0 takes all of it"
        raise UnreadableVolume("padded", detail)
    return sorted(found)


def _mark_duplicates(rows: list[dict[str, Any]]) -> None:
    """Let each dataset whose voxels another one has too point at the first of them by name."""
    first: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: str(row["dataset"])):
        keeper = first.setdefault(row["content"], row["dataset"])
        row["duplicate_of"] = "" if keeper == row["dataset"] else keeper
