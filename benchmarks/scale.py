"""Reading scale bars: ours beside the source's method (Tesseract) and beside RapidOCR with its defaults.

On the real images of ../shared/data that have known bars, each n-th of them, in turns in one run. RapidOCR's defaults
read the lower quarter of the picture; our parser then takes the first value of a bar, and no bar is measured.

Usage: python benchmarks/scale.py [--every 6] [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import csv
import functools
import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from contest import Contest, Report, answer, machine, over
from numpy.typing import NDArray
from seed_scale import read_by_source

from semtrace.core.scale.lengths import bar_value
from semtrace.discovery.read_scale import read_scale
from semtrace.io import ocr
from semtrace.io.images import decode

PROJECT = Path(__file__).resolve().parent.parent
REAL = PROJECT.parent / "shared" / "data"
NAME = "scale bars of real images"
Gray = NDArray[np.uint8]
Read = tuple[str, float | None]


def known_bars(every: int) -> list[tuple[str, float]]:
    """Path and value (metres) of each n-th image that has a bar."""
    with (REAL / "scale_truth.csv").open(encoding="utf-8", newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["scale_bar_m"]]
    return [(row["file"], float(row["scale_bar_m"])) for row in rows[::every]]


def contest(every: int) -> Contest | str:
    """Ours first; or why it cannot be held."""
    if not (REAL / "scale_truth.csv").is_file():
        return f"skipped: no real images at {REAL}"
    if find_spec("rapidocr") is None:
        return "skipped: RapidOCR is not installed: pip install '.[ocr]'"
    known = known_bars(every)
    truth = dict(known)
    pictures = [(path, decode((REAL / path).read_bytes()).gray) for path, _ in known]
    methods: dict[str, Callable[[tuple[str, Gray]], Read]] = {
        "semtrace": by_semtrace,
        "RapidOCR, defaults, lower quarter": by_defaults,
    }
    if shutil.which("tesseract"):
        methods |= {"the source's, Tesseract": by_the_source, "semtrace with Tesseract": by_semtrace_with_tesseract}
    contestants = {name: over(method, pictures) for name, method in methods.items()}
    check = functools.partial(agreement, truth)
    return Contest("image", 1, "seconds", contestants, check, rounds=3, processes=True)


def by_semtrace(picture: tuple[str, Gray]) -> Read:
    return picture[0], read_scale(picture[1], ocr.text_reader("rapidocr")).value


def by_semtrace_with_tesseract(picture: tuple[str, Gray]) -> Read:
    return picture[0], read_scale(picture[1], ocr.text_reader("tesseract")).value


def by_defaults(picture: tuple[str, Gray]) -> Read:
    lower = picture[1][len(picture[1]) * 3 // 4 :]
    found = _defaults()(np.repeat(lower[:, :, None], 3, axis=2))
    values = [value for text in found.txts or () if (value := bar_value(text)) is not None]
    return picture[0], values[0] if values else None


def by_the_source(picture: tuple[str, Gray]) -> Read:
    found = read_by_source(picture[1])
    return picture[0], found[0] if found else None


@functools.cache
def _defaults() -> Any:
    from rapidocr import RapidOCR

    threads = {f"EngineConfig.onnxruntime.{way}_op_num_threads": 1 for way in ("intra", "inter")}
    return RapidOCR(params={"Global.log_level": "critical", **threads})


def agreement(truth: dict[str, float], ours: list[Read], theirs: list[Read]) -> str:
    def counted(read: list[Read]) -> str:
        right = sum(value is not None and abs(value / truth[path] - 1) < 1e-6 for path, value in read)
        wrong = sum(value is not None for _, value in read) - right
        return f"{right} right, {wrong} wrong of {len(read)}"

    return f"{counted(theirs)}; ours {counted(ours)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    for name in ("--contest", "--way"):  # how the program calls itself
        parser.add_argument(name, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contest:
        answer(contest(given.every), given.way, given.rounds)
        return
    setting = machine(("rapidocr", "onnxruntime", "opencv-python-headless", "numpy"))
    print(f"{setting['processor']}, {setting['cores']} cores, load {setting['load']}, {setting['date']}, Python "
          f"{setting['python']}\n" + ", ".join(f"{k} {v}" for k, v in setting["versions"].items())
          + f", {ocr.engine_version('tesseract') if shutil.which('tesseract') else 'no Tesseract'}")  # fmt: skip
    report = Report(Path(__file__).resolve(), ["--every", str(given.every), "--rounds", str(given.rounds)])
    report.measure(NAME)
    if given.json:
        given.json.write_text(json.dumps({**setting, "contests": report.figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
