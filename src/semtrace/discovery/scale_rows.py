"""The rows of scale.csv: what the lengths of each image say together, and its magnification to a bar alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from semtrace.core.scale.magnification import Constant, Sighting, learn, pixel_size
from semtrace.core.scale.pixel_size import Lengths, Verdict, judge_lengths
from semtrace.io.vendor_tags import Vendor


class Reading(NamedTuple):
    """An image: its path, facts, the sidecar beside it, and a person's pixel size in metres with the person's name."""

    path: str
    facts: dict[str, Any]
    sidecar: Vendor | None = None
    person: tuple[float, str] | None = None

    @property
    def vendor(self) -> Vendor:
        """What the image's own tag says, else the file beside it."""
        own = Vendor(*self.facts["vendor"])
        return own if own.pixel_size_m or self.sidecar is None else self.sidecar

    @property
    def folder(self) -> str:
        """The folder that the image lies in."""
        return PurePosixPath(self.path).parent.as_posix()


def scale_rows(readings: Sequence[Reading]) -> list[dict[str, Any]]:
    """The rows of scale.csv: each image judged by itself, then those with a bar alone by their magnification."""
    known = [_lengths(one) for one in readings]
    verdicts = [judge_lengths(lengths) for lengths in known]
    sightings = []
    for one, lengths, verdict in zip(readings, known, verdicts, strict=True):
        facts = one.facts
        if verdict.pixel_size and facts.get("magnification") and not facts["several"]:
            independent = bool(lengths.tag or lengths.printed)
            sightings.append(Sighting(
                facts["maker"], facts["width"], one.folder, facts["magnification"], verdict.pixel_size, independent
            ))  # fmt: skip
    constants = learn(sightings)
    triples = zip(readings, known, verdicts, strict=True)
    return [_row(one, lengths, _confirmed(one, lengths, verdict, constants)) for one, lengths, verdict in triples]


def _confirmed(one: Reading, lengths: Lengths, verdict: Verdict, constants: Mapping[Any, Constant]) -> Verdict:
    """The verdict on a bar alone once its magnification has been asked, if there is one and its constant is known."""
    maker, width = one.facts.get("maker", ""), one.facts["width"]
    magnification = one.facts.get("magnification")
    if verdict.status != "read_once" or verdict.source != "bar" or not magnification:
        return verdict
    size = pixel_size(constants, maker, width, one.folder, magnification)
    if size is None:
        return verdict
    constant = constants[maker, width]
    how = "tags or printed lengths" if constant.independent else "bars"
    learnt = f" ({constant.metres:.4g} m wide, from {how} of {constant.images} images)"
    asked = judge_lengths(replace(lengths, magnified=size))
    return asked._replace(detail=asked.detail + learnt)


def _lengths(one: Reading) -> Lengths:
    """The lengths of an image, each by itself; its own tag comes before a file beside it."""
    facts, vendor = one.facts, one.vendor
    bar = facts.get("bar")
    printed = {}
    if facts.get("printed_pixel"):
        printed["printed pixel size"] = facts["printed_pixel"]
    if facts.get("printed_width"):
        printed["printed width"] = facts["printed_width"] / facts["width"]
    return Lengths(
        facts["width"], facts.get("value"), bar[0] if bar else None,
        vendor.pixel_size_m, vendor.scanned_width, vendor is one.sidecar, printed, None, facts["status"],
    )  # fmt: skip


def _row(one: Reading, lengths: Lengths, verdict: Verdict) -> dict[str, Any]:
    facts, vendor = one.facts, one.vendor
    if facts.get("several"):
        verdict = Verdict("conflict", None, "", verdict.ratio, "two bars: " + "; ".join(facts["several"]))
    if one.person is not None:
        was = f"was {verdict.status}" + (f": {verdict.detail}" if verdict.detail else "")
        verdict = Verdict("agreed", one.person[0], f"person: {one.person[1]}", verdict.ratio, was)
    bar, stripe = facts.get("bar"), facts.get("stripe", [None, None])
    return {
        "path": one.path, "md5": facts["md5"], "width": facts["width"], "height": facts["height"],
        "status": verdict.status, "pixel_size_m": verdict.pixel_size, "pixel_size_source": verdict.source,
        "bar_text": facts.get("text", ""), "bar_value_m": lengths.bar_value,
        "bar_px": bar[0] if bar else None, "bar_box": " ".join(map(str, bar[1])) if bar else "",
        "bar_convention": bar[2] if bar else "",
        "tag_pixel_size_m": vendor.pixel_size_m, "tag_source": vendor.pixel_size_source,
        "printed_width_m": facts.get("printed_width"), "printed_pixel_size_m": facts.get("printed_pixel"),
        "magnification": facts.get("magnification"), "ratio": verdict.ratio,
        "stripe_top": stripe[0], "stripe_level": stripe[1],
        "instrument": vendor.instrument or facts.get("maker", ""), "detail": verdict.detail,
    }  # fmt: skip
