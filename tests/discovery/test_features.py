from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from semtrace.core.errors import InputError
from semtrace.discovery import features
from semtrace.discovery.tables import DISCOVERED_IMAGES
from semtrace.io import feature_table, tables
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import REJECTS
from tests.discovery.conftest import FEATURES, digests


def rows(path):
    table = REJECTS if path.name == "rejects.csv" else DISCOVERED_IMAGES
    return {row["path"]: row for row in tables.read(path, table)}


def test_every_file_is_a_row_or_a_reject_with_its_reason(work):
    kept = rows(work / "features/images.csv")
    rejected = rows(work / "features/rejects.csv")
    files = {p.relative_to(work.root).as_posix() for p in work.root.rglob("*") if p.is_file()}
    assert set(kept) | set(rejected) == files
    assert not set(kept) & set(rejected)
    assert rejected["Fibres/notes.txt"]["reason"] == "not_an_image"
    assert rejected["Fibres/broken.png"]["reason"] in ("truncated", "corrupt")
    assert kept["Particles/copy.png"]["category"] == "Particles"
    assert kept["Particles/copy.png"]["group"] == kept["Fibres/0_0.png"]["group"]
    assert {row["crop"] for row in kept.values()} == {"bar", "share"}  # a bar that is found, else a part
    assert {row["picture_rows"] for row in kept.values() if row["crop"] == "share"} == {120 - 17}
    assert all(row["picture_rows"] < 120 for row in kept.values())


def test_a_set_is_described_and_has_its_columns(work):
    for name, columns in (("small_lite0_1280_in", 1280), ("small_lite0_1000_in", 1000), ("small_texture", 120)):
        table = feature_table.read(work / f"features/{name}.parquet")
        assert table.values.shape == (49, columns)
        assert table.values.dtype == np.float32
        said = json.loads((work / f"features/{name}.json").read_text())
        assert said["columns"] == columns
        assert said["standardise"] == (name == "small_texture")
    assert said["weights_sha256"] is None


def test_two_workers_and_the_side_cache_give_the_same_bytes(work, tmp_path):
    settings = replace(FEATURES, root=work.root)
    for executor in (Executor(2, tmp_path / "new.sqlite"), work.executor):
        features.run(settings, None, tmp_path / "features", executor)
        assert digests(tmp_path / "features") == digests(work / "features")


def test_a_table_brings_categories_groups_and_what_may_explain(work, tmp_path):
    table = tmp_path / "subset.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "category", "group", "instrument", "anything"])
        writer.writerow(["Fibres/0_0.png", "A/B", "g1", "SUPRA", "x"])
        writer.writerow(["Fibres/0_1.png", "", "", "QUANTA", "x"])
        writer.writerow(["Fibres/gone.png", "", "", "", "x"])
    groups = tmp_path / "groups.csv"
    groups.write_text("path,side,group\nFibres/0_1.png,jpeg,g7\nFibres/0_0.png,tiff,other\n")
    settings = replace(FEATURES, root=work.root, table=str(table), encoders=["texture"])
    done = features.run(settings, groups, tmp_path / "out", work.executor)
    assert done.images == 2
    assert done.labelled == 1
    kept = rows(tmp_path / "out/images.csv")
    assert {path: (row["category"], row["group"], row["instrument"]) for path, row in kept.items()} == {
        "Fibres/0_0.png": ("A/B", "g1", "SUPRA"),
        "Fibres/0_1.png": ("", "g7", "QUANTA"),
    }
    assert rows(tmp_path / "out/rejects.csv")["Fibres/gone.png"]["reason"] == "unreadable"


def test_without_a_crop_the_whole_picture_is_seen(work, tmp_path):
    settings = replace(FEATURES, root=work.root, encoders=["texture"], crop="none")
    features.run(settings, None, tmp_path / "out", work.executor)
    assert {row["picture_rows"] for row in rows(tmp_path / "out/images.csv").values()} == {120}
    bare = feature_table.read(tmp_path / "out/small_texture.parquet").values
    assert not np.array_equal(bare, feature_table.read(work / "features/small_texture.parquet").values)


def test_empty_folders_twice_named_paths_and_missing_weights_are_said(work, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no image in it"):
        features.run(replace(FEATURES, root=tmp_path / "empty"), None, tmp_path / "out", work.executor)
    table = tmp_path / "twice.csv"
    table.write_text("path\nFibres/0_0.png\nFibres/0_0.png\n")
    with pytest.raises(InputError, match=r"Fibres/0_0.png comes more than once"):
        features.run(replace(FEATURES, root=work.root, table=str(table)), None, tmp_path / "out", work.executor)
    monkeypatch.setattr("semtrace.models.lite0.WEIGHTS_PACKAGE", "no_such_weights")
    features._network.cache_clear()
    with pytest.raises(InputError, match=r"no_such_weights is not installed.*encoders=\[texture\]"):
        features.run(replace(FEATURES, root=work.root), None, tmp_path / "out", work.executor)
    features._network.cache_clear()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"encoders": ["inception_v3"]}, "lite0, texture"),
        ({"encoders": []}, "known are"),
        ({"crop": "half"}, "bar or none"),
        ({"side": "png"}, "tiff or jpeg"),
        ({"subset": "a/b"}, "file names"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        replace(FEATURES, **wrong)
