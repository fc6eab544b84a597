"""What was published of a picture, and how its publisher saw deep pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from semtrace.io.encoders import ENCODERS, Encoder

_ICON = 128  # pixels of width at most
PUBLISHED_AS = {
    **ENCODERS,
    "bright": Encoder(gamma=0.5, quality=90),
    "hard": Encoder(contrast=1.8, quality=90),
    "icon": Encoder(quality=90),
    "toned icon": Encoder(gamma=0.6, quality=90),
    "hard icon": Encoder(contrast=3.5, quality=90),
}
"""Every way in which a picture of the archive is published; icons are at most 128 pixels wide."""


def way_to_publish(way: str, width: int) -> Encoder:
    """The encoder of a way in ``PUBLISHED_AS`` for a picture of this width in pixels."""
    encoder = PUBLISHED_AS[way]
    return replace(encoder, shrink=-(-width // _ICON)) if way.endswith("icon") else encoder


@dataclass(frozen=True)
class Publication:
    """One JPEG.

    Attributes:
        category: its folder.
        encoder: one of ``PUBLISHED_AS``.
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
