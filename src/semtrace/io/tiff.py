"""TIFF read by ourselves: its directories (IFDs), the raw values of their tags, and plain 8-bit pixels.

Which directory is the picture: ``tiff_pages``. Where its strips and tiles lie: ``tiff_parts``.

Classic TIFF and BigTIFF, both byte orders. Source: TIFF revision 6.0 (Adobe, 1992), BigTIFF (libtiff).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

NEW_SUBFILE, SUBFILE = 254, 255
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
FILL_ORDER, STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP = 266, 273, 274, 277, 278
STRIP_BYTES, PLANAR, SOFTWARE, PREDICTOR, COLOR_MAP = 279, 284, 305, 317, 320
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, SUB_DIRECTORIES, INK_SET = 322, 323, 324, 325, 330, 332
EXTRA_SAMPLES, SAMPLE_FORMAT, JPEG_TABLES, CHROMA_SPACING, NO_DATA = 338, 339, 347, 530, 42113
_PLAIN = {BITS: 8, COMPRESSION: 1, SAMPLES: 1, SAMPLE_FORMAT: 1, FILL_ORDER: 1, ORIENTATION: 1}
_OF_PIXELS = frozenset(
    {BITS, STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES, COLOR_MAP, EXTRA_SAMPLES, SAMPLE_FORMAT}
)

_MAGIC: dict[bytes, tuple[Literal["<", ">"], bool]] = {
    b"II*\0": ("<", False), b"MM\0*": (">", False), b"II+\0": ("<", True), b"MM\0+": (">", True),
}  # fmt: skip
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
    """One image file directory: which tags there are and where in ``data`` their values lie.

    Attributes:
        data: the file.
        order: ``<`` or ``>``.
        entries: tag -> (field type, count, offset of the first value).
        offset, end: where the table itself begins and ends.
        next_offset: of the following directory, 0 for none.
    """

    data: bytes
    order: Literal["<", ">"]
    entries: dict[int, tuple[int, int, int]]
    offset: int
    end: int
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

    def number(self, tag: int) -> float | None:
        """The number that a text tag spells, as GDAL writes its mark of pixels without data; None where it is none."""
        try:
            return float(self.raw(tag, 64).split(b"\0")[0].decode("ascii"))
        except ValueError:
            return None

    def is_beyond(self, tag: int) -> bool:
        """Whether a tag's values would lie beyond the end of the file."""
        kind, count, offset = self.entries.get(tag, (0, 0, 0))
        return offset + count * _TYPES.get(kind, (0, None))[0] > len(self.data)

    def is_cut(self) -> bool:
        """Whether some of its pixel data, or a tag's values, would lie beyond the end of the file."""
        size = len(self.data)
        if any(self.is_beyond(tag) for tag in self.entries):
            return True
        for offsets, lengths in ((STRIP_OFFSETS, STRIP_BYTES), (TILE_OFFSETS, TILE_BYTES)):
            start, length = self.integers(offsets), self.integers(lengths)
            if np.any(start > size - (length if len(start) == len(length) else 1)):
                return True
        return False

    def blocks(self) -> NDArray[np.int64]:
        """First byte and end of the table, and of the values that say where and what the pixels are.

        Vendors' tags are left out: Zeiss counts more bytes than its text has.
        """
        found, size = [(self.offset, self.end)], len(self.data)
        for tag in _OF_PIXELS & self.entries.keys():
            kind, count, offset = self.entries[tag]
            if not self.offset <= offset < self.end:
                found.append((offset, offset + count * _TYPES.get(kind, (1, None))[0]))
        return np.array([(min(start, size), min(end, size)) for start, end in found], np.int64)


def first_directory(data: bytes) -> Directory:
    """Read the first directory.

    Raises:
        TiffError: not a TIFF header, or the directory cannot be read.
    """
    order, big = _header(data)
    return _directory(data, order, big, _offset(data, order, big, 8 if big else 4))


def directory_at(data: bytes, offset: int) -> Directory:
    """Read the directory at a byte offset; raises ``TiffError`` where none can be read there."""
    order, big = _header(data)
    return _directory(data, order, big, offset)


def led_by(directory: Directory) -> bytes:
    """The file with another directory in the place of the first: what follows that one, follows here."""
    order, big = _header(directory.data)
    at, word = (8, "Q") if big else (4, "I")
    head = directory.data[:at] + struct.pack(order + word, directory.offset)
    return head + directory.data[len(head) :]


def header_size(data: bytes) -> int:
    """Bytes of the header, where no pixel can lie: 16 in a BigTIFF, else 8."""
    return 16 if _header(data)[1] else 8


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


def _header(data: bytes) -> tuple[Literal["<", ">"], bool]:
    try:
        return _MAGIC[data[:4]]
    except KeyError:
        raise TiffError("no TIFF header") from None


def _offset(data: bytes, order: str, big: bool, at: int) -> int:
    try:
        return int(struct.unpack_from(order + ("Q" if big else "I"), data, at)[0])
    except struct.error:
        raise TiffError("the file ends inside its header or directory", truncated=True) from None


def _directory(data: bytes, order: Literal["<", ">"], big: bool, offset: int) -> Directory:
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
    return Directory(data, order, entries, offset, end + word, following)
