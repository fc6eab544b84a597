"""What the text file beside an image says: the size of a pixel as JEOL, Hitachi and Tescan write it down.

Sources: the makers' files as readers of them describe them (Bio-Formats' Hitachi reader; pynxtools-em; the JEOL and
Tescan readers of public analysis programs). RosettaSciIO reads none of these files.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from semtrace.core.scale import lengths
from semtrace.io.vendor_tags import Vendor, clean, entry, plausible, whole

_LONGEST = 1 << 20  # bytes; a longer file is something else


def sidecar_names(path: str) -> tuple[str, ...]:
    """Paths at which an instrument puts the text file of an image, given the image's path, in any case of letters."""
    image = PurePosixPath(path)
    ends = (".txt", ".hdr", f"-{image.suffix[1:]}.hdr")
    return tuple(image.with_name(image.stem + end).as_posix() for end in ends)


def read_sidecar(data: bytes) -> Vendor:
    """Read the text file beside an image; nothing is raised, and what is no such file gives empty fields.

    JEOL: ``$$SM_MICRON_MARKER 1um`` over ``$$SM_MICRON_BAR 107`` pixels of ``$CM_FULL_SIZE 1280 960``. Hitachi:
    ``PixelSize`` of ``[SemImageFile]`` in nanometres, for ``DataSize=1280x960``. Tescan: ``PixelSizeX`` of ``[MAIN]``
    in metres; it does not state the width.
    """
    text = _decoded(data[:_LONGEST])
    if "$$SM_MICRON_BAR" in text:
        return _jeol(text)
    if "[SemImageFile]" in text:
        return _hitachi(text)
    if re.search(r"^\[MAIN\]", text, re.MULTILINE) and "PixelSizeX" in text:
        return _tescan(text)
    return Vendor()


def _decoded(data: bytes) -> str:
    """Hitachi writes UTF-16 on some instruments; everything else is a form of Latin-1 where it matters."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("latin-1").removeprefix("ï»¿")


def _jeol(text: str) -> Vendor:
    values = {key: clean(value) for key, value in re.findall(r"^\$+([A-Z_]+)[ \t]+([^\r\n]*)", text, re.MULTILINE)}
    instrument = values.get("CM_INSTRUMENT", "") or "JEOL"
    marker, pixels = lengths.length(values.get("SM_MICRON_MARKER", "")), values.get("SM_MICRON_BAR", "")
    if marker is None or marker[1].startswith("p") or not re.fullmatch(r"\d+(\.\d+)?", pixels) or not float(pixels):
        return Vendor(instrument)
    size = plausible(marker[0] / float(pixels))
    scanned = whole(values.get("CM_FULL_SIZE", "").partition(" ")[0])
    source = "JEOL sidecar SM_MICRON_MARKER / SM_MICRON_BAR"
    return Vendor(instrument, size, source, scanned) if size else Vendor(instrument)


def _hitachi(text: str) -> Vendor:
    instrument = entry(text, "SemImageFile", "InstructName") or "Hitachi"
    size = plausible(entry(text, "SemImageFile", "PixelSize"), 1e-9)
    scanned = whole(entry(text, "SemImageFile", "DataSize").partition("x")[0])
    return Vendor(instrument, size, "Hitachi sidecar PixelSize", scanned) if size else Vendor(instrument)


def _tescan(text: str) -> Vendor:
    instrument = entry(text, "MAIN", "Device") or "TESCAN"
    size = plausible(entry(text, "MAIN", "PixelSizeX"))
    return Vendor(instrument, size, "Tescan sidecar PixelSizeX") if size else Vendor(instrument)
