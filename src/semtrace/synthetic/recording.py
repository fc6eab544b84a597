"""One picture of the archive: what is known of it before (``Frame``), and its TIFF bytes and its look after."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.ndimage
import tifffile
from numpy.typing import NDArray
from PIL import Image

from semtrace.synthetic import vendor
from semtrace.synthetic.databar import BAR_GREEN, BAR_RED, BarFacts, DataBar, draw_bar
from semtrace.synthetic.electrons import expose
from semtrace.synthetic.fields import TextureField
from semtrace.synthetic.published import Publication, rendering
from semtrace.synthetic.scenes import scene

STORAGE = ("grey", "palette", "rgb", "uint16", "float32", "lzw", "deflate", "pages", "miniswhite")
_MARGIN = 8  # pixels around the field of a series, for its drift


@dataclass(frozen=True)
class RecordedFrame:
    """A picture to be taken. Everything about it follows from these values and the seed.

    Attributes:
        index: its own number: the noise.
        field: number of the field of view: the scene. Frames of a series share it.
        category, kind: of the scene.
        facts: what the instrument notes, the size of the picture included.
        layout: of the data bar.
        metadata: ``"zeiss"``, ``"fei"`` or ``""``.
        storage: one of ``STORAGE``.
        path: in the archive; empty if the original is lost.
        copies: further paths with the same bytes.
        twin: a further path with the same pixels and other metadata; empty if none.
        cut: a path that holds only the first part of the file, as a broken transfer leaves it; empty if none.
        cut_at: fraction of the file that is left there.
        series: whether it is one of several frames of its field.
        rests: whether these show the same place to the pixel.
        drift: (down, right) in pixels, up to 8, within a series.
        defocus: additional blur in pixels.
        grey: black and white level, 0..1.
        dose: electrons per pixel at white.
        streaks, lines: strength of charging and of line noise.
        published: JPEGs made from it.
    """

    index: int
    field: int
    category: str
    kind: int
    facts: BarFacts
    layout: str = "none"
    metadata: str = ""
    storage: str = "grey"
    path: str = ""
    copies: tuple[str, ...] = ()
    twin: str = ""
    cut: str = ""
    cut_at: float = 1.0
    series: bool = False
    rests: bool = False
    drift: tuple[int, int] = (0, 0)
    defocus: float = 0.0
    grey: tuple[float, float] = (0.05, 0.95)
    dose: float = 80.0
    streaks: float = 0.0
    lines: float = 0.0
    published: tuple[Publication, ...] = ()


@dataclass(frozen=True)
class Recorded:
    """A frame on paper.

    Attributes:
        tiff: the bytes of the file.
        twin: the bytes of a file with the same pixels and other metadata (empty unless asked for).
        look: what a viewer that knows the format shows, mode L or RGB, 8 bits.
        bar: its data bar, None without.
    """

    tiff: bytes
    twin: bytes
    look: Image.Image
    bar: DataBar | None


def record(frame: RecordedFrame, seed: int) -> Recorded:
    """Take the picture and write it as its instrument would; same arguments, same bytes."""
    bar = draw_bar(frame.layout, frame.facts)
    noise = np.random.default_rng([seed, 1, frame.index])
    field = _field(frame, seed, frame.facts.height if bar is None or bar.cut is None else bar.cut)
    pages, look = [], Image.new("L", (1, 1))
    for page in range(3 if frame.storage == "pages" else 1):
        pixels, seen = _develop(frame, _expose(frame, field, noise), bar, noise)
        if page == 0:
            look = seen
        pages.append(pixels if page < 2 else pixels[::4, ::4])  # the last page is a thumbnail
    other = replace(frame, facts=replace(frame.facts, file_name="copy of " + frame.facts.file_name))
    twin = _tiff(other, pages, bar) if frame.twin else b""
    return Recorded(_tiff(frame, pages, bar), twin, look, bar)


def _field(frame: RecordedFrame, seed: int, rows: int) -> TextureField:
    """The noise-free picture above the bar, 0..1."""
    rng = np.random.default_rng([seed, 0, frame.field])
    width = frame.facts.width
    if not frame.series:
        return scene(frame.category, rng, width, rows, frame.kind)
    wide = scene(frame.category, rng, width + 2 * _MARGIN, rows + 2 * _MARGIN, frame.kind)
    down, right = (_MARGIN + step for step in frame.drift)
    return wide[down : down + rows, right : right + width]


def _expose(frame: RecordedFrame, field: TextureField, noise: np.random.Generator) -> TextureField:
    """One exposure: the detector's levels, the beam, the noise."""
    black, white = frame.grey
    if frame.defocus > 0:
        field = np.asarray(scipy.ndimage.gaussian_filter(field, frame.defocus, truncate=3.0), dtype=np.float64)
    sharp = frame.facts.width / 1024
    focus = (sharp * noise.uniform(0.5, 0.9), sharp * noise.uniform(0.5, 0.9))
    exposed = expose(
        field, noise, dose=frame.dose, focus=focus, lines=frame.lines, charging=frame.streaks
    )  # before brightness and contrast: noise goes with the signal
    return np.clip(black + (white - black) * exposed, 0.0, 1.0)


