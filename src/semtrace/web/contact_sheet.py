"""Contact sheets: rows of small pictures with words, as one PNG that depends on nothing but what it shows."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from semtrace.io.terminal import harmless

_GAP, _LINE, _HEAD = 8, 14, 22  # pixels
_PAPER, _INK, _SOFT, _EMPTY = (255, 255, 255), (26, 29, 33), (80, 87, 95), (226, 229, 233)
MARKED = (197, 48, 48)
"""The colour of marks: a red that stands out from any grey."""


@dataclass(frozen=True)
class SheetPicture:
    """One picture of a sheet.

    Attributes:
        gray: shape (H, W), uint8; None where it could not be read.
        words: lines below it.
        framed: whether it gets a frame in the colour of marks.
        corners: of a part that is drawn into it, (x, y) in its pixels, in order; empty: none.
    """

    gray: NDArray[np.uint8] | None
    words: tuple[str, ...] = ()
    framed: bool = False
    corners: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class SheetRow:
    """A line of pictures and what stands above it."""

    title: str
    pictures: Sequence[SheetPicture]


def draw_sheet(title: str, rows: Sequence[SheetRow], *, side: int = 150) -> bytes:
    """Draw a sheet as PNG.

    Args:
        title: above all.
        rows: from above.
        side: pixels that a picture may take, either way.
    """
    most = max((len(row.pictures) for row in rows), default=0)
    width = max(2 * _GAP + most * (side + _GAP), 640)
    tall = [max((_size(picture, side)[1] for picture in row.pictures), default=0) for row in rows]
    heads = [_HEAD if row.title else 0 for row in rows]
    heights = [head + most_ + _LINE * _lines(row) + _GAP for row, head, most_ in zip(rows, heads, tall, strict=True)]
    sheet = Image.new("RGB", (width, _HEAD + 2 * _GAP + (sum(heights) or _HEAD)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP, _GAP), _cut(title, width - 2 * _GAP, 15), _INK, _font(15))
    if not rows:
        draw.text((_GAP, _HEAD + _GAP), "none", _SOFT, _font(12))
    top = _HEAD + 2 * _GAP
    for row, head, below, height in zip(rows, heads, tall, heights, strict=True):
        draw.text((_GAP, top), _cut(row.title, width - 2 * _GAP, 12), _INK, _font(12))
        for place, picture in enumerate(row.pictures):
            left = _GAP + place * (side + _GAP)
            _draw_one(sheet, draw, picture, left, top + head, side)
            for number, words in enumerate(picture.words):
                line = top + head + below + 1 + number * _LINE
                draw.text((left, line), _cut(words, side, 11), _SOFT, _font(11))
        top += height
    data = io.BytesIO()
    sheet.save(data, "PNG")
    return data.getvalue()


def _draw_one(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, picture: SheetPicture, left: int, top: int, side: int
) -> None:
    if picture.gray is None:
        draw.rectangle((left, top, left + side - 1, top + _size(picture, side)[1] - 1), _EMPTY)
        draw.text((left + 6, top + 6), "cannot be read", _SOFT, _font(11))
    else:
        size = _size(picture, side)
        scale = size[0] / picture.gray.shape[1], size[1] / picture.gray.shape[0]
        sheet.paste(Image.fromarray(picture.gray).resize(size, Image.Resampling.LANCZOS), (left, top))
        if picture.framed:
            draw.rectangle((left, top, left + size[0] - 1, top + size[1] - 1), outline=MARKED, width=3)
        if picture.corners:
            corners = [(left + x * scale[0], top + y * scale[1]) for x, y in picture.corners]
            draw.line([*corners, corners[0]], MARKED, 2, joint="curve")


def _size(picture: SheetPicture, side: int) -> tuple[int, int]:
    """Width and height of a picture on the sheet."""
    if picture.gray is None:
        return side, side // 2
    height, width = picture.gray.shape
    scale = min(side / width, side / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _lines(row: SheetRow) -> int:
    return max((len(picture.words) for picture in row.pictures), default=0)


def _cut(text: str, width: float, size: int) -> str:
    """Text on one line that is at most so wide; of what is too long the middle goes."""
    text = harmless(text).replace("\n", "\\n").replace("\t", "\\t")[:400]
    font = _font(size)
    if font.getlength(text) <= width:
        return text
    return next(shorter for shorter in _shorter(text) if font.getlength(shorter) <= width)


def _shorter(text: str) -> Iterator[str]:
    for kept in range(len(text) - 1, 0, -1):
        yield f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
    yield ""


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib and knows most alphabets; matplotlib itself is not loaded."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ImportError("matplotlib is not installed; install semtrace again")
    file = Path(spec.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf"
    return ImageFont.truetype(str(file), size, layout_engine=ImageFont.Layout.BASIC)
