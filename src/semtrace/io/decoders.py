"""The general decoders: Pillow, and tifffile for what Pillow cannot do; where colour becomes grey."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from semtrace.core.image.gray8 import to_gray8
from semtrace.io import tiff

MAX_PIXELS = 2**27
"""Larger pictures (134 megapixels, 11,585 squared) are refused before memory is taken for them. A decoder may
need 16 bytes a pixel, so 2 GiB. Pillow itself refuses beyond 179 megapixels."""

_LZW = 5  # the decoder of imagecodecs 2026.3.6 crashes the process on a damaged stream

_RULES = {
    "1": "1-bit to 0/255", "L": "identity", "LA": "identity (alpha ignored)",
    "La": "identity (alpha ignored)", "P": "palette->luma", "PA": "palette->luma (alpha ignored)",
    "RGB": "rgb->luma", "RGBA": "rgba->luma (alpha ignored)", "CMYK": "cmyk->luma", "LAB": "lab->lightness",
}  # fmt: skip


class TooLargeError(ValueError):
    """More than ``MAX_PIXELS``."""


class Decoded(NamedTuple):
    """One page: grey of shape (H, W), Pillow's name of the stored mode, bits per sample, pages, rule."""

    gray: NDArray[np.uint8]
    mode: str
    bit_depth: int
    pages: int
    rule: str


def check_size(width: int, height: int) -> None:
    """Refuse a picture of more than ``MAX_PIXELS`` (``TooLargeError``)."""
    if width * height > MAX_PIXELS:
        raise TooLargeError(f"{width} x {height} pixels; the limit is {MAX_PIXELS}")


