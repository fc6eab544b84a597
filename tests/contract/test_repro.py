"""`semtrace repro` and `dvc repro` around a pipeline of two quick stages: no old values, no other dataset's results."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from semtrace.cli import main
from tests.contract.test_pipeline import ENVIRONMENT, PROJECT, call, ran

COUNT = """
import json
from pathlib import Path
folder = Path("data/work/validate")
folder.mkdir(exist_ok=True)
min_ssim = Path("params.yaml").read_text().split("min_ssim: ")[1][:3]
(folder / "accuracy_report.txt").write_text(f"report of min_ssim {min_ssim}")
counts = {"images": {"jpegs": 1}, "decisions": {"matched": 1}, "labels": {}}
(folder / "metrics.json").write_text(json.dumps(counts))
Path("data/work/report").mkdir(exist_ok=True)
Path("data/work/report/queue.csv").write_text("item\\n")
"""
QUIET = ("tracking=off", "executor.workers=1")


def pipeline(folder: Path, command: str = "python count.py") -> None:
    """This project's stage `claim`, and a stage after it."""
    claim = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]["claim"]
    claim["deps"] = ["conf"]
    after = {
        "cmd": command, "deps": ["data/work/dataset.json"], "params": ["match"],
        "outs": ["data/work/validate/accuracy_report.txt"],
    }  # fmt: skip
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"claim": claim, "count": after}}, sort_keys=False))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project, run once on the synthetic dataset, and committed."""
    folder = tmp_path_factory.mktemp("repro") / "project"
    (folder / ".dvc").mkdir(parents=True)
    for name in (".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore"):
        shutil.copy(PROJECT / name, folder / name)
    shutil.copytree(PROJECT / "conf", folder / "conf")
    (folder / "count.py").write_text(COUNT)
    for name in ("archive", "published"):
        (folder / "data/raw" / name / "Tips").mkdir(parents=True)
        (folder / "data/raw" / name / "Tips" / ("a.tif" if name == "archive" else "a.jpg")).touch()
    pipeline(folder)
    call("git", "init", "-q", cwd=folder)
    said = call("semtrace", "repro", *QUIET, cwd=folder)
    assert ran(said) == {"claim", "count"}
    assert said.startswith("semtrace 0.1.0, dataset synthetic (TIFFs data/raw/synthetic/archive, JPEGs ")
    assert said.count("report of min_ssim") == 1
    assert "tracking is off" in said
    call("git", "add", "-A", cwd=folder)
    call("git", "commit", "-qm", "synthetic", cwd=folder)
    return folder


@pytest.fixture
def project(done: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(done, tmp_path / "project", symlinks=True))


@pytest.fixture
def semtrace(project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """A command of `semtrace` in this process, for speed; DVC and the stages that it starts are processes as ever."""
    monkeypatch.chdir(project)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    def run(*words: str, code: int = 0) -> str:
        capfd.readouterr()
        try:
            ended: object = main.main(words)
        except SystemExit as stop:
            ended = stop.code
        said = "".join(capfd.readouterr())
        assert ended == code, said
        return said

    return run


def report(project: Path) -> str:
    return (project / "data/work/validate/accuracy_report.txt").read_text()


def test_an_edit_in_conf_stops_a_bare_dvc_repro_each_time_until_it_is_composed(project, semtrace):
    assert ran(call("dvc", "repro", cwd=project)) == set()
    file = project / "conf/match/default.yaml"
    file.write_text(file.read_text().replace("min_ssim: 0.7", "min_ssim: 0.8"))
    for _ in range(2):
        said = call("dvc", "repro", cwd=project, code=255)
        assert "match.min_ssim is 0.7 in params.yaml and 0.8 in conf/" in said
        assert ran(said) == {"claim"}
    said = semtrace("track")  # a single verb warns
    assert "semtrace: warning: conf/ has changed since params.yaml was composed" in said
    assert "match.min_ssim is 0.7" in said
    assert "report of min_ssim 0.8" in semtrace("repro", *QUIET)
    said = semtrace("track")
    assert "warning" not in said


def test_an_experiment_of_dvc_is_no_edit_of_conf(project, semtrace):
    assert ran(call("dvc", "exp", "run", "-S", "match.min_ssim=0.9", cwd=project)) == {"count"}
    assert report(project).startswith("report of min_ssim 0.9")
    assert "warning" not in semtrace("track")


def test_another_dataset_is_refused_whoever_asks_and_nothing_is_replaced(project, semtrace):
    before = report(project)
    said = semtrace("repro", "dataset=archive", *QUIET, code=2)
    assert "data/work: holds the results of dataset synthetic" in said
    assert "mv data/work data/work-synthetic" in said
    assert call("git", "status", "--porcelain", cwd=project) == ""  # params.yaml is as it was
    semtrace("params", "dataset=archive", *QUIET)
    assert "holds the results of dataset synthetic" in call("dvc", "repro", cwd=project, code=255)
    assert "holds the results of dataset synthetic" in semtrace("inventory", code=2)
    assert report(project) == before
    said = semtrace("repro", "--replace", "dataset=archive", *QUIET)
    assert said.startswith("semtrace 0.1.0, dataset archive (TIFFs data/raw/archive, JPEGs data/raw/published, known ")
    call("git", "commit", "-qam", "archive", cwd=project)
    # Git and DVC go back to the other dataset, and nothing is in the way.
    call("git", "checkout", "-q", "HEAD~1", cwd=project)
    call("dvc", "checkout", "-q", cwd=project)
    assert ran(call("dvc", "repro", cwd=project)) == set()


def test_results_are_kept_by_moving_them(project, semtrace):
    (project / "data/work").rename(project / "data/work-synthetic")
    assert call("git", "status", "--porcelain", cwd=project) == ""
    semtrace("repro", "dataset=archive", *QUIET)
    (project / "data/work").rename(project / "data/work-archive")
    (project / "data/work-synthetic").rename(project / "data/work")
    assert ran(semtrace("repro", *QUIET)) <= {"claim"}


def test_results_from_before_they_named_their_dataset_are_those_of_the_parameters(project, semtrace):
    (project / "data/work/dataset.json").unlink()
    (project / "data/work/inventory").mkdir()
    said = semtrace("repro", "dataset=archive", *QUIET, code=2)
    assert "holds the results of dataset synthetic" in said


@pytest.mark.parametrize(("command", "code"), [("semtrace convert", 2), ("false", 1)])
def test_the_exit_code_is_that_of_the_stage(project, semtrace, command, code):
    pipeline(project, command)
    said = semtrace("repro", *QUIET, code=code)
    assert "failed to reproduce 'count'" in said
    assert "report of" not in said


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["match.min_ssim=0.8"], 'make run set="match.min_ssim=0.8"'),
        (["dataset=archive", "set=label.link=copy convert=flat", "hash=phash16"],
         'make run dataset=archive set="label.link=copy convert=flat hash=phash16"'),
    ],
)  # fmt: skip
def test_make_refuses_a_parameter_outside_of_set_and_shows_how(given, shown):
    said = call("make", "--dry-run", "run", *given, cwd=PROJECT, code=2)
    assert f"Parameters go into one: {shown}." in said
    assert "semtrace" not in said


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_make_run_is_semtrace_repro():
    given = ["dataset=archive", "set=match.min_ssim=0.8 convert=flat", "replace=yes", "PYTHON=python3.12"]
    said = call("make", "--no-print-directory", "--dry-run", "--assume-old=.venv/.stamp", "run", *given, cwd=PROJECT)
    assert said.splitlines()[-1] == "semtrace repro --replace dataset=archive match.min_ssim=0.8 convert=flat"


def test_an_interruption_waits_for_dvc_and_is_one(project):
    (project / "count.py").write_text("import os, signal, time\nos.killpg(0, signal.SIGINT)\ntime.sleep(30)\n")
    done = subprocess.run(
        ["semtrace", "repro", *QUIET, "match.min_ssim=0.8"], cwd=project, env=ENVIRONMENT, capture_output=True,
        text=True, timeout=60, start_new_session=True,
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert "interrupted" in done.stderr


def test_a_copy_without_git_works_and_says_what_is_not_known(project, semtrace):
    """Case 18-zip-without-git of ../shared/cases/input."""
    shutil.rmtree(project / ".git")
    assert "`semtrace repro` works, and so does DVC after `git init`" in semtrace(
        "params", "match.min_ssim=0.8", *QUIET
    )
    assert "report of min_ssim 0.8" in semtrace("repro", "match.min_ssim=0.8", *QUIET)
    assert report(project).startswith("report of min_ssim 0.8")
    assert "no_scm" not in (project / ".dvc/config").read_text()
    assert "is not a git repository" in call("dvc", "repro", cwd=project, code=255)


def test_findings_in_the_input_are_told_before_anything_is_written(project, semtrace):
    (project / "data/raw/published/tips").mkdir()
    (project / "data/raw/published/tips/b.jpg").touch()
    before = (project / "params.yaml").read_bytes()
    said = semtrace("repro", "--replace", "dataset=archive", *QUIET, code=2)
    assert "folders of the published set are called alike: 'Tips', 'tips'" in said
    said = semtrace("repro", "--replace", "dataset=archive", "labels=nffa", *QUIET, code=2)
    assert "folder 'tips' (tips/b.jpg) is not one of its categories; the nearest is 'Tips'" in said
    assert (project / "params.yaml").read_bytes() == before
    assert report(project).startswith("report of")


def test_dvc_takes_no_input_that_its_results_lie_in(project, semtrace):
    for archive in ("data", ".", ".."):
        said = semtrace("params", "dataset=archive", f"dataset.archive={archive}", *QUIET, code=2)
        assert "the results in data/work lie in. Run `semtrace run`" in said
