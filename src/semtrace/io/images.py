"""Bytes of an image file in, 8-bit grey out: TIFF, JPEG, PNG, BMP, told apart by content, never by name."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semtrace.io.decoders import Decoded, TooLargeError, by_pillow, quiet_decoders
from semtrace.io.jpeg_stream import check_data, check_kind
from semtrace.io.limits import bounded
from semtrace.io.png import check_chunks
from semtrace.io.tiff_picture import decode_tiff
from semtrace.io.unreadable import Reason, UnreadableImage, by_decoder, unsupported

__all__ = ["DecodedImage", "ImageFacts", "Reason", "UnreadableImage", "decode", "encode_jpeg"]

_MAGIC = {
    b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"BM": "BMP",
    b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "TIFF", b"MM\0+": "TIFF",
}  # fmt: skip

_OTHERS = {
    b"GIF8": "GIF", b"\0\0\0\x0cjP  ": "JPEG 2000", b"\xff\x4f\xff\x51": "JPEG 2000", b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL", b"8BPS": "Photoshop", b"\x76\x2f\x31\x01": "OpenEXR", b"SIMPLE  =": "FITS",
    b"P4\n": "PBM", b"P5\n": "PGM", b"P6\n": "PPM",
}  # fmt: skip
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIF", b"heix": "HEIF", b"mif1": "HEIF", b"msf1": "HEIF"}
_BMP_HEADERS = {size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124)}  # "BM" alone says little


@dataclass(frozen=True)
class ImageFacts:
    """What an image file is, before anything is done to it.

    Attributes:
        format: TIFF, JPEG, PNG or BMP: what the bytes are.
        mode: Pillow's name of the pixel layout (1, L, P, LA, RGB, RGBA, CMYK, LAB, I;16, I, F, ...).
        bit_depth: bits per sample.
        width: columns.
        height: rows.
        pages: pages that can be reached.
    """

    format: str
    mode: str
    bit_depth: int
    width: int
    height: int
    pages: int


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """The picture as 8-bit grey, shape (H, W), C-contiguous and writable, and the rule that made it so.

    ``page`` is where the directory of the picture begins in a TIFF, else 0.
    """

    gray: NDArray[np.uint8]
    facts: ImageFacts
    rule: str
    page: int = 0


def decode(data: bytes, *, sound: bool = False) -> DecodedImage:
    """Decode the whole picture of an image file, so that damage anywhere in it is found.

    Colour becomes grey as by Pillow's ``convert("L")`` (ITU-R 601 luma, alpha ignored), what is deeper than 8
    bits by ``semtrace.core.image.gray8.to_gray8``. The orientation is applied, that of a TIFF and that of Exif.
    ``semtrace.io.tiff_pages`` says which page of a TIFF is the picture. A worker process bounds what it may take:
    ``semtrace.io.limits``.

    Args:
        data: the file.
        sound: a file of these bytes was decoded before, so the data of a JPEG are not looked through once more.

    Raises:
        UnreadableImage: with a reason; nothing else is raised, whatever the bytes are.
        MemoryError: there is not enough memory for the picture at the moment, or it would take more than the bound.
    """
    with bounded(len(data)), quiet_decoders():
        try:
            return _decode(data, sound=sound)
        except TooLargeError as error:
            raise UnreadableImage("too_large", str(error)) from None


def encode_jpeg(gray: NDArray[np.uint8], quality: int = 100) -> bytes:
    """Encode a grey picture, shape (H, W), as a baseline single-component JPEG without metadata.

    Raises:
        ValueError: not a two-dimensional uint8 picture of 1 to 65,500 pixels a side (the limit of libjpeg).
    """
    if gray.dtype != np.uint8 or gray.ndim != 2 or not 1 <= min(gray.shape) <= max(gray.shape) <= 65_500:
        raise ValueError(f"a JPEG holds (H, W) uint8 with sides of 1 to 65500, got {gray.dtype} {gray.shape}")
    file = io.BytesIO()
    Image.fromarray(gray).save(file, "JPEG", quality=quality)
    return file.getvalue()


def _decode(data: bytes, *, sound: bool) -> DecodedImage:
    if not data:
        raise UnreadableImage("empty_file", "0 bytes")
    kind = next((name for magic, name in _MAGIC.items() if data.startswith(magic)), None)
    if kind is None or (kind == "BMP" and data[14:18] not in _BMP_HEADERS):
        if (other := _other(data)) is not None:
            raise unsupported(f"{other}, whatever its name says")
        raise UnreadableImage("not_an_image", f"neither TIFF, JPEG, PNG nor BMP: starts {data[:8].hex(' ')}")
    if kind == "TIFF":
        found = decode_tiff(data)
        return _image(found.decoded, kind, found.note, found.page)
    decoded = _general(data, kind, sound=sound)
    return _image(decoded, kind, f"page 1 of {decoded.pages}" if decoded.pages > 1 else "", 0)


def _other(data: bytes) -> str | None:
    """Another format that holds pictures, or None."""
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12])
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    return next((name for magic, name in _OTHERS.items() if data.startswith(magic)), None)


def _general(data: bytes, kind: str, *, sound: bool) -> Decoded:
    if kind == "JPEG":
        check_kind(data)
    try:
        decoded = by_pillow(data, kind)
    except (TooLargeError, UnreadableImage):
        raise
    except Exception as error:  # a decoder that is fed damaged bytes raises anything
        raise by_decoder(error, cut=_is_cut(data, kind)) from None
    if kind == "JPEG" and not sound:
        check_data(data)
    elif kind == "PNG":
        check_chunks(data)
    return decoded


def _image(decoded: Decoded, kind: str, note: str, page: int) -> DecodedImage:
    gray = np.require(decoded.gray, np.uint8, ["C", "W"])
    height, width = gray.shape
    facts = ImageFacts(kind, decoded.mode, decoded.bit_depth, width, height, decoded.pages)
    return DecodedImage(gray, facts, decoded.rule + (f"; {note}" if note else ""), page)


def _is_cut(data: bytes, kind: str) -> bool:
    """Whether an undecodable file ends too early: what its format puts at the end is missing."""
    if kind == "BMP":
        return len(data) < int.from_bytes(data[2:6], "little")
    return (b"IEND" if kind == "PNG" else b"\xff\xd9") not in data[-1024:]
