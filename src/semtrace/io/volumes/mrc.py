"""MRC and CCP4 files, plain or compressed: modes 0, 1, 2, 6 and 12, any order of axes, stacks of volumes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from semtrace.core.volume.voxels import VoxelSize, voxel_size
from semtrace.io.files import open_regular
from semtrace.io.volumes import unpack
from semtrace.io.volumes.mapped import loader, map_voxels, whole_sections
from semtrace.io.volumes.volume import ReadingChoices, UnreadableVolume, Volume, check_shape

HEADER = 1024
_SIDE = 2**31 - 1


def is_mrc(head: bytes) -> bool:
    """Whether a file that begins with these 1,024 bytes is MRC: the word ``MAP``, or an old header that makes sense."""
    if len(head) < HEADER:
        return False
    if head[208:211] == b"MAP":
        return True
    header, _ = _header(head)
    sides = (int(header.nx), int(header.ny), int(header.nz))
    return (
        all(0 < side < 2**20 for side in sides)
        and int(header.mode) in (0, 1, 2, 3, 4, 6, 12)
        and sorted((int(header.mapc), int(header.mapr), int(header.maps))) in ([0, 0, 0], [1, 2, 3])
        and not any(head[208:212])
    )


def open_mrc(path: Path, reading: ReadingChoices, scratch: Path) -> list[Volume]:
    """The volumes of a file: one, or several where its space group says that it is a stack of volumes.

    Raises:
        UnreadableVolume: damaged, cut off, or of a kind that is not read.
        OSError: it cannot be read at all.
    """
    from mrcfile import utils  # of the extra `curation`; the main job works without it

    with open_regular(path) as file:
        head, size = file.read(HEADER), os.fstat(file.fileno()).st_size
    compressed = unpack.is_compressed(head)
    if compressed:
        head = unpack.peek(path, HEADER)
    if len(head) < HEADER:
        raise UnreadableVolume("truncated", f"{len(head)} bytes; the header alone has {HEADER}")
    header, order_of_bytes = _header(head)
    dtype = _dtype(header, order_of_bytes)
    file_sides = int(header.nz), int(header.ny), int(header.nx)
    check_shape(file_sides, dtype.itemsize)
    if int(header.nsymbt) < 0 or max(file_sides) > _SIDE:
        raise UnreadableVolume("corrupt", f"an extended header of {int(header.nsymbt)} bytes")
    offset = HEADER + int(header.nsymbt)
    if compressed:
        wanted = offset + file_sides[0] * file_sides[1] * file_sides[2] * dtype.itemsize
        path, size = unpack.unpack(path, wanted, scratch)
    sections, note = whole_sections(max(0, size - offset), file_sides, dtype.itemsize, salvage=reading.salvage)
    voxels = map_voxels(path, dtype, offset, (sections, *file_sides[1:]))
    notes = [note] if note else []
    order = _axes(header)
    stack = utils.spacegroup_is_volume_stack(header.ispg) and 0 < int(header.mz) < file_sides[0]
    depth = int(header.mz) if stack else file_sides[0]
    if stack and file_sides[0] % depth:
        raise UnreadableVolume("corrupt", f"a stack of volumes of {depth} sections has {file_sides[0]}")
    signed, rule = _sign(header, head, voxels, reading.mode0) if int(header.mode) == 0 else (False, "")
    voxel = _voxel(header, order, (depth, *file_sides[1:]), several=bool(stack))
    found = []
    for number, start in enumerate(range(0, sections, depth)):
        part = voxels[start : start + depth].transpose(order)
        plain = np.dtype(np.uint8) if int(header.mode) == 0 else dtype.newbyteorder("=")
        pixels = loader(part, _decoder(header, signed))
        name = f"V{number}" if stack else ""
        found.append(Volume("MRC", _three(part.shape), plain, voxel, pixels, name, rule, notes=tuple(notes)))
    return found


def _header(head: bytes) -> tuple[Any, Literal["<", ">"]]:
    """The header, and the order of bytes by its machine stamp; where that lies, the mode, a small number, decides."""
    from mrcfile import dtypes, utils  # of the extra `curation`; the main job works without it

    try:
        order: Literal["<", ">"] = utils.byte_order_from_machine_stamp(head[212:216])
    except ValueError:  # an old file, or a careless writer
        order = "<"
    if int.from_bytes(head[12:16], "little" if order == "<" else "big") >= 2**16:
        order = ">" if order == "<" else "<"
    header = np.frombuffer(head[:HEADER], dtypes.HEADER_DTYPE.newbyteorder(order)).view(np.recarray)[0]
    return header, order


def _dtype(header: Any, order: Literal["<", ">"]) -> np.dtype[Any]:
    from mrcfile import utils

    mode = int(header.mode)
    if mode in (3, 4):
        raise UnreadableVolume("unsupported", f"mode {mode}: complex numbers, a transform and no image")
    try:
        dtype: np.dtype[Any] = utils.dtype_from_mode(mode)
    except ValueError:
        raise UnreadableVolume("unsupported", f"mode {mode}") from None
    return dtype.newbyteorder(order)


def _axes(header: Any) -> tuple[int, int, int]:
    """Which axis of the file (0 section, 1 row, 2 column) runs along z, y and x."""
    of_file = [int(header.maps), int(header.mapr), int(header.mapc)]
    if of_file == [0, 0, 0]:
        return 0, 1, 2
    if sorted(of_file) != [1, 2, 3]:
        raise UnreadableVolume("corrupt", f"axes MAPC, MAPR, MAPS {of_file[2]}, {of_file[1]}, {of_file[0]}")
    return of_file.index(3), of_file.index(2), of_file.index(1)


def _voxel(header: Any, order: tuple[int, int, int], sides: tuple[int, ...], *, several: bool) -> VoxelSize:
    """Cell lengths, which are along x, y, z, over the sampling; some writers give the sampling in the file's order."""
    cell = [float(header.cella.z), float(header.cella.y), float(header.cella.x)]
    sampling = [int(header.mz), int(header.my), int(header.mx)]
    note = ""
    if order != (0, 1, 2) and tuple(sampling) == tuple(sides):
        sampling = [sampling[axis] for axis in order]
        note = "sampling in the order of the file's axes"
    if int(header.ispg) == 0 and int(header.mz) == 1 and sides[0] > 1 and not several:
        cell[0], note = 0.0, "a stack of images: z spacing unknown"
    lengths = [length / count if count > 0 else None for length, count in zip(cell, sampling, strict=True)]
    return voxel_size(lengths, ["angstrom"] * 3, "MRC cell", note)


