"""How a JPEG's brightness was encoded, and encoding another picture in just that way.

Encoding an original again with a published JPEG's own quantisation table and getting the same pixels proves that the
JPEG was made from it: two frames of one field differ in their noise, and no threshold is involved. Only brightness
matters: of a grey picture saved as RGB the chroma is neutral, and the brightness is coded as in a grey JPEG.

Blocks of 8 x 8 pixels are coded one by one, so some rows of them, encoded alone, give the pixels that they have in the
whole picture. Where these differ from the published ones, the whole does too, and need not be encoded.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

_BLOCK = 8  # pixels along a side
_STRIP = 16  # rows that are encoded before the whole picture is


def luma_table(data: bytes) -> tuple[int, ...] | None:
    """Read the quantisation table of the brightness, 64 steps, from a JPEG's header.

    None for what cannot be made again: CMYK, RGB stored without conversion, a multi-picture or a broken file.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
            if not isinstance(picture, JpegImagePlugin.JpegImageFile) or picture.mode not in ("L", "RGB"):
                return None
            table = picture.quantization.get(picture.layer[0][3])  # of the first component
    except (OSError, ValueError, SyntaxError, IndexError):
        return None
    return None if table is None else tuple(table)


def encode_again(gray: NDArray[np.uint8], table: tuple[int, ...]) -> NDArray[np.uint8]:
    """Encode a grey picture, uint8 (H, W), with a quantisation table; return the pixels one gets on decoding it."""
    data = io.BytesIO()
    Image.fromarray(gray).save(data, "JPEG", qtables=[list(table)])
    return np.asarray(Image.open(data))


def gives(gray: NDArray[np.uint8], table: tuple[int, ...], pixels: NDArray[np.uint8]) -> bool:
    """Whether a picture, encoded with a quantisation table, gives these very pixels.

    Args:
        gray: uint8 (H, W).
        table: 64 steps.
        pixels: uint8 (H, W).
    """
    first = len(gray) // 2 // _BLOCK * _BLOCK
    strip = slice(first, first + _STRIP)  # whole blocks, or up to the last row
    if len(gray) > _STRIP and not np.array_equal(encode_again(gray[strip], table), pixels[strip]):
        return False
    return np.array_equal(encode_again(gray, table), pixels)
