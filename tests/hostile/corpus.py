"""Hostile image files, built from bytes: what is broken, what lies, and what asks for too much."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import tifffile
from PIL import Image

_CODES = {1: "B", 2: "s", 3: "H", 4: "I", 7: "s", 12: "d", 16: "Q"}
SHORT, LONG, ASCII, BYTES, LONG8 = 3, 4, 2, 7, 16

Tag = tuple[int, int, "int | bytes | list[int]"]


def raw_tiff(tags: list[Tag], data: bytes = b"", *, order: str = "<", big: bool = False, following: int = 0) -> bytes:
    """A TIFF whose header and directory say exactly what they are told; ``data`` follows the header at once."""
    word, start = ("Q", 16) if big else ("I", 8)
    at = start + len(data)
    values, entries = b"", []
    table = at + (8 if big else 2) + len(tags) * (20 if big else 12) + struct.calcsize(word)
    for tag, kind, value in sorted(tags, key=lambda entry: entry[0]):
        if isinstance(value, bytes):
            packed, count = value, len(value)
        else:
            numbers = value if isinstance(value, list) else [value]
            packed, count = struct.pack(f"{order}{len(numbers)}{_CODES[kind]}", *numbers), len(numbers)
        size = struct.calcsize(word)
        if len(packed) > size:
            packed, values = struct.pack(order + word, table + len(values)), values + packed
        entries.append(struct.pack(order + "HH" + word, tag, kind, count) + packed.ljust(size, b"\0"))
    magic = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    header = magic + (struct.pack(order + "HHQ", 8, 0, at) if big else struct.pack(order + "I", at))
    number = struct.pack(order + ("Q" if big else "H"), len(tags))
    return header + data + number + b"".join(entries) + struct.pack(order + word, following) + values


def plain(width: int, height: int, /, **changed: int | list[int]) -> list[Tag]:
    """The tags of an uncompressed 8-bit grey picture whose one strip follows the header."""
    values: dict[str, tuple[int, int, int | list[int]]] = {
        "width": (256, LONG, width), "height": (257, LONG, height), "bits": (258, SHORT, 8),
        "compression": (259, SHORT, 1), "photometric": (262, SHORT, 1), "offset": (273, LONG, 8),
        "samples": (277, SHORT, 1), "rows": (278, LONG, height), "bytes": (279, LONG, min(width * height, 2**32 - 1)),
    }  # fmt: skip
    for name, value in changed.items():
        tag, kind, _ = values[name]
        values[name] = tag, kind, value
    return list(values.values())


def grey(height: int = 48, width: int = 64) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width)).astype(np.uint8)


def tiff(array: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, **{"software": False, "metadata": None, **options})
    return file.getvalue()


def pillow(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def valid() -> dict[str, bytes]:
    """Sound files of every kind that archives hold."""
    color = np.stack([grey(), grey()[::-1], grey()[:, ::-1]], -1)
    image = Image.fromarray(grey())
    files = {
        "plain.tif": tiff(grey()),
        "strips.tif": tiff(grey(), rowsperstrip=5),
        "big-endian.tif": tiff(grey(), byteorder=">"),
        "bigtiff.tif": tiff(grey(), bigtiff=True, rowsperstrip=7),
        "tiles.tif": tiff(grey(), tile=(16, 16)),
        "lzw.tif": tiff(grey(), compression="lzw", rowsperstrip=16),
        "deflate.tif": tiff(grey(), compression="zlib", predictor=True, rowsperstrip=16),
        "packbits.tif": tiff(grey(), compression="packbits", rowsperstrip=16),
        "jpeg in.tif": pillow(image, "TIFF", compression="jpeg"),
        "ccitt.tif": pillow(image.convert("1"), "TIFF", compression="group4"),
        "palette.tif": pillow(image.convert("P"), "TIFF"),
        "rgb.tif": tiff(color, photometric="rgb"),
        "planar.tif": tiff(np.moveaxis(color, -1, 0), photometric="rgb", planarconfig="separate"),
        "white.tif": tiff(grey(), photometric="miniswhite"),
        "pages.tif": tiff(np.stack([grey(), grey()[::-1]]), photometric="minisblack"),
        "a.png": pillow(image, "PNG"),
        "a.jpg": pillow(image, "JPEG"),
        "progressive.jpg": pillow(Image.fromarray(color), "JPEG", progressive=True),
        "a.bmp": pillow(image, "BMP"),
    }
    for dtype in ("bool", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"):
        files[f"{dtype}.tif"] = tiff((grey() > 99) if dtype == "bool" else grey().astype(dtype))
    for bits in (1, 2, 4, 6, 10, 12, 14, 24, 31, 64):
        row = (64 * bits + 7) // 8
        files[f"{bits} bits.tif"] = raw_tiff(plain(64, 48, bits=bits, bytes=row * 48), grey(48, row).tobytes())
    return files


def broken() -> Iterator[tuple[str, bytes]]:
    """Files whose directories lie, loop, or point nowhere."""
    pixels = grey().tobytes()
    whole = raw_tiff(plain(64, 48), pixels)
    for order in "<>":
        for big in (False, True):
            kind = f"{'big' if big else 'classic'} {order}"
            start = (16 if big else 8) + len(pixels)
            for name, target in (("itself", start), ("end", 2**31), ("header", 4), ("inside", start + 1)):
                yield (
                    f"next is {name}, {kind}",
                    raw_tiff(plain(64, 48, offset=start - len(pixels)), pixels, order=order, big=big, following=target),
                )
            for offset in (0, 5, 2**31, 2**32 - 1):
                yield f"strip at {offset}, {kind}", raw_tiff(plain(64, 48, offset=offset), pixels, order=order, big=big)
    for side in (0, 1, 2**16, 2**20, 2**31, 2**32 - 1):
        for other in (0, 1, 2**20, 2**32 - 1):
            yield f"{side} x {other}", raw_tiff(plain(side, other), pixels)
    for name, value in (
        ("bits", 0), ("bits", 65535), ("bits", [8] * 9), ("samples", 0), ("samples", 65535), ("rows", 0),
        ("rows", 2**32 - 1), ("bytes", 0), ("bytes", 2**32 - 1), ("photometric", 65535), ("compression", 65535),
        ("offset", [8] * 1_000_000), ("width", [64] * 9), ("height", []),
    ):  # fmt: skip
        yield f"{name} {str(value)[:20]}", raw_tiff(plain(64, 48, **{name: value}), pixels)
    for compression in (2, 3, 4, 5, 6, 7, 8, 32773, 32809, 32946, 34661, 34712, 34887, 34925, 50000, 50001, 50002):
        yield f"garbage in compression {compression}", raw_tiff(plain(64, 48, compression=compression), pixels)
    for at in range(8 + len(pixels), len(whole), 3):
        yield f"ff at {at}", whole[:at] + b"\xff\xff" + whole[at + 2 :]
    for vendor in (33560, 34118, 34680, 34682, 65000):
        for text in (b"", b"\xff" * 5000, b"[Scan]\n" * 9000, b"AP_IMAGE_PIXEL_SIZE\r\n" * 9000, b"[" * 90000):
            tag: Tag = (vendor, BYTES, text)
            yield f"vendor {vendor} {text[:6]!r} {len(text)}", raw_tiff([*plain(64, 48), tag], pixels)
    for text in (b"A\r\n" * 17_000_000, b"\xb5" * 50_000_000):
        for described in (270, 34118, 34682):
            yield f"50 MB in {described}, {text[:2]!r}", raw_tiff([*plain(64, 48), (described, ASCII, text)], pixels)
    chain = b"".join(struct.pack("<HI", 0, 8 + 6 * (i + 1)) for i in range(300_000))
    yield "300,000 empty directories", b"II*\0" + struct.pack("<I", 8) + chain
    # every directory claims 40,000 entries, and the next begins two bytes later
    step = struct.pack("<H", 40_000) * 300_000
    yield "overlapping directories", b"II*\0" + struct.pack("<I", 8) + step
    yield "2^60 entries", b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 2**60) + bytes(4096)
    yield "2^40 strips", raw_tiff(plain(2**20, 2**26, rows=1), pixels, big=True)


def damaged() -> Iterator[tuple[str, bytes]]:
    """Sound files with a run of other bytes inside their compressed stream."""
    files = valid()
    for name in (
        "lzw.tif",
        "deflate.tif",
        "packbits.tif",
        "jpeg in.tif",
        "ccitt.tif",
        "a.png",
        "a.jpg",
        "progressive.jpg",
    ):
        whole = files[name]
        for at in range(16, len(whole) - 8, max(8, len(whole) // 60)):
            for run in (b"\0" * 8, b"\xff" * 8, bytes(range(at % 200, at % 200 + 8))):
                yield f"{name} at {at}", whole[:at] + run + whole[at + 8 :]


def truncated() -> Iterator[tuple[str, bytes, bytes]]:
    """Name, the whole file, and the same cut at every 64th byte."""
    for name, whole in valid().items():
        for end in range(0, len(whole), 64):
            yield f"{name} cut at {end}", whole, whole[:end]


def _bomb(width: int, height: int, channels: int = 1, bits: int = 8) -> bytes:
    size = width * height * channels * bits // 8
    packer = zlib.compressobj(9)
    stream = b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20))
    stream += packer.compress(bytes(size % (1 << 20))) + packer.flush()
    depth: int | list[int] = bits if channels == 1 else [bits] * channels
    more = {"samples": channels, "photometric": 1 if channels == 1 else 2, "bits": depth}
    return raw_tiff(plain(width, height, compression=8, bytes=len(stream), **more), stream)


def bombs() -> Iterator[tuple[str, bytes]]:
    """Small files that become large pictures."""
    yield "2^20 x 2^20", raw_tiff(plain(2**20, 2**20, compression=8), zlib.compress(bytes(10**6)))
    yield "11,000 x 11,000", _bomb(11_000, 11_000)
    yield "11,000 x 11,000 RGB", _bomb(11_000, 11_000, 3)
    yield "11,000 x 11,000, 16 bits", _bomb(11_000, 11_000, 1, 16)
    yield "11,000 x 11,000, 32 bits", _bomb(11_000, 11_000, 1, 32)
    yield "1 x 2^27", _bomb(1, 2**27)
    for side in (11_000, 2**31 - 1):
        png = bytearray(pillow(Image.new("L", (8, 8)), "PNG"))
        png[16:24] = struct.pack(">II", side, side)
        png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
        yield f"PNG says {side}", bytes(png)
        bmp = bytearray(pillow(Image.new("L", (8, 8)), "BMP"))
        bmp[18:26] = struct.pack("<ii", side, side)
        yield f"BMP says {side}", bytes(bmp)
    jpeg = bytearray(pillow(Image.new("L", (8, 8)), "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
    yield "JPEG says 65,500", bytes(jpeg)
    chunk = b"zTXt" + b"Comment\0\0" + zlib.compress(bytes(200 << 20))
    text = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    png = pillow(Image.fromarray(grey()), "PNG")
    yield "PNG with 200 MB of text", png[:33] + text + png[33:]
