"""The plan of the archive: who took which picture with what, under what name, and what went wrong with it later."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from semtrace.synthetic.people import RESEARCHERS, Researcher, bar_facts_of
from semtrace.synthetic.recording import RecordedFrame
from semtrace.synthetic.scenes import CATEGORIES, KINDS

_Rng = np.random.Generator
_APART = 3  # pixels


def share(count: float, originals: int) -> int:
    """``count`` per 240 originals, at least one."""
    return max(1, round(count * originals / 240))


@dataclass(frozen=True)
class _Series:
    """Frames of one field: ``kept`` in the archive, ``lost`` not; the stage rests or creeps between them."""

    kept: int
    lost: int = 0
    rests: bool = False


def _series(originals: int, lost: int) -> list[_Series]:
    """Per 240 originals three series of 5 or 6 frames, whose stage creeps, and three of 3 frames, whose stage rests.

    Two thirds of the lost frames have a look-alike in the archive: of two takes without a move only one is left, or
    they belong to a creeping series.
    """
    count, near = share(3, originals), max(1, lost * 2 // 3)
    creeping = near // 3
    return [
        *(_Series((5, 6, 5)[i % 3], creeping // count + (i < creeping % count)) for i in range(count)),
        *[_Series(3, rests=True)] * count,
        *[_Series(1, 1, rests=True)] * (near - creeping),
    ]


def _storage(rng: _Rng, frames: list[RecordedFrame], originals: int) -> list[RecordedFrame]:
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


def _named(frames: list[RecordedFrame], owners: list[Researcher]) -> list[RecordedFrame]:
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


def _drifts(rng: _Rng, one: _Series) -> list[tuple[int, int]]:
    """Where the stage is at every frame, (down, right) in pixels up to 8: it rests, or creeps.

    A lost frame of a creeping series lies 3 pixels or more beside all others: a careful look tells it from them.
    """
    if one.rests:
        return [(0, 0)] * (one.kept + one.lost)
    down = right = 0
    drifts = [(0, 0)]
    for _ in range(1, one.kept):
        down = int(np.clip(down + rng.integers(-2, 4), -8, 8))
        right = int(np.clip(right + rng.integers(-3, 4), -8, 8))
        drifts.append((down, right))
    everywhere = [(y, x) for y in range(-8, 9) for x in range(-8, 9)]
    for _ in range(one.lost):
        free = [(y, x) for y, x in everywhere if all(max(abs(y - b), abs(x - r)) >= _APART for b, r in drifts)]
        drifts.append(free[int(rng.integers(len(free)))])
    return drifts


def photograph(rng: _Rng, originals: int, lost: int, width: int) -> list[RecordedFrame]:
    """Plan ``originals`` frames for the archive and ``lost`` whose originals are not in it; no JPEGs yet."""
    frames: list[RecordedFrame] = []
    owners: list[Researcher] = []
    series = _series(originals, lost)
    singles = originals + lost - sum(one.kept + one.lost for one in series)
    places = sorted(int(place) for place in rng.choice(singles + 1, len(series)))
    fields = [_Series(1)] * singles
    for place, one in reversed(list(zip(places, rng.permutation(np.array(series, dtype=object)), strict=True))):
        fields.insert(place, one)
    seen: Counter[str] = Counter()
    for number, one in enumerate(fields):
        category = CATEGORIES[number % len(CATEGORIES)]
        who = RESEARCHERS[int(rng.integers(len(RESEARCHERS)))]
        facts = bar_facts_of(rng, who, category, width)
        black = rng.uniform(0.0, 0.1)
        grey = (black, rng.uniform(0.8, 1.0))
        layout = who.layouts[int(rng.integers(len(who.layouts)))]
        knows = who.instrument in ("zeiss", "fei") and (layout != "none" or rng.random() < 0.5)
        frame = RecordedFrame(
            index=0,
            field=number,
            category=category,
            kind=(seen[category] + int(rng.random() < 0.15)) % len(KINDS[category]),
            facts=facts,
            layout=layout,
            metadata=who.instrument if knows else "",
            path="later",
            series=one.kept + one.lost > 1,
            rests=one.rests,
            grey=grey,
            dose=float(np.exp(rng.uniform(np.log(45), np.log(400)))),
            streaks=float(rng.uniform(0.2, 0.6)) if rng.random() < 0.08 else 0.0,
            lines=float(rng.uniform(0.004, 0.015)) if rng.random() < 0.15 else 0.0,
        )
        seen[category] += 1
        drifts = _drifts(rng, one)
        for step, drift in enumerate(drifts):
            if step:  # somebody turns focus, brightness, contrast
                grey = (float(np.clip(black + rng.normal(0, 0.03), 0, 0.2)), float(rng.uniform(0.75, 1.0)))
            minute = (int(facts.time[3:5]) + step) % 60
            frames.append(
                replace(
                    frame,
                    facts=replace(facts, time=f"{facts.time[:3]}{minute:02d}{facts.time[5:]}"),
                    drift=drift,
                    path="later" if step < one.kept else "",
                    defocus=float(rng.uniform(0.5, 1.4)) if step in (2, 4) else 0.0,
                    grey=grey,
                )
            )
            owners.append(who)
    unmoved = [i for i, frame in enumerate(frames) if not frame.series]
    order = [int(i) for i in rng.permutation(unmoved)]
    alone = lost - sum(one.lost for one in series)
    for i in order[:alone]:
        frames[i] = replace(frames[i], path="")
    for i in order[alone : alone + share(8, originals)]:  # contrast forgotten
        black = rng.uniform(0.3, 0.6)
        frames[i] = replace(frames[i], grey=(black, black + rng.uniform(0.05, 0.09)))
    frames = _named(frames, owners)
    frames = [replace(frame, index=index) for index, frame in enumerate(frames)]
    return _storage(rng, frames, originals)


def age(rng: _Rng, frames: list[RecordedFrame], originals: int) -> list[RecordedFrame]:
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
    plain = [i for i in kept if frames[i].storage in ("grey", "palette")]
    i = next(i for i in plain if frames[i].metadata == "zeiss")
    frames[i] = replace(frames[i], twin=f"GDS/re-saved/{frames[i].path.rsplit('/', 1)[1]}")
    j = next(j for j in plain if j != i)
    frames[j] = replace(frames[j], cut=f"backup old/{frames[j].path}", cut_at=0.55)
    frames[lost[0]] = replace(frames[lost[0]], cut="giulio/usb/img_07.tif", cut_at=0.3)  # all that is left of it
    return frames
