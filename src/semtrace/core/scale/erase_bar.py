"""A text without the scale bar beside it, whose end cap OCR would take for a letter or a digit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from semtrace.core.scale.scale_bar import CAPS, Bar
from semtrace.core.scale.text_box import TextBox

_CONTRAST = 40  # grey levels between ink and background
_LONG = 0.7  # of the text's height: a longer run is a stroke of the bar
_CAP = 0.35  # of the text's height: columns of an end cap, at most


def is_beside(text: TextBox, bar: Bar) -> bool:
    """Whether a bar with end caps stands in the line of the text and reaches into its box."""
    x0, y0, x1, y1 = bar.box
    in_line = text.y0 + text.height / 4 < (y0 + y1) / 2 < text.y1 - text.height / 4
    return bar.convention == CAPS and in_line and min(text.x1, x1) > max(text.x0, x0)


def without_bar(gray: NDArray[np.uint8], text: TextBox, bar: Bar) -> tuple[NDArray[np.uint8], int, int]:
    """The part of a picture around a text, with the caps and the long strokes of its bar painted over.

    Returns:
        The part, a copy; the column and the row at which it begins in the picture.

    """
    tall = text.height
    text = text.clipped(gray.shape[1], len(gray))
    left, top = max(text.x0 - tall // 2, 0), max(text.y0 - tall // 4, 0)
    part = gray[top : text.y1 + tall // 4, left : text.x1 + tall // 2].copy()
    ground = np.uint8(np.median(part))
    x0, y0, x1, y1 = bar.box[0] - left, bar.box[1] - top, bar.box[2] - left, bar.box[3] - top
    rows = slice(max(y0 - 1, 0), y1 + 1)
    wide = round(_CAP * tall)
    for end in (slice(max(x0 - 1, 0), max(x0 + wide, 0)), slice(max(x1 - wide, 0), max(x1 + 1, 0))):
        part[rows, end] = ground
    ink = np.abs(part.astype(np.int16) - int(ground)) > _CONTRAST
    for y in range(*rows.indices(len(part))):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], ink[y].view(np.int8), [0]])))
        for a, b in zip(edges[::2], edges[1::2], strict=True):
            cut = a == 0 or b == part.shape[1]  # it goes on outside
            if b - a >= _LONG * tall or (cut and b - a >= 2):
                part[y, a:b] = ground
    return part, left, top
