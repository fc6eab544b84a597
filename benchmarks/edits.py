"""What people do to a micrograph before they publish it, one edit at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from skimage import exposure

Gray = NDArray[np.uint8]


class Edit(NamedTuple):
    """One way to publish a picture.

    Attributes:
        change: from the original, its first row of data bar, and a source of random numbers, to the published pixels.
        quality: of the JPEG.
        geometry: what ``match.geometry`` must be to find it.
    """

    change: Callable[[Gray, int, np.random.Generator], Gray]
    quality: int = 90
    geometry: bool | Literal["full"] = False


def _gray(values: NDArray[np.floating]) -> Gray:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def _window(low: float, high: float) -> Callable[[Gray, int, np.random.Generator], Gray]:
    def change(gray: Gray, _: int, __: np.random.Generator) -> Gray:
        first, last = np.percentile(gray, (low, high))
        return _gray((gray - first) * (255 / max(last - first, 1)))

    return change


def _equalized(gray: Gray, _: int, __: np.random.Generator) -> Gray:
    return _gray(exposure.equalize_hist(gray) * 255)  # type: ignore[no-untyped-call]


def _clahe(gray: Gray, _: int, __: np.random.Generator) -> Gray:
    return _gray(exposure.equalize_adapthist(gray, clip_limit=0.01) * 255)


def _noisy(gray: Gray, _: int, rng: np.random.Generator) -> Gray:
    return _gray(gray + rng.normal(0, 8, gray.shape))


def _resized(width: int, height: int, gray: Gray) -> Gray:
    return np.asarray(Image.fromarray(gray).resize((width, height), Image.Resampling.LANCZOS))


def _scaled(factor: float) -> Callable[[Gray, int, np.random.Generator], Gray]:
    return lambda gray, _, __: _resized(round(gray.shape[1] * factor), round(gray.shape[0] * factor), gray)


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(size, 10))


def _bar_and_letter(gray: Gray, bar_top: int, _: np.random.Generator) -> Gray:
    """A scale bar in a box, and the letter of the panel in another."""
    picture = Image.fromarray(gray)
    draw = ImageDraw.Draw(picture)
    width, size = gray.shape[1], gray.shape[1] * 0.06
    draw.rectangle((0, 0, 1.5 * size, 1.4 * size), fill=255)
    draw.text((0.2 * size, 0), "a)", fill=0, font=_font(size))
    right, bottom = width * 0.96, bar_top * 0.95
    draw.rectangle((right - width * 0.25, bottom - 1.5 * size, right, bottom), fill=0)
    draw.rectangle((right - width * 0.22, bottom - 0.4 * size, right - width * 0.03, bottom - 0.2 * size), fill=255)
    draw.text((right - width * 0.18, bottom - 1.5 * size), "500 nm", fill=255, font=_font(size * 0.7))
    return np.asarray(picture)


def _arrows(gray: Gray, bar_top: int, rng: np.random.Generator) -> Gray:
    picture = Image.fromarray(gray)
    draw = ImageDraw.Draw(picture)
    length, thick = gray.shape[1] * 0.08, max(3, gray.shape[1] // 150)
    for level in (255, 255, 0):
        x, y = rng.uniform(0.2, 0.8) * gray.shape[1], rng.uniform(0.2, 0.8) * bar_top
        draw.line((x - length, y + length, x, y), fill=level, width=thick)
        draw.polygon(((x, y), (x - 5 * thick, y + thick), (x - thick, y + 5 * thick)), fill=level)
    return np.asarray(picture)


def _own_bar(gray: Gray, bar_top: int, _: np.random.Generator) -> Gray:
    """The publisher's bar over the lowest part of the frame, the microscope's with it."""
    picture = Image.fromarray(gray)
    top = min(bar_top, round(0.92 * len(gray)))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, top, gray.shape[1], len(gray)), fill=0)
    size = (len(gray) - top) * 0.5
    draw.text((gray.shape[1] * 0.05, top + size / 4), "Fig. 3b  SE2  15 kV", fill=255, font=_font(size))
    draw.line((gray.shape[1] * 0.7, top + size, gray.shape[1] * 0.95, top + size), fill=255, width=4)
    return np.asarray(picture)


def _cut(left: int, top: int, right: int, bottom: int) -> Callable[[Gray, int, np.random.Generator], Gray]:
    return lambda gray, _, __: gray[top : len(gray) - bottom, left : gray.shape[1] - right]


def _margins(share: float, level: int) -> Callable[[Gray, int, np.random.Generator], Gray]:
    def change(gray: Gray, _: int, __: np.random.Generator) -> Gray:
        down, across = (round(n * share) for n in gray.shape)
        return np.pad(gray, ((down, round(1.5 * down)), (across, round(0.6 * across))), constant_values=level)

    return change


def _figure(gray: Gray, _: int, __: np.random.Generator) -> Gray:
    """A page with a title, on which the picture stands reduced, as plotting programs save it."""
    page = Image.new("L", (960, 720), 255)
    factor = min(700 / gray.shape[1], 560 / gray.shape[0])
    width, height = round(gray.shape[1] * factor), round(gray.shape[0] * factor)
    left, top = (960 - width) // 2, 90 + (560 - height) // 2
    page.paste(Image.fromarray(_resized(width, height, gray)), (left, top))
    ImageDraw.Draw(page).text((420, top - 30), "Sample 3", fill=0, font=_font(18))
    return np.asarray(page)


def _straightened(degrees: float) -> Callable[[Gray, int, np.random.Generator], Gray]:
    return lambda gray, _, __: np.asarray(Image.fromarray(gray).rotate(degrees, Image.Resampling.BICUBIC))


def _skewed(share: float) -> Callable[[Gray, int, np.random.Generator], Gray]:
    def change(gray: Gray, _: int, __: np.random.Generator) -> Gray:
        height, width = gray.shape
        size, matrix = (round(width + share * height), height), (1, share, -share * height, 0, 1, 0)
        transform = Image.Transform.AFFINE
        skewed = Image.fromarray(gray).transform(size, transform, matrix, Image.Resampling.BICUBIC, fillcolor=255)
        return np.asarray(skewed)

    return change


def _quarter(gray: Gray, bar_top: int, rng: np.random.Generator) -> Gray:
    """Half of the rows above the data bar, and half of the columns."""
    rows, columns = bar_top // 2, gray.shape[1] // 2
    top, left = int(rng.integers(bar_top - rows)), int(rng.integers(gray.shape[1] - columns))
    return gray[top : top + rows, left : left + columns]


def _captioned(gray: Gray, _: int, __: np.random.Generator) -> Gray:
    page = Image.new("L", (gray.shape[1], round(1.14 * len(gray))), 255)
    page.paste(Image.fromarray(gray), (0, 0))
    text = "Figure 3: SEM micrograph of the sample after heat treatment"
    ImageDraw.Draw(page).text((10, 1.02 * len(gray)), text, fill=0, font=_font(len(gray) / 22))
    return np.asarray(page)


def _padded(gray: Gray, _: int, __: np.random.Generator) -> Gray:
    """To a square of one grey level."""
    side = round(1.1 * max(gray.shape))
    page = np.full((side, side), 128, np.uint8)
    top, left = (side - len(gray)) // 2, (side - gray.shape[1]) // 2
    page[top : top + len(gray), left : left + gray.shape[1]] = gray
    return page


def _slide(gray: Gray, _: int, __: np.random.Generator) -> Gray:
    page = Image.new("L", (1280, 720), 70)
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, 1280, 90), fill=200)
    draw.text((30, 20), "Results: fracture of the samples", fill=10, font=_font(44))
    for number in range(5):
        draw.text((40, 150 + 80 * number), f"- finding {number + 1} of the series", fill=240, font=_font(26))
    factor = min(620 / gray.shape[1], 560 / len(gray))
    page.paste(Image.fromarray(_resized(round(gray.shape[1] * factor), round(len(gray) * factor), gray)), (600, 120))
    return np.asarray(page)


def _screenshot(gray: Gray, _: int, __: np.random.Generator) -> Gray:
    """A viewer's window on a desktop, with a title, a row of buttons and a list beside the picture."""
    page = Image.new("L", (1440, 900), 90)
    draw = ImageDraw.Draw(page)
    draw.rectangle((80, 60, 1360, 860), fill=240, outline=40)
    draw.rectangle((80, 60, 1360, 90), fill=180)
    draw.text((92, 64), "image_0042.tif - Viewer", fill=0, font=_font(18))
    for number in range(12):
        draw.rectangle((96 + 44 * number, 98, 130 + 44 * number, 126), fill=210, outline=120)
        draw.text((92, 160 + 40 * number), f"image_{number:04}.tif", fill=30, font=_font(15))
    factor = min(1080 / gray.shape[1], 700 / len(gray))
    page.paste(Image.fromarray(_resized(round(gray.shape[1] * factor), round(len(gray) * factor), gray)), (250, 140))
    return np.asarray(page)


