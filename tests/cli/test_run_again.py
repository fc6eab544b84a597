"""`semtrace run` where nothing has changed since the last run, and where something has."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from semtrace.cli import run
from semtrace.cli.main import main
from semtrace.core.errors import InputError
from semtrace.io import stat_cache
from semtrace.stage import unchanged
from tests.pipeline import CONF
from tests.small_archive import save, scene

WORDS = ["run", "dataset=archive", "dataset.archive=tiffs", "dataset.published=jpegs", "executor.workers=1"]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was run once, long after its images were made."""
    project = tmp_path_factory.mktemp("again")
    shutil.copytree(CONF, project / "conf")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        patch.setattr(stat_cache, "_SETTLED", 0)
        Path("jpegs/Coils").mkdir(parents=True)
        for number in (1, 2):
            save(Path(f"tiffs/{number}.tif"), scene(number))
            Image.fromarray(scene(number)).save(f"jpegs/Coils/{number}.jpg", quality=90)
        assert main([*WORDS, "--quiet"]) == 0
    return project


@pytest.fixture
def project(ready: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, where a stage that runs is an error of its own."""

    def refuse(_given: object, words: str) -> None:
        raise InputError(f"{words} runs")

    monkeypatch.chdir(ready)
    monkeypatch.setattr(stat_cache, "_SETTLED", 0)
    monkeypatch.setattr(run, "_stage", refuse)
    return ready


def again(capsys: pytest.CaptureFixture[str]) -> str:
    code = main(["run"])
    said = capsys.readouterr()
    assert (code == 0) == ("Nothing has changed since the last run" in said.out)
    return "nothing" if code == 0 else said.err.strip()


def test_nothing_runs_and_the_answer_is_shown_again(project, capsys):
    assert main(["run"]) == 0
    said = capsys.readouterr().out
    assert "Total matches: 2" in said
    assert "data/work/report/index.html" in said


def run_of_nothing(monkeypatch: pytest.MonkeyPatch, missing_pictures: int = 0) -> None:
    """A run whose stages do nothing, so that the results are those that are there."""
    with monkeypatch.context() as patch:
        patch.setattr(run, "_stage", lambda *_: SimpleNamespace(missing_pictures=missing_pictures))
        assert main(["run", "--quiet"]) == 0


def changes() -> dict[str, Callable[[], object]]:
    jpeg, table = Path("jpegs/Coils/1.jpg"), Path("data/work/match/jpeg_to_tiff.csv")
    params = Path("params.yaml")
    return {
        "an image of the archive is replaced": lambda: save(Path("tiffs/1.tif"), scene(3)),
        "an image is touched, its time set back": lambda: os.utime(jpeg, ns=(0, jpeg.stat().st_mtime_ns)),
        "an image comes": lambda: shutil.copy(jpeg, "jpegs/Coils/3.jpg"),
        "an image goes": lambda: jpeg.unlink(),
        "a parameter": lambda: params.write_text(params.read_text().replace("min_ssim: 0.7", "min_ssim: 0.71")),
        "a person's word": lambda: save(Path("data/verdicts/archive/verdicts.csv"), scene(1)),  # no table
        "a table of results is edited": lambda: table.write_text(table.read_text() + "\n"),
        "a result is gone": lambda: Path("data/work/report/index.html").unlink(),
        "the side cache is gone": lambda: shutil.rmtree(".cache"),
    }


@pytest.mark.parametrize("what", changes())
def test_any_change_makes_the_stages_run(project, capsys, tmp_path, monkeypatch, what):
    monkeypatch.chdir(shutil.copytree(project, tmp_path / "copy", symlinks=True))
    run_of_nothing(monkeypatch)  # the copy has other inodes, so that it is first known from here on
    assert again(capsys) == "nothing"
    changes()[what]()
    said = again(capsys)
    assert said == "semtrace: error: inventory runs" or (what == "a person's word" and "verdicts.csv" in said)


def test_a_table_that_is_a_link_counts_by_what_it_leads_to(project, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(project, tmp_path / "copy", symlinks=True))
    truth = tmp_path / "elsewhere.csv"
    truth.write_text("jpeg_path,tiff_path\nCoils/1.jpg,1.tif\n")
    known = Path("data/raw/known")
    known.mkdir(parents=True)
    (known / "truth.csv").symlink_to(truth)
    params = Path("params.yaml")
    params.write_text(re.sub(r"(?m)^(  known:).*", r"\1 data/raw/known", params.read_text()))
    run_of_nothing(monkeypatch)
    assert again(capsys) == "nothing"
    truth.write_text("jpeg_path,tiff_path\nCoils/1.jpg,2.tif\n")
    assert again(capsys) == "semtrace: error: inventory runs"


def test_a_page_that_lacks_a_picture_is_drawn_again(project, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(project, tmp_path / "copy", symlinks=True))
    run_of_nothing(monkeypatch, missing_pictures=1)
    assert again(capsys) == "semtrace: error: inventory runs"


def test_a_young_file_is_not_trusted(ready, monkeypatch):
    monkeypatch.chdir(ready)
    folders = (Path("tiffs"), Path("jpegs")), (Path("data/raw/known"),), b"", ()
    monkeypatch.setattr(stat_cache, "_SETTLED", 10**18)
    assert unchanged.inputs_state(*folders) is None
    monkeypatch.setattr(stat_cache, "_SETTLED", 0)
    assert unchanged.inputs_state(*folders) is not None


def test_a_run_with_a_file_that_may_be_read_next_time_is_not_the_last_word(tmp_path):
    work = tmp_path / "work/inventory"
    work.mkdir(parents=True)
    for reason, kept in (("truncated", True), ("unreadable", False), ("out_of_memory", False)):
        (work / "rejects.csv").write_text(f"path,stage,reason,detail\na.tif,inventory,{reason},\n")
        unchanged.note_run(tmp_path / "cache.sqlite", work.parent, "state", ("inventory",))
        assert unchanged.is_unchanged(tmp_path / "cache.sqlite", work.parent, "state", ("inventory",)) is kept
        (tmp_path / "cache.sqlite").unlink(missing_ok=True)


@pytest.mark.parametrize(("most", "drawn"), [(1, False), (2, True), (3, True), ("all", True)])
def test_pictures_are_drawn_ahead_where_the_report_shows_all_files_of_a_side(ready, most, drawn):
    p = SimpleNamespace(report=SimpleNamespace(pictures=most), dataset=SimpleNamespace(exclude=[]))
    assert run._shows_all(p, ready / "tiffs") is drawn
