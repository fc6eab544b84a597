"""Where the channels of a picture become grey: by Pillow's ``convert("L")`` for 8 bits, by its weights at any depth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_RED, _GREEN, _BLUE = 19595, 38470, 7471  # Pillow's weights of ITU-R 601, in 65536ths


def luma8(rgb: NDArray[np.uint8], mode: str = "RGB", raw: str = "RGB") -> NDArray[np.uint8]:
    """Grey of 8-bit pixels, shape (H, W, channels), as Pillow makes it of a picture of ``mode`` stored as ``raw``."""
    height, width = rgb.shape[:2]
    image = Image.frombuffer(mode, (width, height), np.ascontiguousarray(rgb), "raw", raw, 0, 1)
    return np.array(image.convert("L"), np.uint8)


def luma(rgb: NDArray[Any]) -> NDArray[Any]:
    """Grey of deep pixels, shape (H, W, 3): of up to 16 bits rounded as Pillow rounds 8, else in float64."""
    red, green, blue = (rgb[..., channel] for channel in range(3))
    if rgb.dtype.kind == "u" and rgb.dtype.itemsize <= 2:
        total = red * np.uint32(_RED)
        total += green * np.uint32(_GREEN)
        total += blue * np.uint32(_BLUE)
        return ((total + np.uint32(32768)) >> 16).astype(rgb.dtype)
    grey: NDArray[np.float64] = (_RED / 65536) * red.astype(np.float64)
    grey += (_GREEN / 65536) * green.astype(np.float64)
    grey += (_BLUE / 65536) * blue.astype(np.float64)
    return _stored(grey, rgb.dtype)


def _stored(values: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Back in the dtype they came in; 64-bit integers stay float64, which may lie just beyond their range."""
    whole: NDArray[Any] = np.rint(values).astype(dtype) if dtype.kind in "ui" and dtype.itemsize < 8 else values
    return whole


def cmyk_to_rgb(cmyk: NDArray[Any], most: float) -> NDArray[Any]:
    """Red, green and blue of deep inks, shape (H, W, 4), each 0 to ``most``: (1 - ink)(1 - black), as Pillow."""
    black = most - cmyk[..., 3:4].astype(np.float64)
    return _stored(black * (most - cmyk[..., :3].astype(np.float64)) / most, cmyk.dtype)


def undone_alpha(pixels: NDArray[Any], alpha: NDArray[Any], most: float) -> NDArray[Any]:
    """Pixels that were multiplied by their alpha (0 to ``most``) as they were before; 0 where nothing is left of them.

    Args:
        pixels: shape (H, W, channels).
        alpha: shape (H, W).
        most: alpha of a pixel that covers all.
    """
    whole = alpha == most
    if whole.all():
        return pixels
    known = np.where(alpha > 0, alpha, 1).astype(np.float64)[..., None]
    return _stored(np.where(alpha[..., None] > 0, pixels * (most / known), 0).clip(0, most), pixels.dtype)


def palette_luma(colors: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The grey levels of a TIFF colour map: all reds, all greens, all blues, of 16 bits each.

    A map without a value above 255 holds 8 bits, as some writers leave it; so libtiff reads it, too.
    """
    bytes_ = colors if colors.max(initial=0) < 256 else colors // 256
    levels: NDArray[np.uint8] = luma8(bytes_.reshape(3, 1, -1).transpose(1, 2, 0).astype(np.uint8))[0]
    return levels
