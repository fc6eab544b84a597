from __future__ import annotations

import json
import shutil
import unicodedata

import pytest

from semtrace import __version__
from semtrace.io import tables
from semtrace.io.tables import TableError
from semtrace.io.verdicts import TRUTH
from semtrace.provenance import validate
from semtrace.provenance.tables import JPEG_TO_TIFF


def test_metrics_of_the_small_archive(done):
    metrics = json.loads((done.work / "validate/metrics.json").read_text())
    assert metrics["decisions"] == {"matched": 8, "ambiguous": 0, "unmatched": 1}
    accuracy = metrics["accuracy"]
    assert (accuracy["basis"], accuracy["known"], accuracy["found"], accuracy["wrong"]) == ("truth.csv", 9, 8, 0)
    assert (accuracy["precision"], accuracy["recall"], accuracy["accuracy"]) == (1.0, 1.0, 1.0)
    assert accuracy["precision_low"] < 0.7  # eight pictures prove little
    assert sum(metrics["tiers"].values()) == 8


def test_the_report_has_the_lines_people_know(done):
    report = (done.work / "validate/accuracy_report.txt").read_text()
    head, report = report.split("\n", 1)
    assert head == f"semtrace {__version__}, dataset not recorded"  # no verb has claimed this folder
    assert report.startswith("Total matches: 8\nExcellent matches (SSIM > 0.95): ")
    for part in ("Average SSIM: ", "Average Hamming: ", "precision 1.0000", "truncated", "labelled"):
        assert part in report


def test_each_category_has_its_row(done):
    rows = {row["category"]: row for row in done.rows("validate/accuracy_by_category.csv")}
    assert set(rows) == {"Tips", "Powder", "Fibres", "Nanowires"}
    assert (rows["Nanowires"]["jpegs"], rows["Nanowires"]["matched"], rows["Nanowires"]["unmatched"]) == ("2", "1", "1")


def work_copy(done, tmp_path):
    shutil.copytree(done.work, tmp_path / "work")
    (tmp_path / "known").mkdir()
    return tmp_path / "work", tmp_path / "known"


def test_a_wrong_trace_is_counted_and_listed(done, tmp_path):
    work, known = work_copy(done, tmp_path)
    truth = (done.known / "truth.csv").read_text(encoding="utf-8").replace("Orrù M/img_00.TIF", "deep.tiff")
    (known / "truth.csv").write_text(truth, encoding="utf-8")
    metrics = validate.run(work, done.archive, done.published, known, tmp_path / "out")
    assert metrics["accuracy"]["wrong_present"] == 1
    [header, line] = (tmp_path / "out/wrong_matches.csv").read_text(encoding="utf-8").splitlines()
    assert header.startswith("jpeg_path,matched_tiff_path,true_tiff_path")
    assert ",Orrù M/img_00.TIF,deep.tiff," in line


def relevelled(work, level):
    """Give every match of a run the level ``level``."""
    file = work / "match/jpeg_to_tiff.csv"
    rows = [row | {"level": level if row["matched_tiff_path"] else None} for row in tables.read(file, JPEG_TO_TIFF)]
    tables.write(file, JPEG_TO_TIFF, rows)


def truth_of_another(done, known, tiff_path, same_place):
    """Say of every picture that was published from one original that it is of another one, or of none."""
    rows = tables.read(done.known / "truth.csv", TRUTH, required=["jpeg_path", "tiff_path", "category"])
    taken = [row for row in rows if row["tiff_path"] == "Orrù M/img_00.TIF"]
    told = [
        row | ({"tiff_path": tiff_path, "same_place": same_place} if row in taken else {"same_place": ""})
        for row in rows
    ]
    tables.write(known / "truth.csv", TRUTH, told)


@pytest.mark.parametrize("own", ["deep.tiff", ""], ids=["present", "absent"])
@pytest.mark.parametrize(
    ("level", "same_place", "place"),
    [
        ("field", "Orrù M/img_00.TIF", 1),
        ("field", "deep.tiff|Orrù M\\img_00.TIF", 1),
        ("frame", "Orrù M/img_00.TIF", 0),  # it claims the exposure
        ("field", "deep.tiff", 0),  # another place
        ("field", "", 0),
    ],
)
def test_another_exposure_of_the_right_place_is_no_wrong_match_of_a_row_that_claims_the_place_alone(
    done, tmp_path, level, same_place, place, own
):
    work, known = work_copy(done, tmp_path)
    relevelled(work, level)
    truth_of_another(done, known, own, same_place)
    accuracy = validate.run(work, done.archive, done.published, known, tmp_path / "out")["accuracy"]
    assert (accuracy["place"], accuracy["wrong"]) == (place, 1 - place)
    assert accuracy["place_present" if own else "place_absent"] == place
    assert (accuracy["known"], accuracy["found"]) == (9, 7)
    assert accuracy["precision"] == (1.0 if place else 0.875)
    assert accuracy["recall"] == (0.875 if own else 1.0)
    assert len((tmp_path / "out/wrong_matches.csv").read_text(encoding="utf-8").splitlines()) == 2 - place
    report = (tmp_path / "out/accuracy_report.txt").read_text()
    assert ("right place, exposure not told   1" in report) == bool(place)


