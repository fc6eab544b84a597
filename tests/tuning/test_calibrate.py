"""`semtrace calibrate` on a small archive with a series, an edited copy and data bars, as a person runs it."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from semtrace.cli.main import main
from semtrace.config import params
from semtrace.core.statistics.accuracy import wilson
from semtrace.provenance.tracing.sides import load_side
from semtrace.tuning.null_model import null_model
from tests.pipeline import CONF, grey, publish, table
from tests.small_archive import name, save, scene

OUT = Path("data/work/calibrate")
OUTCOMES = ("right", "wrong", "ambiguous", "unmatched")
FEW = ["calibrate.hamming_threshold=[100,300]", "calibrate.min_ssim=[0.3,0.8]", "calibrate.min_correlation=[0.3,0.95]"]


def barred(seed: int) -> np.ndarray:
    picture = np.vstack([scene(seed, 192, 256), np.zeros((24, 256), np.uint8)])
    picture[198:202, 20:80] = 255
    picture[204:212, 100:102] = 255
    return picture


def prepare(root: Path, *overrides: str) -> None:
    shutil.copytree(CONF, root / "conf")
    raw = root / "data/raw"
    archive = raw / "archive"
    for seed in range(5):
        save(archive / f"barred_{seed}.tif", barred(seed))
    edited = np.round(255 * (barred(0) / 255.0) ** 0.9).astype(np.uint8)
    save(archive / "edited_0.tif", edited)
    save(archive / "flat.tif", np.full((192, 256), 7, np.uint8))
    save(archive / "plain.tif", scene(9))
    shutil.copy(archive / "plain.tif", archive / "plain copy.tif")
    truth = [("jpeg_path", "tiff_path", "category")]
    for seed in (1, 2):
        path = publish(grey(archive / f"barred_{seed}.tif"), raw / "published/Tips" / name(5, str(seed)), quality=60)
        truth.append((path, f"barred_{seed}.tif", "Tips"))
    path = publish(Image.fromarray(scene(77)), raw / "published/Tips" / name(5, "stranger"), quality=60)
    truth.append((path, "", "Tips"))
    (raw / "known").mkdir()
    with (raw / "known/truth.csv").open("w", newline="") as file:
        csv.writer(file).writerows(truth)
    run("params", "dataset=archive", "executor.workers=1", *overrides)
    for stage in (["inventory"], ["convert"], ["fingerprint", "tiff"], ["fingerprint", "jpeg"]):
        run(*stage)


def run(*command: str, code: int = 0) -> None:
    assert main(command) == code


def same(*paths: str) -> str:
    digests = {row["path"]: row["md5"] for row in table(Path("data/work/fingerprint/tiff/hashes.csv"))}
    return ",".join([*(digests[path] for path in paths), "same", "me", "today"])


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The project after a calibration in which a person called the edited copy the same picture."""
    root = tmp_path_factory.mktemp("calibrate")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        prepare(root)
        verdicts = f"left,right,verdict,who,when\n{same('barred_0.tif', 'edited_0.tif')}\n"
        (root / "data/raw/known/verdicts.csv").write_text(verdicts)
        run("calibrate", "--precision", "0.9")
    return root


@pytest.fixture
def inside(project, monkeypatch):
    monkeypatch.chdir(project)
    return project


def summary() -> dict:
    return json.loads((OUT / "calibration.json").read_text())


def test_on_a_real_archive_the_lower_tail_says_what_is_counted_and_chance_does_not(shared):
    originals = load_side([shared / "nffa_hashes/tiff_hashes.csv"])
    model = null_model(originals, range(len(originals.contents)))
    for threshold in (60, 80, 120, 150, 240, 300):
        within = model.within(threshold)
        assert within["by_tail"] == pytest.approx(within["others"], rel=1.0)
        assert within["by_chance"] < within["others"] / 1000


def test_every_picture_is_judged_with_and_without_its_original(inside):
    trials = summary()["trials"]
    rows = table(OUT / "trials.csv")
    assert Counter(row["original"] for row in rows) == {
        "present": trials["present"], "left out": trials["left_out"], "absent": 1,
    }  # fmt: skip
    assert trials["present"] == trials["left_out"]
    assert trials["pictures"] == {"truth.csv": 3, "made": trials["present"] - 2}
    left_out = [row for row in rows if row["original"] == "left out"]
    assert all(row["best_tiff_path"] != row["true_tiff_path"] for row in left_out)
    # Where the picture itself is taken out, so is what a person called the same.
    assert not [row for row in left_out if {row["best_tiff_path"], row["true_tiff_path"]} == {
        "barred_0.tif", "edited_0.tif"
    }]  # fmt: skip


