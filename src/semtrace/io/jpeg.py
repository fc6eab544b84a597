"""How a JPEG was encoded, and encoding another picture in just that way.

Encoding an original again with a published JPEG's own tables and getting the same pixels proves that the JPEG was
made from it: two different frames of one field differ in their noise, and no threshold is involved.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

_SUBSAMPLINGS = (0, 1, 2)  # 4:4:4, 4:2:2, 4:2:0; Pillow gives -1 for a grey JPEG and for others


@dataclass(frozen=True)
class Encoding:
    """What decides the pixels of a JPEG: its components, quantisation tables and chroma subsampling.

    Attributes:
        mode: ``"L"`` or ``"RGB"``.
        tables: quantisation tables in order, 64 entries each.
        subsampling: 0, 1 or 2 as Pillow numbers 4:4:4, 4:2:2 and 4:2:0; -1 for grey.
    """

    mode: str
    tables: tuple[tuple[int, ...], ...]
    subsampling: int


def encoding_of(data: bytes) -> Encoding | None:
    """Read a JPEG's encoding from its header; None for what cannot be made again (CMYK, odd subsampling)."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
            if not isinstance(picture, JpegImagePlugin.JpegImageFile):  # a multi-picture file
                return None
            tables = tuple(tuple(table) for _, table in sorted(picture.quantization.items()))
            subsampling = JpegImagePlugin.get_sampling(picture)
            mode = picture.mode
    except (OSError, ValueError, SyntaxError):
        return None
    if mode == "L":
        return Encoding("L", tables, -1)
    return Encoding("RGB", tables, subsampling) if mode == "RGB" and subsampling in _SUBSAMPLINGS else None


def encode_as(gray: NDArray[np.uint8], encoding: Encoding) -> NDArray[np.uint8]:
    """Encode a grey picture, uint8 (H, W), in the given way; return the grey pixels one gets on decoding it."""
    picture = Image.fromarray(gray)
    if encoding.mode == "RGB":
        picture = picture.convert("RGB")
    data = io.BytesIO()
    tables = [list(table) for table in encoding.tables]
    if encoding.subsampling < 0:
        picture.save(data, "JPEG", qtables=tables)
    else:
        picture.save(data, "JPEG", qtables=tables, subsampling=encoding.subsampling)
    return np.asarray(Image.open(data).convert("L"))
