"""Cut patches again from their sources: to have them as files, and to make sure that nothing has changed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semtrace.core.errors import InputError
from semtrace.core.volume.location import parse_location
from semtrace.curation import tables as contracts
from semtrace.curation.crop import CropInputs
from semtrace.curation.patch_files import encoded_patches
from semtrace.curation.recut import PatchSources, group_patches, patches_of
from semtrace.curation.sources import digest_of
from semtrace.io import tables
from semtrace.io.columns import Columns, read_columns, take_rows
from semtrace.io.digests import md5
from semtrace.io.files import safe_join, write_staged
from semtrace.io.images import UnreadableImage
from semtrace.io.staging import scratch_folder
from semtrace.io.volumes.volume import ReadingChoices, UnreadableVolume

_MEMORY = 256 * 10**6


@dataclass(frozen=True)
class Checked:
    """What was compared: patches cut again, those whose pixels differ, and datasets whose source has changed."""

    patches: int
    different: int
    changed: tuple[str, ...]


def check(deduplicated: Path, inputs: CropInputs, reading: ReadingChoices, *, sample: int | None = None) -> Checked:
    """Cut exemplars again and compare the md5 of their pixels with the table's.

    A dataset whose source has another digest than at import is not cut: it counts as changed.

    Args:
        deduplicated: folder of the deduplicate stage.
        inputs: where the pixels are.
        reading: how volumes are read, as at import.
        sample: at most so many patches of each dataset, the same ones each time; None: all.
    """
    compared = different = 0
    changed = []
    with scratch_folder(deduplicated.with_name(".check.scratch")) as scratch:
        sources = PatchSources(inputs.root, inputs.imported, inputs.cleaned, reading, scratch)
        for row in tables.read(deduplicated / "datasets.csv", contracts.DATASETS):
            name = row["dataset"]
            columns = read_columns(deduplicated / f"{name}.parquet", contracts.DEDUPLICATED)
            columns = take_rows(columns, np.flatnonzero(columns["md5"] != ""))
            if sample is not None and len(columns["md5"]) > sample:
                order = np.argsort([hashlib.sha256(text.encode()).digest() for text in columns["name"]])
                columns = take_rows(columns, np.sort(order[:sample]))
            if is_changed(name, sources, inputs):
                changed.append(name)
                continue
            try:
                for group in group_patches(name, columns, sources, _MEMORY):
                    for number, patch in zip(group.rows, patches_of(group), strict=True):
                        compared += 1
                        different += md5(patch.tobytes()) != columns["md5"][number]
            except (UnreadableVolume, UnreadableImage, OSError, KeyError):
                changed.append(name)
    return Checked(compared, different, tuple(changed))


def is_changed(dataset: str, sources: PatchSources, inputs: CropInputs) -> bool:
    """Whether the source of a dataset has another digest than at import, or is gone."""
    row = sources.volumes.get(dataset)
    if row is None:
        return dataset not in sources.images
    try:
        return bool(digest_of(safe_join(inputs.root.resolve(), row["path"]), row["kind"])[1] != row["digest"])
    except OSError:
        return True


def cut_files(names: Sequence[str], raw: Path, inputs: CropInputs, out: Path, reading: ReadingChoices) -> Counter[str]:
    """Write patches as ``<dataset>/<name>.tiff`` into the folder ``out``; return how many of each dataset.

    Raises:
        InputError: a name is no patch's, or its dataset's table does not have it.
        UnreadableVolume, UnreadableImage: a source is damaged.
    """
    wanted: dict[str, set[str]] = {}
    for name in names:
        try:
            wanted.setdefault(parse_location(name).dataset, set()).add(name)
        except ValueError as error:
            raise InputError(str(error)) from None
    written: Counter[str] = Counter()
    with scratch_folder(out.with_name(f".{out.name}.scratch")) as scratch:
        sources = PatchSources(inputs.root, inputs.imported, inputs.cleaned, reading, scratch)
        for dataset, some in sorted(wanted.items()):
            columns = _rows(raw, dataset, some)
            folder = safe_join(out, dataset)
            folder.mkdir(parents=True, exist_ok=True)
            for _, name, data in encoded_patches({dataset: columns}, sources):
                write_staged(folder / f"{name}.tiff", data)
                written[dataset] += 1
    return written


def _rows(raw: Path, dataset: str, names: set[str]) -> Columns:
    columns = read_columns(raw / f"{dataset}.parquet", contracts.RAW)
    found = take_rows(columns, np.isin(columns["name"].astype(str), sorted(names)))
    if missing := sorted(names - set(found["name"])):
        raise InputError(f"{missing[0]!r}: no such patch in {raw / dataset}.parquet")
    return found


class PatchCutter:
    """Cuts one patch after the other by name, for ``io.patches.Patches``.

    Args:
        raw: folder of the crop stage.
        inputs: where the pixels are.
        reading: how volumes are read, as at import.
        scratch: folder for what compressed volumes unpack to.
    """

    def __init__(self, raw: Path, inputs: CropInputs, reading: ReadingChoices, scratch: Path) -> None:
        self._raw = raw
        self._sources = PatchSources(inputs.root, inputs.imported, inputs.cleaned, reading, scratch)

    def __call__(self, name: str) -> NDArray[np.uint8]:
        """The pixels of a patch, shape (H, W), uint8.

        Raises:
            InputError: the table has no such patch.
        """
        dataset = parse_location(name).dataset
        columns = _rows(self._raw, dataset, {name})
        (group,) = group_patches(dataset, columns, self._sources, 1)
        (patch,) = patches_of(group)
        return patch