def _sign(header: Any, head: bytes, voxels: NDArray[Any], mode0: str) -> tuple[bool, str]:
    if mode0 != "auto":
        return mode0 == "signed", f"{mode0}: as set"
    if head[152:156] in (b"IMOD", b"DOMI"):
        flags = int.from_bytes(head[156:160], "little" if head[152:156] == b"IMOD" else "big")
        return bool(flags & 1), f"{'signed' if flags & 1 else 'unsigned'}: imod flag"
    low, high = float(header.dmin), float(header.dmax)
    if low < high and high > 127:
        return False, "unsigned: header range"
    if low < high and low < 0:
        return True, "signed: header range"
    signed = _roughness(voxels, signed=True) <= _roughness(voxels, signed=False)
    return signed, f"{'signed' if signed else 'unsigned'}: guessed"


def _roughness(voxels: NDArray[Any], *, signed: bool) -> float:
    """Mean difference between neighbours of up to nine sections; read with the wrong sign it doubles."""
    total, count = 0, 0
    for index in sorted({round(step * (len(voxels) - 1) / 8) for step in range(9)}):
        section = np.asarray(voxels[index]).view(np.int8 if signed else np.uint8).astype(np.int16)
        for axis in (0, 1):
            steps = np.abs(np.diff(section, axis=axis))
            total, count = total + int(steps.sum()), count + steps.size
    return total / max(count, 1)


def _decoder(header: Any, signed: bool) -> Any:
    if int(header.mode) != 0:
        return None
    return _shifted if signed else _plain


def _plain(part: NDArray[Any]) -> NDArray[np.uint8]:
    return part.view(np.uint8)


def _shifted(part: NDArray[Any]) -> NDArray[np.uint8]:
    """Value + 128, which swaps the highest bit."""
    return part.view(np.uint8) ^ np.uint8(128)


def _three(sides: tuple[int, ...]) -> tuple[int, int, int]:
    z, y, x = sides
    return z, y, x