def _paste(pixels: NDArray[Any], bar: DataBar | None, facts: BarFacts, strip: NDArray[Any] | None) -> NDArray[Any]:
    """The whole picture: ``pixels`` with the bar over or under them."""
    if bar is None or strip is None:
        return pixels
    whole = np.zeros((facts.height, facts.width), dtype=pixels.dtype)
    whole[: pixels.shape[0]] = pixels
    whole[bar.top : bar.top + strip.shape[0], bar.left : bar.left + strip.shape[1]] = strip
    return whole


def _develop(
    frame: RecordedFrame, exposed: TextureField, bar: DataBar | None, noise: np.random.Generator
) -> tuple[NDArray[Any], Image.Image]:
    """Stored pixels, and what a viewer shows of them."""
    strip = None if bar is None else bar.pixels
    plain = strip
    if strip is not None and bar is not None and bar.coloured:  # what the colours look like in grey (ITU-R 601)
        plain = np.where(strip == BAR_RED, 76, np.where(strip == BAR_GREEN, 150, strip)).astype(np.uint8)
    if frame.storage in ("uint16", "float32"):
        # a 12-bit detector with an offset uses a part of the 16 bits; floats come from a processing step
        low, high = (int(noise.integers(200, 3000)), int(noise.integers(5000, 16000)))
        span = high - low
        level = None if plain is None else low + plain.astype(np.float64) / 255 * span
        deep = _paste(low + exposed * span, bar, frame.facts, level)
        stored = np.rint(deep).astype(np.uint16) if frame.storage == "uint16" else deep.astype(np.float32)
        return stored, rendering(stored, *((0, 100) if frame.index % 2 else (0.1, 99.9)))
    grey = np.rint(exposed * 255).astype(np.uint8)
    if frame.storage in ("palette", "rgb"):
        index = _paste(vendor.avoid_overlay(grey), bar, frame.facts, strip)
        if bar is None or not bar.coloured:
            look = Image.fromarray(index)
        else:
            look = Image.fromarray((vendor.palette() >> 8).astype(np.uint8).T[index])
        return index if frame.storage == "palette" else np.asarray(look.convert("RGB")), look
    stored = _paste(grey, bar, frame.facts, plain)
    return (255 - stored if frame.storage == "miniswhite" else stored), Image.fromarray(stored)


def _tiff(frame: RecordedFrame, pages: list[NDArray[Any]], bar: DataBar | None) -> bytes:
    """The file: nothing in it depends on the day or on the versions of the libraries that write it."""
    facts, tags = frame.facts, []
    if frame.metadata == "zeiss":
        folder = "d:\\images\\" + frame.path.rpartition("/")[0].replace("/", "\\") + "\\"
        text = vendor.zeiss(facts, image_path=folder, user="SEM USER", version="V05.04.00.00 : 14-May-10")
        tags.append((vendor.ZEISS_TAG, 2, len(text), text, True))
    elif frame.metadata == "fei":
        text = vendor.fei(facts, user="user", bar_height=0 if bar is None else bar.pixels.shape[0])
        tags.append((vendor.FEI_TAG, 2, len(text), text, True))
    photometric = {"palette": "palette", "rgb": "rgb", "miniswhite": "miniswhite"}.get(frame.storage, "minisblack")
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for page in pages:
            writer.write(
                page,
                photometric=photometric,
                colormap=vendor.palette() if frame.storage == "palette" else None,
                compression={"lzw": "lzw", "deflate": "zlib"}.get(frame.storage),
                extratags=tags,
                software=False,
                metadata=None,
                contiguous=False,
            )
    return file.getvalue()
