"""Generated archives: kinds and categories found by default features and by texture.

`python benchmarks/discovery_archives.py` generates archives of 540 originals and 480 published pictures of width 640,
seeds 2, 3 and 4 (some four minutes each of one core). It prints AMI with the 54 kinds at k = 54, AMI with the ten
categories at k = 30, and the share of nearest neighbours in the same category.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from discovery_folders import scored

from semtrace.discovery import feature_sets, features
from semtrace.discovery.agree import KNOWN_KINDS
from semtrace.io import tables
from semtrace.stage.executor import Executor
from semtrace.synthetic.generate import generate
from semtrace.synthetic.settings import Settings

KINDS, CLUSTERS = 54, 30


def main() -> None:
    """Print a line a seed and feature set, and the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--originals", type=int, default=540)
    parser.add_argument("--published", type=int, default=480)
    parser.add_argument("--width", type=int, default=640, help="pixels")
    given = parser.parse_args()
    found: dict[str, list[tuple[float, float, float]]] = {}
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as name:
            archive, work = Path(name, "archive"), Path(name, "work")
            generate(Settings(seed, given.originals, given.published, given.width), archive, workers=1)
            how = features.Settings(archive / "published", "", "jpeg", ["lite0", "texture"], {}, "bar", "made")
            features.run(how, None, work / "features", Executor(1, work / "cache.sqlite"))
            rows = tables.read(archive / "known/subcategories.csv", KNOWN_KINDS)
            kinds = {row["path"]: f"{row['category']}/{row['kind']}" for row in rows}
            images = feature_sets.read_images(work / "features")
            categories = {path: str(row["category"]) for path, row in images.items()}
            for title, file in feature_sets.feature_set_files(work / "features").items():
                _, count, of_kinds, _ = scored(file, kinds, KINDS)
                points, _, of_categories, share = scored(file, categories, CLUSTERS)
                numbers = of_kinds.ami, of_categories.ami, share
                found.setdefault(title, []).append(numbers)
                print(f"seed {seed}, {title}: {points} points, {count} kinds: {_said(numbers)}", flush=True)
    for title, every in found.items():
        print(f"mean of {len(every)}, {title}: {_said(tuple(np.mean(every, axis=0)))}")


def _said(numbers: tuple[float, ...]) -> str:
    kinds, categories, share = numbers
    return (
        f"AMI with kinds, k = {KINDS}: {kinds:.3f}; AMI with categories, k = {CLUSTERS}: {categories:.3f}; nearest "
        f"neighbour in the category: {share:.3f}"
    )


if __name__ == "__main__":
    main()
