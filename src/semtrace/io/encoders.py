"""How originals become published JPEGs: by several hands, with several programs."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, ImageEnhance


@dataclass(frozen=True)
class Encoder:
    """One way to publish a picture.

    Attributes:
        mode: ``"L"`` or ``"RGB"``.
        quality: of the JPEG, as Pillow counts it.
        shrink: both sides are divided by this, with Lanczos.
        gamma: exponent of the grey levels, 0 to 1; below 1 brightens.
        contrast: factor of the contrast around the mean grey level.
        cropped: the rows from the data bar on are cut off.
    """

    mode: str = "L"
    quality: int = 95
    shrink: int = 1
    gamma: float = 1.0
    contrast: float = 1.0
    cropped: bool = False


ENCODERS = {
    **{f"grey {quality}": Encoder("L", quality) for quality in (100, 90, 75, 50)},
    **{f"rgb {quality}": Encoder("RGB", quality) for quality in (100, 90, 75, 50)},
    "half": Encoder(shrink=2),
    "quarter": Encoder(shrink=4),
    "gamma": Encoder(gamma=0.8),
    "contrast": Encoder(contrast=1.2),
    "cropped": Encoder(cropped=True),
}


def encode(look: Image.Image, encoder: Encoder, cut: int | None) -> bytes:
    """Make the JPEG.

    Args:
        look: 8-bit picture, mode L or RGB.
        encoder: how.
        cut: number of rows above the data bar; needed where the bar is cropped.

    Raises:
        ValueError: nothing to crop.
    """
    image = look.convert(encoder.mode)
    if encoder.cropped:
        if cut is None:
            raise ValueError("a picture whose data bar is not its lowest part cannot be cropped above it")
        image = image.crop((0, 0, image.width, cut))
    if encoder.shrink != 1:
        size = max(1, image.width // encoder.shrink), max(1, image.height // encoder.shrink)
        image = image.resize(size, Image.Resampling.LANCZOS)
    if encoder.gamma != 1:
        curve = [round(255 * (level / 255) ** encoder.gamma) for level in range(256)]
        image = image.point(curve * len(image.getbands()))
    if encoder.contrast != 1:
        image = ImageEnhance.Contrast(image).enhance(encoder.contrast)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=encoder.quality)
    return file.getvalue()
