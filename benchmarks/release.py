"""A release of many pictures: time, disk beyond the links, memory; and a full verify beside sha256sum, interleaved.

The pictures are files of random bytes of one size: nothing in a release depends on what they show. They are placed by
hard links, on the file system of the temporary folder (TMPDIR).

Usage: python benchmarks/release.py [--pictures 25000] [--bytes 150000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np
from main_job import HERE, SEMTRACE, measured

from semtrace.config import params
from semtrace.io import tables
from semtrace.io.digests import md5
from semtrace.provenance.tables import CONFLICTS, GROUPS, HASHES, INVENTORY, JPEG_TO_TIFF, LABELS, TIFF_TO_JPEG
from semtrace.stage.rejects import REJECTS

CATEGORIES = [
    "Porous_Sponge", "Patterned_surface", "Particles", "Films_Coated_Surface", "Powder", "Tips", "Nanowires",
    "Biological", "MEMS_devices_and_electrodes", "Fibres",
]  # fmt: skip
PARTS = ["train"] * 8 + ["validation", "test"]


def project(root: Path, pictures: int, size: int) -> None:
    """A project's folder as the stages leave it: every picture traced to an original of its own, and labelled."""
    work, published = root / "data/work", root / "data/published"
    for category in CATEGORIES:
        (published / category).mkdir(parents=True)
    rng = np.random.default_rng(1)
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in ("jpeg", "tiff", "to", "inv", "labels", "groups")}
    for number in range(pictures):
        data, category = rng.bytes(size), CATEGORIES[number % 10]
        digits, tiff = md5(data), f"some person/2014-05-{number % 28 + 1:02}/image_{number:05}.tif"
        path, hash_ = f"{category}/L{number % 10}_{digits}.jpg", rng.bytes(128).hex()
        (published / path).write_bytes(data)
        known = {"bytes": size, "width": 1024, "height": 768, "md5": digits, "phash": hash_, "content_id": digits}
        rows["jpeg"].append({"path": path, **known})
        rows["tiff"].append({"path": tiff, **known})
        rows["inv"].append({"path": tiff, **known, "pixel_size_m": "1.25e-09"})
        rows["labels"].append({"tiff_path": tiff, "category": category, "status": "labelled"})
        rows["groups"].append({"path": path, "side": "jpeg", "group": digits[:16], "split": PARTS[number // 10 % 10]})
        rows["to"].append(
            {"jpeg_path": path, "matched_tiff_path": tiff, "decision": "matched", "evidence": "ssim",
             "symmetry": "identity"}
        )  # fmt: skip
    for name, table, its in (
        ("fingerprint/jpeg/hashes.csv", HASHES, rows["jpeg"]),
        ("fingerprint/tiff/hashes.csv", HASHES, rows["tiff"]),
        ("inventory/inventory.csv", INVENTORY, rows["inv"]),
        ("match/jpeg_to_tiff.csv", JPEG_TO_TIFF, rows["to"]),
        ("match/tiff_to_jpeg.csv", TIFF_TO_JPEG, []),
        ("label/labels.csv", LABELS, rows["labels"]),
        ("deduplicate/groups.csv", GROUPS, rows["groups"]),
        ("label/conflicts.csv", CONFLICTS, []),
        ("fingerprint/jpeg/rejects.csv", REJECTS, []),
        ("match/rejects.csv", REJECTS, []),
    ):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        tables.write(work / name, table, ({c: row.get(c, "") for c in table.names} for row in its))
    said = ["dataset.published=data/published", "release.title=Benchmark", "release.licence=CC0-1.0"]
    said += ["release.description=A release as large as the benchmark wants.", "release.creators=[{name: Benchmark}]"]
    params.write_params(HERE.parent / "conf", root / "params.yaml", [*said, "release.link=hardlink"])


def own_bytes(folder: Path) -> int:
    """Disk space of a folder beyond what it shares by hard links."""
    own = 0
    for parent, _, names in os.walk(folder):
        own += os.lstat(parent).st_blocks * 512
        for name in names:
            status = os.lstat(os.path.join(parent, name))  # noqa: PTH118
            own += status.st_blocks * 512 if status.st_nlink == 1 else 0
    return own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=25_000)
    parser.add_argument("--bytes", type=int, default=150_000, help="size of each picture")
    parser.add_argument("--rounds", type=int, default=3, help="of verify and sha256sum")
    given = parser.parse_args()
    total = given.pictures * given.bytes
    with tempfile.TemporaryDirectory(prefix="semtrace-bench-") as name:
        root = Path(name)
        project(root, given.pictures, given.bytes)
        allow = ["--allow", "uncommitted", "--allow", "stale"]  # this folder is no Git repository
        seconds, *_, peak = measured([*SEMTRACE, "release", "--version", "1.0.0", *allow], root)
        release = root / "data/releases/sem-dataset-1.0.0"
        print(
            f"release: {given.pictures} pictures, {total / 1e9:.2f} GB: {seconds:.1f} s, peak memory {peak:.0f} MB "
            f"(all processes together), disk beyond the links {own_bytes(release) / total:.2%}"
        )
        ratios: dict[str, list[float]] = {"1": [], "0": []}
        for turn in range(given.rounds):
            reference, *_ = measured(["sha256sum", "--quiet", "--check", "SHA256SUMS"], release)
            said = f"round {turn + 1}: sha256sum {total / reference / 1e6:.0f} MB/s"
            for workers, its in ratios.items():
                command = [*SEMTRACE, "verify", "--full", "--workers", workers, str(release)]
                ours, *_, peak = measured(command, root)
                its.append(reference / ours)
                said += f", verify --full --workers {workers} {total / ours / 1e6:.0f} MB/s ({peak:.0f} MB)"
            print(said)
        for workers, its in ratios.items():
            print(
                f"verify --full --workers {workers}: {statistics.median(its):.2f} times the rate of sha256sum "
                f"({min(its):.2f} to {max(its):.2f})"
            )


if __name__ == "__main__":
    main()
