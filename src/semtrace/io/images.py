"""Bytes of an image file in, 8-bit grey out: TIFF, JPEG, PNG, BMP, told apart by content, never by name."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from semtrace.io import tiff
from semtrace.io.decoders import TooLargeError, by_pillow, by_tifffile, check_size, palette_luma, quiet
from semtrace.io.limits import bounded

Reason = Literal["empty_file", "not_an_image", "truncated", "corrupt", "unsupported", "too_large"]

_MAGIC = {
    b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"BM": "BMP",
    b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "TIFF", b"MM\0+": "TIFF",
}  # fmt: skip


_BMP_HEADERS = {size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124)}  # "BM" alone says little
_WEBP = 50001  # a TIFF compression that the libtiff inside Pillow lacks


class UnreadableImage(ValueError):  # noqa: N818  (a finding about a file, not a fault of the program)
    """The bytes give no picture.

    Attributes:
        reason: ``empty_file``; ``not_an_image`` (none of the four formats); ``truncated`` (ends too early);
            ``corrupt`` (damaged); ``unsupported`` (sound, but a variant that nothing here decodes);
            ``too_large`` (more than ``decoders.MAX_PIXELS``).
        detail: one line for people. The same bytes always give the same line.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason: Reason = reason
        self.detail = re.sub(r"<[^<>]* at 0x[0-9a-fA-F]+>", "data", " ".join(detail.split()))[:300]
        super().__init__(f"{reason}: {self.detail}")

    def __reduce__(self) -> tuple[type[UnreadableImage], tuple[Reason, str]]:
        """Pickle both arguments: a worker process sends it home."""
        return type(self), (self.reason, self.detail)


@dataclass(frozen=True)
class Facts:
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
    """The first page as 8-bit grey, shape (H, W), C-contiguous and writable, and the rule that made it so."""

    gray: NDArray[np.uint8]
    facts: Facts
    rule: str


def decode(data: bytes) -> DecodedImage:
    """Decode the whole first page of an image file, so that damage anywhere in it is found.

    Colour becomes grey as by Pillow's ``convert("L")`` (ITU-R 601 luma, alpha ignored), what is deeper than 8
    bits by ``semtrace.core.pixels.to_gray8``. A TIFF's orientation is applied, as Pillow does. A worker process
    bounds what it may take, see ``semtrace.io.bounds``.

    Raises:
        UnreadableImage: with a reason; nothing else is raised, whatever the bytes are.
        MemoryError: there is no room for the picture at the moment, or it would take more than the bound.
    """
    with bounded(len(data)):
        return _decode(data)


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


def _decode(data: bytes) -> DecodedImage:
    if not data:
        raise UnreadableImage("empty_file", "0 bytes")
    kind = next((name for magic, name in _MAGIC.items() if data.startswith(magic)), None)
    if kind is None or (kind == "BMP" and data[14:18] not in _BMP_HEADERS):
        raise UnreadableImage("not_an_image", f"neither TIFF, JPEG, PNG nor BMP: starts {data[:8].hex(' ')}")
    directory, pages = None, 1
    try:
        if kind == "TIFF":
            directory, pages = tiff.first_directory(data), tiff.pages(data)
            check_size(directory.integer(tiff.WIDTH), directory.integer(tiff.HEIGHT))
            check_size(directory.integer(tiff.TILE_WIDTH, 1), directory.integer(tiff.TILE_HEIGHT, 1))
            if (plain := _plain(directory, pages)) is not None:
                return plain
            if missing := directory.missing_parts():
                raise UnreadableImage("corrupt", f"{missing} of its strips or tiles are not in the file")
        return _general(data, kind, directory, pages)
    except tiff.TiffError as error:
        raise UnreadableImage("truncated" if error.truncated else "corrupt", str(error)) from None
    except TooLargeError as error:
        raise UnreadableImage("too_large", str(error)) from None


def _plain(directory: tiff.Directory, pages: int) -> DecodedImage | None:
    samples = tiff.plain_pixels(directory)
    if samples is None:
        return None
    photometric, colors = directory.integer(tiff.PHOTOMETRIC), directory.integers(tiff.COLOR_MAP)
    if photometric == 3:
        if len(colors) != 768:
            return None
        levels = bytearray(samples).translate(palette_luma(colors))  # a quarter of the time of numpy's take
        gray, mode, rule = np.frombuffer(levels, np.uint8).reshape(samples.shape), "P", "palette->luma"
    elif photometric == 0:
        gray, mode, rule = 255 - samples, "L", "identity; min-is-white inverted"
    else:
        gray, mode, rule = samples.copy(), "L", "identity"
    return _image(gray, "TIFF", mode, 8, pages, rule)


def _general(data: bytes, kind: str, directory: tiff.Directory | None, pages: int) -> DecodedImage:
    with quiet():
        try:
            page = by_pillow(data, kind, directory)
            return _image(page.gray, kind, page.mode, page.bit_depth, max(pages, page.pages), page.rule)
        except (TooLargeError, MemoryError):  # no memory now says nothing about the file
            raise
        except Exception as error:  # a decoder that is fed damaged bytes raises anything
            unknown = isinstance(error, UnidentifiedImageError)
            detail = f"Pillow: {type(error).__name__} {error}"
        no_memory = detail.endswith("decoder error -9") and not _is_negative(directory)
        if no_memory or "out of memory" in detail:  # how Pillow tells it of libtiff
            raise MemoryError
        if _is_cut(data, kind, directory) or "truncated" in detail:
            raise UnreadableImage("truncated", detail)
        # what Pillow knows and finds damaged is damaged: a more tolerant decoder would only hide it
        if directory is None or not (unknown or directory.integer(tiff.COMPRESSION) == _WEBP):
            raise UnreadableImage("corrupt", detail)
        try:
            page = by_tifffile(data)
            return _image(page.gray, kind, page.mode, page.bit_depth, pages, page.rule)
        except (TooLargeError, MemoryError):  # no memory now says nothing about the file
            raise
        except Exception as error:
            detail += f"; tifffile: {type(error).__name__} {error}"
            unknown = isinstance(error, NotImplementedError) or "not supported" in detail
            raise UnreadableImage("unsupported" if unknown else "corrupt", detail) from None


def _image(gray: NDArray[np.uint8], kind: str, mode: str, depth: int, pages: int, rule: str) -> DecodedImage:
    height, width = gray.shape
    note = f"; page 1 of {pages}" if pages > 1 else ""
    return DecodedImage(gray, Facts(kind, mode, depth, width, height, pages), rule + note)


def _is_negative(directory: tiff.Directory | None) -> bool:
    """Whether a strip has so many rows by its tag that Pillow takes their number for a negative one."""
    if directory is None or tiff.STRIP_OFFSETS not in directory:
        return False
    return 2**31 <= directory.integer(tiff.ROWS_PER_STRIP, 0) < 2**32 - 1


def _is_cut(data: bytes, kind: str, directory: tiff.Directory | None) -> bool:
    """Whether an undecodable file ends too early: what its format puts at the end is missing."""
    if kind == "TIFF":
        return directory is not None and directory.is_cut()
    if kind == "BMP":
        return len(data) < int.from_bytes(data[2:6], "little")
    return (b"IEND" if kind == "PNG" else b"\xff\xd9") not in data[-1024:]
