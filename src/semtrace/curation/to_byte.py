"""Volumes of signed bytes as copies of unsigned ones, for programs that cannot tell; the sources are only read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from semtrace.core.errors import InputError
from semtrace.core.volume.box import slabs
from semtrace.core.volume.names import dataset_names
from semtrace.curation.import_volumes import Settings
from semtrace.curation.listing import list_sources
from semtrace.curation.sources import open_path
from semtrace.io.staging import scratch_folder, staged_folder
from semtrace.io.volumes.volume import UnreadableVolume
from semtrace.io.volumes.write import write_mrc_slabs
from semtrace.stage.inputs import check_folder

_SLAB = 2**26


@dataclass(frozen=True)
class ByteSummary:
    """What was copied; what is not MRC of signed bytes was left alone, what cannot be read was not copied."""

    copies: int
    left_alone: int
    unreadable: list[str]
    folder: str


def write_unsigned(root: Path, out: Path, settings: Settings) -> ByteSummary:
    """Write ``<dataset>.mrc`` with value + 128 into the folder ``out`` for each MRC volume of signed bytes.

    Args:
        root: folder of volumes.
        out: folder to write; one that is there is replaced, so it must not hold the sources.
        settings: how volumes are read.

    Raises:
        InputError: the folder is missing, or ``out`` holds it or lies in it.
    """
    check_folder(root, "volumes")
    if out.resolve().is_relative_to(root.resolve()) or root.resolve().is_relative_to(out.resolve()):
        raise InputError(f"{out}: lies among the volumes of {root}, which are only read; name another folder")
    listing = list_sources(root.resolve())
    names = dataset_names([item.path.replace("*", "") for item in listing.items])
    copies = left = 0
    unreadable = []
    with staged_folder(out) as folder, scratch_folder(out.with_name(f".{out.name}.scratch")) as scratch:
        for item, name in zip(listing.items, names, strict=True):
            if item.kind not in ("volume", "stack"):
                left += 1
                continue
            try:
                volumes = open_path(root.resolve() / item.path, item.kind, settings.reading(), scratch)
                for volume in volumes:
                    if not volume.sign.startswith("signed"):
                        left += 1
                        continue
                    whole = f"{name}-{volume.part}" if volume.part else name
                    gray = ((box, volume.read(box)) for box in slabs(volume.shape, 1, _SLAB))
                    write_mrc_slabs(folder / f"{whole}.mrc", volume.shape, gray, volume.voxel.nm)
                    copies += 1
            except (UnreadableVolume, OSError) as error:
                unreadable.append(f"{item.path}: {error}")
    return ByteSummary(copies, left, unreadable, str(out))
