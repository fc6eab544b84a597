"""What every reader of volumes gives: a shape, a type, a voxel size, and voxels on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.volume.box import Box
from semtrace.core.volume.voxels import VoxelSize

MAX_BLOCK = 2**31
"""Bytes that one section, page or chunk may have: more is refused before memory is taken."""


class UnreadableVolume(ValueError):  # noqa: N818  (a finding about a file, not a fault of the program)
    """The bytes give no volume.

    Attributes:
        reason: a code, such as ``truncated``, ``corrupt``, ``unsupported``, ``outside_root``, ``too_large``.
        detail: one line for people. The same bytes always give the same line.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, " ".join(detail.split())[:300]
        super().__init__(f"{reason}: {self.detail}")

    def __reduce__(self) -> tuple[type[UnreadableVolume], tuple[str, str]]:
        """Pickle both arguments: a worker process sends it home."""
        return type(self), (self.reason, self.detail)


@dataclass(frozen=True)
class ReadingChoices:
    """How volumes are read (part of conf/curation/import).

    Attributes:
        mode0: sign of the bytes of MRC mode 0: ``auto``, ``signed`` or ``unsigned``.
        channel: the channel that is taken of several, from 0.
        level: resolution level of OME-Zarr, 0 is the finest.
        salvage: take the whole sections of a truncated file instead of refusing it.
    """

    mode0: str = "auto"
    channel: int = 0
    level: int = 0
    salvage: bool = False

    def __post_init__(self) -> None:
        if self.mode0 not in ("auto", "signed", "unsigned"):
            raise ValueError(f"mode0 is {self.mode0!r}; it must be auto, signed or unsigned")
        for name in ("channel", "level"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 0 or more")


def _nothing(_: Box) -> list[Box]:
    return []


@dataclass(frozen=True)
class Volume:
    """One volume of a file or folder; its voxels stay where they are until they are asked for.

    Attributes:
        format: MRC, NRRD, TIFF, OME-Zarr, Zarr or sections.
        shape: sections, rows, columns (z, y, x), each at least 1.
        dtype: of the voxels that ``read`` gives.
        voxel: voxel size.
        load: gives the voxels of a box; use ``read``.
        part: ``V0``, ``V1``, … in a stack of several volumes; else empty.
        sign: what decided whether bytes are signed; empty where the question does not arise.
        level: resolution level; None where there is one alone.
        notes: what a person should know.
        absent: gives the parts of a box whose voxels are not stored: missing chunks, missing sections.
    """

    format: str
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    voxel: VoxelSize
    load: Callable[[Box], NDArray[Any]] = field(repr=False)
    part: str = ""
    sign: str = ""
    level: int | None = None
    notes: tuple[str, ...] = ()
    absent: Callable[[Box], list[Box]] = field(default=_nothing, repr=False)

    def read(self, box: Box) -> NDArray[Any]:
        """The voxels of ``box``, shape ``box.shape``, in z, y, x.

        Raises:
            ValueError: the box is empty or leaves the volume.
            UnreadableVolume: a part of the file that was not looked at before is damaged.
        """
        if any(not 0 <= box[2 * i] < box[2 * i + 1] <= self.shape[i] for i in range(3)):
            raise ValueError(f"{box} is no box inside a volume of shape {self.shape}")
        return self.load(box)


def part_of_volume(volume: Volume, box: Box) -> Volume:
    """A part of a volume as a volume of its own, whose first voxel is that of ``box``.

    Raises:
        UnreadableVolume: the box leaves the volume, which has changed.
    """
    if any(not 0 <= box[2 * i] < box[2 * i + 1] <= volume.shape[i] for i in range(3)):
        raise UnreadableVolume("changed", f"{box} does not lie in a volume of {volume.shape} voxels")

    def absent(part: Box) -> list[Box]:
        back = (-box.z0, -box.y0, -box.x0)
        return [hole.moved(back) for hole in volume.absent(part.moved(box.origin))]

    return replace(volume, shape=box.shape, load=lambda part: volume.load(part.moved(box.origin)), absent=absent)


def check_shape(sides: tuple[int, ...], itemsize: int) -> None:
    """Refuse a volume that has no voxel, or sections beyond ``MAX_BLOCK``.

    Raises:
        UnreadableVolume: ``empty`` or ``too_large``.
    """
    if min(sides, default=0) < 1:
        raise UnreadableVolume("empty", f"a volume of {' x '.join(map(str, sides))} voxels")
    if sides[-1] * sides[-2] * itemsize > MAX_BLOCK:
        raise UnreadableVolume("too_large", f"sections of {sides[-2]} x {sides[-1]} voxels")
