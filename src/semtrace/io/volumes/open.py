"""One way to open a volume, whatever it is stored as: the content decides, not the name."""

from __future__ import annotations

from pathlib import Path

from semtrace.io.files import open_regular
from semtrace.io.volumes import mrc, nrrd, pages, tiff_stack, unpack, zarr_store
from semtrace.io.volumes.volume import Reading, UnreadableVolume, Volume


def open_volumes(path: Path, reading: Reading, scratch: Path) -> list[Volume]:
    """The volumes that a file or a zarr store holds, in order; most hold one.

    Nothing is read but headers, and no memory is taken for what a header promises.

    Args:
        path: absolute, with no symbolic link in it; it is only read.
        reading: what to take where a file leaves a choice.
        scratch: folder for what compressed files unpack to; whoever calls removes it.

    Raises:
        UnreadableVolume: it is none, is damaged, or is of a kind that is not read.
        OSError: it cannot be read at all.
    """
    if path.is_dir() and not path.is_symlink():
        if not zarr_store.is_zarr(path):
            raise UnreadableVolume("not_a_volume", "a folder that is no zarr store")
        return zarr_store.open_zarr(path, reading)
    with open_regular(path) as file:
        head = file.read(mrc.HEADER)
    if not head:
        raise UnreadableVolume("empty_file", "0 bytes")
    if nrrd.is_nrrd(head):
        return nrrd.open_nrrd(path, reading, scratch)
    if pages.is_tiff(head):
        return tiff_stack.open_tiff(path, reading)
    if unpack.is_compressed(head):
        head = unpack.peek(path, mrc.HEADER)
        if len(head) < mrc.HEADER:
            raise UnreadableVolume("truncated", "the compressed data end before a header does")
    if mrc.is_mrc(head):
        return mrc.open_mrc(path, reading, scratch)
    raise UnreadableVolume("not_a_volume", f"neither MRC, NRRD, TIFF nor zarr: starts {head[:8].hex(' ')}")
