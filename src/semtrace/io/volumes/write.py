"""Volumes written: OME-Zarr 0.5 with its levels, MRC with its voxel size."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from semtrace.core.volume.box import Box


def write_ome_zarr(
    path: Path, array: NDArray[np.uint8], nm: float | Sequence[float | None], *, levels: int = 2, chunk: int = 64
) -> None:
    """Write a volume (Z, Y, X) as OME-Zarr 0.5; each level halves it.

    Args:
        path: a new folder.
        array: the voxels.
        nm: sides of a voxel in nanometres, one or z, y, x; where one is None the scale is 1 without a unit.
        levels: of resolution.
        chunk: side of a chunk in voxels.
    """
    import zarr

    sides = [nm] * 3 if isinstance(nm, int | float) else list(nm)
    known = [float(side) for side in sides if side is not None]
    unit = {"unit": "nanometer"} if len(known) == 3 else {}
    size = known if len(known) == 3 else [1.0] * 3
    group = zarr.open_group(str(path), mode="w-", zarr_format=3)
    datasets = []
    for level in range(levels):
        step = 2**level
        part = np.ascontiguousarray(array[::step, ::step, ::step])
        group.create_array(f"s{level}", data=part, chunks=tuple(min(chunk, side) for side in part.shape))
        scale = [{"type": "scale", "scale": [side * step for side in size]}]
        datasets.append({"path": f"s{level}", "coordinateTransformations": scale})
    axes = [{"name": axis, "type": "space", **unit} for axis in "zyx"]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets, "name": path.stem}]}


def tiff_stack(array: NDArray[np.uint8], nm: Sequence[float | None]) -> bytes:
    """A volume (Z, Y, X) as the bytes of a TIFF stack with ImageJ's metadata; sides of a voxel where all are known."""
    known = [side / 1000 for side in nm if side is not None]
    stream = io.BytesIO()
    if len(known) == 3:
        facts = {"axes": "ZYX", "spacing": known[0], "unit": "um"}
        tifffile.imwrite(stream, array, imagej=True, resolution=(1 / known[2], 1 / known[1]), metadata=facts)
    else:
        tifffile.imwrite(stream, array, imagej=True, metadata={"axes": "ZYX"})
    return stream.getvalue()


def write_mrc(path: Path, array: NDArray[np.uint8], nm: tuple[float, float, float], *, signed: bool) -> None:
    """Write a volume (Z, Y, X) of bytes as MRC mode 0 with voxels of ``nm`` (z, y, x) in nanometres.

    ``signed`` stores value - 128, as the standard has it; else the bytes as they are, as older programs do. Minimum and
    maximum in the header are those of what is stored.
    """
    stored = (array ^ np.uint8(128)).view(np.int8) if signed else array.view(np.int8)
    import mrcfile

    with mrcfile.new(path) as file:
        file.set_data(stored)
        file.voxel_size = tuple(10 * side for side in reversed(nm))
        values = stored if signed else array
        file.header.dmin, file.header.dmax = float(values.min()), float(values.max())
        file.header.label = b""  # it holds the time of writing
        file.header.nlabl = 0


def write_mrc_slabs(
    path: Path, shape: tuple[int, int, int], slabs: Iterable[tuple[Box, NDArray[np.uint8]]], nm: Sequence[float | None]
) -> None:
    """Write unsigned bytes as MRC mode 0, a slab of sections at a time.

    Args:
        path: a new file.
        shape: z, y, x.
        slabs: boxes of whole sections, and their voxels.
        nm: sides of a voxel z, y, x in nanometres; where one is None the cell stays empty.
    """
    import mrcfile

    low, high = 255, 0
    with mrcfile.new_mmap(path, shape, mrc_mode=0) as file:
        for box, voxels in slabs:
            file.data[box.z0 : box.z1] = voxels.view(np.int8)
            low, high = min(low, int(voxels.min())), max(high, int(voxels.max()))
        if None not in nm:
            file.voxel_size = tuple(10 * float(side or 0) for side in reversed(list(nm)))
        file.header.dmin, file.header.dmax = float(low), float(high)
        file.header.label = b""
        file.header.nlabl = 0
