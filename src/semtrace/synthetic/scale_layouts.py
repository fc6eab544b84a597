"""A small archive of the scale bars that the big one lacks: layouts of further makers, and files that were re-saved.

Bars with end caps are as long as their value from cap centre to cap centre, as instruments draw them.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from semtrace.io import staging, tables
from semtrace.io.files import write_staged
from semtrace.synthetic.databar import font
from semtrace.synthetic.electrons import expose
from semtrace.synthetic.scale_truth import SCALE
from semtrace.synthetic.scenes import CATEGORIES, scene

_WIDTH, _HEIGHT, _STRIPE = 1024, 768, 56
_WHITE, _BLACK = 255, 0


@dataclass(frozen=True)
class Drawn:
    """A picture: pixels, the text and value (metres) of its bar, the bar's length, metres a pixel, the vendor's tag."""

    pixels: Image.Image
    text: str
    value: float | None
    bar: int | None
    pixel_size: float | None
    tag: str = ""


def write(seed: int, target: Path) -> int:
    """Write ``images/<layout>/<n>.tif`` and ``known/scale.csv`` below ``target``, three pictures a layout; count them.

    Same seed, same bytes.
    """
    rows: list[dict[str, Any]] = []
    with staging.staged_folder(target) as folder:
        (folder / "known").mkdir()
        for number, (layout, draw) in enumerate(sorted(LAYOUTS.items())):
            (folder / "images" / layout).mkdir(parents=True)
            for copy in range(3):
                rng = np.random.default_rng([seed, 7, number, copy])
                made = draw(_view(rng), rng)
                path = f"{layout}/{copy + 1}.tif"
                write_staged(folder / "images" / path, _tiff(made))
                rows.append({
                    "path": path, "pixel_size_m": made.pixel_size, "bar_text": made.text, "bar_value_m": made.value,
                    "bar_px": made.bar, "layout": layout,
                })  # fmt: skip
        tables.write(folder / "known" / "scale.csv", SCALE, rows)
    return len(rows)


def _view(rng: np.random.Generator) -> Image.Image:
    """A picture without a stripe: a small scene, enlarged, with the noise of its full size."""
    category = CATEGORIES[int(rng.integers(len(CATEGORIES)))]
    seen = Image.fromarray(np.rint(scene(category, rng, _WIDTH // 4, _HEIGHT // 4) * 255).astype(np.uint8))
    large = np.asarray(seen.resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC)) / 255
    return Image.fromarray(np.rint(expose(large, rng) * 255).astype(np.uint8))


def _stripe(image: Image.Image, level: int = _BLACK) -> ImageDraw.ImageDraw:
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"
    draw.rectangle((0, _HEIGHT - _STRIPE, _WIDTH - 1, _HEIGHT - 1), fill=level)
    return draw


def _caps(draw: ImageDraw.ImageDraw, x: int, y: int, length: int, ink: int, tick: int = 7, weight: int = 2) -> None:
    """A bar with end caps ``length`` pixels apart."""
    draw.rectangle((x, y, x + length + weight - 1, y + weight - 1), fill=ink)
    for end in (x, x + length):
        draw.rectangle((end, y - tick, end + weight - 1, y + tick), fill=ink)


def _length(rng: np.random.Generator, low: int = 60, high: int = 300) -> int:
    return int(rng.integers(low, high))


def _pick(rng: np.random.Generator) -> tuple[str, float]:
    """A value and its unit."""
    value, unit = (1, 2, 5, 10, 20, 50, 100, 200, 500)[int(rng.integers(9))], ("nm", "µm")[int(rng.integers(2))]
    return f"{value} {unit}", float(f"{value}e{-9 if unit == 'nm' else -6}")


def _jeol_block(image: Image.Image, rng: np.random.Generator) -> Drawn:
    text, value = _pick(rng)
    length, draw = _length(rng, 40), _stripe(image)
    right, top = 800, _HEIGHT - _STRIPE
    draw.rectangle((right - length, top + 6, right - 1, top + 11), fill=_WHITE)
    text = text.replace(" ", "")
    for x, word in ((40, "SEI"), (160, "15.0kV"), (300, "X3,500"), (700, text), (850, "WD 10.0mm")):
        draw.text((x, top + 20), word, font=font(22), fill=_WHITE)
    return Drawn(image, text, value, length, value / length)


def _white_box(image: Image.Image, rng: np.random.Generator, comma: bool = True) -> Drawn:
    draw, length = ImageDraw.Draw(image), _length(rng)
    digit = int(rng.integers(1, 9))
    text, value = f"{digit},00 µm" if comma else f"{digit}00nm", float(f"{digit}e-6" if comma else f"{digit}00e-9")
    x, y = _WIDTH - length - 60, _HEIGHT - 90
    draw.rectangle((x - 20, y - 12, x + length + 19, y + 50), fill=_WHITE)
    draw.rectangle((x, y, x + length - 1, y + 6), fill=_BLACK)
    draw.text((x + length // 2 - 40, y + 16), text, font=font(22), fill=_BLACK)
    return Drawn(image, text, value, length, value / length)


def _zeiss(image: Image.Image, rng: np.random.Generator, low: int = 60, high: int = 300, end: str = "") -> Drawn:
    text, value = _pick(rng)
    length, draw = _length(rng, low, high), _stripe(image)
    top = _HEIGHT - _STRIPE
    draw.text((14, top + 4), text + end, font=font(17), fill=_WHITE)
    _caps(draw, 14, top + 40, length, _WHITE)
    draw.text((400, top + 8), "EHT =  5.00 kV", font=font(14), fill=_WHITE)
    draw.text((400, top + 30), "WD =  4.1 mm", font=font(14), fill=_WHITE)
    width = f"Width = {_WIDTH * value / length * 1e6:.4g} µm"
    draw.text((600, top + 8), width, font=font(14), fill=_WHITE)
    draw.text((600, top + 30), "Aperture Size = 30.00 µm", font=font(14), fill=_WHITE)
    tag = f"0\r\nDP_IMAGE_STORE\r\nStore resolution = {_WIDTH} * {_HEIGHT}\r\nAP_IMAGE_PIXEL_SIZE\r\n"
    tag += f"Image Pixel Size = {value / length * 1e9:.4g} nm\r\n"
    return Drawn(image, text + end, value, length, value / length, tag)


def _asterisk(image: Image.Image, rng: np.random.Generator) -> Drawn:
    return _zeiss(image, rng, end=" *")


def _short(image: Image.Image, rng: np.random.Generator) -> Drawn:
    return _zeiss(image, rng, 27, 28)


def _half_size(image: Image.Image, rng: np.random.Generator) -> Drawn:
    """Re-saved at half the size by an editor that kept the tag: the tag is of twice as many columns."""
    whole = _zeiss(image, rng, 120, 300)
    small = whole.pixels.resize((_WIDTH // 2, _HEIGHT // 2), Image.Resampling.BOX)
    size, length = whole.pixel_size or 0.0, whole.bar or 0
    return replace(whole, pixels=small, bar=length // 2, pixel_size=2 * size)


def _two_bars(image: Image.Image, rng: np.random.Generator) -> Drawn:
    draw = ImageDraw.Draw(image)
    for x, y, length, text in ((60, 80, 160, "2 µm"), (60, 660, 220, "500 nm")):
        draw.rectangle((x - 20, y - 20, x + length + 19, y + 50), fill=_BLACK)
        draw.rectangle((x, y, x + length - 1, y + 6), fill=_WHITE)
        draw.text((x + 20, y + 14), text, font=font(22), fill=_WHITE)
    return Drawn(image, "", None, None, None)


def _tescan(image: Image.Image, rng: np.random.Generator) -> Drawn:
    """A table of cells; the bar's ends point up, its text stands above it."""
    text, value = _pick(rng)
    length, draw = _length(rng, 120, 320), _stripe(image)
    top = _HEIGHT - _STRIPE
    for x, upper, lower in ((10, "SEM HV: 20.0 kV", "WD: 9.05 mm"), (220, "SEM MAG: 5.00 kx", "Det: SE")):
        draw.text((x, top + 6), upper, font=font(16), fill=_WHITE)
        draw.text((x, top + 32), lower, font=font(16), fill=_WHITE)
    draw.text((800, top + 6), "VEGA3 TESCAN", font=font(16), fill=_WHITE)
    left = 440
    draw.rectangle((left, top + 40, left + length + 1, top + 41), fill=_WHITE)
    for end in (left, left + length):
        draw.rectangle((end, top + 28, end + 1, top + 41), fill=_WHITE)
    draw.text((left + length // 2 - 25, top + 8), text, font=font(16), fill=_WHITE)
    return Drawn(image, text, value, length, value / length)


def _no_bar(image: Image.Image, rng: np.random.Generator) -> Drawn:
    """A stripe with a frame, a separator and labelled lengths, and no bar."""
    draw, top = _stripe(image), _HEIGHT - _STRIPE
    draw.rectangle((0, top, _WIDTH - 1, _HEIGHT - 1), outline=_WHITE)
    draw.line((600, top, 600, _HEIGHT), fill=_WHITE)
    draw.text((14, top + 18), "EHT = 5.00 kV   WD = 4.1 mm   Mag = 50.00 K X", font=font(16), fill=_WHITE)
    return Drawn(image, "", None, None, None)


LAYOUTS: dict[str, Callable[[Image.Image, np.random.Generator], Drawn]] = {
    "jeol block": _jeol_block,
    "white box, decimal comma": _white_box,
    "white box, no space": lambda image, rng: _white_box(image, rng, comma=False),
    "zeiss caps": _zeiss,
    "zeiss asterisk": _asterisk,
    "zeiss 27 px": _short,
    "saved at half size": _half_size,
    "two bars": _two_bars,
    "tescan": _tescan,
    "no bar": _no_bar,
}


def _tiff(made: Drawn) -> bytes:
    pixels: NDArray[np.uint8] = np.asarray(made.pixels)
    body = made.tag.encode("latin-1") + b"\0"
    file = io.BytesIO()
    tags = [(34118, "B", len(body), body, True)] if made.tag else []
    tifffile.imwrite(file, pixels, extratags=tags, software=False, metadata=None, photometric="minisblack")
    return file.getvalue()