def _striped(gray: Gray, _: int, __: np.random.Generator) -> Gray:
    """Stripes across it that hide a quarter."""
    striped, period = gray.copy(), max(len(gray) // 10, 16)
    for top in range(period // 2, len(gray), period):
        striped[top : top + period // 4] = 200
    return striped


EDITS: dict[str, Edit] = {
    "quality 95": Edit(lambda g, _, __: g, 95),
    "quality 85": Edit(lambda g, _, __: g, 85),
    "quality 60": Edit(lambda g, _, __: g, 60),
    "quality 30": Edit(lambda g, _, __: g, 30),
    "blur sigma 1": Edit(lambda g, _, __: ndimage.gaussian_filter(g, 1.0)),
    "median 3 x 3": Edit(lambda g, _, __: ndimage.median_filter(g, 3)),
    "noise sigma 8": Edit(_noisy),
    "half size": Edit(_scaled(0.5)),
    "713 / 1024": Edit(_scaled(713 / 1024)),
    "gamma 1.7": Edit(lambda g, _, __: _gray(255 * (g / 255) ** 1.7)),
    "gamma 0.6": Edit(lambda g, _, __: _gray(255 * (g / 255) ** 0.6)),
    "window 8-92 %": Edit(_window(8, 92)),
    "stretch 5 %": Edit(_window(2.5, 97.5)),
    "equalized": Edit(_equalized),
    "CLAHE": Edit(_clahe),
    "bar and letter": Edit(_bar_and_letter, 88),
    "arrows": Edit(_arrows, 88),
    "own bar": Edit(_own_bar, 88),
    "cut 1 px": Edit(_cut(1, 0, 0, 0)),
    "cut 3 px": Edit(_cut(3, 3, 0, 0)),
    "cut 5 px": Edit(_cut(0, 5, 2, 0)),
    "cut 8 px": Edit(_cut(8, 8, 8, 0)),
    "data bar cut": Edit(lambda g, top, _: g[:top]),
    "negative": Edit(lambda g, _, __: 255 - g, geometry=True),
    "white margins": Edit(_margins(0.08, 255), geometry=True),
    "black margins": Edit(_margins(0.03, 0), geometry=True),
    "figure": Edit(_figure, geometry=True),
    "turned 0.5": Edit(_straightened(0.5), geometry="full"),
    "turned -1": Edit(_straightened(-1), geometry="full"),
    "turned 2": Edit(_straightened(2), geometry="full"),
    "turned 15": Edit(_straightened(15), geometry="full"),
    "skewed": Edit(_skewed(0.15), geometry="full"),
    "squashed": Edit(lambda g, _, __: _resized(round(g.shape[1] * 0.75), len(g), g), geometry="full"),
    "quarter": Edit(_quarter, geometry="full"),
    "caption": Edit(_captioned, geometry="full"),
    "padding": Edit(_padded, geometry="full"),
    "slide": Edit(_slide, geometry="full"),
    "screenshot": Edit(_screenshot, geometry="full"),
    "stripes": Edit(_striped, geometry="full"),
    "noise sigma 30": Edit(lambda g, _, rng: _gray(g + rng.normal(0, 30, g.shape)), geometry="full"),
}
