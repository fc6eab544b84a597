"""Where the strips and tiles of a TIFF lie, whether they can be what they claim to be, and the bytes in them.

Source: TIFF revision 6.0, which allows no byte to belong to two of them. Compressed bytes are left to zlib and, by way
of Pillow, to libtiff, which know nothing of the samples that they unpack.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semtrace.io import tiff
from semtrace.io.tiff import TiffError

NONE, LZW, OLD_JPEG, JPEG, DEFLATE, PACKBITS = 1, 5, 6, 7, 8, 32773
_OLD_DEFLATE, _LZMA, _ZSTD = 32946, 34925, 50000
DEFLATES = (DEFLATE, _OLD_DEFLATE)
UNPACKED = frozenset({NONE, LZW, DEFLATE, PACKBITS, _OLD_DEFLATE, _LZMA, _ZSTD})
"""Compressions of bytes, whatever the bytes mean."""
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, eq=False)
class Parts:
    """The strips or tiles of a directory.

    Attributes:
        word: ``strips`` or ``tiles``.
        width, rows: of one of them, in pixels; the last strip of a plane may have fewer rows.
        across, down: how many lie beside and below one another.
        planes: 1, or the samples of a pixel where each has strips or tiles of its own.
        offsets, sizes: in the file, in the order of the directory; ``sizes`` is empty where it is not said.
    """

    word: str
    width: int
    rows: int
    across: int
    down: int
    planes: int
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @property
    def number(self) -> int:
        """How many the picture needs."""
        return self.across * self.down * self.planes


def parts(directory: tiff.Directory) -> Parts:
    """The strips or tiles that a directory lists.

    Raises:
        TiffError: nonsense in the sizes, or the file ends before the lists of the strips or tiles do.
    """
    width, height = directory.integer(tiff.WIDTH), directory.integer(tiff.HEIGHT)
    planes = directory.integer(tiff.SAMPLES, 1) if directory.integer(tiff.PLANAR, 1) == 2 else 1
    if tiff.TILE_WIDTH in directory:
        word, across, rows = "tiles", directory.integer(tiff.TILE_WIDTH), directory.integer(tiff.TILE_HEIGHT)
        tags = (tiff.TILE_OFFSETS, tiff.TILE_BYTES) if tiff.TILE_OFFSETS in directory else _STRIPS
    else:
        word, across, rows, tags = "strips", width, directory.integer(tiff.ROWS_PER_STRIP, height), _STRIPS
        rows = min(rows, height) if rows > 0 else rows
    if min(width, height, across, rows, planes) < 1:
        raise TiffError(f"{width} x {height} pixels in {word} of {across} x {rows}")
    if any(tag in directory and not len(directory.integers(tag)) and directory.is_beyond(tag) for tag in tags):
        raise TiffError(f"the list of its {word} lies beyond the end of the file", truncated=True)
    counts = -(-width // across), -(-height // rows)
    return Parts(word, across, rows, *counts, planes, *(directory.integers(tag) for tag in tags))


_STRIPS = (tiff.STRIP_OFFSETS, tiff.STRIP_BYTES)


def check_listed(found: Parts) -> None:
    """Find strips and tiles without data, which a writer that was interrupted leaves.

    Raises:
        TiffError: some are not listed, or their offset or size is 0.
    """
    number, word = found.number, found.word
    if (missing := number - len(found.offsets)) > 0:
        raise TiffError(f"{missing} of its {number} {word} are not in the file")
    empty = found.offsets[:number] == 0
    if len(found.sizes) >= number:
        empty |= found.sizes[:number] == 0
    if empty.any():
        raise TiffError(f"{np.count_nonzero(empty)} of its {number} {word} have no data in the file (offset or size 0)")


def check_places(directory: tiff.Directory, found: Parts, needed: NDArray[np.int64] | None) -> None:
    """Find strips and tiles that cannot lie where they are said to, so that no other byte is taken for a pixel.

    Args:
        directory: of the picture.
        found: its strips or tiles, all listed.
        needed: bytes of each where nothing is compressed.

    Raises:
        TiffError: they overlap one another, the header or the directory, or are too short; or the file ends before
            they do.
    """
    number, word = found.number, found.word
    starts = found.offsets[:number]
    sizes = found.sizes[:number] if len(found.sizes) >= number else None
    if needed is not None:
        # Of a single strip some writers state another size; libtiff, too, then goes by its pixels.
        if sizes is not None and number > 1 and (short := np.count_nonzero(sizes < needed)):
            raise TiffError(f"{short} of its {number} {word} have fewer bytes than pixels")
        sizes = needed
        if (end := int((starts + sizes).max())) > len(directory.data):
            raise TiffError(f"pixels reach to byte {end}, the file ends at {len(directory.data)}", truncated=True)
    elif (end := int((starts + (1 if sizes is None else sizes)).max())) > len(directory.data):
        raise TiffError(f"its {word} reach to byte {end}, the file ends at {len(directory.data)}", truncated=True)
    if sizes is None or directory.integer(tiff.COMPRESSION, NONE) == OLD_JPEG:  # there a strip may be a whole JPEG
        sizes = np.ones_like(starts)
    _check_overlap(directory, starts, sizes, word)


def _check_overlap(directory: tiff.Directory, starts: NDArray[np.int64], sizes: NDArray[np.int64], word: str) -> None:
    if np.any(starts < tiff.header_size(directory.data)):
        raise TiffError(f"some of its {word} would lie in the header")
    if len(starts) > 1:
        if np.any(starts[1:] < starts[:-1]):
            order = np.argsort(starts, kind="stable")
            starts, sizes = starts[order], sizes[order]
        if overlaps := np.count_nonzero(starts[1:] < starts[:-1] + sizes[:-1]):
            raise TiffError(f"{overlaps} of its {len(starts)} {word} overlap others")
    blocks = directory.blocks()
    before = np.searchsorted(starts, blocks[:, 1]) - 1  # the last that begins before the end of a block
    ends = np.where(before >= 0, starts[before] + sizes[before], 0)
    if np.any((ends > blocks[:, 0]) & (blocks[:, 1] > blocks[:, 0])):
        raise TiffError(f"some of its {word} would lie in the directory")


def rows_of_zeros(directory: tiff.Directory) -> int:
    """How many rows at the end of an uncompressed picture are zeros, where a copy that broke off seems to end.

    A file often gets its full size before its bytes. Then the zeros begin amid a row of the picture and reach to the
    end of the file. A black edge or the lower edge of a black data bar begins with a row, or in one that is black for
    the most part. Less than 2 % of the rows do not count: a pixel may be 0.
    """
    data = directory.data
    if directory.integer(tiff.COMPRESSION, NONE) != NONE or not data or any(data[-8:]):
        return 0
    found, depth = parts(directory), int(directory.integers(tiff.BITS).max(initial=1))
    if found.word == "tiles" or not len(found.offsets):  # what fills up a tile is zeros, too
        return 0
    row_bytes = (found.width * (1 if found.planes > 1 else directory.integer(tiff.SAMPLES, 1)) * depth + 7) // 8
    begin = len(data.rstrip(b"\0"))
    rows = (len(data) - begin) // row_bytes
    into = (begin - int(found.offsets.min())) % row_bytes
    if into < 2 or rows < 0.02 * directory.integer(tiff.HEIGHT) or begin < int(found.offsets.min()) + row_bytes:
        return 0
    row = np.frombuffer(data, np.uint8, row_bytes, begin - row_bytes)  # the last that holds anything
    return rows if np.count_nonzero(row) > row_bytes / 2 else 0


def unpacked(directory: tiff.Directory, found: Parts, row_bytes: int) -> list[bytes | memoryview]:
    """The bytes of each plane: all its strips one after the other, or all its tiles.

    Args:
        directory: of the picture; its compression is one of ``UNPACKED``.
        found: its strips or tiles, checked.
        row_bytes: of a row of a strip or a tile.

    Raises:
        TiffError: damaged, or too short.
        MemoryError: no room.
        OSError: damaged, as libtiff says it.
    """
    method, height = directory.integer(tiff.COMPRESSION, NONE), directory.integer(tiff.HEIGHT)
    each = found.across * found.down
    rows = height if found.word == "strips" else found.rows * each
    planes = []
    for first in range(0, found.number, each):
        lengths = np.full(each, found.rows, np.int64)
        lengths[-1] = rows - found.rows * (each - 1)
        starts = found.offsets[first : first + each].tolist()
        if method == NONE:
            sizes = (lengths * row_bytes).tolist()
        elif len(found.sizes) >= found.number:
            sizes = found.sizes[first : first + each].tolist()
        else:
            sizes = [len(directory.data)] * each
        planes.append(_plane(directory, method, list(zip(starts, sizes, strict=True)), lengths, row_bytes))
    return planes


def _plane(
    directory: tiff.Directory, method: int, places: list[tuple[int, int]], rows: NDArray[np.int64], row_bytes: int
) -> bytes | memoryview:
    data, reverse = directory.data, directory.integer(tiff.FILL_ORDER, 1) == 2
    if method == NONE and not reverse and all(a + n == b for (a, n), (b, _) in pairwise(places)):
        return memoryview(data)[places[0][0] : places[-1][0] + places[-1][1]]
    packed = [data[start : start + size] for start, size in places]
    if reverse:
        packed = [piece.translate(_REVERSED) for piece in packed]
    if method == NONE:
        return b"".join(packed)
    if method in DEFLATES:
        needed = (rows * row_bytes).tolist()
        return b"".join(_inflate(piece, size) for piece, size in zip(packed, needed, strict=True))
    return _by_libtiff(packed, method, row_bytes, int(rows[0]), int(rows.sum()))


def _inflate(piece: bytes, size: int) -> bytes:
    """Unlike libtiff, look at the check sum at the end too: damage often shows in nothing else."""
    machine = zlib.decompressobj()
    try:
        pixels = machine.decompress(piece, size)
        if not machine.eof:  # what follows must be the end, or more than is wanted
            machine.decompress(machine.unconsumed_tail, 1)
    except zlib.error as error:
        raise TiffError(f"deflate: {error}") from None
    if len(pixels) < size:
        raise TiffError(f"deflate: {len(pixels)} bytes instead of {size}", truncated=not machine.eof)
    return pixels


def _by_libtiff(packed: list[bytes], method: int, row_bytes: int, rows: int, height: int) -> bytes:
    """Unpack strips as if they were an 8-bit grey picture, ``row_bytes`` wide, ``rows`` high each."""
    entries = 10
    body = 8 + 2 + 12 * entries + 4
    lists = 0 if len(packed) == 1 else 4 * len(packed)
    sizes = [len(piece) for piece in packed]
    offsets = (body + 2 * lists + np.concatenate([[0], np.cumsum(sizes[:-1])])).astype(np.int64).tolist()
    where, lengths = (body, body + lists) if lists else (offsets[0], sizes[0])
    tags = [
        (tiff.WIDTH, 1, row_bytes), (tiff.HEIGHT, 1, height), (tiff.BITS, 1, 8), (tiff.COMPRESSION, 1, method),
        (tiff.PHOTOMETRIC, 1, 1), (tiff.STRIP_OFFSETS, len(packed), where), (tiff.SAMPLES, 1, 1),
        (tiff.ROWS_PER_STRIP, 1, rows), (tiff.STRIP_BYTES, len(packed), lengths), (tiff.PLANAR, 1, 1),
    ]  # fmt: skip
    table = b"".join(struct.pack("<HHII", tag, 4, count, value) for tag, count, value in tags)
    head = b"II*\0" + struct.pack("<IH", 8, entries) + table + bytes(4)
    if lists:
        head += struct.pack(f"<{len(packed)}I", *offsets) + struct.pack(f"<{len(packed)}I", *sizes)
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # bytes, not pixels: of those the caller knows
    try:
        with Image.open(io.BytesIO(head + b"".join(packed)), formats=("TIFF",)) as image:
            return image.tobytes()
    finally:
        Image.MAX_IMAGE_PIXELS = limit
