"""OME-Zarr 0.4 and 0.5 and plain zarr 2 and 3 in a folder: levels by their scale, chunks that are absent told apart."""

from __future__ import annotations

import itertools
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.volume.box import Box, intersect
from semtrace.core.volume.voxels import VoxelSize, voxel_size
from semtrace.io.volumes.volume import MAX_BLOCK, ReadingChoices, UnreadableVolume, Volume

_METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")


def is_zarr(folder: Path) -> bool:
    """Whether a folder is a zarr store."""
    return any((folder / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray"))


def open_zarr(folder: Path, reading: ReadingChoices) -> list[Volume]:
    """The volume of a store: the wanted level of OME-Zarr, or the array itself.

    Raises:
        UnreadableVolume: damaged, or of a kind that is not read.
    """
    import zarr  # of the extra `curation`; the main job works without it

    try:
        node: Any = zarr.open(str(folder), mode="r")
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # zarr that is fed damaged metadata raises anything
        raise _corrupt(error, folder) from None
    if isinstance(node, zarr.Array):
        return [_volume(folder, node, [""] * node.ndim, VoxelSize(), "Zarr", None, reading)]
    attributes = dict(node.attrs)
    scales = attributes.get("ome", attributes).get("multiscales") if isinstance(attributes, dict) else None
    if not scales:
        raise UnreadableVolume("unsupported", "a zarr group without multiscales: name one of its arrays")
    return [_from_multiscale(folder, node, scales[0], reading)]


def _from_multiscale(folder: Path, node: Any, said: dict[str, Any], reading: ReadingChoices) -> Volume:
    try:
        axes = [axis if isinstance(axis, str) else str(axis["name"]) for axis in said["axes"]]
        units = [None if isinstance(axis, str) else axis.get("unit") for axis in said["axes"]]
        common = _scale(said, len(axes))
        levels = sorted(
            ([a * b for a, b in zip(_scale(one, len(axes)), common, strict=True)], str(one["path"]))
            for one in said["datasets"]
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableVolume("corrupt", f"multiscales: {type(error).__name__} {error}") from None
    if not {"y", "x"} <= set(axes):
        raise UnreadableVolume("unsupported", f"axes {axes}")
    space = [i for i, axis in enumerate(axes) if axis in ("z", "y", "x")]
    levels.sort(key=lambda level: (math.prod(level[0][i] for i in space), level[1]))
    if reading.level >= len(levels):
        raise UnreadableVolume("missing_level", f"level {reading.level} of {len(levels)} is not there")
    scale, path = levels[reading.level]
    import zarr

    if path.startswith("/") or ".." in path.split("/"):
        raise UnreadableVolume("outside_root", f"a level outside the store: {path}")
    try:
        array = node[path]
    except KeyError:
        raise UnreadableVolume("missing_level", f"level {reading.level} ({path}) is not there") from None
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # as in open_zarr
        raise _corrupt(error, folder) from None
    if not isinstance(array, zarr.Array) or array.ndim != len(axes):
        raise UnreadableVolume("corrupt", f"level {path} is no array of axes {axes}")
    where = {axis: i for i, axis in enumerate(axes)}
    sides = [scale[where[axis]] if axis in where else None for axis in "zyx"]
    named = [units[where[axis]] if axis in where else None for axis in "zyx"]
    voxel = voxel_size(sides, named, "OME-Zarr scale")
    return _volume(folder / path, array, axes, voxel, "OME-Zarr", reading.level, reading)


def _scale(said: dict[str, Any], axes: int) -> list[float]:
    for one in said.get("coordinateTransformations", []):
        if one.get("type") == "scale" and "scale" in one:
            scale = [float(value) for value in one["scale"]]
            if len(scale) != axes:
                raise ValueError(f"a scale of {len(scale)} numbers for {axes} axes")
            return scale
    return [1.0] * axes


def _volume(
    folder: Path, array: Any, axes: list[str], voxel: VoxelSize, kind: str, level: int | None, reading: ReadingChoices
) -> Volume:
    dtype = np.dtype(array.dtype)
    if dtype.kind not in "buif":
        raise UnreadableVolume("unsupported", f"voxels of type {dtype}")
    chunks = tuple(int(side) for side in (array.shards or array.chunks))
    if math.prod(chunks) * dtype.itemsize > MAX_BLOCK:
        raise UnreadableVolume("too_large", f"chunks of {chunks} voxels")
    fixed, order = _place(axes, tuple(array.shape), reading)
    three = [array.shape[axis] if axis is not None else 1 for axis in order]
    if min(three) < 1:
        raise UnreadableVolume("empty", f"a volume of {three} voxels")
    view = _View(folder, array, fixed, order, chunks)
    view.check()
    shape = (int(three[0]), int(three[1]), int(three[2]))
    absent = view.absent(Box(0, shape[0], 0, shape[1], 0, shape[2]))
    notes = (f"{len(absent)} chunks are absent",) if absent else ()
    native = dtype.newbyteorder("=")
    return Volume(kind, shape, native, voxel, view.load, level=level, notes=notes, absent=view.absent)


def _place(axes: list[str], shape: tuple[int, ...], reading: ReadingChoices) -> tuple[dict[int, int], list[int | None]]:
    """Index on each axis that is not kept, and the array's axis for z, y and x (None: there is none)."""
    if any(axes):
        where = {axis: i for i, axis in enumerate(axes)}
        order: list[int | None] = [where.get("z"), where["y"], where["x"]]
    else:  # a plain array: what is longer than 1 counts, from the right
        kept = [i for i, side in enumerate(shape) if side > 1] if len(shape) > 3 else list(range(len(shape)))
        if len(kept) > 3 or len(shape) < 2:
            raise UnreadableVolume("unsupported", f"an array of shape {shape}")
        kept = sorted({*kept, *range(len(shape) - 3, len(shape))} if len(kept) < 3 <= len(shape) else kept)[-3:]
        order = [None] * (3 - len(kept)) + list(kept)
    fixed = {}
    for axis, side in enumerate(shape):
        if axis in order:
            continue
        name = axes[axis]
        if name == "c" and side > 1:
            if reading.channel >= side:
                raise UnreadableVolume("missing_channel", f"channel {reading.channel} of {side} is not there")
            fixed[axis] = reading.channel
        elif side != 1:
            raise UnreadableVolume("unsupported", f"axis {name or axis} of length {side}")
        else:
            fixed[axis] = 0
    return fixed, order


class _View:
    """A zarr array seen as z, y, x."""

    def __init__(
        self, folder: Path, array: Any, fixed: dict[int, int], order: list[int | None], chunks: tuple[int, ...]
    ) -> None:
        self._folder, self._array, self._fixed, self._order, self._chunks = folder, array, fixed, order, chunks

    def check(self) -> None:
        """Refuse a store whose metadata promise far more than it holds: no chunk, or one in ten thousand."""
        stored = sum(name not in _METADATA for _, _, files in os.walk(self._folder) for name in files)
        promised = math.prod(-(-side // chunk) for side, chunk in zip(self._array.shape, self._chunks, strict=True))
        if stored < max(1, promised // 10_000):
            raise UnreadableVolume("missing_chunks", f"about {stored} of {promised} chunks are there")

    def load(self, box: Box) -> NDArray[Any]:
        index: list[Any] = [self._fixed.get(axis, 0) for axis in range(self._array.ndim)]
        for axis, interval in zip(self._order, box.slices, strict=True):
            if axis is not None:
                index[axis] = interval
        try:
            part: NDArray[Any] = np.asarray(self._array[tuple(index)])
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # a decoder that is fed damaged bytes raises anything
            raise _corrupt(error, self._folder) from None
        kept = [axis for axis in self._order if axis is not None]
        part = part.transpose([sorted(kept).index(axis) for axis in kept]).reshape(box.shape)
        return np.array(part, dtype=part.dtype.newbyteorder("="), order="C")

    def absent(self, box: Box) -> list[Box]:
        """The parts of ``box`` whose chunks have no file."""
        chunks = [self._chunks[axis] if axis is not None else 1 for axis in self._order]
        ranges = [
            range(box[2 * i] // chunks[i], -(-box[2 * i + 1] // chunks[i]))
            for i in range(3)
        ]  # fmt: skip
        found = []
        for place in itertools.product(*ranges):
            coordinates = [self._fixed.get(axis, 0) // self._chunks[axis] for axis in range(self._array.ndim)]
            for axis, number in zip(self._order, place, strict=True):
                if axis is not None:
                    coordinates[axis] = number
            if not (self._folder / self._array.metadata.encode_chunk_key(tuple(coordinates))).exists():
                ends = [(n * c, n * c + c) for n, c in zip(place, chunks, strict=True)]
                part = intersect(Box(*(end for pair in ends for end in pair)), box)
                if part is not None:
                    found.append(part)
        return found


def _corrupt(error: Exception, folder: Path) -> UnreadableVolume:
    return UnreadableVolume("corrupt", f"zarr: {type(error).__name__} {error}".replace(str(folder), "…"))
