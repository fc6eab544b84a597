"""What `semtrace doctor` says of versions, machine and project, and the remedy of each fault."""

from __future__ import annotations

import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from semtrace.cli import main
from semtrace.config import composition, installation, params

PROJECT = Path(__file__).parents[2]


def by_name(conditions) -> dict[str, installation.Condition]:
    return {one.name: one for one in conditions}


def test_the_pinned_versions_are_well():
    assert all(not one.remedy for one in installation.versions(PROJECT / "constraints.txt"))


def test_another_version_than_the_pinned_one_has_its_remedy(tmp_path):
    pins = tmp_path / "constraints.txt"
    pins.write_text(f"numpy==1.0\nscikit_image=={version('scikit-image')}\n")
    found = by_name(installation.versions(pins))
    assert found["numpy"].value == version("numpy")
    assert "numpy==1.0" in found["numpy"].remedy
    assert not found["scikit-image"].remedy  # names are compared as pip compares them
    assert not found["pillow"].remedy  # nothing is said of it


def test_a_package_that_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(installation, "_PACKAGES", ("no-such-package",))
    found = by_name(installation.versions(tmp_path / "absent"))
    assert found["no-such-package"].value == "not installed"
    assert "pip install" in found["no-such-package"].remedy
    assert sys.executable in found["no-such-package"].remedy  # whatever `pip` is in the path


@pytest.mark.parametrize(("free", "well"), [(2 * 10**9, True), (2 * 10**9 - 1, False)])
def test_little_memory_and_a_full_disk_have_remedies(monkeypatch, tmp_path, free, well):
    monkeypatch.setattr(installation, "available_memory", lambda: free)
    monkeypatch.setattr(installation.shutil, "disk_usage", lambda _: SimpleNamespace(free=free, total=10**12))
    found = by_name(installation.machine(tmp_path / "not" / "made" / "yet", "cpu"))
    assert (not found["memory"].remedy, not found["disk"].remedy) == (well, well)
    assert str(tmp_path) in found["disk"].value


def test_a_device_that_is_not_there_says_why(monkeypatch, tmp_path):
    monkeypatch.setattr("semtrace.core.gpu.device._driver_sees_a_device", lambda: False)
    assert "no device" in by_name(installation.machine(tmp_path, "cuda"))["GPU"].remedy
    assert not by_name(installation.machine(tmp_path, "auto"))["GPU"].remedy


@pytest.fixture
def bare(tmp_path, monkeypatch) -> Path:
    """A folder with conf/ alone, as a zip download without results and without Git has it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "conf").symlink_to(PROJECT / "conf")
    params.write_params(Path("conf"), Path("params.yaml"), ["tracking=off"])
    return tmp_path


def test_a_project_without_inputs_git_and_results_says_what_to_do(bare):
    p = params.load(Path("params.yaml"))
    found = by_name(installation.project(p, Path("conf"), Path("params.yaml")))
    assert "make run" in found["archive"].remedy
    assert "git init" in found["Git"].remedy
    assert "semtrace repro" in found["DVC"].remedy
    assert (found["parameters"].remedy, found["MLflow"].value) == ("", "tracking is off (conf/tracking/off.yaml)")


def project_of(file: str = "params.yaml") -> dict[str, installation.Condition]:
    return by_name(installation.project(params.load(Path(file)), Path("conf"), Path(file)))


def test_git_that_refuses_is_not_told_to_begin_anew(bare, monkeypatch):
    subprocess.run(["git", "init", "-q"], check=True)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    said = project_of()["Git"]
    assert "dubious ownership" in said.value
    assert "`git status` says more" in said.remedy


def test_dvc_that_cannot_be_asked_is_no_stage_that_is_stale(bare):
    said = project_of()["DVC"]
    assert said.value.startswith("not known")
    assert "`dvc status` says why" in said.remedy


@pytest.mark.parametrize(
    ("stale", "remedy"),
    [
        (("match", "plot"), "`{again}` makes them: match, plot"),
        (("data/raw/archive.dvc",), "`dvc add data/raw/archive` records the changed images"),
        (
            ("data/raw/archive.dvc", "match"),
            "`dvc add data/raw/archive` records the changed images, then `{again}` makes them: match",
        ),
        ((), ""),
    ],
)
def test_the_remedy_for_old_results_is_a_command_that_runs(bare, monkeypatch, stale, remedy):
    overrides = ["dataset=archive", "tracking=off", "dataset.archive='/x y'"]
    params.write_params(Path("conf"), Path("params.yaml"), overrides)
    monkeypatch.setattr(
        installation, "read_state", lambda _: SimpleNamespace(commit="a" * 40, date="", uncommitted=(), stale=stale)
    )
    again = composition.run_again(Path("params.yaml"))
    assert shlex.split(again) == ["semtrace", "repro", *overrides]  # not those of another dataset
    assert project_of()["DVC"].remedy == remedy.format(again=again)


def test_params_that_are_not_what_conf_says_are_named(bare):
    tree = yaml.safe_load(Path("params.yaml").read_text())
    (bare / "conf").unlink()
    (bare / "conf").mkdir()
    for source in (PROJECT / "conf").rglob("*.yaml"):
        copy = bare / "conf" / source.relative_to(PROJECT / "conf")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(source.read_text().replace(f"min_ssim: {tree['match']['min_ssim']}", "min_ssim: 0.123"))
    p = params.load(Path("params.yaml"))
    found = by_name(installation.project(p, Path("conf"), Path("params.yaml")))
    assert "match.min_ssim" in found["parameters"].remedy


def test_the_verb_prints_a_line_for_each_and_fails_where_a_person_is_needed(bare, capsys):
    assert main.main(["doctor"]) == 1
    said = capsys.readouterr()
    assert "LOOK hashes" in said.out
    assert "run the pipeline" in said.out
    assert "need your attention" in said.err


@pytest.mark.parametrize("sample", ["0", "-1", "some"])
def test_a_sample_of_nothing_is_refused(bare, capsys, sample):
    with pytest.raises(SystemExit, match="2"):
        main.main(["doctor", "--sample", sample])
    assert f"{sample!r} is no number of values" in capsys.readouterr().err


def test_a_table_of_one_side_that_is_missing_is_named(bare, capsys):
    (bare / "data/work/fingerprint/tiff").mkdir(parents=True)
    (bare / "data/work/fingerprint/tiff/hashes.csv").touch()
    assert main.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "data/work/fingerprint/jpeg/hashes.csv is not there" in said
    assert "run the pipeline (`semtrace repro tracking=off`)" in said
