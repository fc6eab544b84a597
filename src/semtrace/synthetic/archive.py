"""The plan of the archive: who took which picture with what, under what name, and what went wrong with it later."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from semtrace.synthetic.databar import Facts
from semtrace.synthetic.published import Publication
from semtrace.synthetic.recording import Frame
from semtrace.synthetic.scenes import CATEGORIES, KINDS

Rng = np.random.Generator


@dataclass(frozen=True)
class Researcher:
    """A folder of the archive and the habits of its owner.

    Attributes:
        folder: its name.
        instrument: ``"zeiss"``, ``"fei"``, ``"xl"`` or ``"hitachi"``.
        layouts: data bars in use.
        by_date: whether subfolders are dates; materials otherwise.
        naming: pattern of file names; ``{n}`` counts within the folder.
        suffixes: extensions in use.
    """

    folder: str
    instrument: str
    layouts: tuple[str, ...]
    by_date: bool
    naming: str
    suffixes: tuple[str, ...]


RESEARCHERS = (
    Researcher("Lazzarino M", "zeiss", ("zeiss white", "zeiss white", "zeiss inset"), True, "img_{n:02d}", (".tif",)),
    Researcher("Élodie Müller", "fei", ("fei",), False, "im_{n:02d}", (".tif", ".TIF")),
    Researcher("Orrù M", "zeiss", ("zeiss white",), False, "G031c_100h_b_{n:02d}", (".tif",)),
    Researcher("giulio", "zeiss", ("zeiss black",), True, "img_{n:02d}", (".tiff", ".tif")),
    Researcher("Kovač T", "fei", ("fei", "fei", "none"), True, "IMG{n:04d}", (".TIF",)),
    Researcher("melli", "zeiss", ("zeiss black", "zeiss white"), True, "im_{n:02d}", (".tif", ".tif", ".TIF")),
    Researcher("Bianchi S_L", "xl", ("overlay",), False, "sample {n}", (".TIF",)),
    Researcher("GDS", "zeiss", ("zeiss white", "zeiss black"), False, "im_{n:02d}", (".tif", ".TIFF")),
    Researcher("Åsa Lindqvist", "hitachi", ("ruler",), False, "{n}", (".tif",)),
    Researcher("lab users", "zeiss", ("zeiss white", "none"), True, "prova {n:02d} (copia)", (".tif",)),
)
MATERIALS = {
    "Porous_Sponge": ("porous Si", "PU foam", "aerogel_2"),
    "Patterned_surface": ("gratings", "zone plates", "EBL dose test"),
    "Particles": ("TiO2", "Au NPs", "biotin nps"),
    "Films_Coated_Surface": ("TiN film", "sol-gel", "DLC coating"),
    "Powder": ("NiCr powder", "zeolite", "Powders"),
    "Tips": ("AFM tips", "W tips", "emitters"),
    "Nanowires": ("GaAs NWs", "GaAs_NWs", "ZnO wires"),
    "Biological": ("cellule", "batteri", "pollen & co"),
    "MEMS_devices_and_electrodes": ("cantilevers", "elettrodi", "MEMS run 3"),
    "Fibres": ("PVA fibres", "lana", "carbon fibres"),
}
_FIELD_OF_VIEW = {  # metres: what people look at under which magnification
    "Porous_Sponge": (2e-6, 4e-4),
    "Patterned_surface": (3e-6, 2e-4),
    "Particles": (1e-6, 3e-5),
    "Films_Coated_Surface": (2e-6, 1e-4),
    "Powder": (2e-5, 1e-3),
    "Tips": (2e-6, 2e-4),
    "Nanowires": (1e-6, 2e-5),
    "Biological": (8e-6, 2e-4),
    "MEMS_devices_and_electrodes": (3e-5, 1.5e-3),
    "Fibres": (2e-5, 8e-4),
}
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


def share(count: float, originals: int) -> int:
    """``count`` per 240 originals, at least one."""
    return max(1, round(count * originals / 240))


def _series_lengths(originals: int) -> list[int]:
    """Three series of 5, 6 and 5 frames per 240 originals."""
    return [(5, 6, 5)[i % 3] for i in range(share(3, originals))]


def _facts(rng: Rng, who: Researcher, category: str, width: int) -> Facts:
    """Size, magnification and conditions of one picture; ``width`` is the usual one in pixels."""
    size = (1024, 768)
    if who.instrument == "xl":
        size = (712, 484)
    elif who.instrument == "hitachi":
        size = (1280, 960)
    elif rng.random() < 0.12:
        size = (640, 480)
    columns, rows = (round(side * width / 1024) for side in size)
    low, high = _FIELD_OF_VIEW[category]
    display = 0.1492 if who.instrument == "fei" else 0.376  # metres: width of the screen magnifications refer to
    wanted = display / float(np.exp(rng.uniform(np.log(low), np.log(high))))
    step = 10.0 ** (np.floor(np.log10(wanted)) - (1 if rng.random() < 0.7 else 2))
    magnification = float(np.round(wanted / step) * step)  # people dial round numbers, mostly
    detectors = {"zeiss": ("InLens", "SE2"), "fei": ("ETD", "TLD"), "xl": ("SE", "TLD"), "hitachi": ("SE(UL)", "SE(M)")}
    day = f"{rng.integers(2009, 2019)}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"
    return Facts(
        pixel_size=display / magnification / columns,
        width=columns,
        height=rows,
        magnification=magnification,
        kilovolts=float(rng.choice([1.0, 2.0, 3.0, 5.0, 5.0, 10.0, 10.0, 15.0, 20.0])),
        working_distance=float(np.round(rng.uniform(0.0025, 0.012), 4)),
        detector=str(rng.choice(detectors[who.instrument])),
        date=day,
        time=f"{rng.integers(8, 20):02d}:{rng.integers(0, 60):02d}:{rng.integers(0, 60):02d}",
        file_name="",
        sample=str(rng.choice(MATERIALS[category])),
        tilt=float(rng.choice([0.0, 0.0, 0.0, 45.0, 30.0])),
    )


def _storage(rng: Rng, frames: list[Frame], originals: int) -> list[Frame]:
    """Give single frames the rarer formats; of the others from Zeiss instruments most carry the grey palette."""
    singles = [i for i, frame in enumerate(frames) if not frame.series and frame.path]
    order = iter(int(i) for i in rng.permutation(singles))
    frames = [
        replace(frame, storage="palette")
        if frame.metadata == "zeiss" and not frame.series and rng.random() < 0.6
        else frame
        for frame in frames
    ]
    wanted = {"uint16": 10, "rgb": 6, "lzw": 8, "deflate": 8, "pages": 3, "float32": 2, "miniswhite": 1}
    for storage, count in wanted.items():
        for _ in range(share(count, originals)):
            i = next(order)
            frames[i] = replace(frames[i], storage=storage)
    return frames


def _named(frames: list[Frame], owners: list[Researcher]) -> list[Frame]:
    """Put every frame with an original into a folder, and count file names up within it."""
    counter: Counter[str] = Counter()
    session: dict[tuple[str, int], str] = {}
    result = []
    for frame, who in zip(frames, owners, strict=True):
        facts = frame.facts
        if who.by_date:  # an afternoon at the microscope: various samples, one day
            facts = replace(facts, date=session.setdefault((who.folder, frame.field // 40), facts.date))
            folder = f"{who.folder}/{facts.date}"
        else:  # one sample of a kind for each researcher, looked at on several days
            number = CATEGORIES.index(frame.category)
            facts = replace(facts, sample=session.setdefault((who.folder, number), facts.sample))
            day = session.setdefault((who.folder, 100 + frame.field // 80 * 10 + number), facts.date)
            facts = replace(facts, date=day)
            folder = f"{who.folder}/{facts.sample}" + (f"/{day}" if number % 3 == 0 else "")
        counter[folder] += 1
        name = who.naming.format(n=counter[folder]) + who.suffixes[frame.field % len(who.suffixes)]
        facts = replace(facts, file_name=name)
        result.append(replace(frame, facts=facts, path=f"{folder}/{name}" if frame.path else ""))
    return result


def photograph(rng: Rng, originals: int, lost: int, width: int) -> list[Frame]:
    """Plan ``originals`` frames for the archive and ``lost`` whose originals are not in it; no JPEGs yet."""
    frames: list[Frame] = []
    owners: list[Researcher] = []
    lengths = _series_lengths(originals)
    fields = [1] * (originals - sum(lengths) + lost)
    for place, length in zip(
        rng.choice(max(1, originals - sum(lengths)), len(lengths), replace=False), lengths, strict=True
    ):
        fields[int(place)] = length
    while sum(fields) > originals + lost:
        fields.remove(1)
    while sum(fields) < originals + lost:
        fields.append(1)
    seen: Counter[str] = Counter()
    for number, length in enumerate(fields):
        category = CATEGORIES[number % len(CATEGORIES)]
        who = RESEARCHERS[int(rng.integers(len(RESEARCHERS)))]
        facts = _facts(rng, who, category, width)
        black = rng.uniform(0.0, 0.1)
        grey = (black, rng.uniform(0.8, 1.0))
        if length == 1 and rng.random() < 0.04:  # contrast forgotten
            black = rng.uniform(0.3, 0.6)
            grey = (black, black + rng.uniform(0.05, 0.09))
        layout = who.layouts[int(rng.integers(len(who.layouts)))]
        knows = who.instrument in ("zeiss", "fei") and (layout != "none" or rng.random() < 0.5)
        frame = Frame(
            index=0,
            field=number,
            category=category,
            kind=(seen[category] + int(rng.random() < 0.15)) % len(KINDS[category]),
            facts=facts,
            layout=layout,
            metadata=who.instrument if knows else "",
            path="later",
            series=length > 1,
            grey=grey,
            dose=float(np.exp(rng.uniform(np.log(45), np.log(400)))),
            streaks=float(rng.uniform(0.2, 0.6)) if rng.random() < 0.08 else 0.0,
            lines=float(rng.uniform(0.004, 0.015)) if rng.random() < 0.15 else 0.0,
        )
        seen[category] += 1
        down = right = 0
        for step in range(length):
            if step:  # the stage creeps, somebody turns focus, brightness, contrast
                down = int(np.clip(down + rng.integers(-3, 6), -15, 15))
                right = int(np.clip(right + rng.integers(-4, 5), -15, 15))
                grey = (float(np.clip(black + rng.normal(0, 0.03), 0, 0.2)), float(rng.uniform(0.75, 1.0)))
            minute = (int(facts.time[3:5]) + step) % 60
            frames.append(
                replace(
                    frame,
                    facts=replace(facts, time=f"{facts.time[:3]}{minute:02d}{facts.time[5:]}"),
                    drift=(down, right),
                    defocus=float(rng.uniform(0.5, 1.4)) if step in (2, 4) else 0.0,
                    grey=grey,
                )
            )
            owners.append(who)
    singles = [i for i, frame in enumerate(frames) if not frame.series]
    for i in rng.permutation(singles)[:lost]:
        frames[int(i)] = replace(frames[int(i)], path="")
    frames = _named(frames, owners)
    frames = [replace(frame, index=index) for index, frame in enumerate(frames)]
    return _storage(rng, frames, originals)


def age(rng: Rng, frames: list[Frame], originals: int) -> list[Frame]:
    """What years of use do to an archive: copies under other names, a re-saved file, broken transfers."""
    frames = list(frames)
    kept = [int(i) for i in rng.permutation([i for i, f in enumerate(frames) if f.path and not f.series])]
    lost = [i for i, frame in enumerate(frames) if not frame.path]
    for number in range(share(8, originals)):
        i = kept.pop()
        path = frames[i].path
        name, stem = path.rsplit("/", 1)[1], path.rsplit("/", 1)[1].rsplit(".", 1)
        target = (f"backup old/{path}", f"Lazzarino M/per articolo/fig{number + 1}_{name}",
                  f"{path.rsplit('/', 1)[0]}/{stem[0]} - Copy.{stem[1]}")[number % 3]  # fmt: skip
        copies = (target,) if number % 4 else (target, f"zz USB/{number}/{name}")
        frames[i] = replace(frames[i], copies=copies)
    i = kept.pop()
    frames[i] = replace(
        frames[i], twin=f"GDS/re-saved/{frames[i].path.rsplit('/', 1)[1]}", storage="grey", metadata="zeiss"
    )
    i = kept.pop()
    frames[i] = replace(frames[i], cut=f"backup old/{frames[i].path}", cut_at=0.55)
    frames[lost[0]] = replace(frames[lost[0]], cut="giulio/usb/img_07.tif", cut_at=0.3, storage="grey")
    return frames


def publish(rng: Rng, frames: list[Frame], published: int, lost: int) -> list[Frame]:
    """Choose which frames became ``published`` JPEGs in all, ``lost`` of them without an original."""
    frames = list(frames)
    same, other = share(6, round(published * 4 / 3)), share(2, round(published * 4 / 3))
    count = published - lost - same - other
    have = [i for i, frame in enumerate(frames) if frame.path]
    rare = [
        i for i in have
        if frames[i].copies or frames[i].twin or frames[i].cut
        or frames[i].storage in ("uint16", "float32", "pages", "miniswhite") or (frames[i].series and frames[i].drift != (0, 0))
    ]  # fmt: skip
    rare = [int(i) for i in rng.permutation(rare)][: count // 2]
    plain = [int(i) for i in rng.permutation([i for i in have if i not in set(rare)])]
    chosen = (rare + plain)[:count]
    chosen = [int(i) for i in rng.permutation(chosen)] + [i for i, frame in enumerate(frames) if not frame.path]
    mix = ["grey 100"] * 6 + ["rgb 100"] * 4 + ["grey 90"] * 2 + ["rgb 75"] * 2 + ["half"] * 2 + ["gamma", "contrast"]
    mix += ["cropped"] * 2
    for number, i in enumerate(chosen):
        frame, encoder = frames[i], mix[(number * 7) % len(mix)]
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
