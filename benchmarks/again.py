"""A run after 1 % new images, and one after nothing new, beside a full run: same data, whole processes.

Memory is not watched meanwhile: looking at the pages of every process would be a part of so short a run.

Usage: python benchmarks/again.py [--originals 1000] [--data FOLDER] [--json FILE]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from main_job import SEMTRACE, archive, project

from semtrace.synthetic.generate import generate
from semtrace.synthetic.settings import Settings

_SETTLED = 3.0  # seconds: a file that changed within two seconds is not taken for unchanged


def seconds(root: Path) -> float:
    """Wall time of all stages in a project, once what was written for them is on the disk."""
    os.sync()
    time.sleep(_SETTLED)
    start = time.perf_counter()
    subprocess.run([*SEMTRACE, "run"], cwd=root, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def add_one_percent(data: Path, root: Path) -> int:
    """Put new originals, and pictures published from them, beside those that are there; how many of each."""
    count = max(1, sum(path.is_file() for path in (data / "archive").rglob("*")) // 100)
    new = max(40, count * 5 // 4)  # a tenth of what is published has no original
    generate(Settings(seed=3, originals=new, published=new), root)
    with (root / "known" / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["tiff_path"]]
    for row in rows[:count]:
        for folder, old, place in (
            ("archive", row["tiff_path"], f"later/{row['tiff_path']}"),
            ("published", row["jpeg_path"], row["jpeg_path"]),
        ):
            target = data / folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / folder / old, target)
    return len(rows[:count])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--originals", type=int, default=1000, help="size of the archive")
    parser.add_argument("--data", type=Path, help="copy this archive, made by the same generator before")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="semtrace-again-") as name:
        root = Path(name)
        data = root / "data"
        archive(data, given.originals, given.data)
        kept = project(data, root / "kept")
        seconds(kept)  # compiles the kernels, as the first run after installation does
        count = add_one_percent(data, root / "more")
        found = {"new": count, "after_new": seconds(kept), "after_nothing": seconds(kept)}
        found["full"] = seconds(project(data, root / "full"))
    print(f"full run {found['full']:.1f} s; after {count} new originals and as many published images "
          f"{found['after_new']:.1f} s: {found['after_new'] / found['full']:.1%}; "
          f"after nothing new {found['after_nothing']:.1f} s")  # fmt: skip
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
