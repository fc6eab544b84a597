"""The data bar that instruments write into their pictures: text, and a scale bar of known length.

The layouts follow pictures of Zeiss SmartSEM, FEI xT, FEI/Philips XL and Hitachi instruments.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

BAR_BLACK, BAR_WHITE, BAR_RED, BAR_GREEN = (
    0,
    255,
    9,
    18,
)  # 9 and 18 are overlay colours of the Zeiss palette (vendor.palette)
LAYOUTS = ("zeiss black", "zeiss white", "zeiss inset", "fei", "overlay", "ruler", "none")


@dataclass(frozen=True)
class BarFacts:
    """What the instrument knew when it recorded the picture. Lengths in metres."""

    pixel_size: float
    width: int
    height: int
    magnification: float
    kilovolts: float
    working_distance: float
    detector: str
    date: str  # ISO
    time: str
    file_name: str
    sample: str
    tilt: float  # degrees


@dataclass(frozen=True)
class DataBar:
    """A drawn bar and where it goes.

    Attributes:
        pixels: palette indices, uint8: grey values, and RED and GREEN where ``coloured``.
        top, left: row and column of the picture where it is pasted.
        cut: number of rows above the bar if nothing but bar lies below; None when the picture goes on.
        scale_text: what the scale bar says, as drawn.
        scale_length: the same in metres.
        scale_pixels: length of the drawn scale bar, between the centres of its caps, or of its first and last tick.
        coloured: whether RED and GREEN occur.
    """

    pixels: NDArray[np.uint8]
    top: int
    left: int
    cut: int | None
    scale_text: str
    scale_length: float
    scale_pixels: int
    coloured: bool


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans (it comes with matplotlib, and it has µ), laid out without the optional Raqm."""
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(str(path), max(size, 7), layout_engine=ImageFont.Layout.BASIC)


def nice_scale(pixel_size: float, low: float, high: float) -> tuple[float, int]:
    """The roundest length (1, 2, 5 or 3 times a power of ten) whose bar is ``low`` to ``high`` pixels long.

    Returns:
        The length in metres and the bar in whole pixels.
    """
    for digit in (1, 2, 5, 3):
        for power in range(-10, 0):
            length = float(f"{digit}e{power}")
            if low <= length / pixel_size <= high:
                return length, round(length / pixel_size)
    raise ValueError(f"no round scale for {pixel_size} m per pixel between {low} and {high} pixels")


def length_text(length: float, *, plain: bool = False) -> str:
    """``2 µm``, ``500 nm``, ``1 mm``; ``plain`` is Hitachi's spelling, ``2.00um``."""
    for unit, factor in (("mm", 1e-3), ("µm", 1e-6), ("nm", 1e-9)):
        if length >= 0.999 * factor:
            value = length / factor
            if plain:
                return (
                    f"{value:.3g}{unit.replace('µ', 'u')}" if value >= 100 else f"{value:#.3g}{unit.replace('µ', 'u')}"
                )
            return f"{value:.0f} {unit}"
    raise ValueError(f"{length} m is too short to be a scale")


def magnification_text(magnification: float) -> str:
    """As Zeiss prints it: ``50.00 K X``, ``500 X``."""
    return f"{magnification / 1000:.2f} K X" if magnification >= 1000 else f"{magnification:.0f} X"


def _columns(draw: ImageDraw.ImageDraw, columns: Sequence[tuple[str, ...]], left: float, right: float, top: float,
             size: int, fill: int) -> None:  # fmt: skip
    """Spread columns of lines between ``left`` and ``right``; those for which there is no room are left out."""
    face = font(size)
    widths = [max(face.getlength(line) for line in column) for column in columns]
    while columns and sum(widths) + 8 * len(widths) > right - left:
        columns, widths = columns[:-1], widths[:-1]
    gap = (right - left - sum(widths)) / max(len(columns), 1)
    x = left
    for column, width in zip(columns, widths, strict=True):
        for row, line in enumerate(column):
            draw.text((round(x), round(top + row * size * 1.45)), line, font=face, fill=fill)
        x += width + gap


def _caliper(draw: ImageDraw.ImageDraw, x: int, y: int, length: int, tick: int, fill: int, weight: int) -> None:
    """A scale bar |-----| of ``length`` pixels from cap centre to cap centre, as instruments draw it."""
    draw.rectangle((x, y, x + length + weight - 1, y + weight - 1), fill=fill)
    for end in (x, x + length):
        draw.rectangle((end, y - tick, end + weight - 1, y + tick), fill=fill)


