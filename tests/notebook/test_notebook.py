"""What a notebook uses says what the stages say."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import semtrace
from semtrace.config import params
from semtrace.core.errors import InputError
from tests.pipeline import CONF
from tests.small_archive import save, scene


def jpeg(pixels: np.ndarray, quality: int = 90) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()


def test_a_fingerprint_is_the_row_of_the_table(done):
    row = next(row for row in done.rows("fingerprint/tiff/hashes.csv") if row["path"] == "deep.tiff")
    mine = semtrace.fingerprint(done.archive / "deep.tiff")
    assert {name: row[name] for name in ("phash", "content_id", "md5", "rule")} == {
        name: getattr(mine, name) for name in ("phash", "content_id", "md5", "rule")
    }
    assert (mine.bits, mine.degenerate, mine.bar_top) == (1024, False, None)


def test_files_bytes_and_pixels_are_one(tmp_path):
    file = save(tmp_path / "a.tif", scene(1))
    prints = [semtrace.fingerprint(one, 16) for one in (file, str(file), file.read_bytes(), scene(1))]
    assert {(one.phash, one.content_id, one.bits) for one in prints} == {(prints[0].phash, prints[0].content_id, 256)}
    assert prints[0].distance(prints[3]) == 0
    assert prints[0].distance(semtrace.fingerprint(scene(2), 16)) > 60


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "words.tif").write_text("words")
    for wrong in (tmp_path / "words.tif", b"words", np.zeros((3, 4)), np.zeros((3, 4, 3), np.uint8)):
        with pytest.raises(InputError):
            semtrace.fingerprint(wrong)
    with pytest.raises(InputError, match="size is 7"):
        semtrace.fingerprint(scene(1), 7)
    with pytest.raises(InputError, match="1024 and of 64 bits"):
        semtrace.fingerprint(scene(1)).distance(semtrace.fingerprint(scene(1), 8))
    with pytest.raises(OSError, match="nowhere"):
        semtrace.fingerprint(tmp_path / "nowhere.tif")


def test_two_pictures_are_compared_as_a_match_does():
    same, other = semtrace.compare(jpeg(scene(1)), scene(1)), semtrace.compare(jpeg(scene(1)), scene(2))
    assert (same.decision, same.evidence, same.level) == ("matched", "reencoded", "frame")
    assert same.ssim > 0.9
    assert other.decision != "matched"
    assert other.hamming > 300
    assert other.ssim < 0.7, "they are compared however far apart they are"
    turned = semtrace.compare(jpeg(np.rot90(scene(1)).copy()), scene(1), geometry=True)
    assert (turned.decision, turned.symmetry) == ("matched", "rotated_90")


def test_results_are_data_frames_and_answer_questions(done, tmp_path, monkeypatch):
    """With parameters for hashes of another size than the tables have."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    words = [
        "hash.size=8",
        f"dataset.archive={done.archive}",
        f"dataset.published={done.published}",
        f"dataset.known={done.known}",
    ]
    params.write_params(CONF, tmp_path / "params.yaml", ["dataset=archive", *words, "executor.workers=1"])
    results = semtrace.open_results(tmp_path, done.work)
    rows = done.rows("match/jpeg_to_tiff.csv")
    assert results.matches["jpeg_path"].tolist() == [row["jpeg_path"] for row in rows]
    assert results.matches["matched_tiff_path"].tolist() == [row["matched_tiff_path"] for row in rows]
    assert results.matches["ssim_value"].dtype == float
    assert results.metrics["images"]["jpegs"] == len(rows)
    assert len(results.originals) == len(done.rows("inventory/inventory.csv"))
    assert set(results.labels["status"]) >= {"labelled", "unmatched"}
    assert "fingerprint/tiff/hashes.csv" in results.tables()
    with pytest.raises(InputError, match="the stage that writes it has not run"):
        results.table("sweep/points.csv")
    traced = next(row for row in rows if row["decision"] == "matched")
    monkeypatch.chdir(elsewhere)
    (found,) = results.find(done.published / traced["jpeg_path"])
    assert (found.original, found.bits) == (traced["matched_tiff_path"], 1024)
    assert found.measures["hamming_distance"] == int(traced["hamming_distance"])
    assert not list(elsewhere.iterdir()), "the side cache is the project's"


def test_the_results_of_another_dataset_are_not_asked(tmp_path):
    (tmp_path / "work/match").mkdir(parents=True)
    (tmp_path / "work/match/jpeg_to_tiff.csv").touch()
    params.write_params(CONF, tmp_path / "params.yaml", ["dataset=archive"])
    theirs = dict.fromkeys(("name", "archive", "published", "known"), "theirs")
    (tmp_path / "work/dataset.json").write_text(json.dumps(theirs))
    with pytest.raises(InputError, match="holds the results of dataset theirs"):
        semtrace.open_results(tmp_path, "work").find("a.jpg")


def test_there_must_be_results(tmp_path):
    with pytest.raises(InputError, match="no results of a run"):
        semtrace.open_results(tmp_path)
    (tmp_path / "match").mkdir()
    (tmp_path / "match/jpeg_to_tiff.csv").touch()
    with pytest.raises(InputError, match="this is a folder of results; name the folder of its project"):
        semtrace.open_results(tmp_path)


def test_the_import_is_light():
    script = "import sys, semtrace; print(len([n for n in sys.modules if n.split('.')[0] in ('numpy', 'semtrace')]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert {"fingerprint", "compare", "open_results"} <= set(dir(semtrace))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = semtrace.nothing
