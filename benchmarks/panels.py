"""Pages of several real pictures, traced panel by panel: how many are found in their places, and whether any wrongly.

Each page has two or four originals of one height between blank gutters, white or black, with and without their data
bars. On every fourth page the panels are cut as a layout cuts them.

Usage: python benchmarks/panels.py [--data ../shared/data] [--pages 20]
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from edits import Gray
from PIL import Image
from truth_trials import PROJECT, Desk, Original, Row, originals, related, table

from semtrace.core.image.placement import Rectangle, read_rectangle

HEIGHT = 480  # pixels of a panel
NEAR = 0.25  # of a panel's height, that its place may be off where paper and picture have one level
CUT = 0.08, 0.95, 0.05, 0.92  # top, bottom, left and right of what a layout leaves, in parts of the sides


@dataclass(frozen=True)
class Panel:
    """An original on a page, and where."""

    original: Original
    place: Rectangle


def panel(one: Original, number: int) -> Gray:
    """How an original is shown on a page of a number."""
    gray = one.gray[: one.bar_top] if number % 2 else one.gray
    if number % 4 == 3:
        top, bottom, left, right = (round(part * gray.shape[i // 2]) for i, part in enumerate(CUT))
        gray = gray[top:bottom, left:right]
    width = round(gray.shape[1] * HEIGHT / gray.shape[0])
    return np.asarray(Image.fromarray(gray).resize((width, HEIGHT), Image.Resampling.LANCZOS))


def page(shown: list[Original], number: int, gutter: int) -> tuple[Gray, list[Panel]]:
    """One page: two originals to a row."""
    lines = [[(one, panel(one, number)) for one in shown[k : k + 2]] for k in range(0, len(shown), 2)]
    width = max(sum(gray.shape[1] for _, gray in line) + gutter * (len(line) - 1) for line in lines)
    made = np.full((len(lines) * (HEIGHT + gutter) - gutter, width), 255 if number % 3 else 0, np.uint8)
    panels = []
    for row, line in enumerate(lines):
        left, top = 0, row * (HEIGHT + gutter)
        for one, gray in line:
            place = Rectangle(left, top, gray.shape[1], HEIGHT)
            made[top : top + HEIGHT, left : left + place.width] = gray
            panels.append(Panel(one, place))
            left += place.width + gutter
    return made, panels


def judged(panels: list[Panel], rows: list[Row], families: dict[str, str]) -> tuple[list[str], int]:
    """What became of each panel of a page, and how many rows name an original that is not in their place."""
    said, right = [], 0
    for one in panels:
        near = [row for row in rows if _is_near(row, one.place)]
        found = [row for row in near if families.get(row["matched_tiff_path"]) == one.original.family]
        decisions = [row["decision"] for row in found] or [row["decision"] for row in near]
        said.append(min(decisions, key=["matched", "ambiguous", "unmatched"].index, default="not found"))
        right += sum(row["decision"] == "matched" for row in found)
        if said[-1] == "matched" and not found:
            said[-1] = "wrong"
    return said, sum(row["decision"] == "matched" for row in rows) - right


def _is_near(row: Row, place: Rectangle) -> bool:
    seen = read_rectangle(row["place"])
    return seen is not None and max(abs(seen.x - place.x), abs(seen.y - place.y)) <= NEAR * HEIGHT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared/data")
    parser.add_argument("--pages", type=int, default=20)
    given = parser.parse_args()
    archive = given.data.resolve() / "sem_tiff"
    if not archive.is_dir():
        parser.error(f"{archive}: no such folder; --data names the folder that holds sem_tiff")
    everything, families = originals(archive, related(given.data / "mapping_truth.csv", "sem_tiff/"))
    source = [one for one in everything if one.path == one.family]
    rng = np.random.default_rng(7)
    counts: dict[str, Counter[str]] = {"whole": Counter(), "cut": Counter()}
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="semtrace-panels-") as folder:
        desk, published = Desk(Path(folder), geometry=True), Path(folder) / "published"
        pages = {}
        for number in range(given.pages):
            shown = [source[i] for i in rng.choice(len(source), 4 if number % 3 == 2 else 2, replace=False)]
            made, panels = page(shown, number, int(rng.integers(6, 24)))
            (published / "Tips").mkdir(parents=True, exist_ok=True)
            Image.fromarray(made).save(published / f"Tips/{number}.jpg", quality=90)
            pages[f"Tips/{number}.jpg"] = number, panels
        desk.traced(desk.tiffs(archive, "archive"), desk.jpegs(published, "jpeg"), archive, published)
        rows = table(Path(folder) / "match/panels.csv")
    for path, (number, panels) in pages.items():
        said, more = judged(panels, [row for row in rows if row["jpeg_path"] == path], families)
        counts["cut" if number % 4 == 3 else "whole"].update(said)
        wrong += more
    print("| panels | number | matched | ambiguous | unmatched | not found |")
    print("|---|---|---|---|---|---|")
    for name, seen in counts.items():
        cells = [seen[word] for word in ("matched", "ambiguous", "unmatched", "not found")]
        print(f"| {name} | {seen.total()} | {' | '.join(map(str, cells))} |")
    print(f"{wrong} rows of panels.csv name another picture.")


if __name__ == "__main__":
    main()
