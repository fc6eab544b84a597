"""Real SEM folders as categories: NMI of Ward at as many clusters as folders, by default features and by texture.

`python benchmarks/discovery_folders.py FOLDER...` takes the folders of four and more images below each FOLDER. A folder
is also an instrument, so this says less than it seems to.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

from semtrace.core.grouping.agglomerative import cut_tree, merges
from semtrace.core.grouping.neighbours import nearest_points
from semtrace.core.statistics.agreement import Agreement, agreement
from semtrace.core.statistics.label_distance import same_label_share
from semtrace.core.statistics.pca import components
from semtrace.discovery import feature_sets, features
from semtrace.stage.executor import Executor

LEAST, COLUMNS = 4, 60


def main() -> None:
    """Print a line a feature set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--root", type=Path, required=True, help="that all folders are in")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        listing = work / "images.csv"
        lines = ["path,category"]
        for folder in given.folders:
            for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
                files = sorted(path for path in inner.rglob("*") if path.is_file())
                if len(files) >= LEAST:
                    lines += [f"{file.relative_to(given.root)},{inner.name}" for file in files]
        listing.write_text("\n".join(lines) + "\n")
        settings = features.Settings(given.root, str(listing), "tiff", ["lite0", "texture"], {}, "bar", "real")
        print(features.run(settings, None, work / "features", Executor(1, work / "cache.sqlite")))
        known = {path: str(row["category"]) for path, row in feature_sets.read_images(work / "features").items()}
        for title, file in feature_sets.feature_set_files(work / "features").items():
            points, count, score, share = scored(file, known)
            print(f"{title}: {points} points, {count} folders: NMI {score.nmi:.3f}, AMI {score.ami:.3f}, ", end="")
            print(f"nearest neighbour in the same folder {share:.3f}", flush=True)


def scored(file: Path, known: Mapping[str, str], k: int = 0) -> tuple[int, int, Agreement, float]:
    """Ward on 60 principal components of a feature set against known labels, one point a group of equal pictures.

    Args:
        file: the feature set.
        known: labels by path.
        k: clusters; 0: as many as there are labels.

    Returns:
        Labelled points, labels, scores at k, and the share of nearest neighbours with the same label.

    """
    loaded = feature_sets.load(file, "bench")
    said = feature_sets.labels(loaded.members, known)
    points = components(loaded.points).project(loaded.points, min(COLUMNS, len(loaded.points) - 1))
    rows, codes = said.labelled, said.codes()
    count = int(codes.max()) + 1
    score = agreement(cut_tree(merges(points, "ward", 2048), k or count)[rows], codes)
    return len(rows), count, score, same_label_share(nearest_points(points[rows], 1), codes, 1)


if __name__ == "__main__":
    main()
