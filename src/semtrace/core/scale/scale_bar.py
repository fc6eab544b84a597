"""The scale bar that belongs to a text: found in the text's own background and measured by the rule of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from semtrace.core.scale.strokes import SLIP, Stroke, extents, reach, strokes
from semtrace.core.scale.text_box import TextBox

Convention = Literal["end caps, centre to centre", "block, full width", "line, full width", "ruler, first to last tick"]
CAPS: Convention = "end caps, centre to centre"
BLOCK: Convention = "block, full width"
LINE: Convention = "line, full width"
RULER: Convention = "ruler, first to last tick"

_SHORTEST = 10  # pixels
_CONTRAST = 40  # grey levels, of a text to its background
_SAME_LEVEL = 12  # grey levels, of a background after lossy compression
_LETTERS = 0.75  # of the height of its box, which OCR draws with a margin
_TICKS = 11  # of a ruler
# in heights of the text
_ABOVE, _BELOW, _ASIDE = 2.2, 3.0, 4.0  # where the bar may be
_THICKEST = 1.2  # of a bar
_TALLEST_CAP = 3.2
_UNEVEN = 0.12  # of the height of a cap: how much the two may differ
_EVEN = 0.6  # of a bar's columns are as thick as it is: the others are caps and ticks
_SLIMMEST = 3  # times as long as thick is a block at least
_ROOM = 1.5  # between the halves of a bar at least: a value and its unit
_BETWEEN = 0.8  # of the gap between the halves of a bar belongs to the box of its text
_BLOCK = 3  # rows: a thinner one is a line


@dataclass(frozen=True)
class Bar:
    """A measured bar.

    Attributes:
        pixels: its length.
        box: columns x0 to x1 and rows y0 to y1 that it covers, ends excluded.
        convention: the rule that measured it.
    """

    pixels: float
    box: tuple[int, int, int, int]
    convention: Convention


def find_bar(gray: NDArray[np.uint8], text: TextBox, others: Sequence[TextBox] = ()) -> Bar | None:
    """Find the bar of ``text`` near it and measure it.

    Only ink on the text's own background counts, and only strokes above, below or beside the text. End caps are
    measured from centre to centre, a block and a plain line by their full width, a ruler of 11 ticks from its first
    tick to its last. A frame, a separator that runs to the edge of the picture, and strokes in other texts are no bars.

    Args:
        gray: the picture, shape (H, W).
        text: the text of the bar, in pixels of ``gray``.
        others: the other texts of the picture.

    """
    tall = max(round(_LETTERS * text.height), 5)
    text = text.clipped(gray.shape[1], len(gray))
    first, last = max(text.y0 - round(_ABOVE * tall), 0), min(text.y1 + round(_BELOW * tall), len(gray))
    drawn = _drawn(gray[first:last], text.moved(0, -first), tall)
    if drawn is None:
        return None
    ink, top, bottom = drawn
    ink, top = ink[top:bottom], first + top
    here, rest = text.moved(0, -top), [other.moved(0, -top) for other in others if other[1:] != text[1:]]
    found = _lined(ink, here, tall, rest) or _ruler(ink, here, tall)
    if found is None:
        return None
    x0, y0, x1, y1 = found.box
    return Bar(found.pixels, (x0, y0 + top, x1, y1 + top), found.convention)


def _drawn(window: NDArray[np.uint8], text: TextBox, tall: int) -> tuple[NDArray[np.bool_], int, int] | None:
    """Which pixels of the window are drawn as the text is, and the rows that have the text's background.

    Returns:
        The ink, shape of ``window``; the first row and the row after the last. None where the text has no contrast.

    """
    inside = window[text.y0 : text.y1, text.x0 : text.x1].astype(np.int16)
    if inside.size == 0:
        return None
    margin = max(tall // 3, 2)
    ring = window[max(text.y0 - margin, 0) : text.y1 + margin, max(text.x0 - margin, 0) : text.x1 + margin]
    ground = float(np.median(ring))
    dark, light = (float(np.percentile(inside, q)) for q in (2, 98))
    contrast = light - ground if light - ground > ground - dark else dark - ground
    if abs(contrast) < _CONTRAST:
        return None
    spread = float(np.median(np.abs(ring - ground))) * 1.5 / abs(contrast)
    share = 0.35 if spread < 0.05 else 0.6 if spread < 0.15 else 0.75
    ink = (window.astype(np.float32) - ground) * np.sign(contrast) > share * abs(contrast)
    if spread >= 0.05:  # text on a picture
        return ink, 0, len(window)
    beside = window[:, max(text.x0 - 2 * tall, 0) : text.x1 + 2 * tall].astype(np.float32)
    plain = np.mean(np.abs(beside - ground) <= _SAME_LEVEL, axis=1) >= 0.4
    upper, lower = text.y0 + text.height // 4, text.y1 - text.height // 4
    return ink, _end(plain[:upper][::-1], tall, upper, -1), _end(plain[lower:], tall, lower, 1)


def _end(plain: NDArray[np.bool_], tall: int, start: int, step: int) -> int:
    """How far from ``start`` rows are background, ``step`` by step; a bar as wide as the text may lie between."""
    row, gap = 0, 0
    for number, is_plain in enumerate(plain, 1):
        gap = 0 if is_plain else gap + 1
        if gap > _THICKEST * tall:
            break
        if is_plain:
            row = number
    return start + step * row


def _lined(ink: NDArray[np.bool_], text: TextBox, tall: int, others: Sequence[TextBox]) -> Bar | None:
    """The best horizontal bar: with end caps rather than without, then the nearest to the text."""
    lines = [line for line in strokes(ink, max(_SHORTEST, round(0.8 * tall))) if line.y1 - line.y0 <= _THICKEST * tall]
    # OCR reads a bar itself as a sign or two: H, T, _, 工
    words = [other for other in others if sum(letter.isalnum() for letter in other.text) > 2]
    lines = [line for line in lines if not any(_inside(line, word) or _underlines(line, word) for word in words)]
    candidates: list[tuple[tuple[bool, int, int], Bar]] = []
    for line, is_apart in [*_halves_joined(lines, text, tall), *((line, True) for line in lines)]:
        if line.x1 - line.x0 < _SHORTEST or line.x0 <= 1 or line.x1 >= ink.shape[1] - 1:
            continue  # a frame or a separator, cut by the edge of the picture
        distance = _distance(line, text, tall) if is_apart else 0
        if distance is None:
            continue
        bar = _measured(ink, line, tall)
        if bar is not None and (is_apart or bar.convention == CAPS):
            candidates.append(((bar.convention != CAPS, int(distance / tall), line.y0 - line.y1), bar))
    return min(candidates, key=lambda one: one[0])[1] if candidates else None


def _halves_joined(lines: Sequence[Stroke], text: TextBox, tall: int) -> list[tuple[Stroke, bool]]:
    """Bars that the text interrupts: two strokes in the same rows with the text between them.

    Returns:
        Each with whether both strokes lie beside the box of the text: OCR may have taken their ends for signs.

    """
    middle = (text.y0 + text.y1) / 2
    level = [line for line in lines if abs((line.y0 + line.y1) / 2 - middle) <= 0.5 * tall]
    pairs = []
    for left in level:
        for right in level:
            same_rows = abs(left.y0 - right.y0) <= SLIP and abs(left.y1 - right.y1) <= SLIP
            near = text.x0 - left.x1 <= 2 * tall and right.x0 - text.x1 <= 2 * tall
            alike = abs((left.x1 - left.x0) - (right.x1 - right.x0)) <= max(tall, 6)
            if left.x1 >= right.x0 or not (same_rows and near and alike):
                continue
            beside = left.x1 <= text.x0 + 1.5 * tall and right.x0 >= text.x1 - 1.5 * tall
            gap, shared = right.x0 - left.x1, min(right.x0, text.x1) - max(left.x1, text.x0)
            if beside or (gap >= _ROOM * tall and shared >= _BETWEEN * gap):
                whole = Stroke(left.x0, right.x1, min(left.y0, right.y0), max(left.y1, right.y1))
                pairs.append((whole, beside))
    return pairs


def _inside(line: Stroke, text: TextBox) -> bool:
    return text.x0 <= line.x0 and line.x1 <= text.x1 and text.y0 <= line.y0 and line.y1 <= text.y1


def _underlines(line: Stroke, word: TextBox) -> bool:
    """Whether a stroke is an underscore of a text: thin, within its columns and close to its lower edge."""
    thin = line.y1 - line.y0 <= word.height / 4
    return thin and word.x0 <= line.x0 and line.x1 <= word.x1 and abs(line.y0 - word.y1) <= word.height / 4


def _distance(line: Stroke, text: TextBox, tall: int) -> float | None:
    """How far a stroke is from the text, in rows and columns; None where it is too far or strikes the text through."""
    apart = max(text.x0 - line.x1, line.x0 - text.x1, 0)
    down = max(text.y0 - line.y1, line.y0 - text.y1, 0)
    middle = (line.y0 + line.y1) / 2
    if apart > _ASIDE * tall:
        return None
    within = text.x0 <= line.x0 and line.x1 <= text.x1
    if within and text.y0 + 0.2 * text.height < middle < text.y1 - 0.2 * text.height:
        return None  # a stroke of its own letters
    return down + apart


def _measured(ink: NDArray[np.bool_], line: Stroke, tall: int) -> Bar | None:
    """Measure a stroke by the rule of its kind; None where it is part of a box or of a longer line."""
    up, down = extents(ink, line)
    drawn = up + down > 0
    thick = int(np.median((up + down)[drawn]))  # without what interrupts it
    even = float(np.mean(np.abs((up + down)[drawn] - thick) <= max(1, thick // 4)))
    if even < _EVEN or thick > _THICKEST * tall:
        return None
    left, right = _cap(up, down, thick, tall), _cap(up[::-1], down[::-1], thick, tall)
    if left is None or right is None or left.is_cap != right.is_cap:
        return None  # a side of a box, a corner
    middle = (line.y0 + line.y1 - 1) // 2
    box = (line.x0, middle + 1 - max(left.up, right.up), line.x1, middle + 1 + max(left.down, right.down))
    wide = line.x1 - line.x0
    if left.is_cap:
        uneven = max(abs(left.up - right.up), abs(left.down - right.down))
        pixels = wide - 1 - left.column - right.column
        if uneven > max(SLIP, _UNEVEN * (left.up + left.down)) or pixels < _SHORTEST:
            return None
        return Bar(pixels, box, CAPS)
    if wide < _SLIMMEST * thick:
        return None
    return Bar(float(wide), box, BLOCK if thick >= _BLOCK else LINE)


@dataclass(frozen=True)
class _Cap:
    """An end of a stroke: columns from the edge (to the centre of a cap), rows up and down, whether it is a cap."""

    column: float
    up: int
    down: int
    is_cap: bool


def _cap(up: NDArray[np.int64], down: NDArray[np.int64], thick: int, tall: int) -> _Cap | None:
    """Look at the left end of a stroke; None where what stands there is too tall or too wide for a cap."""
    broadest = max(2 * thick, tall // 2, 4)
    high = (up + down)[: broadest + SLIP + 1] >= thick + max(2, thick // 2)
    first = int(np.argmax(high))
    if not high[first] or first > SLIP:  # an end may be rounded
        return _Cap(0.0, int(np.median(up)), int(np.median(down)), is_cap=False)
    width = reach(high[first:])
    top, bottom = int(up[first : first + width].max()), int(down[first : first + width].max())
    if width > broadest or top + bottom > _TALLEST_CAP * tall:
        return None
    return _Cap(first + (width - 1) / 2, top, bottom, is_cap=True)


def _ruler(ink: NDArray[np.bool_], text: TextBox, tall: int) -> Bar | None:
    """Eleven ticks at equal distances above or below the text, found alike in at least three rows."""
    rows: list[tuple[int, NDArray[np.float64]]] = []
    for y in [*range(text.y0), *range(text.y1, len(ink))]:
        edges = np.flatnonzero(np.diff(np.concatenate([[0], ink[y].view(np.int8), [0]])))
        starts, ends = edges[::2], edges[1::2]
        narrow = ends - starts <= max(tall // 2, 4)
        centres = ((starts + ends - 1) / 2)[narrow]
        for first in range(len(centres) - _TICKS + 1):
            ticks = centres[first : first + _TICKS]
            if _is_ruler(ticks) and ticks[0] <= text.x1 and ticks[-1] >= text.x0:
                rows.append((y, ticks))
    if not rows:
        return None
    alike = [(y, ticks) for y, ticks in rows if np.abs(ticks - rows[0][1]).max() <= SLIP]
    if len(alike) < 3 or len(alike) < len(rows):
        return None
    ticks = np.median([ticks for _, ticks in alike], axis=0)
    box = (int(ticks[0]), alike[0][0], int(ticks[-1]) + 1, alike[-1][0] + 1)
    return Bar(float(ticks[-1] - ticks[0]), box, RULER)


def _is_ruler(ticks: NDArray[np.float64]) -> bool:
    steps = np.diff(ticks)
    return bool(steps.min() >= 4 and steps.max() - steps.min() <= 2.0)
