"""What was published of a picture, and how its publisher saw deep pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Publication:
    """One JPEG.

    Attributes:
        category: its folder.
        encoder: one of ``io.encoders.ENCODERS``.
        digits: the 32 hex digits of its name: ``"jpeg"`` (md5 of its bytes), ``"tiff"`` (md5 of its original's
            bytes), or the digits themselves.
    """

    category: str
    encoder: str
    digits: str = "jpeg"


def rendering(stored: np.ndarray, low: float, high: float) -> Image.Image:
    """A sane 8-bit grey picture of deep pixels: the ``low`` to ``high`` percentiles (0 and 100: min-max) spread."""
    black, white = np.percentile(stored.astype(np.float64), (low, high))
    spread = (stored.astype(np.float64) - black) * (255.0 / max(white - black, 1e-12))
    return Image.fromarray(np.rint(np.clip(spread, 0, 255)).astype(np.uint8))
