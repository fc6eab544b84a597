"""What Pillow leaves out of a PNG: the check sums of its picture data, and the low bytes of deep colours."""

from __future__ import annotations

import zlib
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.gray8 import to_gray8
from semtrace.io.luma import luma
from semtrace.io.unreadable import UnreadableImage


def check_chunks(data: bytes) -> None:
    """Find damage by the check sums of the chunks that hold the picture.

    Raises:
        UnreadableImage: ``corrupt``.
    """
    at = 8
    while at + 12 <= len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 8 + length
        if name in (b"IHDR", b"PLTE", b"IDAT"):
            stated = int.from_bytes(data[end : end + 4], "big")
            if zlib.crc32(memoryview(data)[at + 4 : end]) != stated:
                raise UnreadableImage("corrupt", f"PNG: the check sum of {name.decode()} at byte {at} is wrong")
        if name == b"IEND":
            return
        at = end + 4


def deep_png(data: bytes, mode: str) -> tuple[NDArray[np.uint8], str]:
    """Grey of a PNG of 16 bits that is not plain grey (Pillow's ``mode`` LA, RGB or RGBA), and the rule."""
    array: NDArray[Any] = imagecodecs.png_decode(data)
    if array.ndim != 3 or array.dtype != np.uint16 or array.shape[2] not in (2, 3, 4):
        raise UnreadableImage("unsupported", f"PNG of {array.dtype}, shape {array.shape}")
    if array.shape[2] == 2:
        gray, rule = to_gray8(array[..., 0])
        return gray, f"{rule} (alpha ignored)"
    gray, rule = to_gray8(luma(array[..., :3]))
    return gray, f"{'rgba->luma (alpha ignored)' if mode == 'RGBA' else 'rgb->luma'}, {rule}"
