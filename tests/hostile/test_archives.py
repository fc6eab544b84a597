"""Archives as deep, as long and as broken as they come: all is listed, nothing depends on how the work is spread."""

from __future__ import annotations

import csv
import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from semtrace.provenance import convert, inventory
from semtrace.stage.executor import Executor
from tests.crash.harness import digests
from tests.hostile import corpus
from tests.pipeline import defaults, table
from tests.small_archive import save, scene


def dig(root: Path, levels: int, name: str, data: bytes) -> None:
    """Put a file into so many folders, of which a path may be too long for the system."""
    here = os.open(root, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    file = os.open("deep.tif", os.O_CREAT | os.O_WRONLY, dir_fd=here)
    os.write(file, data)
    os.close(file), os.close(here)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    subprocess.run(["rm", "-rf", tmp_path / "archive"], check=True)  # deeper than Python can remove


@pytest.mark.parametrize(
    ("levels", "name", "fits"),
    [
        (700, "a", True),
        pytest.param(1900, "a", True, marks=pytest.mark.heavy),
        pytest.param(20_000, "a", False, marks=pytest.mark.heavy),
        (30, "n" * 250, False),
    ],
)
def test_a_tree_may_be_deep(root, levels, name, fits):
    """Deeper than Python can recurse; and so deep that no path leads there: a reject."""
    archive, executor = root / "archive", Executor(1, root / "c.sqlite")
    save(archive / "good.tif", scene(1, 96, 128))
    dig(archive, levels, name, save(root / "x.tif", scene(2, 96, 128)).read_bytes())
    assert inventory.run(archive, root / "out", executor).images == 1 + fits
    assert [row["reason"] for row in table(root / "out/rejects.csv")] == ["path_too_long"] * (not fits)
    done = convert.run(archive, root / "out/inventory.csv", root / "convert", defaults(root).convert, executor)
    assert (done.jpegs, done.rejects) == (1 + fits, {})
    for row in table(root / "convert/converted.csv"):
        assert (root / "convert" / "images" / row["jpeg_path"]).is_file() or (
            root / "convert" / row["jpeg_path"]
        ).is_file()


def test_hostile_files_end_alike_whoever_decodes_them(tmp_path):
    """In one worker, in two, in eight: the same tables, byte for byte."""
    archive = tmp_path / "archive"
    archive.mkdir()
    for number, (_, data) in enumerate([*corpus.broken(), *list(corpus.damaged())[::8]]):
        (archive / f"{number:04}.tif").write_bytes(data)
    save(archive / "good.tif", scene(1, 96, 128))
    found = {}
    for workers in (1, 2, 8):
        inventory.run(archive, tmp_path / f"{workers}/out", Executor(workers, tmp_path / f"{workers}/c.sqlite"))
        found[workers] = digests(tmp_path / f"{workers}/out")
    assert found[1] == found[2] == found[8]
    assert len(table(tmp_path / "1/out/rejects.csv")) > 20


def listed(data: Path) -> list[str]:
    """Paths of a real archive of TIFFs and of a real published set, and the first 2,600 once more in capitals."""
    paths = []
    for file in [data / "nffa_hashes/tiff_hashes.csv", *sorted((data / "nffa_hashes/jpeg").glob("*.csv"))]:
        with file.open(newline="", encoding="utf-8") as opened:
            paths += [row["path"].lstrip("/") for row in csv.DictReader(opened)]
    return list(dict.fromkeys(paths + [path.upper() for path in paths[:2600]]))


@pytest.mark.heavy
def test_38_000_files_with_names_of_real_archives(tmp_path, shared):
    """Every name comes back; no two JPEGs meet where case does not count."""
    paths = [path if path.lower().endswith((".tif", ".tiff")) else f"{path}.tif" for path in listed(shared)]
    picture = corpus.tiff(np.arange(96, dtype=np.uint8).reshape(8, 12))
    for number, path in enumerate(paths):
        file = tmp_path / "archive" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(picture + struct.pack("<I", number))
    executor = Executor(2, tmp_path / "c.sqlite")
    summary = inventory.run(tmp_path / "archive", tmp_path / "inventory", executor)
    assert (summary.files, summary.images, summary.contents, summary.rejects) == (
        len(paths),
        len(paths),
        len(paths),
        {},
    )
    assert [row["path"] for row in table(tmp_path / "inventory/inventory.csv")] == sorted(paths)
    settings = defaults(tmp_path, "convert=tree").convert
    convert.run(tmp_path / "archive", tmp_path / "inventory/inventory.csv", tmp_path / "convert", settings, executor)
    made = [row["jpeg_path"] for row in table(tmp_path / "convert/converted.csv")]
    print(len(paths), "files")
    assert len({path.casefold() for path in made}) == len(paths) > 37_000
