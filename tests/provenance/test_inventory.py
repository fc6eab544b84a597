from __future__ import annotations

import os

import pytest

from semtrace.core.errors import AccountingError, InputError
from semtrace.provenance import inventory
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Reject, write_rejects


def test_every_file_is_accounted_for(done):
    summary = done.summaries["inventory"]
    listed = {row["path"] for row in done.rows("inventory/inventory.csv")}
    rejected = {row["path"]: row["reason"] for row in done.rows("inventory/rejects.csv")}
    on_disk = {p.relative_to(done.archive).as_posix() for p in done.archive.rglob("*") if p.is_symlink() or p.is_file()}
    assert listed | set(rejected) == on_disk
    assert not listed & set(rejected)
    assert summary.files == len(on_disk)
    assert rejected == {
        "README.txt": "not_a_tiff",
        "cut.tif": "truncated",
        "damaged.tif": "truncated",
        "empty.tif": "empty_file",
        "link.tif": "symbolic_link",
        "text.tif": "not_an_image",
    }


def test_facts_of_each_kind(done):
    rows = {row["path"]: row for row in done.rows("inventory/inventory.csv")}
    assert (rows["deep.tiff"]["bit_depth"], rows["deep.tiff"]["width"], rows["deep.tiff"]["height"]) == (
        "16",
        "256",
        "192",
    )
    assert rows["really a png.tif"]["format"] == "PNG"
    assert rows["lzw.tif"]["duplicate_of"] == ""
    assert rows["zz copy of lzw.tif"]["duplicate_of"] == "lzw.tif"
    assert rows["other metadata.tif"]["duplicate_of"] == ""  # other bytes, though the same picture


def test_rerun_gives_the_same_bytes_from_the_cache(done, tmp_path):
    executor = Executor(2, done.archive.parent / "cache.sqlite")
    inventory.run(done.archive, tmp_path / "again", executor)
    inventory.run(done.archive, tmp_path / "cold", Executor(1, tmp_path / "new.sqlite"))
    first = (done.work / "inventory/inventory.csv").read_bytes()
    assert (tmp_path / "again/inventory.csv").read_bytes() == first
    assert (tmp_path / "cold/inventory.csv").read_bytes() == first


def test_missing_empty_and_no_folder(tmp_path):
    executor = Executor(1, tmp_path / "c.sqlite")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for folder, message in (
        ("none", "missing"),
        ("empty", "no file with a TIFF extension"),
        ("file", "must be a folder"),
    ):
        with pytest.raises(InputError, match=message):
            inventory.run(tmp_path / folder, tmp_path / "out", executor)
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_not_utf8_is_a_reject(tmp_path, done):
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "good.tif").write_bytes((done.archive / "lzw.tif").read_bytes())
    (archive / os.fsdecode(b"b\xe9d.tif")).write_bytes((done.archive / "lzw.tif").read_bytes())
    summary = inventory.run(archive, tmp_path / "out", Executor(1, tmp_path / "c.sqlite"))
    assert (summary.images, summary.rejects) == (1, {"name_not_utf8": 1})


def test_lost_rows_are_noticed(tmp_path):
    with pytest.raises(AccountingError, match="3 rows in, but 1 out and 1 rejected"):
        write_rejects(tmp_path, [Reject("a", "s", "r", "")], rows_in=3, rows_out=1)
    assert not (tmp_path / "rejects.csv").exists()


def test_inputs_are_untouched(done):
    assert not [p for p in done.archive.rglob("*") if p.name.endswith(".part")]
    assert (done.archive / "text.tif").read_text() == "not a picture"
