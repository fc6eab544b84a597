"""What a user adds with `dvc add` is seen by DVC: no command removes it, `push` and `pull` carry it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from semtrace.io import project_state
from tests.contract.test_pipeline import ENVIRONMENT, PROJECT, call
from tests.crash.harness import digests

ADDED = ("data/raw/archive", "data/raw/published", "data/raw/known/truth.csv", "data/releases/sem-dataset-1.0.0")
LATER = ("data/raw/second", "data/releases/sem-dataset-1.1.0")  # added, and not committed
PIPELINE = """
stages:
  count:
    cmd: mkdir -p data/work && find data/raw/archive -type f | wc -l > data/work/count && echo ${n} >> data/work/count
    deps: [data/raw/archive]
    params: [n]
    outs: [data/work/count]
"""


def images(folder: Path, seed: str) -> None:
    for path in ("first.tif", "Tips/second.tif"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"{seed} {path}")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project's settings of Git and DVC around a pipeline of one quick stage, with images and releases added."""
    root = tmp_path_factory.mktemp("project")
    folder = root / "project"
    (folder / ".dvc").mkdir(parents=True)
    for name in (".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore"):
        shutil.copy(PROJECT / name, folder / name)
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "params.yaml").write_text("n: 1\n")
    for added in (*ADDED, *LATER, "data/raw/never added"):
        images(folder / added, added) if not added.endswith(".csv") else None
    (folder / "data/raw/known").mkdir()
    (folder / "data/raw/known/truth.csv").write_text("jpeg_path,tiff_path,category\n")
    call("git", "init", "-q", cwd=folder)
    call("dvc", "remote", "add", "-q", "-d", "store", str(root / "store"), cwd=folder)
    call("dvc", "add", "-q", *ADDED, cwd=folder)
    call("dvc", "repro", "-q", cwd=folder)
    call("git", "add", "-A", cwd=folder)
    call("git", "commit", "-qm", "images, and the README's git add", cwd=folder)
    call("dvc", "add", "-q", *LATER, cwd=folder)
    return folder


def images_of(folder: Path) -> dict[str, str]:
    return {path: digest for name in ("raw", "releases") for path, digest in digests(folder / "data" / name).items()}


def test_every_file_that_dvc_add_writes_is_seen_by_dvc_and_by_git(project):
    code = "import dvc.repo, json; print(json.dumps([str(out) for out in dvc.repo.Repo().index.outs]))"
    known = set(json.loads(call(sys.executable, "-c", code, cwd=project)))
    assert known == {*ADDED, *LATER, "data/work/count"}
    said = call("git", "status", "--porcelain", "--untracked-files=all", cwd=project)
    assert said.split() == [word for name in sorted(LATER) for word in ("??", f"{name}.dvc")]  # and no image
    assert f"{ADDED[0]}.dvc" in call("git", "ls-files", cwd=project)


def test_what_a_person_says_is_in_git(project):
    said = ["data/verdicts/archive/verdicts.csv", "data/raw/known/verdicts.csv", "data/raw/archive.dvc"]
    call("git", "check-ignore", "-v", *said, cwd=project, code=1)


def test_no_command_of_dvc_removes_images_or_releases(project):
    before = images_of(project)
    assert len(before) > 14
    call("dvc", "exp", "run", "-q", "-S", "n=2", "--name", "two", cwd=project)
    assert images_of(project) == before
    call("dvc", "checkout", "-q", cwd=project)
    assert images_of(project) == before
    call("git", "checkout", "-q", "params.yaml", "dvc.lock", cwd=project)
    call("dvc", "exp", "apply", "-q", "two", cwd=project)
    assert images_of(project) == before
    assert (project / "data/work/count").read_text().split() == ["2", "2"]
    call("dvc", "gc", "-q", "-w", "-f", cwd=project)
    for added in (*ADDED, *LATER):  # the cache has every byte yet
        path = project / added
        path.unlink() if path.is_file() else shutil.rmtree(path)
    call("dvc", "checkout", "-q", cwd=project)
    assert images_of(project) == before


def test_plain_push_and_pull_carry_images_and_releases(project, tmp_path):
    call("dvc", "push", "-q", cwd=project)
    call("git", "commit", "--allow-empty", "-qam", "results", cwd=project)
    call("git", "clone", "-q", str(project), str(tmp_path / "clone"), cwd=tmp_path)
    call("dvc", "pull", "-q", cwd=tmp_path / "clone")
    for added in ADDED:
        there, here = project / added, tmp_path / "clone" / added
        assert (digests(there) == digests(here)) if there.is_dir() else there.read_bytes() == here.read_bytes()


def test_dvc_says_that_an_image_changed_and_a_release_of_these_images_is_refused(project, monkeypatch):
    changed = project / "data/raw/published/first.tif"
    earlier = changed.read_text()
    changed.write_text("another")
    said = json.loads(call("dvc", "status", "--json", cwd=project))
    assert said["data/raw/published.dvc"] == [{"changed outs": {"data/raw/published": "modified"}}]
    monkeypatch.chdir(project)
    monkeypatch.setenv("PATH", ENVIRONMENT["PATH"])
    assert (
        "data/raw/published.dvc"
        in project_state.read_state([Path("data/raw/archive"), Path("data/raw/published")]).stale
    )
    assert "data/raw/published.dvc" not in project_state.read_state([Path("data/raw/archive")]).stale
    changed.write_text(earlier)
