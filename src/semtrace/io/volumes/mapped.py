"""Plain voxels in a file: a memory map, checked against the file's real size."""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.volume.box import Box
from semtrace.io.files import open_regular
from semtrace.io.volumes.volume import UnreadableVolume


def map_voxels(path: Path, dtype: np.dtype[Any], offset: int, sides: tuple[int, ...]) -> NDArray[Any]:
    """Map ``sides`` voxels that lie in C order from byte ``offset`` of a file; nothing is read.

    Raises:
        UnreadableVolume: ``truncated``, where the file is shorter.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size < offset + math.prod(sides) * dtype.itemsize:
            raise UnreadableVolume("truncated", "the file ends before its voxels do")
        return np.memmap(file, dtype, "r", offset, sides)


def whole_sections(found: int, sides: tuple[int, int, int], itemsize: int, *, salvage: bool) -> tuple[int, str]:
    """How many sections lie in ``found`` bytes of voxels, and the note that they are not all.

    Raises:
        UnreadableVolume: ``truncated``, unless ``salvage`` and at least one section is whole.
    """
    sections = min(sides[0], found // (sides[1] * sides[2] * itemsize))
    if sections == sides[0]:
        return sections, ""
    detail = f"{sections} of {sides[0]} sections are whole"
    if not salvage or sections == 0:
        raise UnreadableVolume("truncated", detail)
    return sections, f"salvaged: {detail}"


def loader(array: NDArray[Any], decode: Callable[[NDArray[Any]], NDArray[Any]] | None = None) -> Callable[[Box], Any]:
    """What ``Volume.load`` is of an array (Z, Y, X): a copy of a box in native byte order, after ``decode``.

    The pages of a memory map that were read are given back: without that, a process holds the whole file in the end.
    """
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base

    def load(box: Box) -> NDArray[Any]:
        part = np.array(array[box.slices], dtype=array.dtype.newbyteorder("="), order="C", subok=False)
        if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):  # Windows has none
            base.madvise(mmap.MADV_DONTNEED)
        return part if decode is None else decode(part)

    return load
