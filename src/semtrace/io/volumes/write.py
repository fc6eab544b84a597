"""Volumes written: OME-Zarr 0.5 with its levels, MRC with its voxel size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_ome_zarr(path: Path, array: NDArray[np.uint8], nm: float, *, levels: int = 2, chunk: int = 64) -> None:
    """Write an isotropic volume (Z, Y, X) with voxels of ``nm`` nanometres as OME-Zarr 0.5; each level halves it."""
    import zarr

    group = zarr.open_group(str(path), mode="w-", zarr_format=3)
    datasets = []
    for level in range(levels):
        step = 2**level
        part = np.ascontiguousarray(array[::step, ::step, ::step])
        group.create_array(f"s{level}", data=part, chunks=tuple(min(chunk, side) for side in part.shape))
        scale = [{"type": "scale", "scale": [nm * step] * 3}]
        datasets.append({"path": f"s{level}", "coordinateTransformations": scale})
    axes = [{"name": axis, "type": "space", "unit": "nanometer"} for axis in "zyx"]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets, "name": path.stem}]}


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
