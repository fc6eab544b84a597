"""The sources of patches: what lies in a folder of volumes and videos, and how each is opened again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.volume.box import Box
from semtrace.core.volume.gray_rule import parse_rule
from semtrace.core.volume.sample import parse_roi
from semtrace.core.volume.voxels import VoxelSides
from semtrace.io.digests import md5
from semtrace.io.files import digests, open_regular, safe_join, walk
from semtrace.io.volumes.open import open_volumes
from semtrace.io.volumes.pages import is_picture, is_tiff, page_facts
from semtrace.io.volumes.sections_folder import open_sections, series
from semtrace.io.volumes.volume import ReadingChoices, UnreadableVolume, Volume, part_of_volume

STACKS = "stacks"
"""Folder below the import stage's where videos become stacks."""


@dataclass(frozen=True)
class Source:
    """A volume that import has listed, as a worker can open it again.

    Attributes:
        dataset: its name.
        path: file, folder of sections or zarr store, absolute.
        kind: volume, stack, video or folder.
        part: of a stack of several volumes.
        rule: how it becomes grey, in words that can be read back.
        reading: what is taken where a file leaves a choice.
        scratch: folder for what compressed files unpack to.
        roi: the cube of the volume that it is, in words; empty: all of it.
    """

    dataset: str
    path: str
    kind: str
    part: str
    rule: str
    reading: ReadingChoices
    scratch: str
    roi: str = ""

    def gray(self, box: Box) -> NDArray[np.uint8]:
        """The voxels of a box as 8-bit grey, shape ``box.shape``, made section by section to save memory."""
        volume, rule = opened_source(self), parse_rule(self.rule)
        if volume.dtype == np.uint8:
            return rule.apply(volume.read(box))
        out = np.empty(box.shape, np.uint8)
        step = max(1, 2**24 // max(1, box.shape[1] * box.shape[2] * volume.dtype.itemsize))
        for z in range(box.z0, box.z1, step):
            slab = box._replace(z0=z, z1=min(z + step, box.z1))
            out[z - box.z0 : slab.z1 - box.z0] = rule.apply(volume.read(slab))
        return out


def volume_source(row: Mapping[str, Any], root: Path, imported: Path, reading: ReadingChoices, scratch: Path) -> Source:
    """The source of a row of volumes.csv; a video is read from the stack that it became in ``imported``."""
    if row["kind"] == "video":
        path = safe_join(imported.resolve(), f"{STACKS}/{row['dataset']}.tif")
    else:
        path = safe_join(root.resolve(), row["path"])
    return Source(
        row["dataset"], str(path), row["kind"], row["part"], row["range_rule"], reading, str(scratch), row["roi"]
    )


@lru_cache(maxsize=4)
def opened_source(source: Source) -> Volume:
    """Open a source; a worker that works on it block by block opens it once."""
    path = Path(source.path)
    volumes = open_path(path, source.kind, source.reading, Path(source.scratch))
    for volume in volumes:
        if volume.part == source.part:
            return part_of_volume(volume, parse_roi(source.roi)) if source.roi else volume
    raise UnreadableVolume("changed", f"part {source.part} is not there any more")


def open_path(path: Path, kind: str, reading: ReadingChoices, scratch: Path) -> list[Volume]:
    """The volumes at a path of one of the kinds volume, stack, video (as a stack) or folder."""
    if kind == "folder":
        folder, key = folder_and_key(path)
        found = section_series(folder)
        if key is None and len(found) == 1:
            (names,) = found.values()
        else:
            names = found.get(key, []) if key is not None else []
        return open_sections(folder, names)
    return open_volumes(path, reading, scratch)


def folder_and_key(path: Path) -> tuple[Path, tuple[str, str] | None]:
    """A folder, and what stands around the number where its path names one of several series (``a*b.tif``)."""
    if "*" in path.name and not path.is_dir():
        before, _, after = path.name.partition("*")
        return path.parent, (before, after)
    return path, None


def section_series(folder: Path) -> dict[tuple[str, str], list[str]]:
    """The series of numbered single pictures that lie directly in a folder."""
    names = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.is_symlink() and _is_single_picture(path):
            names.append(path.name)
    return series(names)


def _is_single_picture(path: Path) -> bool:
    with open_regular(path) as file:
        head = file.read(8)
    if not is_picture(head):
        return False
    try:
        return not is_tiff(head) or page_facts(path).pages == 1
    except UnreadableVolume:
        return True  # a damaged section is a section: its volume is refused


def digest_of(path: Path, kind: str) -> tuple[int, str]:
    """Bytes and md5 of a source: of the file, or of the sorted list of digests of what a folder holds.

    Raises:
        OSError: something in it cannot be read, or is a link or pipe.
    """
    if kind == "folder":
        folder, key = folder_and_key(path)
        names = [name for found, group in section_series(folder).items() if key in (None, found) for name in group]
        files = [(name, folder / name) for name in sorted(names)]
    elif path.is_dir():
        files = list(walk(path))
    else:
        with open_regular(path):
            size, digest, _ = digests(path)
        return size, digest
    total, lines = 0, []
    for name, file in files:
        with open_regular(file):
            size, digest, _ = digests(file)
        total += size
        lines.append(f"{name} {digest}\n")
    return total, md5("".join(lines).encode("utf-8", "surrogateescape"))


def voxel_sides(row: Mapping[str, Any], prefix: str, suffix: str) -> VoxelSides:
    """Three columns for z, y, x of a row as numbers; empty is None."""
    z, y, x = (row[f"{prefix}_{axis}{suffix}"] for axis in "zyx")
    return float(z) if z else None, float(y) if y else None, float(x) if x else None
