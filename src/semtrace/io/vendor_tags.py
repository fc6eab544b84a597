"""What the microscope's own TIFF tags say: the instrument and the size of a pixel."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from typing import NamedTuple

from semtrace.io import tiff, tiff_pages
from semtrace.io.limits import bounded

_SIS, _ZEISS, _FEI_XL, _FEI, _TESCAN = 33560, 34118, 34680, 34682, 50431
_TESCAN_MAIN = 2  # of the kinds of block in a TESCAN tag
_METRES = {"m": 1.0, "mm": 1e-3, "µm": 1e-6, "um": 1e-6, "nm": 1e-9, "pm": 1e-12, "fm": 1e-15}
_SMALLEST, _LARGEST = 1e-13, 1e-2  # metres; anything else is no pixel of an electron microscope


class Vendor(NamedTuple):
    """What the vendor's tags say; an empty text or None means that they do not say it."""

    instrument: str = ""
    pixel_size_m: float | None = None
    """Width of a pixel of the stored picture in metres."""
    pixel_size_source: str = ""
    """The tag and the entry that the pixel size comes from, or why a stated size is not that of this picture."""
    scanned_width: int | None = None
    """Columns of the picture that the size is stated for; None: those of this picture, or not said."""


class _Stated(NamedTuple):
    """What a tag says of the picture that was recorded.

    Attributes:
        size: width of its pixels in metres.
        source: the tag and the entry.
        pixels: how many it has across and down; (0, 0) where the tag does not say.
        bar: rows of the data bar that ``pixels`` leaves out.
    """

    size: float
    source: str
    pixels: tuple[int, int] = (0, 0)
    bar: int = 0


def read_vendor(data: bytes, page: int | None = None) -> Vendor:
    """Read the tags of Zeiss (34118), FEI/Thermo Fisher (34682, 34680), Olympus SIS analySIS (33560), TESCAN (50431).

    The tags of the picture's own directory are read, or those of the first where it has none. A pixel size counts
    for as many pixels as its tag states: where the picture was made smaller or larger as a whole, it is scaled, where
    it was cut, or nothing says for which page it is, it is left out. No pixel is decoded, and nothing is raised: other
    formats and damaged tags give empty fields. The generic resolution tags are ignored: they state a printer's dots.

    Args:
        data: the file.
        page: where the directory of the picture begins (``DecodedImage.page``); None: that of ``tiff_pages.choose``.

    Sources: the files themselves; tifffile's readers of these tags; for Zeiss, hyperspy pull request 2056; for TESCAN,
    of which no file was at hand, Gwyddion's reader.
    """
    return _read(data, page, lambda *found: Vendor("", *_of_picture(*found)))


def stated_by_vendor(data: bytes, page: int | None = None) -> Vendor:
    """Read the same tags, but give the pixel size as it is stated, with the columns that it is stated for.

    Args:
        data: the file.
        page: as for ``read_vendor``.

    """
    return _read(data, page, _as_stated)


def _read(data: bytes, page: int | None, sized: Callable[[_Stated, tiff.Directory, tiff.Directory], Vendor]) -> Vendor:
    """The instrument, with what ``sized`` makes of a stated size, the picture's directory and the tag's."""
    with bounded(len(data)):
        try:
            first = tiff.first_directory(data)
            picture = tiff_pages.choose(data).page.directory if not page else tiff.directory_at(data, page)
        except tiff.TiffError:
            return Vendor()
        for tagged in (picture, first):
            for tag, reader in ((_ZEISS, _zeiss), (_FEI, _fei), (_SIS, _sis), (_TESCAN, _tescan)):
                if tag in tagged:
                    instrument, stated = reader(tagged)
                    found = sized(stated, picture, tagged) if stated else Vendor()
                    return found._replace(instrument=instrument)
            if _FEI_XL in tagged:  # that one holds the magnification only
                return Vendor("FEI XL")
        return Vendor()


def _as_stated(stated: _Stated, _picture: tiff.Directory, tagged: tiff.Directory) -> Vendor:
    columns = stated.pixels[0] if min(stated.pixels) > 0 else tagged.integer(tiff.WIDTH)
    return Vendor("", stated.size, stated.source, columns)


def _of_picture(stated: _Stated, picture: tiff.Directory, tagged: tiff.Directory) -> tuple[float | None, str]:
    """The width of a pixel of the picture, and its source; None and the reason where it cannot be known."""
    width, height = picture.integer(tiff.WIDTH), picture.integer(tiff.HEIGHT)
    across, down = stated.pixels
    if min(across, down) < 1:  # for how many pixels it is, only the page says that it stands on
        across, down = tagged.integer(tiff.WIDTH), tagged.integer(tiff.HEIGHT)
        if across != width:
            return None, f"unused: {stated.source} stands on another page, of {across} x {down} pixels"
    if across == width:  # rows may be cut off, or a data bar added
        return stated.size, stated.source
    scale = across / width if width > 0 else 0.0
    whole = any(abs(height * scale - rows) <= max(scale, 1.0) for rows in (down, down + stated.bar))
    if whole and (size := plausible(stated.size * scale)):
        return size, f"{stated.source} * {across} / {width}"
    return None, f"unused: {stated.source} is for {across} x {down} pixels, the picture has {width} x {height}"


