"""Patches of one block or one image: where they lie, their hash, their measures and why the gate stops them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.hashing.patch_hash import patch_hash, patch_hashes
from semtrace.core.image.structure import Gate, measure_structure
from semtrace.core.volume.blocks import Block
from semtrace.core.volume.box import Box
from semtrace.core.volume.patches import Interval, Policy, Small, cut, grid_room, patch_grid, section_offsets
from semtrace.core.volume.sections import section_shape
from semtrace.core.volume.transpose import yz_sections
from semtrace.curation.sources import Source, opened_source
from semtrace.io.columns import Columns, join_rows

_BATCH = 32  # patches of 224 x 224 that stay in the second cache

TYPES: dict[str, Any] = {
    "axis": np.int8, "index": np.int32, "y0": np.int32, "y1": np.int32, "x0": np.int32, "x1": np.int32,
    "valid_h": np.int32, "valid_w": np.int32, "dhash": np.uint64, "structure": np.float64, "noise": np.float64,
    "mode_fraction": np.float64, "saturated": np.float64, "gate": object,
}  # fmt: skip
IN_2D = -1
"""The axis of patches of 2D images, in tables."""


@dataclass(frozen=True)
class Cutting:
    """How patches are cut and gated.

    Attributes:
        size: side of a patch in pixels.
        stride: pixels from one patch to the next.
        policy: what happens at the end of a side.
        small: what becomes of sections smaller than a patch.
        gate: marks empty patches; None: none.
        jitter: seed of an offset of the grid of each section; None: all grids begin at 0.
    """

    size: int
    stride: int
    policy: Policy
    small: Small
    gate: Gate | None
    jitter: int | None = None


@dataclass(frozen=True)
class BlockTask:
    """A block of a volume, and the sections of each axis that are wanted: sorted numbers, by axis."""

    source: Source
    block: Block
    wanted: dict[int, NDArray[np.int64]]


@dataclass(frozen=True)
class SectionsTask:
    """Sections of a volume of which each has a grid of its own: the axis, and their sorted numbers."""

    source: Source
    axis: int
    sections: NDArray[np.int64]


def section_grids(
    cutting: Cutting, dataset: str, axis: int, index: int, shape: tuple[int, int]
) -> tuple[list[Interval], list[Interval]]:
    """Intervals of the patches of one section of that height and width: down the rows, along the columns."""
    offsets = (0, 0)
    if cutting.jitter is not None:
        down, along = (grid_room(side, cutting.size, cutting.stride) for side in shape)
        offsets = section_offsets(f"{cutting.jitter} {dataset} {axis} {index}", (down, along))
    rows, columns = (
        patch_grid(side, cutting.size, cutting.stride, cutting.policy, cutting.small, offset)
        for side, offset in zip(shape, offsets, strict=True)
    )
    return rows, columns


def cut_sections(cutting: Cutting, task: SectionsTask) -> Columns:
    """Cut all patches of some sections, section by section.

    Raises:
        UnreadableVolume: the source is damaged here.
        OSError: it cannot be read.
    """
    volume = opened_source(task.source)
    ends = [end for side in volume.shape for end in (0, side)]
    ends[2 * task.axis : 2 * task.axis + 2] = int(task.sections[0]), int(task.sections[-1]) + 1
    box = Box(*ends)
    voxels, absent = task.source.gray(box), volume.absent(box)
    shape = section_shape(volume.shape, task.axis)
    parts = [empty()]
    for index in task.sections:
        grids = section_grids(cutting, task.source.dataset, task.axis, int(index), shape)
        for rows in grids[0]:
            for columns in grids[1]:
                parts += _cell(cutting, voxels, box, absent, task.axis, np.array([index]), rows, columns)
    return join_rows(parts)


def cut_block(cutting: Cutting, task: BlockTask) -> Columns:
    """Cut all patches of a block.

    Raises:
        UnreadableVolume: the source is damaged here.
        OSError: it cannot be read.
    """
    block = task.block
    owned = {
        axis: [_among(task.wanted.get(axis), one.low, one.high) for one in some]
        for axis, some in ((0, (block.z,)), (1, block.ys), (2, block.xs))
    }
    box = _needed(block, owned, task.wanted)
    parts = [empty()]
    if box is not None:
        voxels, absent = task.source.gray(box), opened_source(task.source).absent(box)
        for axis, sections, rows, columns in _cells(block, owned):
            parts += _cell(cutting, voxels, box, absent, axis, sections, rows, columns)
    return join_rows(parts)


def cut_image(cutting: Cutting, gray: NDArray[np.uint8], number: int, dataset: str) -> Columns:
    """Cut all patches of a 2D image, which has a number in its dataset."""
    parts = [empty()]
    grids = section_grids(cutting, dataset, IN_2D, number, (gray.shape[0], gray.shape[1]))
    for rows in grids[0]:
        for columns in grids[1]:
            patch = cut(gray, rows, columns)[None]
            parts.append(_columns(cutting, patch, IN_2D, np.array([number]), rows, columns, np.zeros(1, np.bool_)))
    return join_rows(parts)


def load_patch_kernels() -> None:
    """Compile or load what cuts patches, so that workers which are forked then have it."""
    cutting = Cutting(32, 32, "overlap", "pad", Gate())
    cut_image(cutting, np.arange(32 * 32, dtype=np.int64).astype(np.uint8).reshape(32, 32), 0, "")
    yz_sections(np.zeros((1, 1, 1), np.uint8))


def empty() -> Columns:
    """The columns without a row."""
    return {name: np.empty(0, kind) for name, kind in TYPES.items()}


def _among(wanted: NDArray[np.int64] | None, low: int, high: int) -> NDArray[np.int64]:
    if wanted is None:
        return np.empty(0, np.int64)
    return wanted[np.searchsorted(wanted, low) : np.searchsorted(wanted, high)]


def _needed(block: Block, owned: dict[int, list[NDArray[np.int64]]], wanted: dict[int, Any]) -> Box | None:
    """The voxels to read: all of the block's, or of its xy sections only those between the first and the last."""
    if set(wanted) - {0}:
        return block.box()
    (sections,) = owned[0]
    if not len(sections):
        return None
    return block.box()._replace(z0=int(sections[0]), z1=int(sections[-1]) + 1)