def by_pillow(data: bytes, kind: str, directory: tiff.Directory | None = None) -> Decoded:
    """Decode the first page with Pillow: grey by ``convert("L")``, deeper than 8 bits by ``to_gray8``.

    Args:
        data: the file.
        kind: Pillow's name of the only format to try.
        directory: the first directory of a TIFF, if it could be read.

    Raises:
        TooLargeError: before memory is taken.
        Exception: whatever Pillow raises for damaged bytes.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=(kind,))
    except Image.DecompressionBombError as error:
        raise TooLargeError(str(error)) from None
    with image:
        check_size(*image.size)
        mode, pages = image.mode, 1 if kind == "TIFF" else int(getattr(image, "n_frames", 1))
        image.load()
        depth = _bit_depth(data, kind, directory)
        gray, rule = _pillow_gray(image, depth, directory)
    return Decoded(gray, mode, depth, pages, rule)


def by_tifffile(data: bytes) -> Decoded:
    """Decode the first page of a TIFF with tifffile.

    Raises:
        TooLargeError: before memory is taken.
        NotImplementedError: a variant that it cannot turn into grey.
        Exception: whatever tifffile raises for damaged bytes.
    """
    # A TiffFile lives on in a cycle until garbage is looked for: closing the stream takes the bytes away from it.
    with io.BytesIO(data) as stream, tifffile.TiffFile(stream) as file:
        page = cast(Any, file.pages[0])
        gray, rule = _channels_to_gray(_tifffile_array(page), min_is_white=int(page.photometric) == 0)
        depth, kind = int(page.bitspersample), page.dtype.kind
    deep = "L" if depth <= 8 else "I;16" if depth <= 16 else "I"
    mode = "RGB" if "luma" in rule else {"b": "1", "f": "F"}.get(kind, deep)
    return Decoded(gray, mode, depth, 1, f"{rule}; by tifffile")


def deep_pixels(data: bytes, kind: str, directory: tiff.Directory | None = None) -> NDArray[np.uint16] | None:
    """The grey levels themselves of a picture of 9 to 16 bits a pixel, shape (H, W), brighter is larger.

    None for every other picture: of 8 bits, in colour, of more bits, with negative or broken numbers.

    Args:
        data: a file that ``by_pillow`` can decode.
        kind: Pillow's name of its format.
        directory: the first directory of a TIFF.
    """
    with Image.open(io.BytesIO(data), formats=(kind,)) as image:
        check_size(*image.size)
        if not image.mode.startswith("I"):
            return None
        image.load()
        signed = directory is not None and bool(np.any(directory.integers(tiff.SAMPLE_FORMAT) == 2))
        array = _pillow_deep(image, _bit_depth(data, kind, directory), directory, signed)
    white = directory is not None and directory.integer(tiff.PHOTOMETRIC, 0) == 0
    if white or array.size == 0 or array.min() < 0 or array.max() > 65535:
        return None
    return np.array(array, np.uint16)


def palette_luma(colors: NDArray[np.int64]) -> bytes:
    """The 256 grey levels of a TIFF colour map (3 x 256 16-bit values), by Pillow's ``convert("L")``."""
    ramp = Image.frombytes("P", (256, 1), bytes(range(256)))
    ramp.putpalette((colors // 256).astype(np.uint8).tobytes(), "RGB;L")
    return ramp.convert("L").tobytes()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence the decoders: Python warnings, loggers, and libtiff, which writes to file descriptor 2 itself.

    What they say about a file that decodes helps nobody; what they say about one that does not is in the
    exception. All is restored on leaving. It is process-wide: for worker processes, not for threads.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # no standard error, or no free descriptor: stay as we are
            saved = os.dup(2)
            stack.callback(os.close, saved)
            null = os.open(os.devnull, os.O_WRONLY)
            stack.callback(os.close, null)
            os.dup2(null, 2)
            stack.callback(os.dup2, saved, 2)
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        yield


def _pillow_gray(image: Image.Image, depth: int, directory: tiff.Directory | None) -> tuple[NDArray[np.uint8], str]:
    mode = image.mode
    # for Pillow a missing photometric interpretation is 0, "min is white"
    white = directory is not None and directory.integer(tiff.PHOTOMETRIC, 0) == 0
    signed = directory is not None and bool(np.any(directory.integers(tiff.SAMPLE_FORMAT) == 2))
    if mode.startswith("I") or mode == "F":
        return to_gray8(_pillow_deep(image, depth, directory, signed), min_is_white=white)
    if mode == "L" and signed:
        return to_gray8(np.asarray(image).view(np.int8))
    rule = _RULES.get(mode, f"{mode.lower()}->luma")
    if mode == "L" and depth < 8:
        rule = f"{depth}-bit spread to 0..255"
    if depth > 8:
        rule = f"high byte of {depth}-bit {rule}"  # of deep colour Pillow keeps no more
    if white and mode in ("1", "L"):
        rule += "; min-is-white inverted"  # Pillow has done it
    if mode == "La":
        image = image.convert("LA")
    gray = image.getchannel(0) if mode in ("La", "LAB") else image.convert("L")
    return np.array(gray, np.uint8), rule


def _pillow_deep(image: Image.Image, depth: int, directory: tiff.Directory | None, signed: bool) -> NDArray[Any]:
    """The numbers of a deep picture, free of two faults of Pillow 13."""
    array = np.asarray(image)
    if directory is None or image.mode not in ("I", "F"):
        return array
    if directory.order == ">" and directory.integer(tiff.COMPRESSION, 1) != 1 and sys.byteorder == "little":
        # libtiff has put decompressed numbers into native order, and Pillow turns them round again
        array = (array.astype(np.int16) if depth == 16 else array).byteswap()
    if image.mode == "I" and depth == 32 and not signed:
        return array.view(np.uint32)  # read as signed
    return array


def _tifffile_array(page: Any) -> NDArray[Any]:
    """Shape (H, W) or (H, W, channels), turned the right way up."""
    check_size(page.imagewidth, page.imagelength)
    if int(page.photometric) not in (0, 1, 2, 6) or page.axes not in ("YX", "YXS", "SYX"):
        raise NotImplementedError(f"photometric interpretation {int(page.photometric)}, axes {page.axes}")
    if page.samplesperpixel > 8 or page.compression == _LZW or page.dtype is None or page.dtype.kind not in "buif":
        what = f"{page.samplesperpixel} samples of {page.dtype}, compression {page.compression}"
        raise NotImplementedError(what)
    array: NDArray[Any] = page.asarray(maxworkers=1)
    if page.axes == "SYX":
        array = np.moveaxis(array, 0, -1)
    turn = int(page.tags.valueof(tiff.ORIENTATION, 1))
    if turn in (5, 6, 7, 8):
        array = np.swapaxes(array, 0, 1)
    if turn in (3, 4, 7, 8):
        array = array[::-1]
    if turn in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array


def _channels_to_gray(array: NDArray[Any], *, min_is_white: bool = False) -> tuple[NDArray[np.uint8], str]:
    if array.ndim == 2:
        return to_gray8(array, min_is_white=min_is_white)
    if array.shape[2] < 3:
        gray, rule = to_gray8(array[..., 0], min_is_white=min_is_white)
        return gray, f"{rule} (further channels ignored)"
    if array.dtype == np.uint8:
        picture = Image.fromarray(np.ascontiguousarray(array[..., :3]))
        return np.array(picture.convert("L"), np.uint8), "rgb->luma"
    red, green, blue = (array[..., channel].astype(np.float64) for channel in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue  # ITU-R 601, as Pillow
    gray, rule = to_gray8(np.rint(luma).astype(array.dtype) if array.dtype.kind in "ui" else luma)
    return gray, f"rgb->luma, {rule}"


def _bit_depth(data: bytes, kind: str, directory: tiff.Directory | None) -> int:
    if kind == "TIFF":
        bits = directory.integers(tiff.BITS).tolist() if directory is not None else []
        return max(bits, default=1)
    if kind == "PNG":
        return data[24]
    return min(8, int.from_bytes(data[28:30], "little")) if kind == "BMP" else 8
