"""Which pictures were published, by whom, under which category and name."""

from __future__ import annotations

from dataclasses import replace
from itertools import count as count_from

import numpy as np

from semtrace.synthetic.archive import share
from semtrace.synthetic.published import Publication
from semtrace.synthetic.recording import RecordedFrame

_Rng = np.random.Generator
PARTNER = {  # the category under which the same picture is published a second time
    "MEMS_devices_and_electrodes": "Patterned_surface",
    "Patterned_surface": "MEMS_devices_and_electrodes",
    "Nanowires": "Fibres",
    "Fibres": "Nanowires",
    "Particles": "Powder",
    "Powder": "Particles",
    "Films_Coated_Surface": "Porous_Sponge",
    "Porous_Sponge": "Films_Coated_Surface",
    "Tips": "Nanowires",
    "Biological": "Fibres",
}
MIX = (
    *["grey 100"] * 5, *["rgb 100"] * 3, *["grey 90"] * 2, *["rgb 75"] * 2, "grey 50", *["half"] * 2, "quarter",
    "gamma", "contrast", "bright", "hard", *["cropped"] * 2, "icon", *["toned icon"] * 2, "hard icon",
)  # fmt: skip
"""Ways to publish (published.py), each as often as it is used."""
LOOK_ALIKES = ("grey 90", "half", "bright")
"""How frames are published that are lost, while others of their series are in the archive."""
RETAKE = "hard icon"
"""The same, where both show one place to the pixel: so small and so edited that nobody can tell them apart."""


def _special(frame: RecordedFrame) -> str:
    """Why a frame is interesting to publish; empty for an everyday one."""
    for word, true in (
        ("copied", frame.copies), ("twin", frame.twin), ("cut", frame.cut),
        ("retake", frame.rests), ("series", frame.series),
        ("low contrast", frame.grey[1] - frame.grey[0] < 0.1),
    ):  # fmt: skip
        if true:
            return word
    return frame.storage if frame.storage in ("uint16", "float32", "pages", "miniswhite", "rgb", "palette") else ""


def _choose(rng: _Rng, frames: list[RecordedFrame], have: list[int], count: int) -> list[int]:
    """Pick ``count`` of ``have``: one of every category and special kind, two of a series, the rest at random."""
    order = [int(i) for i in rng.permutation(have)]
    series = [i for i in order if frames[i].series and not frames[i].rests]
    first = series[:1] + [i for i in series[1:] if frames[i].field == frames[series[0]].field][:1]
    seen = {_special(frames[i]) for i in first} | {frames[i].category for i in first}
    for i in order:
        new = {_special(frames[i]), frames[i].category} - seen
        if new:
            first.append(i)
            seen |= new
    chosen = first + [i for i in order if i not in set(first)]
    return [int(i) for i in rng.permutation(chosen[:count])]


def publish(rng: _Rng, frames: list[RecordedFrame], published: int, lost: int) -> list[RecordedFrame]:
    """Choose which frames became ``published`` JPEGs in all, ``lost`` of them without an original."""
    frames = list(frames)
    same, other = share(6, round(published * 4 / 3)), share(2, round(published * 4 / 3))
    count = published - lost - same - other
    have = [i for i, frame in enumerate(frames) if frame.path]
    chosen = _choose(rng, frames, have, count) + [i for i, frame in enumerate(frames) if not frame.path]
    look_alikes = count_from(0)
    for number, i in enumerate(chosen):
        frame, encoder = frames[i], MIX[(number * 7) % len(MIX)]
        if frame.series and not frame.path:
            encoder = RETAKE if frame.rests else LOOK_ALIKES[next(look_alikes) % len(LOOK_ALIKES)]
        if encoder == "cropped" and (frame.layout in ("none", "overlay", "zeiss inset")):
            encoder = "grey 100"
        digits = "tiff" if number % 5 == 0 else "jpeg"
        frames[i] = replace(frame, published=(Publication(frame.category, encoder, digits),))
    double = [i for i in chosen if frames[i].path]
    for i in double[:same]:
        first = frames[i].published[0]
        frames[i] = replace(frames[i], published=(first, replace(first, category=PARTNER[first.category])))
    for i in double[same : same + other]:
        first = replace(frames[i].published[0], digits="tiff")
        encoder = "rgb 75" if first.encoder != "rgb 75" else "grey 90"
        second = replace(first, category=PARTNER[first.category], encoder=encoder)
        frames[i] = replace(frames[i], published=(first, second))
    left, right = (
        double[same + other],
        next(i for i in double[same + other + 1 :] if frames[i].category != frames[double[same + other]].category),
    )
    digits = rng.bytes(16).hex()  # two different pictures that carry the same digits
    for i in (left, right):
        frames[i] = replace(frames[i], published=(replace(frames[i].published[0], digits=digits),))
    return frames