def _zeiss(directory: tiff.Directory) -> tuple[str, _Stated | None]:
    """SmartSEM: pairs of lines ``AP_IMAGE_PIXEL_SIZE`` / ``Image Pixel Size = 9.766 nm``, in Latin-1.

    ``AP_PIXEL_SIZE`` belongs to the 1024 pixels wide picture on the monitor. It counts only where the image's
    own size is missing and the width is one that SmartSEM stores, so that the ratio of the two is known.
    """
    text = _text(directory, _ZEISS)
    instrument = _value(text, "DP_SEM") or _value(text, "SV_SERIAL_NUMBER")
    found = re.fullmatch(r"(\d{1,6}) *[*x] *(\d{1,6})", _value(text, "DP_IMAGE_STORE", "Store resolution"))
    pixels = (int(found[1]), int(found[2])) if found else (0, 0)
    if size := _metres(_value(text, "AP_IMAGE_PIXEL_SIZE", "Image Pixel Size")):
        return instrument, _Stated(size, "Zeiss 34118 ap_image_pixel_size", pixels)
    width = pixels[0] or directory.integer(tiff.WIDTH)
    known = width == 512 or (width > 0 and width % 1024 == 0)
    size = _metres(_value(text, "AP_PIXEL_SIZE")) if known else None
    stored = plausible(size * 1024 / width) if size else None
    return instrument, _Stated(stored, "Zeiss 34118 ap_pixel_size * 1024 / width", pixels) if stored else None


def _fei(directory: tiff.Directory) -> tuple[str, _Stated | None]:
    """FEI/Thermo Fisher: an INI text; ``PixelWidth`` of section ``Scan`` is in metres."""
    text = _text(directory, _FEI)
    instrument = entry(text, "System", "SystemType") or "FEI"
    across, down = (_count(entry(text, "Image", f"Resolution{axis}")) for axis in "XY")
    size = plausible(entry(text, "Scan", "PixelWidth").replace(",", "."))
    bar = _count(entry(text, "PrivateFei", "DatabarHeight"))
    return instrument, _Stated(size, "FEI 34682 Scan.PixelWidth", (across, down), bar) if size else None


def _sis(directory: tiff.Directory) -> tuple[str, _Stated | None]:
    """Olympus SIS: a table of blocks; the one of type 1 holds a power of ten and the size of a pixel."""
    software = clean(_text(directory, tiff.SOFTWARE))
    software = software if software.startswith("analySIS") else "analySIS"  # an editor may have put its own name
    data, start = directory.data, directory.integer(_SIS)
    instrument = f"FEI/Philips XL ({software})" if b"XL_IMAGE_PARAM" in data[-200_000:] else software
    if start < 0 or data[start : start + 4] != b"SIS0":
        return instrument, None
    try:
        (blocks,) = struct.unpack_from("<H", data, start + 58)
        for at in range(start + 60, start + 60 + 8 * blocks, 8):
            kind, offset = struct.unpack_from("<h2xI", data, at)
            if kind == 1:
                exponent, width = struct.unpack_from("<10xhd", data, offset)
                if size := plausible(width * 10.0**exponent):
                    return instrument, _Stated(size, "SIS 33560 pixelsizex")
    except (struct.error, OverflowError):
        pass
    return instrument, None


def _tescan(directory: tiff.Directory) -> tuple[str, _Stated | None]:
    """TESCAN: blocks of a size, a kind and data; the size counts kind and data. One holds lines ``PixelSizeX=1.2e-7``.

    The lines do not say for how many pixels the size is.
    """
    data, at = directory.raw(_TESCAN), 0
    while at + 6 <= len(data):
        size, kind = struct.unpack_from(f"{directory.order}IH", data, at)
        if kind == _TESCAN_MAIN:
            text = "[MAIN]\n" + data[at + 6 : at + 4 + size].decode("latin-1")
            width = plausible(entry(text, "MAIN", "PixelSizeX"))
            stated = _Stated(width, "TESCAN 50431 PixelSizeX") if width else None
            return entry(text, "MAIN", "Device") or "TESCAN", stated
        at += 4 + max(size, 2)
    return "", None


def _count(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else 0


def _text(directory: tiff.Directory, tag: int) -> str:
    return directory.raw(tag).decode("latin-1")


def _value(text: str, key: str, label: str = "(?!)") -> str:
    """Zeiss: the value in the line after ``key`` or in a line that starts with ``label``; else empty."""
    found = re.search(
        rf"^(?:{key}[ \t]*\r?\n[^\r\n=:]*|{label}[ \t]*)[=:]([^\r\n]*)", text, re.MULTILINE | re.IGNORECASE
    )
    return clean(found[1]) if found else ""


def entry(text: str, section: str, key: str) -> str:
    """INI: the value of ``key`` in ``[section]``; empty when there is none."""
    found = re.search(rf"^\[{section}\]\s*$([^\[]*)", text, re.MULTILINE)
    found = found and re.search(rf"^{key}[ \t]*=([^\r\n]*)", found[1], re.MULTILINE)
    return clean(found[1]) if found else ""


def clean(text: str) -> str:
    """Printable, single-spaced and short, for a cell of a table."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:80]


def _metres(text: str) -> float | None:
    """``9.766 nm`` in metres. The micro sign may be µ or μ, Latin-1 or UTF-8 taken for it."""
    found = re.fullmatch(r"([-+\d.,eE]+) *(\S+)", text.replace("Â", "").replace("Î¼", "µ").replace("μ", "µ"))
    unit = _METRES.get(found[2]) if found else None
    return plausible(found[1].replace(",", "."), unit) if found and unit else None


def whole(text: str) -> int | None:
    """A width in pixels; None where it is none."""
    return int(text) if re.fullmatch(r" *[1-9]\d{0,5} *", text) else None


def plausible(value: str | float, unit: float = 1.0) -> float | None:
    """A pixel size in metres from a number and its unit; None where it is none of an electron microscope."""
    try:
        size = float(value) * unit
    except ValueError:
        return None
    return float(f"{size:.6g}") if math.isfinite(size) and _SMALLEST < size < _LARGEST else None
