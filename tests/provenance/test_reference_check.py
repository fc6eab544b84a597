"""A sample of results is recomputed with ImageHash, scikit-image and a real encoder: what differs is named."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from semtrace.provenance import reference_check
from semtrace.stage.declaration import Job
from tests.pipeline import defaults, table
from tests.small_archive import Done


@pytest.fixture
def job(done: Done, tmp_path: Path) -> Job:
    """The finished run, with tables of its own to falsify."""
    p, work = defaults(tmp_path), tmp_path / "work"
    for folder in ("fingerprint", "match"):
        shutil.copytree(done.work / folder, work / folder)
    return Job(p, done.archive, done.published, done.known, tmp_path / "verdicts", work, p.executor)


def falsify(file: Path, change) -> None:
    """Rewrite the rows of a table; ``change`` mends each in place."""
    rows = table(file)
    for row in rows:
        change(row)
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_all_values_of_a_run_are_those_of_the_references(job, done):
    hashes = reference_check.check_hashes(job, 1000)
    assert (
        hashes.checked
        == hashes.equal
        == len(done.rows("fingerprint/tiff/hashes.csv")) + len(done.rows("fingerprint/jpeg/hashes.csv"))
    )
    for check in (reference_check.check_ssim, reference_check.check_proofs):
        found = check(job, 1000)
        assert found.checked == found.equal > 2
        assert not found.differing


def test_the_sample_has_the_size_that_was_asked_for(job):
    assert reference_check.check_hashes(job, 5).checked == 5
    assert str(reference_check.check_hashes(job, 5)) == "5 of 5 hashes equal ImageHash's"


def test_one_wrong_bit_in_one_hash_is_found_and_named(job):
    def flip(row):
        if row["path"] == "deep.tiff":
            row["phash"] = f"{int(row['phash'], 16) ^ 1:0{len(row['phash'])}x}"

    falsify(job.hashes("tiff"), flip)
    found = reference_check.check_hashes(job, 1000)
    assert found.differing == ("deep.tiff",)
    assert found.equal == found.checked - 1
    assert "differing: deep.tiff" in str(found)


def test_an_ssim_that_is_off_in_the_fifth_decimal_is_found(job):
    wrong = []

    def shift(row):
        if not wrong and row["ssim_value"] and not row["crop"]:
            wrong.append(row["jpeg_path"])
            row["ssim_value"] = str(float(row["ssim_value"]) - 1e-5)

    falsify(job.result("match/jpeg_to_tiff.csv"), shift)
    assert list(reference_check.check_ssim(job, 1000).differing) == wrong


@pytest.mark.parametrize(("said", "becomes"), [("reencoded", "ssim"), ("ssim", "reencoded")])
def test_a_proof_that_is_none_and_a_proof_that_was_missed_are_found(job, said, becomes):
    wrong = []

    def swap(row):
        if not wrong and row["evidence"] == said:
            wrong.append(row["jpeg_path"])
            row["evidence"] = becomes

    falsify(job.result("match/jpeg_to_tiff.csv"), swap)
    assert wrong
    assert list(reference_check.check_proofs(job, 1000).differing) == wrong


def test_an_image_that_has_gone_is_counted_and_accuses_nobody(job, tmp_path):
    whole = reference_check.check_hashes(job, 1000).checked
    shutil.copytree(job.archive, tmp_path / "archive", symlinks=True)
    (tmp_path / "archive" / "deep.tiff").unlink()
    (tmp_path / "archive" / "lzw.tif").write_bytes(b"another file")
    found = reference_check.check_hashes(replace(job, archive=tmp_path / "archive"), 1000)
    assert (found.unreadable, found.checked, found.differing) == (2, whole - 2, ())
    assert "2 not readable any more" in str(found)