def test_the_own_original_is_found_at_any_level_whatever_else_shows_its_place(done, tmp_path):
    work, known = work_copy(done, tmp_path)
    relevelled(work, "field")
    truth_of_another(done, known, "Orrù M/img_00.TIF", "Orrù M/img_00.TIF|deep.tiff")
    accuracy = validate.run(work, done.archive, done.published, known, tmp_path / "out")["accuracy"]
    assert (accuracy["found"], accuracy["place"], accuracy["wrong"]) == (8, 0, 0)


def test_a_place_of_the_truth_that_leads_nowhere_is_refused(done, tmp_path):
    work, known = work_copy(done, tmp_path)
    truth_of_another(done, known, "deep.tiff", "deep.tiff|Orru M/img_00.TIF")
    with pytest.raises(TableError, match=r"same_place 'Orru M/img_00\.TIF' is no file of the archive"):
        validate.run(work, done.archive, done.published, known, tmp_path / "out")


def test_a_truth_that_contradicts_itself_is_refused(done, tmp_path):
    work, known = work_copy(done, tmp_path)
    lines = (done.known / "truth.csv").read_text(encoding="utf-8").splitlines()
    (known / "truth.csv").write_text("\n".join([*lines, lines[1]]), encoding="utf-8")
    with pytest.raises(TableError, match=rf"lines 2 and {len(lines) + 1} both speak of"):
        validate.run(work, done.archive, done.published, known, tmp_path / "out")


def test_without_truth_the_accuracy_is_unknown(done, tmp_path):
    work, known = work_copy(done, tmp_path)
    metrics = validate.run(work, done.archive, done.published, known, tmp_path / "out")
    assert metrics["accuracy"]["basis"] == "nothing"
    assert metrics["accuracy"]["precision"] is None
    assert "unknown: no truth.csv" in (tmp_path / "out/accuracy_report.txt").read_text()


def test_equal_stems_are_a_truth_of_their_own(tmp_path):
    content = {"a/img_1.tif": "A", "b/img_1.tif": "B", "c/x.tif": "C"}
    jpegs = ["Tips/L5_img_1.jpg", "Tips/X.jpg", "Tips/y.jpg"]
    truth = validate.read_truth(tmp_path / "none.csv", jpegs, content, (tmp_path, tmp_path))
    assert truth.basis == "equal file stems"
    assert truth.right == {"Tips/L5_img_1.jpg": {"A", "B"}, "Tips/X.jpg": {"C"}}


def test_a_row_of_the_truth_that_leads_nowhere_is_no_missing_original(done, tmp_path):
    known, work = tmp_path / "known", tmp_path / "out"
    known.mkdir()
    truth = (done.known / "truth.csv").read_text(encoding="utf-8")
    (known / "truth.csv").write_text(truth.replace("deep.tiff", "deeper.tiff"), encoding="utf-8")
    with pytest.raises(TableError, match=r"tiff_path 'deeper\.tiff' is no file of the archive"):
        validate.run(done.work, done.archive, done.published, known, work)
    assert not work.exists()


def test_rows_in_another_spelling_count_and_are_reported(done, tmp_path):
    known = tmp_path / "known"
    known.mkdir()
    truth = (done.known / "truth.csv").read_text(encoding="utf-8").replace("/", "\\").replace("deep.tiff", "cut.tif")
    (known / "truth.csv").write_text(unicodedata.normalize("NFD", truth), encoding="utf-8")
    metrics = validate.run(done.work, done.archive, done.published, known, tmp_path / "out")
    assert (metrics["accuracy"]["known"], metrics["accuracy"]["wrong"]) == (8, 0)  # cut.tif is there, but no picture
    report = (tmp_path / "out/accuracy_report.txt").read_text(encoding="utf-8")
    assert "9 of 9 rows name files in another way (separator 9)" in report
    assert "1 rows name a TIFF without a hash, rejected or not chosen; they do not count" in report


def test_a_table_under_another_name_is_pointed_out(done, tmp_path):
    known = tmp_path / "known"
    known.mkdir()
    (known / "Truth.csv").write_text("")
    validate.run(done.work, done.archive, done.published, known, tmp_path / "out")
    assert "Truth.csv: not read; save as CSV UTF-8 and call it truth.csv" in (
        (tmp_path / "out/accuracy_report.txt").read_text(encoding="utf-8")
    )
