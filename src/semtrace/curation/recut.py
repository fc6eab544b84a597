"""Pixels of patches, cut again from their sources; patches that lie close together are read together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.volume.box import Box
from semtrace.core.volume.patches import Interval, cut
from semtrace.core.volume.sections import cut_section
from semtrace.curation import tables as contracts
from semtrace.curation.clean import CLEANED_FOLDER
from semtrace.curation.cut_blocks import IN_2D
from semtrace.curation.sources import Source, volume_source
from semtrace.io import tables
from semtrace.io.columns import Columns, take_rows
from semtrace.io.files import read_regular, safe_join
from semtrace.io.images import UnreadableImage, decode
from semtrace.io.volumes.volume import ReadingChoices, UnreadableVolume
from semtrace.stage.rejects import Failure, why_unreadable

_OF_IMAGE = ("md5", "range_rule", "bar_rows", "width", "height")
PLACE = ("axis", "index", "y0", "y1", "x0", "x1", "valid_h", "valid_w")
"""Columns of a patch table that say where a patch lies."""


@dataclass(frozen=True)
class PatchGroup:
    """Patches of one dataset that are read together.

    Attributes:
        rows: their numbers in the table that was grouped.
        place: the columns ``PLACE`` of these rows.
        source: the volume; or for a 2D image, the file.
    """

    rows: NDArray[np.int64]
    place: Columns
    source: Source | str


class PatchSources:
    """Finds the volume, or the images, of a dataset by its name."""

    def __init__(
        self, root: Path, imported: Path, cleaned: Path | None, reading: ReadingChoices, scratch: Path
    ) -> None:
        """Read volumes.csv in ``imported`` and images.csv in ``cleaned`` (None: there is none)."""
        rows = tables.read(imported / "volumes.csv", contracts.VOLUMES)
        self.volumes: Mapping[str, dict[str, Any]] = {row["dataset"]: row for row in rows}
        self._source = {
            name: volume_source(row, root, imported, reading, scratch) for name, row in self.volumes.items()
        }
        self.images: dict[str, dict[int, dict[str, Any]]] = {}
        self._cleaned = cleaned
        for row in tables.read(cleaned / "images.csv", contracts.IMAGES) if cleaned is not None else []:
            self.images.setdefault(row["dataset"], {})[int(row["number"])] = row

    def identity(self, dataset: str) -> str:
        """What the pixels of a dataset follow from, in words: digests of its files, and how they become grey.

        Raises:
            KeyError: there is no such dataset.
        """
        if dataset in self.volumes:
            about = self.volumes[dataset]
            named = [about[name] for name in ("digest", "kind", "part", "range_rule", "roi", "sign")]
            return json.dumps([*named, str(self._source[dataset].reading)])
        rows = self.images[dataset]
        return json.dumps([[n, *(rows[n][name] for name in _OF_IMAGE)] for n in sorted(rows)])

    def of_volume(self, dataset: str) -> Source:
        """The volume of a dataset.

        Raises:
            KeyError: there is none.
        """
        return self._source[dataset]

    def of(self, dataset: str, number: int | None = None) -> Source | str:
        """The volume of a dataset, or the file of its image of that number.

        Raises:
            KeyError: there is none.
        """
        if number is None:
            return self._source[dataset]
        row = self.images[dataset][number]
        assert self._cleaned is not None  # noqa: S101 (it has images)
        return str(safe_join(self._cleaned.resolve(), f"{CLEANED_FOLDER}/{row['output_path']}"))


def group_patches(dataset: str, columns: Columns, sources: PatchSources, memory: int) -> list[PatchGroup]:
    """Group the patches of one dataset so that what is read for a group has about ``memory`` bytes at most.

    Args:
        dataset: its name.
        columns: a patch table; the columns ``PLACE`` count.
        sources: where the pixels are.
        memory: bytes, one for each voxel.
    """
    place = {name: columns[name].astype(np.int64) for name in PLACE}
    axis, index, y0, x0 = (place[name] for name in ("axis", "index", "y0", "x0"))
    thick = int((place["y1"] - y0).max(initial=1))
    wide = max(thick, int((memory / (2 * thick)) ** 0.5) - thick)
    flat = axis == IN_2D
    z = np.where(flat, index, np.where(axis == 0, index, y0) // thick)
    y = np.where(flat, 0, np.where(axis == 0, y0, np.where(axis == 1, index, x0)) // wide)
    x = np.where(flat, 0, np.where(axis == 2, index, x0) // wide)
    order = np.lexsort([x, y, z])
    keys = np.stack([z, y, x], 1)[order]
    cuts = np.flatnonzero(np.any(np.diff(keys, axis=0) != 0, axis=1)) + 1
    found = []
    for rows in np.split(order, cuts) if len(order) else []:
        number = int(index[rows[0]]) if flat[rows[0]] else None
        found.append(PatchGroup(rows, take_rows(place, rows), sources.of(dataset, number)))
    return found


def patches_of(group: PatchGroup) -> Iterator[NDArray[np.uint8]]:
    """The pixels of each patch of a group, in the order of its rows.

    Raises:
        UnreadableVolume, UnreadableImage, OSError: the source cannot be read.
    """
    place = group.place
    if isinstance(group.source, str):
        gray = decode(read_regular(group.source)).gray
        for row in range(len(group.rows)):
            yield cut(gray, *_intervals(place, row))
        return
    boxes = np.array([_box(place, row) for row in range(len(group.rows))])
    low, high = boxes.min(0), boxes.max(0)
    whole = Box(*(int(high[i] if i % 2 else low[i]) for i in range(6)))
    voxels = group.source.gray(whole)
    for row in range(len(group.rows)):
        box = Box(*(int(end) for end in boxes[row]))
        inner = Box(*(box[i] - whole[i - i % 2] for i in range(6)))
        section = cut_section(voxels[inner.slices], int(place["axis"][row]), 0)
        rows, columns = _intervals(place, row)
        yield cut(section, _from_zero(rows), _from_zero(columns))


def patches_or_failure(group: PatchGroup) -> list[NDArray[np.uint8]] | Failure:
    """The pixels of each patch of a group, or why they cannot be read."""
    try:
        return list(patches_of(group))
    except (UnreadableVolume, UnreadableImage) as error:
        return Failure(error.reason, error.detail)
    except OSError as error:
        return why_unreadable(error)
    except MemoryError:
        return Failure("out_of_memory", "not enough memory for a block of voxels")


def _intervals(place: Columns, row: int) -> tuple[Interval, Interval]:
    y0, y1, x0, x1, height, width = (int(place[name][row]) for name in ("y0", "y1", "x0", "x1", "valid_h", "valid_w"))
    return Interval(y0, y1, y0 + height), Interval(x0, x1, x0 + width)


def _from_zero(one: Interval) -> Interval:
    return Interval(0, one.stop - one.start, one.real)


def _box(place: Columns, row: int) -> Box:
    rows, columns = _intervals(place, row)
    axis, index = int(place["axis"][row]), int(place["index"][row])
    ends = [(rows.start, rows.valid), (columns.start, columns.valid)]
    ends.insert(axis, (index, index + 1))
    return Box(*(end for pair in ends for end in pair))
