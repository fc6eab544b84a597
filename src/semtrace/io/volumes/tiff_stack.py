"""TIFF stacks: pages told apart into sections and channels by what ImageJ or OME wrote."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile
from numpy.typing import NDArray

from semtrace.core.volume.box import Box
from semtrace.core.volume.voxels import VoxelSize, voxel_size
from semtrace.io.files import open_regular
from semtrace.io.volumes.mapped import loader, map_voxels
from semtrace.io.volumes.pages import check_page, decode_page, white_is_high
from semtrace.io.volumes.volume import Reading, UnreadableVolume, Volume, check_shape

_SECTIONS = "ZIQTR"  # axes that can be the sections, the first of them that is longer than 1


def open_tiff(path: Path, reading: Reading) -> list[Volume]:
    """The volume of the first series of a TIFF with several pages.

    Raises:
        UnreadableVolume: ``single_page``, damaged, or of a kind that is not read.
        OSError: the file cannot be read at all.
    """
    with open_regular(path) as file:
        try:
            with tifffile.TiffFile(file, name=path.name) as tiff:
                return [_open(path, tiff, reading)]
        except (UnreadableVolume, MemoryError):
            raise
        except Exception as error:  # tifffile that is fed damaged bytes raises anything
            raise UnreadableVolume("corrupt", f"{type(error).__name__} {error}".split(" at 0x")[0]) from None


def _open(path: Path, tiff: tifffile.TiffFile, reading: Reading) -> Volume:
    series = tiff.series[0]
    first: Any = series.keyframe
    check_page(first)
    sides = dict(zip(series.axes, series.shape, strict=True))
    samples = sides.pop("S", 1)
    height, width = sides.pop("Y", 1), sides.pop("X", 1)
    channels = sides.pop("C", 1)
    long = [axis for axis in sides if sides[axis] > 1]
    if not long and channels == 1:
        raise UnreadableVolume("single_page", "one picture and no volume")
    if len(long) > 1:
        raise UnreadableVolume("unsupported", f"axes {series.axes} of {series.shape}: more than one kind of section")
    if long and long[0] not in _SECTIONS:
        raise UnreadableVolume("unsupported", f"axes {series.axes}: no sections")
    sections = sides[long[0]] if long else 1
    if reading.channel >= channels:
        raise UnreadableVolume("missing_channel", f"channel {reading.channel} of {channels} is not there")
    check_shape((sections, height, width), np.dtype(series.dtype).itemsize * samples)
    notes = [f"channel {reading.channel} of {channels}"] if channels > 1 else []
    if len(tiff.series) > 1:
        notes.append(f"series 1 of {len(tiff.series)}")
    order = [axis for axis in series.axes if axis in "C" or axis in long]
    numbers = _page_numbers(order, sections, channels, reading.channel)
    photometric, native = int(first.photometric), np.dtype(series.dtype).newbyteorder("=")
    plain = samples == 1 and not first.is_tiled
    if (
        plain
        and series.dataoffset is not None
        and first.compression == 1
        and first.bitspersample == 8 * native.itemsize
    ):
        dtype = native.newbyteorder(tiff.byteorder)
        stored = tuple(sides.get(axis, channels) for axis in order)
        voxels = map_voxels(path, dtype, int(series.dataoffset), (*stored, height, width))
        if channels > 1:
            voxels = np.moveaxis(voxels, order.index("C"), 0)[reading.channel]
        load = loader(voxels.reshape(sections, height, width), lambda part: white_is_high(part, photometric))
    elif len(series.pages) >= math.prod([sections, channels]):
        load = _page_loader(path, numbers)
    else:
        raise UnreadableVolume("unsupported", f"{len(series.pages)} pages for {sections} x {channels} pictures")
    voxel = _voxel(tiff, first)
    return Volume("TIFF", (sections, height, width), native, voxel, load, notes=tuple(notes))


def _page_numbers(order: list[str], sections: int, channels: int, channel: int) -> list[int]:
    if channels == 1:
        return list(range(sections))
    if order and order[0] == "C":
        return [channel * sections + section for section in range(sections)]
    return [section * channels + channel for section in range(sections)]


def _page_loader(path: Path, numbers: list[int]) -> Any:
    """Decodes the pages of a box one after the other; the file is opened anew, so that processes can share this."""

    def load(box: Box) -> NDArray[Any]:
        rows = []
        with open_regular(path) as file:
            try:
                with tifffile.TiffFile(file, name=path.name) as tiff:
                    pages = tiff.series[0].pages
                    for section in range(box.z0, box.z1):
                        page: Any = pages[numbers[section]]
                        if page is None:
                            raise UnreadableVolume("corrupt", f"section {section} is not in the file")
                        full = decode_page(page.aspage())
                        rows.append(full[box.y0 : box.y1, box.x0 : box.x1])
            except (UnreadableVolume, MemoryError):
                raise
            except Exception as error:  # as above
                raise UnreadableVolume("corrupt", f"{type(error).__name__} {error}".split(" at 0x")[0]) from None
        return np.stack(rows)

    return load


def _voxel(tiff: tifffile.TiffFile, page: Any) -> VoxelSize:
    """From ImageJ's or OME's metadata; the plain resolution tags state a printer's dots and are ignored."""
    if tiff.is_ome:
        return _from_ome(tiff.ome_metadata or "")
    if not tiff.is_imagej:
        return VoxelSize()
    said: Any = tiff.imagej_metadata or {}
    unit = str(said.get("unit", "")) or None
    rows, columns = (_inverse(page.tags.valueof(tag)) for tag in (283, 282))
    spacing = said.get("spacing")
    return voxel_size([None if spacing is None else float(spacing), rows, columns], [unit] * 3, "ImageJ")


def _inverse(ratio: Any) -> float | None:
    if not isinstance(ratio, tuple) or len(ratio) != 2 or ratio[0] == 0 or ratio[1] == 0:
        return None
    return float(ratio[1] / ratio[0])


def _from_ome(text: str) -> VoxelSize:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # no OME writer needs them, and entities can grow without end
        return VoxelSize(note="OME metadata with a document type are not read")
    try:
        pixels = ElementTree.fromstring(text).find(".//{*}Pixels")  # noqa: S314 (no entities, see above)
    except ElementTree.ParseError:
        return VoxelSize(note="OME metadata cannot be read")
    if pixels is None:
        return VoxelSize()
    sides: list[float | None] = []
    for axis in "ZYX":
        try:
            sides.append(float(pixels.get(f"PhysicalSize{axis}", "")))
        except ValueError:
            sides.append(None)
    units = [pixels.get(f"PhysicalSize{axis}Unit", "µm") for axis in "ZYX"]  # micrometres by the schema
    return voxel_size(sides, units, "OME")