def _zeiss(facts: BarFacts, layout: str) -> DataBar:
    zoom = facts.width / 1024
    height, size = round(64 * zoom), round(14 * zoom)
    dark = layout == "zeiss black"
    paper, ink, line = (BAR_BLACK, BAR_WHITE, BAR_WHITE) if dark else (BAR_WHITE, BAR_RED, BAR_GREEN)
    image = Image.new("L", (facts.width, height), paper)
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"  # an instrument's overlay is not anti-aliased; so its colours stay palette entries
    length, pixels = nice_scale(facts.pixel_size, 60 * zoom, 190 * zoom)
    text = length_text(length)
    columns = [
        (f"EHT = {facts.kilovolts:5.2f} kV", f"WD = {facts.working_distance * 1e3:4.1f} mm"),
        (f"Signal A = {facts.detector}", f"Mag = {magnification_text(facts.magnification)}"),
        (f"Date :{facts.date}", f"Time :{facts.time}"),
        (f"Width = {facts.width * facts.pixel_size * 1e6:.4g} µm", f"Stage at T = {facts.tilt:5.1f} °"),
        (f"File Name = {facts.file_name}", "Aperture Size = 30.00 µm"),
    ]
    edge = round(12 * zoom)
    column_top = height * 0.15
    if dark:
        _columns(draw, columns, edge, facts.width - pixels - 4 * edge, column_top, size, ink)
        x = facts.width - pixels - 2 * edge
    else:
        draw.rectangle((0, 0, facts.width - 1, height - 1), outline=BAR_BLACK)
        x = edge
        emblem = facts.width - 3 * edge
        draw.polygon(
            [(emblem, height // 5), (emblem + edge, height // 3), (emblem, height // 2), (emblem - edge, height // 3)],
            fill=BAR_BLACK,
        )
        draw.polygon(
            [
                (emblem - edge, height // 3),
                (emblem, height // 2),
                (emblem, height * 4 // 5),
                (emblem - edge, height * 2 // 3),
            ],
            outline=BAR_BLACK,
        )
        draw.polygon(
            [
                (emblem + edge, height // 3),
                (emblem, height // 2),
                (emblem, height * 4 // 5),
                (emblem + edge, height * 2 // 3),
            ],
            outline=BAR_BLACK,
        )
        _columns(draw, columns, x + pixels + 4 * edge, emblem - 2 * edge, column_top, size, ink)
    draw.text((x, round(height * 0.1)), text, font=font(round(17 * zoom)), fill=ink)
    _caliper(draw, x, round(height * 0.68), pixels, max(3, round(8 * zoom)), line, max(1, round(2 * zoom)))
    inset = layout == "zeiss inset"
    top = facts.height - height - (round(66 * zoom) if inset else 0)
    return DataBar(np.asarray(image), top, 0, None if inset else top, text, length, pixels, not dark)


def _fei(facts: BarFacts) -> DataBar:
    zoom = facts.width / 1024
    height, size = round(60 * zoom), round(20 * zoom)
    image = Image.new("L", (facts.width, height), BAR_BLACK)
    draw = ImageDraw.Draw(image)
    face, middle = font(size), height // 2
    length, pixels = nice_scale(facts.pixel_size, 130 * zoom, 330 * zoom)
    text = length_text(length)
    for x, turn in ((0.020, 0), (0.020, 1)):  # the emblem: an atom
        reach = (round(14 * zoom), round(5 * zoom))[:: 1 if turn else -1]
        cx = round(facts.width * x) + 2
        draw.ellipse((cx - reach[0], middle - reach[1], cx + reach[0], middle + reach[1]), outline=150)
    month, day, year = facts.date[5:7], facts.date[8:], facts.date[:4]
    field = facts.width * facts.pixel_size
    columns = [
        ("HV", f"{facts.kilovolts:.1f} kV"),
        ("mag", f"{facts.magnification:,.0f} x".replace(",", " ")),
        ("WD", f"{facts.working_distance * 1e3:.1f} mm"),
        ("det", facts.detector),
        ("HFW", f"{field * 1e3:.3g} mm" if field >= 9.995e-4 else f"{field * 1e6:.3g} µm"),
        (f"{int(month)}/{int(day)}/{year}", facts.time),
    ]
    left = round(46 * zoom)
    room = facts.width - pixels - round(24 * zoom)
    for column in columns:
        width = max(face.getlength(line) for line in column) + round(14 * zoom)
        if left + width > room:
            break
        draw.line((left, 2, left, height - 3), fill=BAR_WHITE)
        for row, line in enumerate(column):
            at = left + (width - face.getlength(line)) / 2
            draw.text((round(at), round(height * (0.04 + 0.48 * row))), line, font=face, fill=BAR_WHITE)
        left += round(width)
    draw.line((left, 2, left, height - 3), fill=BAR_WHITE)
    x = left + (facts.width - left - pixels) // 2
    weight = max(1, round(2 * zoom))
    _caliper(draw, x, round(height * 0.25), pixels, max(3, round(6 * zoom)), BAR_WHITE, weight)
    gap = face.getlength(text) + 10 * zoom
    draw.rectangle((x + (pixels - gap) / 2, 0, x + (pixels + gap) / 2, middle - 2), fill=BAR_BLACK)
    draw.text((round(x + (pixels - gap) / 2 + 5 * zoom), round(height * 0.04)), text, font=face, fill=BAR_WHITE)
    sample = facts.sample
    draw.text(
        (round(left + (facts.width - left - face.getlength(sample)) / 2), round(height * 0.52)),
        sample,
        font=face,
        fill=BAR_WHITE,
    )
    top = facts.height - height
    return DataBar(np.asarray(image), top, 0, top, text, length, pixels, False)


def _overlay(facts: BarFacts) -> DataBar:
    zoom = facts.width / 712
    size = round(13 * zoom)
    image = Image.new("L", (round(574 * zoom), round(38 * zoom)), BAR_BLACK)
    draw = ImageDraw.Draw(image)
    length, pixels = nice_scale(facts.pixel_size, 70 * zoom, 190 * zoom)
    text = length_text(length)
    columns = [
        ("E Beam", f"{facts.kilovolts:.2f} kV"),
        ("Spot", "3.0"),
        ("Magn", f"{facts.magnification:.0f}x"),
        ("WD", f"{facts.working_distance * 1e3:.1f}"),
    ]
    _columns(draw, columns, 4 * zoom, 250 * zoom, 2 * zoom, size, BAR_WHITE)
    x = round(256 * zoom)
    _caliper(draw, x, round(10 * zoom), pixels, max(3, round(5 * zoom)), BAR_WHITE, max(1, round(2 * zoom)))
    draw.text((x + pixels + round(12 * zoom), round(2 * zoom)), text, font=font(size), fill=BAR_WHITE)
    draw.text((x, round(20 * zoom)), facts.sample[:34], font=font(size), fill=BAR_WHITE)
    top = facts.height - image.height - round(22 * zoom)
    return DataBar(np.asarray(image), top, round(42 * zoom), None, text, length, pixels, False)


def _ruler(facts: BarFacts) -> DataBar:
    zoom = facts.width / 1280
    height, size = round(60 * zoom), round(24 * zoom)
    image = Image.new("L", (facts.width, height), BAR_BLACK)
    draw = ImageDraw.Draw(image)
    length, pixels = nice_scale(facts.pixel_size, 170 * zoom, 460 * zoom)
    text = length_text(length, plain=True)
    weight = max(1, round(3 * zoom))
    x = facts.width - pixels - round(6 * zoom)
    for tick in range(11):
        at = x + round(tick * pixels / 10)
        tall = round((18 if tick % 5 == 0 else 11) * zoom)
        draw.rectangle((at, 1, at + weight - 1, tall), fill=BAR_WHITE)
    month, day, year = facts.date[5:7], facts.date[8:], facts.date[:4]
    magnification = facts.magnification
    mag = f"x{magnification / 1000:.2f}k" if magnification >= 1000 else f"x{magnification:.0f}"
    label = f"{facts.kilovolts:.1f}kV {facts.working_distance * 1e3:.1f}mm {mag} {facts.detector} "
    label += f"{int(month)}/{int(day)}/{year} {facts.time[:5]}"
    draw.text((2, round(26 * zoom)), label, font=font(size), fill=BAR_WHITE)
    wide = font(size).getlength(text)
    draw.text((round(facts.width - wide - 10 * zoom), round(26 * zoom)), text, font=font(size), fill=BAR_WHITE)
    top = facts.height - height
    return DataBar(np.asarray(image), top, 0, top, text, length, pixels, False)


def draw_bar(layout: str, facts: BarFacts) -> DataBar | None:
    """Draw the bar of ``layout`` (one of ``LAYOUTS``) for a picture; None for ``"none"``."""
    if layout == "none":
        return None
    if layout == "fei":
        return _fei(facts)
    if layout == "overlay":
        return _overlay(facts)
    if layout == "ruler":
        return _ruler(facts)
    if layout in LAYOUTS:
        return _zeiss(facts, layout)
    raise ValueError(f"no data bar layout {layout!r}; there are {', '.join(LAYOUTS)}")
