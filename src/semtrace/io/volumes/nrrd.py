"""NRRD files with their data inside or in a file beside them; sizes and spacings are stored x first."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import Any, cast

import numpy as np

from semtrace.core.volume.voxels import VoxelSize, voxel_size
from semtrace.io.files import UnsafePathError, open_regular, safe_join
from semtrace.io.volumes.mapped import loader, map_voxels, whole_sections
from semtrace.io.volumes.unpack import unpack
from semtrace.io.volumes.volume import ReadingChoices, UnreadableVolume, Volume, check_shape

_LONGEST_HEADER = 1 << 20
_TYPES = {
    "signed char": "i1", "int8": "i1", "int8_t": "i1", "uchar": "u1", "unsigned char": "u1", "uint8": "u1",
    "uint8_t": "u1", "short": "i2", "short int": "i2", "signed short": "i2", "int16": "i2", "int16_t": "i2",
    "ushort": "u2", "unsigned short": "u2", "uint16": "u2", "uint16_t": "u2", "int": "i4", "signed int": "i4",
    "int32": "i4", "int32_t": "i4", "uint": "u4", "unsigned int": "u4", "uint32": "u4", "uint32_t": "u4",
    "longlong": "i8", "int64": "i8", "int64_t": "i8", "ulonglong": "u8", "uint64": "u8", "uint64_t": "u8",
    "float": "f4", "double": "f8",
}  # fmt: skip


def is_nrrd(head: bytes) -> bool:
    """Whether a file begins as NRRD does."""
    return head.startswith(b"NRRD000")


def data_file(path: Path) -> Path | None:
    """The file that a detached header names, next to it or below; None where the data are in the file itself.

    Raises:
        UnreadableVolume: ``outside_root`` for one that lies elsewhere: it is not opened.
    """
    header, _ = _read_header(path)
    return _data_file(path, header)


def open_nrrd(path: Path, reading: ReadingChoices, scratch: Path) -> list[Volume]:
    """The volume of a header and its data.

    Raises:
        UnreadableVolume: damaged, cut off, or of a kind that is not read.
        OSError: a file cannot be read at all.
    """
    header, offset = _read_header(path)
    detached = _data_file(path, header)
    data, offset = (path, offset) if detached is None else (detached, 0)
    dtype = _dtype(header)
    sides, spatial = _sides(header)
    check_shape(sides, dtype.itemsize)
    if _number(header, "line skip", "lineskip"):
        raise UnreadableVolume("unsupported", "a line skip")
    skip, wanted = _number(header, "byte skip", "byteskip"), math.prod(sides) * dtype.itemsize
    encoding = str(header.get("encoding", "")).lower()
    if encoding in ("gzip", "gz", "bzip2", "bz2"):
        if skip < 0:
            raise UnreadableVolume("corrupt", "a negative byte skip in compressed data")
        data, size = unpack(data, wanted + skip, scratch, offset=offset)
        offset = skip
    elif encoding == "raw":
        size = data.stat().st_size
        offset = size - wanted if skip == -1 else offset + skip
    else:
        raise UnreadableVolume("unsupported", f"encoding {encoding!r}")
    if offset < 0:
        raise UnreadableVolume("truncated", "the file ends before its voxels do")
    sections, note = whole_sections(max(0, size - offset), sides, dtype.itemsize, salvage=reading.salvage)
    voxels = map_voxels(data, dtype, offset, (sections, *sides[1:]))
    shape = (sections, *sides[1:])
    native = dtype.newbyteorder("=")
    notes = (note,) if note else ()
    return [Volume("NRRD", shape, native, _voxel(header, spatial), loader(voxels), notes=notes)]


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    import nrrd  # of the extra `curation`; the main job works without it

    with open_regular(path) as file:
        stream = io.BytesIO(file.read(_LONGEST_HEADER))  # a header without end is cut here
    try:
        header = nrrd.read_header(stream)
    except (nrrd.NRRDError, ValueError, KeyError, IndexError, TypeError, UnicodeError, AttributeError) as error:
        raise UnreadableVolume("corrupt", f"NRRD header: {error}") from None
    return cast("dict[str, Any]", header), stream.tell()


def _data_file(path: Path, header: dict[str, Any]) -> Path | None:
    named = header.get("data file", header.get("datafile"))
    if named is None:
        return None
    name = str(named).strip()
    if name.startswith("LIST") or "%" in name:
        raise UnreadableVolume("unsupported", f"several data files: {name}")
    try:
        data = safe_join(path.parent, name)
    except UnsafePathError:
        raise UnreadableVolume("outside_root", f"data file outside the root: {name}") from None
    if not os.path.lexists(data):
        raise UnreadableVolume("missing_data", f"data file {name} is not there")
    return data


def _dtype(header: dict[str, Any]) -> np.dtype[Any]:
    code = _TYPES.get(str(header.get("type", "")).lower())
    if code is None:
        raise UnreadableVolume("unsupported", f"voxels of type {header.get('type')!r}")
    big = str(header.get("endian", "little")).lower() == "big"
    return np.dtype((">" if big else "<") + code)


def _sides(header: dict[str, Any]) -> tuple[tuple[int, int, int], list[int]]:
    """Sections, rows, columns; and the number of the header's axis that each of x, y, z is."""
    sizes = [int(size) for size in header.get("sizes", [])]
    axes = list(range(len(sizes)))
    for axis in list(axes):
        if len(axes) > 3 and sizes[axis] == 1:
            axes.remove(axis)
    if len(axes) == 2:
        return (1, sizes[axes[1]], sizes[axes[0]]), axes
    if len(axes) != 3:
        raise UnreadableVolume("unsupported", f"{len(sizes)} axes of sizes {sizes}")
    x, y, z = axes
    return (sizes[z], sizes[y], sizes[x]), axes


def _number(header: dict[str, Any], *names: str) -> int:
    return next((int(header[name]) for name in names if name in header), 0)


def _voxel(header: dict[str, Any], axes: list[int]) -> VoxelSize:
    """Spacings in z, y, x; NRRD without a unit has none, whatever other readers assume."""
    directions, spacings = header.get("space directions"), header.get("spacings")
    sides: list[float | None] = [None, None, None]
    units: list[str | None] = [None, None, None]
    source = ""
    for place, axis in enumerate(axes):
        if directions is not None:
            row = directions[axis]
            sides[2 - place] = None if row is None else float(np.linalg.norm(np.asarray(row, np.float64)))
            named, source, where = header.get("space units"), "NRRD space directions", place
        elif spacings is not None:
            sides[2 - place] = float(spacings[axis])
            named, source, where = header.get("units"), "NRRD spacings", axis
        else:
            continue
        if named is not None and where < len(named) and str(named[where]).strip('" '):
            units[2 - place] = str(named[where])
    return voxel_size(sides, units, source)
