"""The general decoders: Pillow, and tifffile for what Pillow cannot do; where colour becomes grey."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from semtrace.core.image.gray8 import to_gray8
from semtrace.io import tiff
from semtrace.io.luma import luma, luma8
from semtrace.io.orientation import orientation, upright
from semtrace.io.png import deep_png
from semtrace.io.tiff_gray import WHITE, photometric

MAX_PIXELS = 2**27
"""Larger pictures (134 megapixels, 11,585 squared) are refused before memory is taken for them. A decoder may
need 16 bytes a pixel, so 2 GiB. Pillow itself refuses beyond 179 megapixels."""

_LZW = 5  # the decoder of imagecodecs 2026.3.6 crashes the process on a damaged stream

_RULES = {
    "1": "1-bit to 0/255", "L": "identity", "LA": "identity (alpha ignored)", "P": "palette->luma",
    "PA": "palette->luma (alpha ignored)",
    "RGB": "rgb->luma", "RGBA": "rgba->luma (alpha ignored)", "CMYK": "cmyk->luma",
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
        directory: the first directory of a TIFF.

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
        if kind == "PNG" and depth == 16 and mode not in ("I", "I;16"):
            gray, rule = deep_png(data, mode)
        else:
            gray, rule = _pillow_gray(image, depth, directory)
        turn = 1 if kind == "TIFF" else orientation(image)
    if turn != 1:
        gray, rule = upright(gray, turn), f"{rule}; turned by Exif orientation {turn}"
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
        white, stated = int(page.photometric) == 0, _stated(page)
        gray, rule = _channels_to_gray(_tifffile_array(page), min_is_white=white, no_data=stated)
        depth, kind = int(page.bitspersample), page.dtype.kind
    deep = "L" if depth <= 8 else "I;16" if depth <= 16 else "I"
    mode = "RGB" if "luma" in rule else {"b": "1", "f": "F"}.get(kind, deep)
    return Decoded(gray, mode, depth, 1, f"{rule}; by tifffile")


@contextlib.contextmanager
def quiet_decoders() -> Iterator[None]:
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
    white = directory is not None and photometric(directory) == WHITE
    if mode.startswith("I") or mode == "F":
        stated = None if directory is None else directory.number(tiff.NO_DATA)
        return to_gray8(np.asarray(image), min_is_white=white, no_data=stated)
    rule = _RULES.get(mode, f"{mode.lower()}->luma")
    if mode == "L" and depth < 8:
        rule = f"{depth}-bit spread to 0..255"
    if white and mode in ("1", "L"):
        rule += "; min-is-white inverted"  # Pillow has done it
    return np.array(image.convert("L"), np.uint8), rule


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
    return upright(array, int(page.tags.valueof(tiff.ORIENTATION, 1)))


def _stated(page: Any) -> float | None:
    """The number that a page states for pixels without data."""
    try:
        return float(page.tags.valueof(tiff.NO_DATA, ""))
    except (TypeError, ValueError):
        return None


def _channels_to_gray(
    array: NDArray[Any], *, min_is_white: bool = False, no_data: float | None = None
) -> tuple[NDArray[np.uint8], str]:
    if array.ndim == 2:
        return to_gray8(array, min_is_white=min_is_white, no_data=no_data)
    if array.shape[2] < 3:
        gray, rule = to_gray8(array[..., 0], min_is_white=min_is_white, no_data=no_data)
        return gray, f"{rule} (further channels ignored)"
    if array.dtype == np.uint8:
        return luma8(array[..., :3]), "rgb->luma"
    gray, rule = to_gray8(luma(array[..., :3]), no_data=no_data)
    return gray, f"rgb->luma, {rule}"


def _bit_depth(data: bytes, kind: str, directory: tiff.Directory | None) -> int:
    if kind == "TIFF":
        bits = directory.integers(tiff.BITS).tolist() if directory is not None else []
        return max(bits, default=1)
    if kind == "PNG":
        return data[24]
    return min(8, int.from_bytes(data[28:30], "little")) if kind == "BMP" else 8
