"""The trials of truth.py: pictures published once for each edit, traced, judged and measured."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import tifffile
from edits import Edit, Gray
from PIL import Image

from semtrace.config import params
from semtrace.core.image.align import align
from semtrace.core.image.block_agreement import BlockAgreement, block_agreement
from semtrace.core.image.databar import bar_top
from semtrace.core.image.frame_evidence import EXPLAINED, unexplained
from semtrace.io.images import decode
from semtrace.io.jpeg_quantisation import luma_table
from semtrace.provenance import fingerprint, inventory, match

Row = dict[str, str]
Counted = dict[str, Counter[str]]
PROJECT = Path(__file__).resolve().parent.parent
NOISE = 4.0, 8.0, 14.0  # standard deviation of an exposure's noise, grey levels; of one picture after the other
FOLDS = 4  # parts of the pictures, each taken out of the archive together
SIMULATED = ("own", 1, 0), ("second", 2, 0), ("drifted 2", 3, 2), ("drifted 9", 4, 9)  # seed of the noise, pixels
REAL = "present", "absent", "strangers"
RIGHT = "present", "own"  # trials that have the published image's original in the archive


@dataclass(frozen=True)
class Original:
    """A picture of the archive.

    Attributes:
        path: its place in it.
        gray: its pixels.
        bar_top: its first row of data bar.
        family: the path that stands for all files of this picture: copies, tone-edited ones, those without data bar.
    """

    path: str
    gray: Gray
    bar_top: int
    family: str


Made = dict[str, tuple[str, Original]]
"""Path of a publication -> its edit and its original."""


@dataclass(frozen=True)
class Seen:
    """What the measures say of a publication and an original: ``frame`` is None where the exposure cannot be told."""

    agreement: BlockAgreement | None
    resized: bool
    frame: bool | None


@dataclass
class Results:
    """Decisions by trial and edit, wrong matches of real pictures, and measures by edit."""

    pictures: int
    strangers: int
    counts: dict[str, Counted] = field(default_factory=dict)
    levels: dict[str, Counted] = field(default_factory=dict)
    pixels: dict[str, Gray] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    own: dict[str, list[Seen]] = field(default_factory=dict)
    own_exposure: dict[str, list[Seen]] = field(default_factory=dict)
    second_exposure: dict[str, list[Seen]] = field(default_factory=dict)

    def holds(self, found: str, crop: str, one: Original) -> bool:
        """Whether a part that a row names is in both files, pixel for pixel: frames that were published shifted."""
        if not crop or found not in self.pixels:
            return False
        size, left, top = crop.split("+")
        width, height = (int(n) for n in size.split("x"))
        return _is_part(self.pixels[found][int(top) : int(top) + height, int(left) : int(left) + width], one.gray)

    def judge(self, trial: str, rows: list[Row], made: Made, families: dict[str, str]) -> None:
        """Count what became of publications.

        A match is wrong unless it leads to a file of the same picture. One with another exposure of the same place is
        wrong at level ``frame``; at level ``field`` it is wrong where the frame drifted and the row names no place.
        """
        counts = self.counts.setdefault(trial, defaultdict(Counter))
        levels = self.levels.setdefault(trial, defaultdict(Counter))
        for row in rows:
            name, one = made[row["jpeg_path"]]
            said, found = row["decision"], row["matched_tiff_path"]
            held = trial in REAL and self.holds(found, row["crop"], one)
            if said == "matched" and not _is_right(
                trial, row, same_family=families.get(found) == one.family, held=held
            ):
                said = "wrong"
                self.wrong.append(f"{trial}, {name}: {one.path} -> {found} ({row['evidence']}, {row['level']})")
            elif said == "matched":
                levels[name][row["level"]] += 1
            counts[name][said] += 1


def _is_part(part: Gray, whole: Gray) -> bool:
    """Whether a picture holds another one, pixel for pixel, anywhere."""
    height, width = part.shape
    first = part[0].tobytes()
    for y in range(len(whole) - height + 1):
        row = whole[y].tobytes()
        x = row.find(first)
        while x >= 0:
            if np.array_equal(whole[y : y + height, x : x + width], part):
                return True
            x = row.find(first, x + 1)
    return False


def _is_right(trial: str, row: Row, *, same_family: bool, held: bool) -> bool:
    """Whether a match is right.

    Args:
        trial: its name.
        row: of the match.
        same_family: whether it leads to a file of the published image.
        held: whether it names a part that is in both files, pixel for pixel.
    """
    if trial in RIGHT:
        return same_family or held
    if trial in REAL:
        return held
    return same_family and row["level"] == "field" and (trial == "second" or bool(row["crop"]))


def originals(folder: Path, derived: dict[str, str]) -> tuple[list[Original], dict[str, str]]:
    """All different pictures below a folder, and the family of every file there."""
    first: dict[str, Original] = {}
    families = {}
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() == ".tif":
            gray = decode(file.read_bytes()).gray
            top, path = bar_top(gray), file.relative_to(folder).as_posix()
            digest = hashlib.md5(gray[:top].tobytes()).hexdigest()
            one = first.setdefault(digest, Original(path, gray, top, path))
            families[path] = one.path
    for path, source in derived.items():
        one_name, other = families[path], families[source]
        families = {p: other if family == one_name else family for p, family in families.items()}
    return [replace(one, family=families[one.path]) for one in first.values()], families


def related(file: Path, folder: str) -> dict[str, str]:
    """Tone-edited versions that the archive keeps beside a picture: path -> the picture's path."""
    rows = [row for row in table(file) if row["derived"].startswith(folder) and "tone-edited" in row["relation"]]
    return {row["derived"].removeprefix(folder): row["original"].removeprefix(folder) for row in rows}


