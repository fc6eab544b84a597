"""The size of a pixel from several lengths, each by itself: what they say together, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

ScaleStatus = Literal[
    "agreed", "read_once", "tag_only", "conflict", "not_read", "bar_not_found", "stripe_not_detected", "no_ocr"
]
STATUSES: tuple[ScaleStatus, ...] = (
    "agreed", "read_once", "tag_only", "conflict", "not_read", "bar_not_found", "stripe_not_detected", "no_ocr",
)  # fmt: skip
_TOLERANCE = 0.03


@dataclass(frozen=True)
class Lengths:
    """What is known of an image; None where it is not. Sizes of pixels in metres.

    Attributes:
        width: columns of the picture.
        bar_value: length in metres that the scale bar states.
        bar_pixels: its length in the picture.
        tag: pixel size of the vendor's tag or sidecar.
        scanned_width: columns that the tag says were scanned.
        is_sidecar: whether the tag is a file beside the image, which may belong to another one.
        printed: pixel sizes that are printed, or follow from what is printed, by the name of their source.
        magnified: pixel size by the magnification and a constant of the instrument; it only confirms a bar.
        missing: the status where there is neither bar nor tag.
    """

    width: int
    bar_value: float | None = None
    bar_pixels: float | None = None
    tag: float | None = None
    scanned_width: int | None = None
    is_sidecar: bool = False
    printed: Mapping[str, float] | None = None
    magnified: float | None = None
    missing: ScaleStatus = "stripe_not_detected"


class Verdict(NamedTuple):
    """What the lengths say together.

    Attributes:
        status: one of ``STATUSES``.
        pixel_size: metres; None where it is not known or the lengths disagree.
        source: which length ``pixel_size`` is; empty with it.
        ratio: the bar's pixel size over the tag's as it stands; None where one is missing.
        detail: one line for people; may be empty.
    """

    status: ScaleStatus
    pixel_size: float | None
    source: str
    ratio: float | None
    detail: str


def judge_lengths(known: Lengths) -> Verdict:
    """Compare the lengths of an image: two that agree within max(3 %, 1 pixel of the bar) are enough.

    Lengths that disagree are never averaged, and none is reported. A tag that belongs to another width, by what it says
    itself, is corrected where the bar says the same; a ratio that the tag does not state is a conflict.
    """
    bar = known.bar_value / known.bar_pixels if known.bar_value and known.bar_pixels else None
    ratio = float(f"{bar / known.tag:.4g}") if bar and known.tag else None
    notes: list[str] = []
    sizes: dict[str, float] = {}
    if known.tag:
        source, size = _tag(known, bar)
        stated = f"tag says {known.tag:.4g} m for {known.scanned_width} columns, the picture has {known.width}"
        if size:
            sizes[source] = size
            notes += [stated] if "corrected" in source else []
        elif known.is_sidecar:
            notes.append(f"sidecar is of another picture, {known.scanned_width} columns wide: not used")
        else:
            stated += f"; bar says {bar:.4g} m" if bar else "; no bar to tell"
            return Verdict("conflict", None, "", ratio, stated)
    sizes |= known.printed or {}
    if bar:
        sizes["bar"] = bar
    said = ", ".join(f"{name} {size:.4g} m" for name, size in sizes.items())
    if any(not _agree(a, b, known) for a in sizes.items() for b in sizes.items()):
        return Verdict("conflict", None, "", ratio, "; ".join([*notes, said]))
    first = next(iter(sizes), "")
    size = _rounded(sizes[first]) if first else None
    if len(sizes) > 1:
        return Verdict("agreed", size, first, ratio, "; ".join(notes))
    if first == "bar" and bar:
        if known.magnified is None:
            return Verdict("read_once", size, "bar", ratio, "; ".join(notes))
        if _agree(("bar", bar), ("magnification", known.magnified), known):
            return Verdict("agreed", size, "bar", ratio, "; ".join([*notes, "confirmed by the magnification"]))
        return Verdict("conflict", None, "", ratio, "; ".join([*notes, said, f"magnification {known.magnified:.4g} m"]))
    if first.startswith("tag"):
        return Verdict("tag_only", size, first, ratio, "; ".join([*notes, known.missing]))
    if first:
        notes.append(f"{known.missing}: nothing to compare it with")
        return Verdict("read_once", size, first, ratio, "; ".join(notes))
    return Verdict(known.missing, None, "", ratio, "; ".join(notes))


def _tag(known: Lengths, bar: float | None) -> tuple[str, float | None]:
    """The tag's size for this picture and what to call it; None where its width is another one and nothing confirms."""
    tag, scanned = known.tag or 0.0, known.scanned_width
    if scanned is None or scanned == known.width:
        return "tag", tag
    corrected = tag * scanned / known.width
    if bar and _agree(("bar", bar), ("tag", corrected), known):
        return "tag, corrected for its scanned width", corrected
    if bar and _agree(("bar", bar), ("tag", tag), known):  # cut, not resized
        return "tag", tag
    return "tag", None


def _agree(a: tuple[str, float], b: tuple[str, float], known: Lengths) -> bool:
    """Whether two sizes are one within 3 %, or within a pixel of the bar where one of them is the bar's."""
    if a[0] != "bar":
        a, b = b, a
    if a[0] == "bar" and known.bar_value and known.bar_pixels:
        expected = known.bar_value / b[1]
        return abs(expected - known.bar_pixels) <= max(_TOLERANCE * expected, 1.0) * (1 + 1e-9)
    return math.isclose(a[1], b[1], rel_tol=_TOLERANCE)


def _rounded(size: float) -> float:
    return float(f"{size:.6g}")
