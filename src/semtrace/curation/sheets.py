"""Sheets of patches, side by side in one picture."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SHEET_TILE = 112  # pixels
SHEET_ACROSS = 8


def sheet_png(patches: Sequence[NDArray[np.uint8]]) -> bytes:
    """Patches of any shapes (H, W), made small, eight in a row, as PNG; at least one."""
    rows = -(-len(patches) // SHEET_ACROSS)
    step = SHEET_TILE + 2
    canvas = Image.new("L", (SHEET_ACROSS * step, rows * step), 128)
    for number, patch in enumerate(patches):
        picture = Image.fromarray(patch)
        picture.thumbnail((SHEET_TILE, SHEET_TILE), Image.Resampling.BOX)
        canvas.paste(picture, ((number % SHEET_ACROSS) * step + 1, (number // SHEET_ACROSS) * step + 1))
    stream = io.BytesIO()
    canvas.save(stream, "PNG", compress_level=6)
    return stream.getvalue()