@dataclass(frozen=True)
class Desk:
    """Fingerprints folders, and traces one to the other."""

    root: Path
    geometry: bool | str

    @cached_property
    def params(self) -> params.Params:
        overrides = [f"executor.cache={self.root / 'cache.sqlite'}", "executor.workers=1"]
        overrides.append(f"match.geometry={str(self.geometry).lower()}")
        return params.parse_params(params.composed(PROJECT / "conf", overrides), "conf")

    def tiffs(self, archive: Path, name: str) -> Path:
        p, out = self.params, self.root / name
        inventory.run(archive, out / "inventory", p.executor)
        listing = out / "inventory/inventory.csv"
        fingerprint.tiffs(archive, listing, out / "tiff", p.hash, p.fingerprint, p.executor)
        return out / "tiff/hashes.csv"

    def jpegs(self, published: Path, name: str) -> Path:
        p = self.params
        fingerprint.jpegs(published, self.root / name, p.hash, p.fingerprint, p.executor)
        return self.root / name / "hashes.csv"

    def traced(self, tiffs: Path, jpegs: Path, archive: Path, published: Path) -> list[Row]:
        p, out = self.params, self.root / "match"
        match.run(tiffs, [jpegs], out, p.match, p.executor, archive=archive, published=published)
        return table(out / "jpeg_to_tiff.csv")