def test_the_made_pictures_are_found_and_nothing_else_is(inside):
    chosen = summary()["chosen"]["by_similarity"]
    assert (chosen["wrong"], chosen["precision"]) == (0, 1.0)
    assert chosen["precision_low"] == wilson(chosen["found"], chosen["found"])[0]
    rows = {
        (row["published_as"], row["original"], row["proofs"]): {key: int(row[key]) for key in OUTCOMES}
        for row in table(OUT / "by_encoder.csv")
        if row["thresholds"] == "chosen"
    }
    # Eight pictures. The flat one is found never, the edited one and its model are too near each other without proof.
    assert rows["rgb 90", "present", "no"] == dict(zip(OUTCOMES, (5, 0, 2, 1), strict=True))
    assert rows["rgb 90", "present", "yes"] == dict(zip(OUTCOMES, (7, 0, 0, 1), strict=True))
    assert rows["rgb 90", "left out", "yes"] == dict(zip(OUTCOMES, (0, 0, 0, 8), strict=True))
    assert sum(rows["cropped", "present", "no"].values()) == 6  # as many as have a data bar
    assert sum(row["wrong"] for row in rows.values()) == 0


def test_the_table_has_every_point_and_the_chosen_one_is_the_best_of_them(inside):
    done, rows = summary(), table(OUT / "calibration.csv")
    assert len(rows) == done["points"] == 12 * 10 * 10 * 5
    good = [row for row in rows if row["precision"] and float(row["precision_low"]) >= 0.9]
    assert done["choice"]["points_shown"] == len(good) > 0
    assert done["chosen"]["by_similarity"]["found"] == max(int(row["found"]) for row in good)
    current = {name: str(value) for name, value in done["current"]["thresholds"].items()}
    [mine] = [row for row in rows if current.items() <= row.items()]
    assert int(mine["found"]) == done["current"]["by_similarity"]["found"]


def test_the_chosen_point_is_a_choice_of_the_configuration(inside):
    file = Path("conf/match/calibrated.yaml")
    assert file.read_text().startswith("# Written by `semtrace calibrate`")
    composed = yaml.safe_load(params.composed(Path("conf"), ["dataset=archive", "match=calibrated"]))["match"]
    plain = yaml.safe_load(params.composed(Path("conf"), ["dataset=archive"]))["match"]
    assert composed == plain | summary()["chosen"]["thresholds"]


def test_pairs_are_measured_once(inside):
    rows = table(OUT / "pairs.csv")
    assert len({(row["source"], row["jpeg_path"], row["tiff_path"]) for row in rows}) == len(rows)
    own = [row for row in rows if row["same_picture"] == "True"]
    assert {row["tiff_path"] for row in own} == {
        *(f"barred_{n}.tif" for n in range(5)),
        "edited_0.tif",
        "plain copy.tif",
    }
    assert all(row["correlation"] for row in own if row["ssim_value"])
    assert any(row["reencoded"] == "True" for row in own)


def test_the_report_says_what_it_cannot_show(inside):
    report = (OUT / "calibration_report.txt").read_text()
    assert "Counted so, a precision of 0.9 is not shown; it takes 35 originals, none wrong." in report
    assert "Held out" in report
    for part in ("by_chance", "None", "nan"):
        assert part not in report


def test_four_pictures(inside):
    for file in ("thresholds.png", "operating_points.png", "precision_recall.png", "null_model.png"):
        with Image.open(OUT / file) as picture:
            assert picture.width >= 900
            assert len(picture.convert("RGB").getcolors(1 << 24)) > 50


def test_the_same_inputs_give_the_same_bytes_whatever_the_workers(inside, tmp_path):
    first = {path.name: path.read_bytes() for path in OUT.iterdir()}
    shutil.rmtree(Path(".cache"), ignore_errors=True)
    run("calibrate", "--precision", "0.9", "--workers", "2")
    assert {path.name: path.read_bytes() for path in OUT.iterdir()} == first
    assert not [path for path in Path("data/work").iterdir() if path.name.startswith(".")]  # nothing is left lying


