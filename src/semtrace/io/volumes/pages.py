"""Pages of pictures as numbers: TIFF by tifffile, PNG, JPEG and BMP by Pillow, each in its own depth."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from semtrace.io.decoders import MAX_PIXELS
from semtrace.io.files import open_regular
from semtrace.io.volumes.volume import UnreadableVolume

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_OTHERS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"BM": "BMP"}
_LZW = 5  # the decoder of imagecodecs crashes the process on a damaged stream


class PageFacts(NamedTuple):
    """Height, width and type of a single page of grey; ``pages`` in the file."""

    height: int
    width: int
    dtype: np.dtype[Any]
    pages: int


def is_tiff(head: bytes) -> bool:
    """Whether a file begins as TIFF does."""
    return head.startswith(_TIFF)


def is_picture(head: bytes) -> bool:
    """Whether a file begins as TIFF, JPEG, PNG or BMP does."""
    return is_tiff(head) or head.startswith(tuple(_OTHERS))


def page_facts(path: Path) -> PageFacts:
    """What the first page is, without decoding it.

    Raises:
        UnreadableVolume: damaged or not supported.
    """
    with open_regular(path) as file:
        head = file.read(8)
        file.seek(0)
        try:
            if is_tiff(head):
                with tifffile.TiffFile(file, name=path.name) as tiff:
                    page: Any = tiff.pages.first
                    check_page(page)
                    return PageFacts(page.imagelength, page.imagewidth, _native(page.dtype), len(tiff.pages))
            with Image.open(file, formats=_formats(head)) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise UnreadableVolume("too_large", f"{image.width} x {image.height} pixels")
                deep = {"I;16": np.uint16, "I": np.int32}.get(image.mode, np.uint8)
                return PageFacts(image.height, image.width, np.dtype(deep), int(getattr(image, "n_frames", 1)))
        except (UnreadableVolume, MemoryError):
            raise
        except Exception as error:  # a decoder that is fed damaged bytes raises anything
            raise _corrupt(error) from None


def read_page(path: Path) -> NDArray[Any]:
    """The first page as grey numbers, shape (H, W): colour by luma, alpha ignored.

    Raises:
        UnreadableVolume: damaged or not supported.
    """
    with open_regular(path) as file:
        head = file.read(8)
        file.seek(0)
        try:
            if is_tiff(head):
                with tifffile.TiffFile(file, name=path.name) as tiff:
                    return decode_page(tiff.pages.first)
            with Image.open(file, formats=_formats(head)) as image:
                gray = image if image.mode in ("L", "I;16", "I") else image.convert("L")
                return np.array(gray)
        except (UnreadableVolume, MemoryError):
            raise
        except Exception as error:  # a decoder that is fed damaged bytes raises anything
            raise _corrupt(error) from None


def check_page(page: Any) -> None:
    """Refuse a page of tifffile that has no honest size, or is of a kind that is not read.

    Raises:
        UnreadableVolume: ``too_large`` or ``unsupported``.
    """
    if page.imagewidth * page.imagelength > MAX_PIXELS:
        raise UnreadableVolume("too_large", f"{page.imagewidth} x {page.imagelength} pixels in a page")
    if page.tilewidth * page.tilelength > MAX_PIXELS:
        raise UnreadableVolume("too_large", f"tiles of {page.tilewidth} x {page.tilelength} pixels")
    if page.imagewidth * page.imagelength == 0 or page.dtype is None or page.dtype.kind not in "buif":
        raise UnreadableVolume("unsupported", f"pages of {page.imagewidth} x {page.imagelength}, type {page.dtype}")
    if int(page.photometric) not in (0, 1, 2, 6) or page.samplesperpixel > 8 or page.compression == _LZW:
        what = f"photometric {int(page.photometric)}, {page.samplesperpixel} samples, compression {page.compression}"
        raise UnreadableVolume("unsupported", what)


def decode_page(page: Any) -> NDArray[Any]:
    """Decode a page of tifffile to grey, shape (H, W), native byte order; "min is white" is turned round."""
    check_page(page)
    array: NDArray[Any] = page.asarray(maxworkers=1)
    array = array.astype(_native(array.dtype), copy=False)
    if page.samplesperpixel > 1:
        array = to_luma(np.moveaxis(array, 0, -1) if page.axes.startswith("S") else array)
    if array.ndim != 2:
        raise UnreadableVolume("unsupported", f"a page with axes {page.axes}")
    return white_is_high(array, int(page.photometric))


def white_is_high(array: NDArray[Any], photometric: int) -> NDArray[Any]:
    """Turn integers round where the smallest is white (photometric interpretation 0)."""
    if photometric != 0 or array.dtype.kind == "f":
        return array
    return np.asarray(np.invert(array))


def to_luma(array: NDArray[Any]) -> NDArray[Any]:
    """Grey of the last axis' channels: the first of one or two, ITU-R 601 luma of three or more; same type."""
    if array.shape[-1] < 3:
        return array[..., 0]
    red, green, blue = (array[..., channel] for channel in range(3))
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return np.ascontiguousarray(red)
    luma = 0.299 * red.astype(np.float64) + 0.587 * green + 0.114 * blue
    return (np.rint(luma) if array.dtype.kind in "ui" else luma).astype(array.dtype)


def _formats(head: bytes) -> list[str]:
    kinds = [kind for magic, kind in _OTHERS.items() if head.startswith(magic)]
    if not kinds:
        raise UnreadableVolume("not_an_image", f"starts {head.hex(' ')}")
    return kinds


def _native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype.newbyteorder("=")


def _corrupt(error: Exception) -> UnreadableVolume:
    return UnreadableVolume("corrupt", f"{type(error).__name__} {error}".split(" at 0x")[0])
