"""How well scale bars are read on instruments that no threshold was tuned on.

One folder of ../shared/data is left out at a time. Every threshold of the bar finder is chosen anew without it, from
half to twice its value: the value with most right and fewest wrong answers on all others; of equal ones the middle one.
Constants of magnification are learnt without the folder, too. Then the folder is read.

Usage: python benchmarks/scale_untuned.py [--cache FILE]
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.scale import erase_bar, scale_bar
from semtrace.core.scale.magnification import Sighting, learn
from semtrace.core.scale.text_box import TextBox
from semtrace.discovery import read_scale, scale_facts, scale_rows
from semtrace.discovery.images import IMAGE_EXTENSIONS
from semtrace.discovery.validate_scale import Judged, ScaleTruth
from semtrace.io import ocr
from semtrace.io.digests import md5
from semtrace.io.images import DecodedImage, decode

REAL = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
THRESHOLDS: tuple[tuple[ModuleType, str], ...] = (
    *((scale_bar, name) for name in (
        "_CONTRAST", "_SAME_LEVEL", "_LETTERS", "_ABOVE", "_BELOW", "_ASIDE", "_THICKEST", "_TALLEST_CAP", "_UNEVEN",
        "_EVEN", "_SLIMMEST",
    )),
    *((erase_bar, name) for name in ("_CONTRAST", "_LONG", "_CAP")),
    (read_scale, "_SAME_LEVEL"), (read_scale, "_LETTER"),
)  # fmt: skip
FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0)
_WRONG = 5  # right answers that one wrong answer costs


@dataclass(frozen=True)
class Known:
    """An image of known scale: its path, its folder, bytes, picture and truth."""

    path: str
    folder: str
    data: bytes
    image: DecodedImage
    truth: ScaleTruth


class Remembering:
    """An OCR engine that reads each picture once."""

    def __init__(self, file: Path | None) -> None:
        self.file, self.engine = file, ocr.text_reader("rapidocr")
        self.known: dict[str, list[list[Any]]] = json.loads(file.read_text()) if file and file.is_file() else {}

    def __call__(self, gray: NDArray[np.uint8]) -> list[TextBox]:
        key = hashlib.md5(f"{gray.shape}".encode() + np.ascontiguousarray(gray).tobytes()).hexdigest()
        if key not in self.known:
            self.known[key] = [list(box) for box in self.engine(gray)]
        return [TextBox(*box) for box in self.known[key]]

    def keep(self) -> None:
        if self.file:
            self.file.write_text(json.dumps(self.known))


def load() -> list[Known]:
    with (REAL / "scale_truth.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    there = {row["file"] for row in rows}
    files = sorted(file for top in ("sem_tiff", "sem_jpeg_png") for file in (REAL / top).rglob("*") if file.is_file())
    other = {file.relative_to(REAL).as_posix() for file in files if file.suffix.lower() in IMAGE_EXTENSIONS} - there
    rows += [{"file": path, "scale_bar_m": "", "pixel_size_m": ""} for path in sorted(other)]  # without a bar
    found = []
    for row in rows:
        data = (REAL / row["file"]).read_bytes()
        folder = "/".join(PurePosixPath(row["file"]).parts[:2])
        bar, size = (float(row[name]) if row[name] else None for name in ("scale_bar_m", "pixel_size_m"))
        found.append(Known(row["file"], folder, data, decode(data), ScaleTruth(bar, size, folder)))
    return found


def facts(images: Iterable[Known], values: Mapping[tuple[str, str], float]) -> dict[str, dict[str, Any]]:
    """The facts of images by path while thresholds have other values."""
    before = {(module, name): getattr(module, name) for module, name in THRESHOLDS}
    try:
        for module, name in THRESHOLDS:
            setattr(module, name, values.get((module.__name__, name), before[module, name]))
        return {
            one.path: {**scale_facts.facts_of("rapidocr", one.data, one.image), "md5": md5(one.data)} for one in images
        }
    finally:
        for (module, name), value in before.items():
            setattr(module, name, value)


def judged(images: Sequence[Known], found: Mapping[str, Mapping[str, Any]], left_out: str = "") -> dict[str, Judged]:
    """The rows beside the truth, constants learnt without the folder ``left_out``."""

    def others(sightings: Iterable[Sighting]) -> Any:
        return learn(one for one in sightings if not left_out or not one.folder.startswith(left_out))

    readings = [scale_rows.Reading(one.path, dict(found[one.path])) for one in images]
    module: Any = scale_rows
    module.learn = others
    try:
        rows = scale_rows.scale_rows(readings)
    finally:
        module.learn = learn
    return {one.path: Judged(row, one.truth) for one, row in zip(images, rows, strict=True)}


def score(one: Judged) -> int:
    if one.truth.bar is None:
        return -_WRONG if one.row["bar_value_m"] else 0
    if one.value is False or one.pixel_size is False:
        return -_WRONG
    return int(one.value is True and one.row["status"] != "conflict")


def line(name: str, some: Sequence[Judged]) -> str:
    with_bar = [one for one in some if one.truth.bar is not None]
    count = {
        "right": sum(one.value is True for one in some), "wrong": sum(one.value is False for one in some),
        "size wrong": sum(one.pixel_size is False for one in some),
        "agreed": sum(one.row["status"] == "agreed" for one in some),
        "conflict": sum(one.row["status"] == "conflict" for one in some),
        "without bar": sum(bool(one.row["bar_value_m"]) for one in some if one.truth.bar is None),
    }  # fmt: skip
    cells = "".join(f"{value:>13}" for value in (len(some), len(with_bar), *count.values()))
    return f"{name:<50}{cells}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, metavar="FILE", help="what OCR read, kept for the next run")
    images = load()
    reader = Remembering(parser.parse_args().cache)
    ocr.text_reader = lambda _: reader  # type: ignore[assignment]
    now = facts(images, {})
    reader.keep()
    base = judged(images, now)
    scores: dict[tuple[str, str], list[dict[str, int]]] = defaultdict(list)
    for module, name in THRESHOLDS:
        key, value = (module.__name__, name), getattr(module, name)
        for factor in FACTORS:
            found = now if factor == 1 else facts(images, {key: value * factor})
            scores[key].append({path: score(one) for path, one in judged(images, found).items()})
        reader.keep()
        totals = [sum(one.values()) for one in scores[key]]
        print(f"{key[0].rpartition('.')[2]}.{name:<14} {value:<6} times {FACTORS}: {totals}", flush=True)
    heads = ("images", "with bar", "right", "wrong", "size wrong", "agreed", "conflict", "without bar")
    print(f"\n{'':<50}" + "".join(f"{head:>13}" for head in heads))
    left: list[Judged] = []
    for folder in sorted({one.folder for one in images}):
        chosen = {}
        for module, name in THRESHOLDS:
            key = (module.__name__, name)
            totals = [
                sum(value for path, value in one.items() if not path.startswith(folder + "/")) for one in scores[key]
            ]
            best = [index for index, total in enumerate(totals) if total == max(totals)]
            chosen[key] = getattr(module, name) * FACTORS[best[(len(best) - 1) // 2]]
        inside = [one for one in images if one.folder == folder]
        outside = [one for one in images if one.folder != folder]
        found = {**facts(outside, chosen), **facts(inside, chosen)}
        result = judged(images, found, folder)
        some = [result[one.path] for one in inside]
        left += some
        reader.keep()
        print(line(folder, some), flush=True)
        moved = {f"{key[0].rpartition('.')[2]}.{key[1]}": round(value, 3) for key, value in chosen.items()}
        print(f"    {moved}")
        for one in some:
            if score(one) < 0 or (one.truth.bar is not None and score(one) == 0):
                print(f"    {one.row['path']}: {one.row['status']} {one.row['bar_text']!r} {one.row['detail']}")
    print(line("all, each left out", left))
    print(line("all, thresholds as they are", list(base.values())))


if __name__ == "__main__":
    main()