Cell = tuple[int, NDArray[np.int64], Interval, Interval]


def _cells(block: Block, owned: dict[int, list[NDArray[np.int64]]]) -> Iterator[Cell]:
    """Axis, section numbers, rows and columns of patches that are cut together."""
    z = block.z.interval
    for y, in_y in zip(block.ys, owned[1], strict=True):
        for x, in_x in zip(block.xs, owned[2], strict=True):
            if y.interval is not None and x.interval is not None:
                yield 0, owned[0][0], y.interval, x.interval
            if z is not None and x.interval is not None:
                yield 1, in_y, z, x.interval
            if z is not None and y.interval is not None:
                yield 2, in_x, z, y.interval


def _cell(
    cutting: Cutting,
    voxels: NDArray[np.uint8],
    box: Box,
    absent: list[Box],
    axis: int,
    sections: NDArray[np.int64],
    rows: Interval,
    columns: Interval,
) -> Iterator[Columns]:
    down, along = {0: (2, 4), 1: (0, 4), 2: (0, 2)}[axis]
    index: list[Any] = [None, None, None]
    index[down // 2] = slice(rows.start - box[down], rows.valid - box[down])
    index[along // 2] = slice(columns.start - box[along], columns.valid - box[along])
    for start in range(0, len(sections), _BATCH):
        some = sections[start : start + _BATCH]
        index[axis] = some - box[2 * axis]
        if some[-1] - some[0] == len(some) - 1:  # neighbours: a view, no copy
            index[axis] = slice(int(some[0]) - box[2 * axis], int(some[-1]) + 1 - box[2 * axis])
        part = voxels[tuple(index)]
        patches = yz_sections(part) if axis == 2 else np.ascontiguousarray(np.moveaxis(part, axis, 0))
        below, beside = rows.stop - rows.valid, columns.stop - columns.valid
        if below or beside:
            patches = np.pad(patches, ((0, 0), (0, below), (0, beside)), mode="reflect")
        missing = np.zeros(len(some), np.bool_)
        for hole in absent:
            if (hole[down] < rows.valid and rows.start < hole[down + 1]
                    and hole[along] < columns.valid and columns.start < hole[along + 1]):  # fmt: skip
                missing |= (hole[2 * axis] <= some) & (some < hole[2 * axis + 1])
        yield _columns(cutting, patches, axis, some, rows, columns, missing)


def _columns(
    cutting: Cutting,
    patches: NDArray[np.uint8],
    axis: int,
    sections: NDArray[np.int64],
    rows: Interval,
    columns: Interval,
    missing: NDArray[np.bool_],
) -> Columns:
    found = measure_structure(patches)
    whole = patches.shape[1:] == (cutting.size, cutting.size)
    hashes = (
        patch_hashes(patches, cutting.size)
        if whole
        else np.array([patch_hash(patch, cutting.size) for patch in patches], np.uint64)
    )
    gate = np.full(len(patches), "", object)
    if cutting.gate is not None:
        gate = cutting.gate.reasons(found)
        gate[missing] = "missing_chunk"
    same = {
        "axis": axis, "y0": rows.start, "y1": rows.stop, "x0": columns.start, "x1": columns.stop,
        "valid_h": rows.real, "valid_w": columns.real,
    }  # fmt: skip
    each = {
        "index": sections, "dhash": hashes, "structure": found.structure, "noise": found.noise,
        "mode_fraction": found.mode_fraction, "saturated": found.saturated, "gate": gate,
    }  # fmt: skip
    return {
        name: np.full(len(patches), same[name], kind) if name in same else each[name].astype(kind, copy=False)
        for name, kind in TYPES.items()
    }