def table(file: Path) -> list[Row]:
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def picked(rows: list[Row], file: Path) -> Path:
    """Some rows of a hash table as another one."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return file


def publish(source: Sequence[Original], edits: dict[str, Edit], folder: Path) -> Made:
    """Publish every picture once for each edit."""
    made = {}
    for number, one in enumerate(source):
        for name, edit in edits.items():
            rng = np.random.default_rng([number, *name.encode()])
            path = f"{one.family}/{name}.jpg".replace(" ", "_").replace("%", "")
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(edit.change(one.gray, one.bar_top, rng)).save(file, "JPEG", quality=edit.quality)
            made[path] = name, one
    return made


def exposures(source: Sequence[Original], seed: int, drift: int) -> list[Original]:
    """One exposure of the place that each picture shows; its data bar is drawn, so it has no noise."""
    made = []
    for number, one in enumerate(source):
        gray, rng = one.gray.copy(), np.random.default_rng([seed, number])
        place = np.roll(gray[: one.bar_top], (drift // 2, drift), (0, 1))
        gray[: one.bar_top] = np.clip(np.rint(place + rng.normal(0, NOISE[number % len(NOISE)], place.shape)), 0, 255)
        made.append(replace(one, gray=gray))
    return made


def archived(source: Sequence[Original], folder: Path) -> Path:
    for one in source:
        file = folder / one.path
        file.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(file, one.gray)
    return folder


def measured(made: Made, folder: Path, others: Sequence[Original]) -> dict[str, list[Seen]]:
    """By edit, what the measures say of each publication and of the picture of its family among ``others``."""
    found = defaultdict(list)
    families = {one.family: one for one in others}
    for path, (name, one) in made.items():
        data, other = (folder / path).read_bytes(), families[one.family]
        pair = align(decode(data).gray, other.gray, other.bar_top)
        if pair is None:
            found[name].append(Seen(None, resized=True, frame=None))
            continue
        steps = luma_table(data) if pair.rows else None
        rest = None if steps is None else unexplained(pair.published, pair.original, steps)
        seen = block_agreement(pair.published, pair.original)
        found[name].append(Seen(seen, not pair.rows, None if rest is None else rest < EXPLAINED))
    return found


def run(data: Path, every: int, edits: dict[str, Edit], desk: Desk) -> Results:
    """All trials."""
    archive = data / "sem_tiff"
    everything, families = originals(archive, related(data / "mapping_truth.csv", "sem_tiff/"))
    source = [one for one in everything if one.path == one.family][::every]
    files = sorted(file for file in (data / "sem_jpeg_png").rglob("*") if file.suffix.lower() in (".jpg", ".png"))
    strangers = [stranger(file, number) for number, file in enumerate(files[::every])]
    results = Results(len(source), len(strangers), pixels={one.path: one.gray for one in everything})
    tiffs, published = desk.tiffs(archive, "archive"), desk.root / "published"
    made = publish(source, edits, published)
    jpegs = desk.jpegs(published, "jpeg")
    results.own = measured(made, published, source)
    results.judge("present", desk.traced(tiffs, jpegs, archive, published), made, families)
    known, asked = table(tiffs), table(jpegs)
    names = sorted({one.family for one in source})
    for fold in range(min(FOLDS, len(names))):
        out = set(names[fold::FOLDS])
        less = picked([row for row in known if families[row["path"]] not in out], desk.root / "less.csv")
        some = picked([row for row in asked if made[row["path"]][1].family in out], desk.root / "some.csv")
        results.judge("absent", desk.traced(less, some, archive, published), made, families)
    foreign = publish(strangers, edits, desk.root / "foreign")
    rows = desk.traced(tiffs, desk.jpegs(desk.root / "foreign", "foreign_jpeg"), archive, desk.root / "foreign")
    results.judge("strangers", rows, foreign, families)
    first, second = (exposures(source, seed, drift) for _, seed, drift in SIMULATED[:2])
    shown = publish(first, edits, desk.root / "exposed")
    jpegs = desk.jpegs(desk.root / "exposed", "exposed_jpeg")
    results.own_exposure = measured(shown, desk.root / "exposed", first)
    results.second_exposure = measured(shown, desk.root / "exposed", second)
    for trial, seed, drift in SIMULATED:
        folder = archived(exposures(source, seed, drift), desk.root / trial)
        rows = desk.traced(desk.tiffs(folder, f"{trial} hashes"), jpegs, folder, desk.root / "exposed")
        results.judge(trial, rows, shown, families)
    return results


def stranger(file: Path, number: int) -> Original:
    gray = decode(file.read_bytes()).gray
    return Original(file.name, gray, len(gray), f"strangers/{number}")
