"""TIFF read by ourselves: its directories (IFDs), the raw values of their tags, and plain 8-bit pixels.

Classic TIFF and BigTIFF, both byte orders. Source: TIFF revision 6.0 (Adobe, 1992), BigTIFF (libtiff).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
FILL_ORDER, STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP = 266, 273, 274, 277, 278
STRIP_BYTES, SOFTWARE, COLOR_MAP = 279, 305, 320
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325
EXTRA_SAMPLES, SAMPLE_FORMAT = 338, 339
_PLAIN = {BITS: 8, COMPRESSION: 1, SAMPLES: 1, SAMPLE_FORMAT: 1, FILL_ORDER: 1, ORIENTATION: 1}

_MAGIC = {b"II*\0": ("<", False), b"MM\0*": (">", False), b"II+\0": ("<", True), b"MM\0+": (">", True)}
# field type: (bytes per value, numpy code of an unsigned integer or None)
_TYPES: dict[int, tuple[int, str | None]] = {
    1: (1, "u1"), 2: (1, None), 3: (2, "u2"), 4: (4, "u4"), 5: (8, None), 6: (1, None), 7: (1, "u1"),
    8: (2, None), 9: (4, None), 10: (8, None), 11: (4, None), 12: (8, None), 13: (4, "u4"), 16: (8, "u8"),
    17: (8, None), 18: (8, "u8"),
}  # fmt: skip


class TiffError(ValueError):
    """The header or a directory cannot be read; ``truncated`` says that the bytes end too early."""

    def __init__(self, detail: str, *, truncated: bool = False) -> None:
        super().__init__(detail)
        self.truncated = truncated


@dataclass(frozen=True)
class Directory:
    """One image file directory: which tags there are and where in ``data`` their values lie."""

    data: bytes
    order: str
    entries: dict[int, tuple[int, int, int]]  # tag -> (field type, count, offset of the first value)
    next_offset: int

    def __contains__(self, tag: int) -> bool:
        """Whether the tag is present."""
        return tag in self.entries

    def integers(self, tag: int) -> NDArray[np.int64]:
        """The values of an unsigned integer tag; empty when it is absent, of another type or cut off."""
        kind, count, offset = self.entries.get(tag, (0, 0, 0))
        size, code = _TYPES.get(kind, (1, None))
        if code is None or offset + count * size > len(self.data):
            return np.empty(0, np.int64)
        values = np.frombuffer(self.data, self.order + code, count, offset).astype(np.uint64)
        capped: NDArray[np.uint64] = np.minimum(values, np.uint64(2**62))  # beyond any file, safe to add to
        return capped.astype(np.int64)

    def integer(self, tag: int, default: int = -1) -> int:
        """The one value of an integer tag; ``default`` when it is absent, -1 when it is anything else."""
        if tag not in self.entries:
            return default
        values = self.integers(tag)
        return int(values[0]) if len(values) == 1 else -1

    def raw(self, tag: int, limit: int = 1 << 20) -> bytes:
        """The bytes of a tag's values, at most ``limit`` of them; empty when it is absent."""
        kind, count, offset = self.entries.get(tag, (0, 0, 0))
        return self.data[offset : offset + min(count * _TYPES.get(kind, (1, None))[0], limit)]

    def is_cut(self) -> bool:
        """Whether some of its pixel data, or a tag's values, would lie beyond the end of the file."""
        size = len(self.data)
        for kind, count, offset in self.entries.values():
            if offset + count * _TYPES.get(kind, (0, None))[0] > size:
                return True
        for offsets, lengths in ((STRIP_OFFSETS, STRIP_BYTES), (TILE_OFFSETS, TILE_BYTES)):
            start, length = self.integers(offsets), self.integers(lengths)
            if np.any(start > size - (length if len(start) == len(length) else 1)):
                return True
        return False

    def missing_parts(self) -> int:
        """How many strips or tiles the picture needs beyond those listed; decoders leave these parts black."""
        width, height = self.integer(WIDTH), self.integer(HEIGHT)
        if STRIP_OFFSETS in self:
            across, down, listed = width, self.integer(ROWS_PER_STRIP, height), len(self.integers(STRIP_OFFSETS))
        else:
            across, down = self.integer(TILE_WIDTH), self.integer(TILE_HEIGHT)
            listed = len(self.integers(TILE_OFFSETS))
        if min(width, height, across, down) < 1:
            return 0  # nonsense that a decoder will complain about
        return max(0, -(-width // across) * -(-height // down) - listed)


def first_directory(data: bytes) -> Directory:
    """Read the first directory.

    Raises:
        TiffError: not a TIFF header, or the directory cannot be read.
    """
    order, big = _header(data)
    return _directory(data, order, big, _offset(data, order, big, 8 if big else 4))


def pages(data: bytes) -> int:
    """How many directories the chain holds that can be reached: a loop or a broken link ends it."""
    order, big = _header(data)
    seen: set[int] = set()
    offset = _offset(data, order, big, 8 if big else 4)
    while offset and offset not in seen:
        try:
            following = _directory(data, order, big, offset).next_offset
        except TiffError:
            break
        seen.add(offset)
        offset = following
    return len(seen)


def plain_pixels(directory: Directory) -> NDArray[np.uint8] | None:
    """The samples of an uncompressed, single-sample, 8-bit grey or palette picture in strips, as stored.

    This is what microscopes write, and it takes a fraction of a decoder's time. Anything unusual (tiles,
    compression, another bit depth, extra samples, an orientation, odd strips) is left to one.

    Returns:
        Shape (H, W); a read-only view of the file's bytes where its strips are contiguous. None if unusual.

    Raises:
        TiffError: the file ends before its pixels do.
    """
    width, height = directory.integer(WIDTH), directory.integer(HEIGHT)
    if (
        any(directory.integer(tag, 1) != value for tag, value in _PLAIN.items())
        or any(tag in directory for tag in (EXTRA_SAMPLES, TILE_OFFSETS))
        or directory.integer(PHOTOMETRIC) not in (0, 1, 3)
        or min(width, height) < 1
    ):
        return None
    rows = min(directory.integer(ROWS_PER_STRIP, height), height)
    offsets, sizes = directory.integers(STRIP_OFFSETS), directory.integers(STRIP_BYTES)
    if rows < 1 or len(offsets) != -(-height // rows) or len(sizes) != len(offsets):
        return None
    needed = np.full(len(offsets), rows * width, np.int64)
    needed[-1] = (height - rows * (len(offsets) - 1)) * width
    if np.any(sizes < needed):
        return None
    data = directory.data
    if np.any(offsets > len(data) - needed):
        end = int((offsets + needed).max())
        raise TiffError(f"pixels reach to byte {end}, the file ends at {len(data)}", truncated=True)
    if np.array_equal(offsets[1:], offsets[:-1] + needed[:-1]):
        return np.frombuffer(data, np.uint8, height * width, int(offsets[0])).reshape(height, width)
    strips = (data[start : start + length] for start, length in zip(offsets, needed, strict=True))
    return np.frombuffer(b"".join(strips), np.uint8).reshape(height, width)


def _header(data: bytes) -> tuple[str, bool]:
    try:
        return _MAGIC[data[:4]]
    except KeyError:
        raise TiffError("no TIFF header") from None


def _offset(data: bytes, order: str, big: bool, at: int) -> int:
    try:
        return int(struct.unpack_from(order + ("Q" if big else "I"), data, at)[0])
    except struct.error:
        raise TiffError("the file ends inside its header or directory", truncated=True) from None


def _directory(data: bytes, order: str, big: bool, offset: int) -> Directory:
    if offset < 8:
        raise TiffError("no directory")
    word, entry, start = (8, struct.Struct(order + "HHQ"), 8) if big else (4, struct.Struct(order + "HHI"), 2)
    if offset + start > len(data):
        raise TiffError("the directory lies beyond the end of the file", truncated=True)
    number = int.from_bytes(data[offset : offset + start], "little" if order == "<" else "big")
    step = entry.size + word
    table = offset + start
    if table + number * step > len(data):
        raise TiffError("the file ends inside a directory", truncated=True)
    entries = {}
    for at in range(table, table + number * step, step):
        tag, kind, count = entry.unpack_from(data, at)
        inline = count * _TYPES.get(kind, (1, None))[0] <= word
        entries[tag] = (
            kind,
            count,
            at + entry.size if inline else _offset(data, order, big, at + entry.size),
        )
    end = table + number * step
    following = _offset(data, order, big, end) if end + word <= len(data) else 0  # some writers leave it out
    return Directory(data, order, entries, following)
