"""How the scale bar of one picture is read: where text is looked for, in which order, and when to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.databar import bar_top
from semtrace.core.image.resample import resize
from semtrace.core.scale import lengths
from semtrace.core.scale.erase_bar import is_beside, without_bar
from semtrace.core.scale.pixel_size import ScaleStatus
from semtrace.core.scale.scale_bar import Bar, find_bar
from semtrace.core.scale.stripe_text import Stripe, understand
from semtrace.core.scale.text_box import TextBox
from semtrace.io.ocr import TextReader

GrayImage = NDArray[np.uint8]

_SMALLEST = 64  # pixels a side: there is no room for a stripe
_LOWER = 0.25  # of the picture: where the stripe is when it was not detected
_SAME_LEVEL = 4  # grey levels that half of a stripe's pixels keep to, also after lossy compression
_ENLARGED = 250_000  # pixels: a larger part is not enlarged as a whole, which would take 0.7 GB
_SHARED = 5  # neighbouring pieces of the rest share this part of their height, where a text may be cut
_LONGEST = 1280  # pixels: the whole picture is read at this size at most
_LETTER = 0.6  # of the height of a text's box: the width of one of its letters
_SAME_SIZE = 0.03  # of the pixel size that two bars of one picture may differ by


@dataclass(frozen=True)
class FoundScale:
    """What a picture says of its scale.

    Attributes:
        stripe_top: first row of the stripe; the height of the picture where there is none.
        stripe_level: grey level of its background; None without a stripe.
        text: of the scale bar, as read; empty where there is none.
        value: metres that it states; None without a bar near it.
        bar: the bar itself; None where it was not found.
        stripe: the other lengths that are printed.
        status: what it is where neither bar nor tag is there.
        several: bars of different pixel sizes, in words; with them nothing is certain.
    """

    stripe_top: int
    stripe_level: int | None
    text: str = ""
    value: float | None = None
    bar: Bar | None = None
    stripe: Stripe = field(default_factory=Stripe)
    status: ScaleStatus = "stripe_not_detected"
    several: tuple[str, ...] = ()


def read_scale(gray: GrayImage, reader: TextReader) -> FoundScale:
    """Read the scale bar of a picture, shape (H, W), with an OCR engine.

    First the stripe is read at its own size, or the lower quarter where no stripe is detected. A unit alone means that
    its number was missed: the part to its left is read again at twice the size. Where no value comes out the stripe is
    enlarged, then the rest of the picture is read, at 1280 pixels at most. A bar that lies in the picture and not in a
    stripe may have another beside it, so then the rest is read too.

    Raises:
        OcrError: the engine failed.
    """
    height = len(gray)
    if min(gray.shape) <= _SMALLEST:
        return FoundScale(height, None)
    top = bar_top(gray)
    detected = top < height
    first = top if detected else height - max(round(height * _LOWER), 1)
    boxes = [box.moved(0, first) for box in reader(np.ascontiguousarray(gray[first:]))]
    boxes = _with_missed_digits(gray, boxes, reader)
    stripe = understand(boxes)
    if not (stripe.bars or stripe.doubtful) and boxes and gray[first:].size <= _ENLARGED:
        larger = reader(_enlarged(gray[first:], 2))
        again = _with_missed_digits(gray, [box.moved(0, first, 2) for box in larger], reader)
        boxes = again if understand(again).bars else boxes
    start = top if detected else 0
    stripe = understand(boxes)
    bars = _bars(gray, start, boxes, stripe, reader)
    written = stripe.bars or (boxes if stripe.maker or stripe.magnification else ())
    is_stripe = detected or any(_is_across(gray, box) for box in written)
    if not is_stripe:
        above = _rest(gray, first, reader)
        bars += _bars(gray, 0, above, understand(above), reader)
        boxes = [*boxes, *above]
        stripe = understand(boxes)
    level = int(np.bincount(gray[top:].ravel(), minlength=256).argmax()) if detected else None
    if len(_sizes(bars)) > 1:
        words = tuple(f"{text.text} over {bar.pixels:g} px at {bar.box}" for text, bar in bars)
        return FoundScale(top, level, stripe=stripe, status="conflict", several=words)
    if bars:
        text, bar = bars[0]
        return FoundScale(top, level, text.text, lengths.bar_value(text.text), bar, stripe, "read_once")
    if not is_stripe:
        return FoundScale(top, level, stripe=stripe)
    named = stripe.bars[0].text if len(stripe.bars) == 1 else ""
    unread = not named and (stripe.units or stripe.doubtful or not boxes)
    return FoundScale(top, level, named, stripe=stripe, status="not_read" if unread else "bar_not_found")


def _bars(
    gray: GrayImage, start: int, boxes: Sequence[TextBox], stripe: Stripe, reader: TextReader
) -> list[tuple[TextBox, Bar]]:
    """Every text of a bar with its bar, one text a bar: the nearer one.

    An end cap beside the text may have been read with it, as in "4 1 µm": then the text is read without the bar.
    """
    found: dict[tuple[int, int, int, int], tuple[float, TextBox, Bar]] = {}
    for text in (*stripe.bars, *stripe.doubtful):
        others = [box.moved(0, -start) for box in boxes if box != text]
        bar = find_bar(gray[start:], _narrowed(text).moved(0, -start), others)
        if bar is None:
            continue
        x0, y0, x1, y1 = bar.box
        bar = Bar(bar.pixels, (x0, y0 + start, x1, y1 + start), bar.convention)
        if is_beside(text, bar):
            text = text._replace(text=_alone(gray, text, bar, reader))
        if lengths.bar_value(text.text) is None:
            continue
        apart = abs((y0 + y1) / 2 + start - (text.y0 + text.y1) / 2) + max(text.x0 - x1, x0 - text.x1, 0)
        if bar.box not in found or apart < found[bar.box][0]:
            found[bar.box] = apart, text, bar
    return [(text, bar) for _, text, bar in found.values()]


def _narrowed(text: TextBox) -> TextBox:
    """The middle of a box that is far wider than its letters: OCR took the halves of a bar with them."""
    wide = round(_LETTER * text.height * len(text.text))
    spare = text.x1 - text.x0 - wide
    return text if spare < wide else text._replace(x0=text.x0 + spare // 2, x1=text.x1 - spare // 2)


def _alone(gray: GrayImage, text: TextBox, bar: Bar, reader: TextReader) -> str:
    """The text as it reads once the strokes of its bar are erased; empty where that is no value."""
    part, _, _ = without_bar(gray, text, bar)
    for times in (2, 1):
        read = understand(reader(_enlarged(part, times))).bars
        if len(read) == 1:
            return read[0].text
    return ""


def _sizes(bars: Sequence[tuple[TextBox, Bar]]) -> list[float]:
    """The different pixel sizes of some bars."""
    sizes: list[float] = []
    for text, bar in bars:
        size = (lengths.bar_value(text.text) or 0.0) / bar.pixels
        if all(abs(size / other - 1) > max(_SAME_SIZE, 1 / bar.pixels) for other in sizes):
            sizes.append(size)
    return sizes


def _with_missed_digits(gray: GrayImage, boxes: list[TextBox], reader: TextReader) -> list[TextBox]:
    """The boxes; those that are a unit alone read again with what lies to their left, at twice the size."""
    units = () if (stripe := understand(boxes)).bars else stripe.units
    result = list(boxes)
    for unit in units:
        tall = unit.height
        left, top = max(unit.x0 - 4 * tall, 0), max(unit.y0 - tall // 4, 0)
        part = gray[top : unit.y1 + tall // 4, left : unit.x1 + tall // 2]
        again = [box.moved(left, top, 2) for box in reader(_enlarged(part, 2))]
        if read := [box for box in understand(again).bars if box.x1 > unit.x0]:
            result = [box for box in result if box != unit and not _overlap(box, read[0])] + read[:1]
    return result


def _overlap(a: TextBox, b: TextBox) -> bool:
    return min(a.x1, b.x1) > max(a.x0, b.x0) and min(a.y1, b.y1) > max(a.y0, b.y0)


def _is_across(gray: GrayImage, text: TextBox) -> bool:
    """Whether the background of a text goes on over the picture's width: it stands in a stripe."""
    rows = gray[text.y0 + text.height // 4 : max(text.y1 - text.height // 4, text.y0 + 1)].astype(np.int16)
    ground = np.median(rows[:, text.x0 : text.x1])
    return bool(np.median(np.abs(rows - ground)) <= _SAME_LEVEL)


def _rest(gray: GrayImage, first: int, reader: TextReader) -> list[TextBox]:
    """The texts above row ``first``, read piece by piece: OCR misses small text in a large picture."""
    part = gray[:first]
    if part.size == 0:
        return []
    zoom = min(1.0, _LONGEST / max(part.shape))
    smaller = part if zoom == 1 else resize(part, max(round(part.shape[1] * zoom), 1), max(round(len(part) * zoom), 1))
    step = max(round(len(gray) * zoom * _LOWER), 1)
    found: list[TextBox] = []
    for top in range(0, len(smaller), step):
        piece = np.ascontiguousarray(smaller[top : top + step + step // _SHARED])
        boxes = [box.moved(0, top).moved(0, 0, zoom) for box in reader(piece)]
        found += [box for box in boxes if not any(_overlap(box, other) for other in found)]
    return found


def _enlarged(gray: GrayImage, times: int) -> GrayImage:
    return resize(gray, gray.shape[1] * times, len(gray) * times)
