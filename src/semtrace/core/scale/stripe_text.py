"""What the texts of a data bar say: which is the scale bar's, what the labelled ones are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from semtrace.core.scale import lengths
from semtrace.core.scale.text_box import TextBox

_WIDTH = r"HFW|HFV|FW|Width|FOV|View ?field|Field of view"
_PIXEL = r"(?:Image ?)?Pixel ?Size"
_OTHER = (
    r"WD|VFW|VFV|Height|Aperture(?: ?Size)?|Stage(?: at [XYZMTR])?|Spot|Mag(?:n|nification)?|Working ?Distance|"
    r"Date|Time|EHT|HV|Depth|Tilt|Brightness|Contrast|Scan ?Speed|Scan ?Rot\w*|dwell|curr|pressure|Pres|File ?Name"
)
_LABEL = re.compile(rf"\b(?:(?P<width>{_WIDTH})|(?P<pixel>{_PIXEL})|{_OTHER})\b[. ]*[:=]?", re.IGNORECASE)
_ENDS_AS_LABEL = re.compile(rf"(?:\b(?:{_WIDTH}|{_PIXEL}|{_OTHER})\b[.]?|[:=])\s*$", re.IGNORECASE)
_DOUBTFUL = re.compile(r"\W*[^\W\d]{1,2}\W*\d[\d.,]* ?[^\W\d]m\W*[^\W\d]?")
_MAKERS = (
    ("Zeiss", re.compile(r"\bEHT ?=|\bSignal ?[AB] ?=|\bZEISS\b", re.IGNORECASE)),
    ("FEI XL", re.compile(r"\bAcc\.? ?V\b|\bE[- ]?Beam\b|\bI[- ]?Beam\b", re.IGNORECASE)),
    ("FEI", re.compile(r"\b(?:ETD|TLD|CBS|vCD|LFD)\b|\bHFW\b", re.IGNORECASE)),
    ("Tescan", re.compile(r"\bTESCAN\b|\bVEGA\b|\bMIRA\b|\bSEM MAG\b|\bView field\b", re.IGNORECASE)),
    ("Hitachi", re.compile(r"\bSE\((?:UL|M|L|U)\)|\bHitachi\b", re.IGNORECASE)),
    ("JEOL", re.compile(r"\bJEOL\b|\b(?:SEI|LEI|BEC|COMPO)\b.*\bX ?\d|\bX ?\d.*\bSEI\b", re.IGNORECASE | re.DOTALL)),
    ("Phenom", re.compile(r"\bFW\b.*\bInt\.", re.IGNORECASE | re.DOTALL)),
)  # fmt: skip


class Stripe(NamedTuple):
    """What was understood.

    Attributes:
        bars: texts that may belong to a scale bar, each a number and a unit without a label.
        units: units whose number was missed, without a label.
        doubtful: unlabelled texts that end in a length, after a sign or two that may be the end of a bar.
        width: printed width of the field in metres; None where there is none or two differ.
        pixel_size: printed size of a pixel in metres; likewise.
        magnification: likewise.
        maker: whose stripe looks like this; empty where that is not known.
    """

    bars: tuple[TextBox, ...] = ()
    units: tuple[TextBox, ...] = ()
    doubtful: tuple[TextBox, ...] = ()
    width: float | None = None
    pixel_size: float | None = None
    magnification: float | None = None
    maker: str = ""


def understand(boxes: Sequence[TextBox]) -> Stripe:
    """Sort the texts of a stripe into what they are.

    A length that follows a label (WD, HFW, Width, Aperture, Pixel Size, FOV, Stage, Spot, Mag, ...) in its own text, in
    the text to its left, or below it as in a table, is never a scale bar's.
    """
    joined = _joined(boxes)
    bars, units, doubtful, widths, pixels, magnifications = [], [], [], [], [], []
    for box in joined:
        label = _label_of(box, joined)
        if found := lengths.magnification(box.text):
            magnifications.append(found)
        for kind, value, unit in _labelled(box.text, label):
            if kind == "width":
                widths.append(value)
            elif unit.startswith("n"):  # 830 pm or 0.83 µm: a printed "pm" of a pixel may be either
                pixels.append(value)
        if label is None and lengths.bar_value(box.text) is not None:
            bars.append(box)
        elif label is None and lengths.is_unit(box.text):
            units.append(box)
        elif label is None and _DOUBTFUL.fullmatch(text := lengths.normalised(box.text)) and not _LABEL.search(text):
            doubtful.append(box)
    if not bars and not units:
        bars = [part for box in joined if (part := _leading(box)) and _label_of(box, joined) is None]
    texts = "\n".join(box.text for box in joined)
    maker = next((name for name, pattern in _MAKERS if pattern.search(texts)), "")
    texts_of = tuple(bars), tuple(units), tuple(doubtful)
    return Stripe(*texts_of, _one(widths), _one(pixels), _one(magnifications), maker)


def _joined(boxes: Sequence[TextBox]) -> list[TextBox]:
    """The boxes, a number and the unit right of it made one."""
    rest = sorted(boxes, key=lambda box: (box.x0, box.y0, box.text))
    result = []
    while rest:
        box = rest.pop(0)
        unit = next((other for other in rest if _follows(box, other, 1.0) and lengths.is_unit(other.text)), None)
        if lengths.is_number(box.text) and unit is not None:
            rest.remove(unit)
            top, bottom = min(box.y0, unit.y0), max(box.y1, unit.y1)
            box = TextBox(f"{box.text} {unit.text}", box.x0, top, unit.x1, bottom)
        result.append(box)
    return result


def _leading(box: TextBox) -> TextBox | None:
    """The length that a text begins with, where only words follow: OCR took a name for the same line."""
    found = re.fullmatch(r"(\d[\d.,]* ?[^\W\d]m) ([^\d:=]+)", lengths.normalised(box.text))
    if found is None or lengths.bar_value(found[1]) is None or _LABEL.search(found[2]):
        return None
    share = len(found[1]) / len(found[0])
    return TextBox(found[1], box.x0, box.y0, box.x0 + round(share * (box.x1 - box.x0)), box.y1)


def _follows(left: TextBox, right: TextBox, heights: float) -> bool:
    """Whether ``right`` continues the line of ``left`` after at most ``heights`` of its letters."""
    tall = min(left.height, right.height)
    shared = min(left.y1, right.y1) - max(left.y0, right.y0)
    return shared >= tall / 2 and -tall / 2 <= right.x0 - left.x1 <= heights * max(left.height, right.height)


def _label_of(box: TextBox, boxes: Sequence[TextBox]) -> str | None:
    """The text that labels ``box``: left of it, or in the row above it; None where there is none."""
    for other in boxes:
        if other is box:
            continue
        if _follows(other, box, 1.5) and _ENDS_AS_LABEL.search(lengths.normalised(other.text)):
            return other.text
        shared = min(other.x1, box.x1) - max(other.x0, box.x0)
        gap = box.y0 - other.y1
        near = -other.height / 2 <= gap <= 0.8 * other.height and other.y0 < box.y0
        if near and shared >= min(box.x1 - box.x0, other.x1 - other.x0) / 2 and _is_heading(other.text):
            return other.text
    return None


def _is_heading(text: str) -> bool:
    """Whether a text is labels and nothing that they label."""
    found = _LABEL.search(lengths.normalised(text))
    return found is not None and not re.search(r"\d", text)


def _labelled(text: str, label: str | None) -> list[tuple[str, float, str]]:
    """Widths and pixel sizes of a text, its own labels or ``label`` before it: kind, metres, unit as printed."""
    line = lengths.normalised(f"{label} {text}" if label else text)
    found = []
    labels = list(_LABEL.finditer(line))
    ends = [label.start() for label in labels[1:]] + [len(line)]
    for here, end in zip(labels, ends, strict=True) if labels else ():
        kind = "width" if here["width"] else "pixel" if here["pixel"] else ""
        rest = line[here.end() : end]
        if kind and (value := lengths.length(rest)) and re.match(r"\s*[:=]?\s*\d", rest):
            found.append((kind, *value))
    return found


def _one(values: Sequence[float]) -> float | None:
    return values[0] if len(set(values)) == 1 else None
