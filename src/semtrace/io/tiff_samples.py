"""The numbers in a TIFF as they are stored, at full depth: any bit depth, byte order, predictor, strips or tiles.

Sources: TIFF revision 6.0; Adobe Photoshop TIFF technical note 3 (the predictor for floating point); libtiff 4.7
(tif_predict.c, tif_swab.c) where these leave something open.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from semtrace.io import tiff
from semtrace.io.tiff_parts import NONE, PACKBITS, UNPACKED, check_listed, check_places, parts, unpacked
from semtrace.io.unreadable import unsupported

_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_MOST_SAMPLES = 64  # of a pixel
_CHUNK = 1 << 21  # samples of odd depth that are unpacked at once


def depth_and_format(directory: tiff.Directory) -> tuple[int, int]:
    """Bits of a sample, and 1 for unsigned, 2 for signed integers, 3 for floating point.

    Raises:
        UnreadableImage: ``unsupported``: the samples of a pixel differ, or are of another kind.
    """
    number = max(1, directory.integer(tiff.SAMPLES, 1))  # some writers list more depths than there are samples
    bits = set(directory.integers(tiff.BITS)[:number].tolist()) or {1}
    formats = set(directory.integers(tiff.SAMPLE_FORMAT)[:number].tolist()) or {_UNSIGNED}
    depth, kind = bits.pop(), formats.pop()
    if bits or formats or (kind == _FLOAT and depth not in (16, 32, 64)) or kind not in (1, 2, 3):
        raise unsupported(f"bits {sorted({depth, *bits})}, sample formats {sorted({kind, *formats})}")
    if not (1 <= depth <= 32 or depth == 64):
        raise unsupported(f"{depth} bits a sample")
    return depth, kind


def samples(directory: tiff.Directory) -> NDArray[Any]:
    """The stored samples, shape (H, W, samples of a pixel), in native byte order; not turned, possibly read-only.

    Of 8, 16, 32 and 64 bits the dtype is that of the file, of other depths the next wider integer.

    Raises:
        UnreadableImage: ``unsupported``: a compression, predictor or depth that is not known here.
        TiffError: damaged, or the file ends too early.
        OSError: damaged, as libtiff says it.
        MemoryError: no room.
    """
    depth, kind = depth_and_format(directory)
    compression, number = directory.integer(tiff.COMPRESSION, NONE), directory.integer(tiff.SAMPLES, 1)
    if compression not in UNPACKED or not 1 <= number <= _MOST_SAMPLES:
        raise unsupported(f"{number} samples, compression {compression}")
    found, height, width = parts(directory), directory.integer(tiff.HEIGHT), directory.integer(tiff.WIDTH)
    inside = 1 if found.planes > 1 else number
    row_bytes = (found.width * inside * depth + 7) // 8
    check_listed(found)
    check_places(directory, found, _bytes_of_parts(directory, row_bytes) if compression == NONE else None)
    predictor = 1 if compression in (NONE, PACKBITS) else directory.integer(tiff.PREDICTOR, 1)
    planes = []
    for packed in unpacked(directory, found, row_bytes):
        rows = np.frombuffer(packed, np.uint8).reshape(-1, row_bytes)
        plane = _numbers(rows, depth, kind, directory.order, predictor, inside)[:, : found.width * inside]
        planes.append(_placed(plane.reshape(-1, found.width, inside), found.across, found.down, found.rows))
    whole = planes[0] if len(planes) == 1 else np.concatenate(planes, axis=2)
    return whole[:height, :width]


def needed_bytes(directory: tiff.Directory) -> NDArray[np.int64] | None:
    """Bytes of each strip or tile where nothing is compressed; None where something is."""
    if directory.integer(tiff.COMPRESSION, NONE) != NONE:
        return None
    depth, _ = depth_and_format(directory)
    inside = 1 if directory.integer(tiff.PLANAR, 1) == 2 else directory.integer(tiff.SAMPLES, 1)
    return _bytes_of_parts(directory, (parts(directory).width * max(inside, 1) * depth + 7) // 8)


def _bytes_of_parts(directory: tiff.Directory, row_bytes: int) -> NDArray[np.int64]:
    found = parts(directory)
    if found.number > len(found.offsets):  # nonsense may ask for more than memory holds
        return np.empty(0, np.int64)
    each = np.full(found.across * found.down, found.rows * row_bytes, np.int64)
    if found.word == "strips":
        each[-1] = (directory.integer(tiff.HEIGHT) - found.rows * (found.down - 1)) * row_bytes
    return np.tile(each, found.planes)


def _placed(plane: NDArray[Any], across: int, down: int, rows: int) -> NDArray[Any]:
    """Strips are in their place already; tiles are laid beside and below one another."""
    if across == 1:
        return plane
    _, width, inside = plane.shape
    tiles = plane.reshape(down, across, rows, width, inside).transpose(0, 2, 1, 3, 4)
    return tiles.reshape(down * rows, across * width, inside)


def _numbers(
    rows: NDArray[np.uint8], depth: int, kind: int, order: Literal["<", ">"], predictor: int, inside: int
) -> NDArray[Any]:
    """The samples of each row of bytes; ``inside`` samples of a pixel lie beside one another."""
    if predictor not in (1, 2, 3):
        raise unsupported(f"predictor {predictor}")
    if depth not in (8, 16, 32, 64):
        if predictor != 1:
            raise unsupported(f"predictor {predictor} with {depth} bits: libtiff knows none")
        return _odd(rows, depth, order, signed=kind == _SIGNED)
    size = depth // 8
    dtype = np.dtype(f"{'uif'[kind - 1]}{size}")
    if predictor == 3:
        if kind != _FLOAT:
            raise unsupported("predictor 3 with integers")
        return _unfloat(rows, size, inside).view(dtype.newbyteorder(">")).astype(dtype)
    if predictor == 2:
        whole = rows.view(np.dtype(f"{order}u{size}")).astype(f"u{size}").reshape(len(rows), -1, inside)
        np.cumsum(whole, axis=1, dtype=whole.dtype, out=whole)
        return whole.reshape(len(rows), -1).view(dtype)
    stored = rows.view(dtype.newbyteorder(order))
    return stored if stored.dtype.isnative else stored.astype(dtype)


def _unfloat(rows: NDArray[np.uint8], size: int, inside: int) -> NDArray[np.uint8]:
    """Undo predictor 3: the bytes of a row are sorted by their weight, and then differences."""
    across = rows.shape[1] // inside
    sums = np.cumsum(rows.reshape(len(rows), across, inside), axis=1, dtype=np.uint8)
    by_weight = sums.reshape(len(rows), size, -1)
    return np.ascontiguousarray(by_weight.transpose(0, 2, 1)).reshape(len(rows), -1)


def _odd(rows: NDArray[np.uint8], depth: int, order: str, *, signed: bool) -> NDArray[Any]:
    """Samples that are no whole bytes lie bit after bit, the highest first; 24 bits are three bytes in file order."""
    if depth == 24 and order == "<":
        rows = np.ascontiguousarray(rows.reshape(len(rows), -1, 3)[..., ::-1]).reshape(len(rows), -1)
    wide = 8 if depth < 8 else 16 if depth < 16 else 32
    number = rows.shape[1] * 8 // depth
    result = np.empty((len(rows), number), f"u{wide // 8}")
    step = max(1, _CHUNK // max(number, 1))
    for top in range(0, len(rows), step):
        bits = np.unpackbits(rows[top : top + step], axis=1)[:, : number * depth].reshape(-1, number, depth)
        padded = np.zeros((len(bits), number, wide), np.uint8)
        padded[..., wide - depth :] = bits
        result[top : top + step] = np.packbits(padded.reshape(len(bits), -1), axis=1).view(f">u{wide // 8}")
    if not signed:
        return result
    half = result.dtype.type(1 << (depth - 1))
    low: NDArray[Any] = (result ^ half).astype(f"i{wide // 8}")
    return low - low.dtype.type(half) if depth < wide else low
