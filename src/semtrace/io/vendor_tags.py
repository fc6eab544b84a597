"""What the microscope's own TIFF tags say: the instrument and the size of a pixel."""

from __future__ import annotations

import math
import re
import struct
from typing import NamedTuple

from semtrace.io import tiff
from semtrace.io.limits import bounded

_SIS, _ZEISS, _FEI_XL, _FEI = 33560, 34118, 34680, 34682
_METRES = {"m": 1.0, "mm": 1e-3, "µm": 1e-6, "um": 1e-6, "nm": 1e-9, "pm": 1e-12, "fm": 1e-15}
_SMALLEST, _LARGEST = 1e-13, 1e-2  # metres; anything else is no pixel of an electron microscope


class Vendor(NamedTuple):
    """What the vendor's tags say; an empty text or None means that they do not say it."""

    instrument: str = ""
    pixel_size_m: float | None = None
    """Width of a pixel of the stored picture in metres."""
    pixel_size_source: str = ""
    """The tag and the entry that the pixel size comes from."""
    scanned_width: int | None = None
    """Columns that the instrument scanned; a picture of another width was cut or resized since."""


def read_vendor(data: bytes) -> Vendor:
    """Read the tags of Zeiss (34118), FEI/Thermo Fisher (34682, 34680) and Olympus SIS analySIS (33560).

    Only the first directory of a TIFF is looked at, no pixel is decoded, and nothing is raised: other formats
    and damaged tags give empty fields. The generic resolution tags are ignored: they state a printer's dots.

    Sources: the files themselves; tifffile's readers of these tags; for Zeiss, hyperspy pull request 2056.
    """
    with bounded(len(data)):
        try:
            directory = tiff.first_directory(data)
        except tiff.TiffError:
            return Vendor()
        for tag, reader in ((_ZEISS, _zeiss), (_FEI, _fei), (_SIS, _sis)):
            if tag in directory:
                return reader(directory)
        return Vendor("FEI XL" if _FEI_XL in directory else "")  # that one holds the magnification only


def _zeiss(directory: tiff.Directory) -> Vendor:
    """SmartSEM: pairs of lines ``AP_IMAGE_PIXEL_SIZE`` / ``Image Pixel Size = 9.766 nm``, in Latin-1.

    ``AP_PIXEL_SIZE`` belongs to the 1024 pixels wide picture on the monitor. It counts only where the image's
    own size is missing and the width is one that SmartSEM stores, so that the ratio of the two is known.
    """
    text = _text(directory, _ZEISS)
    instrument = _value(text, "DP_SEM") or _value(text, "SV_SERIAL_NUMBER")
    if size := _metres(_value(text, "AP_IMAGE_PIXEL_SIZE", "Image Pixel Size")):
        stored = whole(_value(text, "DP_IMAGE_STORE", "Store resolution").partition("*")[0])
        return Vendor(instrument, size, "Zeiss 34118 ap_image_pixel_size", stored)
    width = directory.integer(tiff.WIDTH)
    if (size := _metres(_value(text, "AP_PIXEL_SIZE"))) and (width == 512 or (width > 0 and width % 1024 == 0)):
        return Vendor(instrument, plausible(size * 1024 / width), "Zeiss 34118 ap_pixel_size * 1024 / width")
    return Vendor(instrument)


def _fei(directory: tiff.Directory) -> Vendor:
    """FEI/Thermo Fisher: an INI text; ``PixelWidth`` of section ``Scan`` is in metres."""
    text = _text(directory, _FEI)
    instrument = entry(text, "System", "SystemType") or "FEI"
    size = plausible(entry(text, "Scan", "PixelWidth"))
    scanned = whole(entry(text, "Image", "ResolutionX"))
    return Vendor(instrument, size, "FEI 34682 Scan.PixelWidth", scanned) if size else Vendor(instrument)


def _sis(directory: tiff.Directory) -> Vendor:
    """Olympus SIS: a table of blocks; the one of type 1 holds a power of ten and the size of a pixel."""
    software = clean(_text(directory, tiff.SOFTWARE))
    software = software if software.startswith("analySIS") else "analySIS"  # an editor may have put its own name
    data, start = directory.data, directory.integer(_SIS)
    instrument = f"FEI/Philips XL ({software})" if b"XL_IMAGE_PARAM" in data[-200_000:] else software
    if start < 0 or data[start : start + 4] != b"SIS0":
        return Vendor(instrument)
    try:
        (blocks,) = struct.unpack_from("<H", data, start + 58)
        for at in range(start + 60, start + 60 + 8 * blocks, 8):
            kind, offset = struct.unpack_from("<h2xI", data, at)
            if kind == 1:
                exponent, width = struct.unpack_from("<10xhd", data, offset)
                if size := plausible(width * 10.0**exponent):
                    return Vendor(instrument, size, "SIS 33560 pixelsizex")
    except (struct.error, OverflowError):
        pass
    return Vendor(instrument)


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
