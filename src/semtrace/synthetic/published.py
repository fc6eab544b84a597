"""How originals became published JPEGs: by several hands, with several programs."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance

ENCODERS = ("grey 100", "rgb 100", "grey 90", "rgb 75", "half", "gamma", "contrast", "cropped")


@dataclass(frozen=True)
class Publication:
    """One JPEG.

    Attributes:
        category: its folder.
        encoder: one of ``ENCODERS``.
        digits: the 32 hex digits of its name: ``"jpeg"`` (md5 of its bytes), ``"tiff"`` (md5 of its original's
            bytes), or the digits themselves.
    """

    category: str
    encoder: str
    digits: str = "jpeg"


def encode(look: Image.Image, encoder: str, cut: int | None) -> bytes:
    """Make the JPEG.

    Args:
        look: 8-bit picture, mode L or RGB.
        encoder: one of ``ENCODERS``: colour mode and quality; ``half`` is resized with Lanczos, ``gamma`` brightened
            with exponent 0.8, ``contrast`` raised by 20 %, ``cropped`` loses its data bar; these four are grey, 95.
        cut: number of rows above the data bar; needed for ``cropped``.

    Raises:
        ValueError: unknown encoder, or nothing to crop.
    """
    mode, quality = {"grey 100": ("L", 100), "rgb 100": ("RGB", 100), "grey 90": ("L", 90), "rgb 75": ("RGB", 75)}.get(
        encoder, ("L", 95)
    )
    image = look.convert(mode)
    if encoder == "half":
        image = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    elif encoder == "gamma":
        image = image.point([round(255 * (level / 255) ** 0.8) for level in range(256)])
    elif encoder == "contrast":
        image = ImageEnhance.Contrast(image).enhance(1.2)
    elif encoder == "cropped":
        if cut is None:
            raise ValueError("a picture whose data bar is not its lowest part cannot be cropped above it")
        image = image.crop((0, 0, image.width, cut))
    elif encoder not in ENCODERS:
        raise ValueError(f"no encoder {encoder!r}; there are {', '.join(ENCODERS)}")
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def rendering(stored: np.ndarray, low: float, high: float) -> Image.Image:
    """A sane 8-bit grey picture of deep pixels: the ``low`` to ``high`` percentiles (0 and 100: min-max) spread."""
    black, white = np.percentile(stored.astype(np.float64), (low, high))
    spread = (stored.astype(np.float64) - black) * (255.0 / max(white - black, 1e-12))
    return Image.fromarray(np.rint(np.clip(spread, 0, 255)).astype(np.uint8))
