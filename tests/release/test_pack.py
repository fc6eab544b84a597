from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from semtrace.cli.main import main
from semtrace.core.errors import InputError
from semtrace.release import pack
from tests.release.project import CATEGORIES, Picture, Project


@pytest.fixture
def release(tmp_path: Path) -> Path:
    project = Project(tmp_path)
    project.pictures += [Picture(seed, CATEGORIES[seed % 4], "train") for seed in range(40, 60)]
    return project.release("1.0.0")


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.tar")}


@pytest.mark.parametrize("form", ["bagit", "webdataset"])
def test_packed_twice_the_bytes_are_equal_whatever_the_files_dates_and_modes(release, tmp_path, form):
    assert main(["pack", str(release), form, "--out", str(tmp_path / "a")]) == 0
    for path in release.rglob("*.*"):
        path.touch()
        path.chmod(0o600)
    assert main(["pack", str(release), form, "--out", str(tmp_path / "b")]) == 0
    first, second = digests(tmp_path / "a"), digests(tmp_path / "b")
    assert first == second
    assert first


def test_shards_hold_each_picture_once_with_its_label_and_row(release, tmp_path, monkeypatch):
    monkeypatch.setattr(pack, "_chunks", lambda rows, most: _fours(rows))
    pack.shards(release, tmp_path, 1)
    seen = {}
    for shard in sorted((tmp_path / f"{release.name}.shards").glob("train-*.tar")):
        with tarfile.open(shard) as tar:
            content = {name: tar.extractfile(name).read() for name in tar.getnames()}
        assert len(content) <= 12
        for name, data in content.items():
            if name.endswith(".jpg"):
                key = name.removesuffix(".jpg")
                row = json.loads(content[f"{key}.json"])
                assert row["md5"] == key == hashlib.md5(data).hexdigest()
                assert row["label"] == f"L{content[f'{key}.cls'].decode()}"
                assert key not in seen
                seen[key] = row["path"]
    assert sorted(seen.values()) == sorted(str(p.relative_to(release)) for p in release.glob("data/train/*/*.jpg"))


def _fours(rows):
    return [rows[start : start + 4] for start in range(0, len(rows), 4)]


def test_a_shard_is_closed_before_it_is_too_large():
    rows = [{"bytes": size} for size in (600_000, 500_000, 400_000, 2_000_000, 1)]
    sizes = [[row["bytes"] for row in chunk] for chunk in pack._chunks(rows, 1_000_000)]
    assert sizes == [[600_000], [500_000, 400_000], [2_000_000], [1]]


def test_a_damaged_picture_is_not_packed(release, tmp_path):
    file = sorted(release.glob("data/train/*/*.jpg"))[0]
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)
    with pytest.raises(InputError, match="not what the release promises"):
        pack.bag(release, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
    file.unlink()
    with pytest.raises(InputError, match="missing data/train"):
        pack.shards(release, tmp_path / "out", 500)
    assert not list((tmp_path / "out").iterdir())


def test_an_archive_that_another_process_is_writing_is_left_to_it(release, tmp_path):
    theirs, left = (tmp_path / f".{release.name}.bag.tar.{pid}.part" for pid in (os.getppid(), 2**22 + 1))
    theirs.touch()
    left.touch()  # by a process that is no more
    pack.bag(release, tmp_path)
    assert theirs.exists()
    assert not left.exists()


def test_nothing_is_overwritten(release, tmp_path, capsys):
    for form in ("bagit", "webdataset"):
        assert main(["pack", str(release), form, "--out", str(tmp_path)]) == 0
        assert main(["pack", str(release), form, "--out", str(tmp_path)]) > 0
        assert "exists already" in capsys.readouterr().err
