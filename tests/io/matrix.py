"""One known picture, written in every way that TIFF knows: by tifffile, by Pillow, and bit by bit."""

from __future__ import annotations

import io
import itertools
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from tests.hostile.corpus import Tag, raw_tiff

HEIGHT, WIDTH = 45, 61
NONE, LZW, DEFLATE, PACKBITS = 1, 5, 8, 32773


def picture() -> np.ndarray:
    """Grey levels 0..1 that use both ends: waves, and a ramp that tells every way of turning it."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = np.sin(across / 5) * np.cos(down / 7) + across / 40 + down / 90
    return (waves - waves.min()) / np.ptp(waves)


@dataclass(frozen=True)
class Variant:
    """A file, what it must show (grey of 8 bits, and how far one may be off), or the only reason for refusing it."""

    name: str
    data: bytes
    gray: np.ndarray | None
    off: int = 1
    refused: str = ""


Recipe = Callable[[], Variant]


def turned(gray: np.ndarray, orientation: int) -> np.ndarray:
    """As Pillow would show it, by its own words for it."""
    ways = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }  # fmt: skip
    return np.asarray(Image.fromarray(gray).transpose(ways[orientation])) if orientation in ways else gray


def packed(rows: np.ndarray, depth: int, order: str) -> bytes:
    """Rows of whole numbers, shape (rows, numbers), at ``depth`` bits each; a row fills whole bytes."""
    if depth in (8, 16, 32, 64):
        return rows.astype(f"{order}u{depth // 8}").tobytes()
    if depth == 24:
        low = rows.astype("<u4").view(np.uint8).reshape(*rows.shape, 4)[..., :3]
        return (low if order == "<" else low[..., ::-1]).tobytes()
    places = np.arange(depth - 1, -1, -1, dtype=np.uint64)
    bits = (rows.astype(np.uint64)[..., None] >> places) & np.uint64(1)
    return np.packbits(bits.astype(np.uint8).reshape(len(rows), -1), axis=1).tobytes()


def compressed(data: bytes, method: int, fill: int) -> bytes:
    packers = {NONE: bytes, LZW: imagecodecs.lzw_encode, DEFLATE: zlib.compress, PACKBITS: imagecodecs.packbits_encode}
    done = packers[method](data)
    return (
        np.packbits(np.unpackbits(np.frombuffer(done, np.uint8).reshape(-1, 1), axis=1)[:, ::-1]).tobytes()
        if fill == 2
        else done
    )


def by_hand(
    channels: np.ndarray, depth: int, photometric: int | None, *, method: int = NONE, order: str = "<",
    big: bool = False, tile: bool = False, planar: int = 1, rows: int = HEIGHT, orientation: int = 1, fill: int = 1,
    predictor: int = 1, extra: list[int] | None = None, kind: int = 1, more: list[Tag] | None = None,
) -> bytes:  # fmt: skip
    """A TIFF of whole numbers, shape (H, W, channels)."""
    height, width, number = channels.shape
    planes = [channels] if planar == 1 else [channels[..., i : i + 1] for i in range(number)]
    parts = []
    for plane in planes:
        if tile:
            side = 16
            whole = np.zeros((-(-height // side) * side, -(-width // side) * side, plane.shape[2]), plane.dtype)
            whole[:height, :width] = plane
            corners = itertools.product(range(0, len(whole), side), range(0, whole.shape[1], side))
            cells = [whole[y : y + side, x : x + side] for y, x in corners]
        else:
            cells = [plane[y : y + rows] for y in range(0, height, rows)]
        for cell in cells:
            if predictor == 2:
                cell = np.concatenate([cell[:, :1], cell[:, 1:] - cell[:, :-1]], axis=1)
                cell = cell & cell.dtype.type((1 << depth) - 1) if depth < 64 else cell
            parts.append(compressed(packed(cell.reshape(len(cell), -1), depth, order), method, fill))
    start = 16 if big else 8
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])[:-1]]) + start
    listed: list[Tag] = [
        (256, 4, width), (257, 4, height), (258, 3, [depth] * number), (259, 3, method), (274, 3, orientation),
        (277, 3, number), (284, 3, planar), (266, 3, fill), (339, 3, [kind] * number),
        (324 if tile else 273, 4, offsets.tolist()), (325 if tile else 279, 4, [len(part) for part in parts]),
        *([(322, 3, 16), (323, 3, 16)] if tile else [(278, 4, rows)]), *(more or []),
    ]  # fmt: skip
    if photometric is not None:
        listed.append((262, 3, photometric))
    if predictor != 1:
        listed.append((317, 3, predictor))
    if extra:
        listed.append((338, 3, extra))
    return raw_tiff(listed, b"".join(parts), order=order, big=big)


def channels() -> np.ndarray:
    """Red, green and blue, 0..1, so different that none can stand for another."""
    return np.stack([picture(), picture()[::-1], 1 - picture()[:, ::-1]], -1)


def levels(plane: np.ndarray, depth: int) -> np.ndarray:
    dtype = np.uint64 if depth > 32 else np.uint32 if depth > 16 else np.uint16 if depth > 8 else np.uint8
    most = (1 << depth) - 1
    return np.minimum(np.rint(plane * float(most)), float(most) * (1 - 2**-53)).astype(dtype)


def shown(stored: np.ndarray, *, deep: bool) -> np.ndarray:
    """As 8 bits: as it is, or stretched between the values that 0.1 % of the pixels lie below and above."""
    if deep:
        ordered = np.sort(stored, axis=None)
        low, high = ordered[(stored.size - 1) // 1000], ordered[-1 - (stored.size - 1) // 1000]
        stored = ((stored - low) / (high - low)).clip(0, 1)
    return np.rint(stored * 255).astype(np.uint8)


def luma(rgb: np.ndarray) -> np.ndarray:
    return rgb @ np.array([0.299, 0.587, 0.114])


def hand_written() -> Iterator[Recipe]:
    """Every depth with every meaning, layout, compression, byte order, bit order and orientation, each in turn."""
    depths = [*range(1, 17), 24, 32, 64]
    meanings = ("black", "white", "grey+alpha", "rgb", "rgb+alpha", "rgb+premultiplied", "cmyk", "palette")
    layouts: list[dict[str, Any]] = [{}, {"rows": 7}, {"tile": True}]
    turn = itertools.cycle(range(1, 9))
    for depth, meaning, layout, method in itertools.product(depths, meanings, layouts, (NONE, LZW, DEFLATE, PACKBITS)):
        for order, planar, predictor, fill in itertools.product("<>", (1, 2), (1, 2), (1, 2)):
            if (meaning in ("black", "white", "palette") and planar == 2) or (meaning == "palette" and depth > 16):
                continue
            if predictor == 2 and method in (NONE, PACKBITS):
                continue
            options = {
                **layout, "method": method, "order": order, "planar": planar, "predictor": predictor, "fill": fill,
                "orientation": next(turn), "big": depth % 2 == 0 and order == ">",
            }  # fmt: skip
            yield partial(_meant, depth, meaning, options)


def _meant(depth: int, meaning: str, options: dict[str, Any]) -> Variant:
    most = (1 << depth) - 1
    plane = levels(picture(), depth)
    full, none, inverse = np.full_like(plane, most), np.zeros_like(plane), levels(1 - picture(), depth)
    colour = [levels(channels()[..., i], depth) for i in range(3)]
    inks = [none, levels(1 - channels()[..., 1], depth), none, levels(1 - channels()[..., 0], depth)]
    more: list[Tag] = []
    if meaning == "palette":
        ramp = np.rint(np.linspace(0, 65535, most + 1)).astype(int).tolist()
        more = [(320, 3, ramp * 3)]
    extra = [1] if "premultiplied" in meaning else [2] if "alpha" in meaning else []
    photometric, stack = {
        "black": (1, [plane]), "white": (0, [inverse]), "grey+alpha": (1, [plane, full]), "palette": (3, [plane]),
        "rgb": (2, colour), "rgb+alpha": (2, [*colour, none]), "rgb+premultiplied": (2, [*colour, full]),
        "cmyk": (5, inks),
    }[meaning]  # fmt: skip
    data = by_hand(np.stack(stack, -1), depth, photometric, more=more, extra=extra, **options)
    seen = [part.astype(np.float64) / most for part in stack]
    if meaning == "cmyk":
        gray = luma(np.stack([(1 - ink) * (1 - seen[3]) for ink in seen[:3]], -1))
    else:
        gray = luma(np.stack(seen[:3], -1)) if photometric == 2 else 1 - seen[0] if photometric == 0 else seen[0]
    # differences of other depths are not defined: libtiff knows those of whole bytes only
    refused = "unsupported" if options["predictor"] == 2 and depth not in (8, 16, 32, 64) else ""
    deep = depth > 8 and meaning != "palette"
    gray8 = turned(shown(gray, deep=deep), options["orientation"])
    return Variant(f"{depth} bits {meaning} {options}", data, gray8, 2 if meaning == "cmyk" or deep else 1, refused)


def by_tifffile() -> Iterator[Recipe]:
    """Signed, floating-point and unsigned numbers with every compression that tifffile writes."""
    compressions = [None, "lzw", "zlib", "packbits", "zstd", "lzma", "adobe_deflate"]
    layouts: list[dict[str, Any]] = [{}, {"rowsperstrip": 7}, {"tile": (16, 32)}]
    kinds = ("i1", "i2", "i4", "u2", "u4", "f2", "f4", "f8")
    turn = itertools.cycle(range(1, 9))
    for kind, compression, layout, order in itertools.product(kinds, compressions, layouts, "<>"):
        for predictor, meaning in itertools.product((False, True), ("minisblack", "miniswhite", "rgb", "planar")):
            if predictor and compression in (None, "packbits"):
                continue
            yield partial(_tifffile, kind, compression, layout, order, predictor, meaning, next(turn))


def _tifffile(
    kind: str,
    compression: str | None,
    layout: dict[str, Any],
    order: str,
    predictor: bool,
    meaning: str,
    orientation: int,
) -> Variant:
    if meaning.startswith("min"):
        gray = picture()
        array = _numbers(1 - gray if meaning == "miniswhite" else gray, kind)
    else:
        gray = luma(channels())
        array = np.stack([_numbers(channels()[..., i], kind) for i in range(3)], 0 if meaning == "planar" else -1)
    options = {
        **layout, "compression": compression, "predictor": predictor, "byteorder": order,
        "photometric": "rgb" if meaning == "planar" else meaning, "bigtiff": order == ">",
        "extratags": [(274, "H", 1, orientation)], "metadata": None,
        **({"planarconfig": "separate"} if meaning == "planar" else {}),
    }  # fmt: skip
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    name = f"{kind} {meaning} {compression} predictor {predictor} {layout} {order} {orientation}"
    return Variant(name, file.getvalue(), turned(shown(gray, deep=True), orientation), 3)


def _numbers(level: np.ndarray, kind: str) -> np.ndarray:
    if kind[0] == "f":
        return level.astype(kind)
    info = np.iinfo(kind)
    return np.rint(level * (float(info.max) - float(info.min)) + float(info.min)).clip(info.min, info.max).astype(kind)


def by_pillow() -> Iterator[Variant]:
    """What Pillow writes: 8 bits and less in its own compressions, JPEG among them."""
    colour = Image.fromarray(np.rint(channels() * 255).astype(np.uint8))
    gray = Image.fromarray(np.rint(picture() * 255).astype(np.uint8))
    for mode in ("L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F", "1"):
        image = (
            Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
            if mode == "I;16"
            else (colour if mode in ("RGB", "RGBA", "CMYK", "P") else gray).convert(mode)
        )
        expected = np.asarray(gray if mode in ("I;16", "F") else image.convert("L"))
        for compression in (
            "raw",
            "tiff_lzw",
            "tiff_adobe_deflate",
            "packbits",
            "zstd",
            "lzma",
            "jpeg",
            "group3",
            "group4",
        ):
            bilevel, lossy = compression.startswith("group"), compression == "jpeg"
            if bilevel != (mode == "1" and bilevel) or (lossy and mode not in ("L", "RGB", "CMYK")):
                continue
            for orientation in (1, 3, 6):
                file, tags = io.BytesIO(), {274: orientation}
                quality = {"quality": 100} if lossy else {}
                image.save(file, "TIFF", compression=compression, tiffinfo=tags, **quality)
                name = f"Pillow {mode} {compression} {orientation}"
                yield Variant(name, file.getvalue(), turned(expected, orientation), 5 if lossy else 1)


def others() -> Iterator[Variant]:
    """What only tifffile decodes, and the kinds of colour difference."""
    gray = np.rint(picture() * 255).astype(np.uint8)
    for compression, array in itertools.product(
        ("jpeg2000", "webp", "png", "jpegxl"), (gray, np.stack([gray] * 3, -1))
    ):
        if compression == "webp" and array.ndim == 2:
            continue
        file = io.BytesIO()
        options = {"photometric": "rgb" if array.ndim == 3 else "minisblack", "compression": compression}
        try:
            tifffile.imwrite(
                file, array, **options, **({"compressionargs": {"level": 100}} if compression == "webp" else {})
            )
        except (ValueError, imagecodecs.DelayedImportError, RuntimeError):
            continue
        yield Variant(f"{compression} {array.shape}", file.getvalue(), gray, 4)
    even = gray[:44, :60]
    for spacing, method, planar, said in itertools.product(
        ((1, 1), (2, 1), (2, 2)), (NONE, LZW, DEFLATE), (1, 2), (True, False)
    ):
        yield _chroma(even, spacing, method, planar, said=said)


def _chroma(gray: np.ndarray, spacing: tuple[int, int], method: int, planar: int, *, said: bool) -> Variant:
    across, down = spacing
    height, width = gray.shape
    cells = height // down * (width // across)
    if planar == 2:
        parts = [gray.tobytes(), bytes([128]) * cells, bytes([128]) * cells]
    else:
        blocks = gray.reshape(height // down, down, width // across, across).transpose(0, 2, 1, 3).reshape(cells, -1)
        parts = [np.hstack([blocks, np.full((cells, 2), 128, np.uint8)]).tobytes()]
    parts = [compressed(part, method, 1) for part in parts]
    offsets = (8 + np.concatenate([[0], np.cumsum([len(part) for part in parts])[:-1]])).tolist()
    tags: list[Tag] = [
        (256, 4, width), (257, 4, height), (258, 3, [8, 8, 8]), (259, 3, method), (262, 3, 6), (273, 4, offsets),
        (277, 3, 3), (278, 4, height), (279, 4, [len(part) for part in parts]), (284, 3, planar),
    ]  # fmt: skip
    if said:
        tags.append((530, 3, list(spacing)))
    known = planar == 1 and said and (method != NONE or spacing == (1, 1))
    name = f"YCbCr {spacing} compression {method} planar {planar} said {said}"
    return Variant(name, raw_tiff(tags, b"".join(parts)), gray, 1, "" if known else "unsupported")
