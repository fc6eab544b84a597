"""Lengths and magnifications as instruments print them, and as OCR gives them back."""

from __future__ import annotations

import re
import unicodedata

_MICRO = "[µμupy]"  # OCR reads a printed micro sign as u, p or y; a bar of picometres does not exist
_EXPONENTS = {"nm": -9, "mm": -3}
_UNIT = rf"(?:nm|mm|{_MICRO}m)"
_BAR = re.compile(rf"(\d(?: ?\d)*(?:[.,]\d+)?) ?({_UNIT})")
_LENGTH = re.compile(rf"(?<![\w.,+])(\d+(?:[.,]\d+)?) ?({_UNIT})(?![\w°/])")  # never the 03 of 1.33e+03
_AMBIGUOUS = re.compile(r"[1-9]\d*[.,]\d{3}")  # a decimal or a thousands separator?
_MAGNIFICATION = re.compile(
    r"(?<![\w.,])(?:[xX×] ?(\d+(?:[.,]\d+)*) ?([kK])?(?![\w.,])|(\d+(?: \d{3})+|\d+(?:[.,]\d+)*) ?([kK])? ?[xX×](?!\w))"
)
_SMALLEST_BAR, _LARGEST_BAR = 1e-10, 1e-2  # metres
_DIGITS = 2  # a bar is a round number: at most as many significant digits


def normalised(text: str) -> str:
    """Text in one form of its letters and single-spaced: µ and μ are one, a full-width digit is a digit."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def bar_value(text: str) -> float | None:
    """The length in metres that the text of a scale bar states; None where it is not the text of one.

    The whole text must be a number and a unit, ``2 µm``, ``500nm``, ``5,00 µm``, ``1 00 nm``, with asterisks or the
    dashes of the bar around them. ``um``, ``pm`` and ``ym`` are micrometres. No answer is given to a length of zero, to
    ``1,000 µm`` (a decimal or a thousands separator?) and to numbers that are not round, as a working distance is.
    """
    found = _BAR.fullmatch(normalised(text).strip(" *-–—|"))
    if not found:
        return None
    number = found[1].replace(" ", "")
    if _AMBIGUOUS.fullmatch(number):
        return None
    number = number.replace(",", ".")
    if len(re.sub(r"^[0.]+|0+$|\.", "", f"{float(number):f}".rstrip("0").rstrip("."))) > _DIGITS:
        return None
    value = _metres(number, found[2])
    return value if _SMALLEST_BAR <= value <= _LARGEST_BAR else None


def length(text: str) -> tuple[float, str] | None:
    """The first length in a text in metres, with its unit as it stands there; None where there is none.

    As ``bar_value`` it takes ``pm`` for micrometres: where picometres are possible, look at the unit.
    """
    found = _LENGTH.search(normalised(text))
    if not found or _is_thousands(found[1]):
        return None
    value = _metres(found[1].replace(",", "."), found[2])
    return (value, found[2]) if value > 0 else None


def magnification(text: str) -> float | None:
    """The magnification in a text: ``50.00 K X``, ``X3,500``, ``x4.00k``, ``100 000 x``; None where there is none."""
    found = _MAGNIFICATION.search(normalised(text))
    if not found:
        return None
    digits, thousand = (found[1] or found[3]).replace(" ", ""), found[2] or found[4]
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+", digits):
        digits = digits.replace(",", "")
    digits = digits.replace(",", ".")
    if digits.count(".") > 1:
        return None
    value = float(f"{digits}e{3 if thousand else 0}")
    return value if 1 <= value <= 1e7 else None


def is_unit(text: str) -> bool:
    """Whether a text is a unit of length alone: its number was missed."""
    return re.fullmatch(_UNIT, normalised(text).strip(" *-–—")) is not None


def is_number(text: str) -> bool:
    """Whether a text is a number alone, whose unit may be the next piece."""
    return re.fullmatch(r"\d(?: ?\d)*(?:[.,]\d+)?", normalised(text)) is not None


def _is_thousands(number: str) -> bool:
    return "," in number and _AMBIGUOUS.fullmatch(number) is not None  # a point is a decimal point: Width = 9.766 µm


def _metres(number: str, unit: str) -> float:
    return float(f"{number}e{_EXPONENTS.get(unit, -6)}")  # exact: 500 nm and 0.5 µm are one value
