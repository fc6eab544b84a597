from __future__ import annotations

import pytest

from semtrace.core.labels import Vocabulary
from semtrace.io.files import md5
from semtrace.provenance import label
from semtrace.provenance.common import InputError
from tests.provenance.pipeline import CATEGORIES


def rows_by_path(done):
    return {row["tiff_path"]: row for row in done.rows("label/labels.csv")}


def test_every_tiff_has_a_status(done):
    rows = rows_by_path(done)
    assert set(rows) == {row["path"] for row in done.rows("fingerprint/tiff/hashes.csv")}
    folder = "Müller É/2013-02-19"
    assert (rows["lzw.tif"]["status"], rows["lzw.tif"]["category"], rows["lzw.tif"]["label"]) == (
        "labelled", "Nanowires", "L6",
    )  # fmt: skip
    assert rows["zz copy of lzw.tif"]["status"] == "duplicate_labelled"
    assert rows[f"{folder}/img_03.tif"]["status"] == "conflict"
    assert rows[f"{folder}/img_05.tif"]["status"] == "unmatched"


def test_labelled_copies_are_the_originals(done):
    labelled = [row for row in done.rows("label/labels.csv") if row["status"] == "labelled"]
    files = {p.relative_to(done.work / "label/images").as_posix(): p for p in (done.work / "label/images").rglob("*.*")}
    assert set(files) == {row["output_path"] for row in labelled}
    for row in labelled:
        assert files[row["output_path"]].read_bytes() == (done.archive / row["tiff_path"]).read_bytes()
        assert row["output_path"].startswith(f"{row['category']}/{row['label']}_")


def test_equal_names_are_told_apart_and_reported(done):
    rows = [row for row in done.rows("label/labels.csv") if row["output_path"].casefold().startswith("tips/l5_img_00")]
    assert len(rows) == 2
    assert all(md5((done.archive / row["tiff_path"]).read_bytes())[:8] in row["output_path"] for row in rows)
    assert all("renamed" in row["detail"] for row in rows)
    assert done.summaries["label"].renamed == 2


def test_a_conflict_is_listed_and_its_label_written_nowhere(done):
    [conflict] = done.rows("label/conflicts.csv")
    assert conflict["content"] == "Müller É/2013-02-19/img_03.tif"
    assert conflict["categories"] == "Fibres|Powder"
    assert len(conflict["files"].split("|")) == 2
    assert (conflict["resolution"], conflict["rule"]) == ("excluded", "exclude")
    assert not list((done.work / "label/images").rglob("*img_03*"))


def test_the_wrong_vocabulary_stops_before_anything_is_written(done, tmp_path):
    fingerprints = done.work / "fingerprint"
    with pytest.raises(InputError, match="does not fit the published set"):
        label.run(
            done.archive, fingerprints / "tiff/hashes.csv", fingerprints / "jpeg/hashes.csv", done.work / "match",
            tmp_path / "out", Vocabulary("alphabetical", tuple(sorted(CATEGORIES))), label.Settings("copy"),
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_an_original_that_vanished_is_a_reject(done, tmp_path):
    fingerprints = done.work / "fingerprint"
    (tmp_path / "archive").mkdir()
    summary = label.run(
        tmp_path / "archive", fingerprints / "tiff/hashes.csv", fingerprints / "jpeg/hashes.csv", done.work / "match",
        tmp_path / "out", Vocabulary("nffa", tuple(CATEGORIES)), label.Settings("reflink"),
    )  # fmt: skip
    assert summary.rejects == {"unreadable": done.summaries["label"].statuses["labelled"]}