@pytest.fixture
def scratch(project, tmp_path, monkeypatch):
    """The project again, to be changed; few thresholds."""
    shutil.copytree(project, tmp_path / "project", dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path / "project")
    run("params", "dataset=archive", "executor.workers=1", *FEW)
    return tmp_path / "project"


def test_an_edited_copy_that_nobody_called_the_same_is_a_wrong_match_and_the_report_names_it(scratch):
    (scratch / "data/raw/known/verdicts.csv").unlink()
    run("calibrate", "--precision", "0.5")
    assert summary()["current"]["by_similarity"]["wrong_absent"] > 0
    report = (OUT / "calibration_report.txt").read_text()
    assert "barred_0.tif (left out) as edited_0.tif" in report
    assert "call the two files the same in verdicts.csv" in report


def test_a_precision_out_of_reach_is_said_and_writes_no_thresholds(scratch, capsys):
    (scratch / "data/raw/known/verdicts.csv").unlink()
    Path("conf/match/calibrated.yaml").unlink()
    truth = Path("data/raw/known/truth.csv")
    truth.write_text(truth.read_text().replace("barred_1", "barred_3").replace("barred_2", "barred_4"))
    run("calibrate", "--precision", "0.99", "--sample", "0", code=1)
    output = capsys.readouterr()
    assert "no thresholds have a precision of 0.99" in output.err
    assert "No choice: none of" in output.out
    assert not Path("conf/match/calibrated.yaml").exists()
    assert "chosen" not in summary()


def test_too_few_matches_show_nothing_and_that_is_said(scratch):
    run("calibrate", "--precision", "0.99", "--sample", "0")
    assert summary()["choice"]["shown"] is False
    report = " ".join((OUT / "calibration_report.txt").read_text().split())
    assert "NOT SHOWN: so few matches cannot show a precision of 0.99" in report
    assert "Without one wrong match it takes 381" in report
    assert "NOT shown" in Path("conf/match/calibrated.yaml").read_text()


def test_a_file_of_a_persons_own_is_not_replaced(scratch, capsys):
    mine = Path("conf/match/calibrated.yaml")
    mine.write_text("defaults: [default]\nmin_ssim: 0.9\n")
    run("calibrate", code=2)
    assert "written by hand" in capsys.readouterr().err
    assert "min_ssim: 0.9" in mine.read_text()


def test_nothing_to_calibrate_on(scratch, capsys):
    Path("data/raw/known/truth.csv").unlink()
    run("calibrate", "--sample", "0", code=2)
    assert "nothing to calibrate on" in capsys.readouterr().err
    run("calibrate", "--precision", "1.5", code=2)
    assert "calibrate.precision is 1.5" in capsys.readouterr().err


def test_rows_of_the_truth_that_lead_nowhere_are_refused_before_any_work(scratch, capsys):
    truth = Path("data/raw/known/truth.csv")
    truth.write_text(truth.read_text().replace(",barred_2.tif,", ",barred_22.tif,") + "Tips/none.jpg,barred_1.tif,\n")
    run("calibrate", "--precision", "0.5", "--sample", "5", code=2)
    said = capsys.readouterr().err
    assert "line 3: tiff_path 'barred_22.tif' is no file of the archive" in said
    assert "line 5: jpeg_path 'Tips/none.jpg' is no file of the published set" in said
    assert not list(Path("data/work").glob(".calibrate*"))


def test_rows_without_a_hash_are_left_out_and_counted_and_other_spellings_are_read(scratch):
    truth = Path("data/raw/known/truth.csv")
    Path("data/raw/archive/rejected.tif").write_text("no picture")
    truth.write_text(truth.read_text().replace("barred_2.tif", "rejected.tif").replace("barred_1.tif", "BARRED_1.TIF"))
    run("calibrate", "--precision", "0.5", "--sample", "0")
    trials = summary()["trials"]
    assert (trials["truth_not_hashed"], trials["present"], trials["absent"]) == (1, 1, 1)
    report = (OUT / "calibration_report.txt").read_text()
    assert "1 rows of truth.csv name a TIFF without a hash, rejected or not chosen: left out" in report
    assert "1 of 3 rows name files in another way (case 1)" in report
