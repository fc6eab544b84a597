"""The life of a release: published with DVC and GTO, followed by another, fetched years later, verified, compared."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.contract.test_pipeline import PROJECT, call
from tests.release.project import CATEGORIES, Picture, Project

NAME = "sem-dataset"
SAID = [
    "dataset=archive", "dataset.published=data/published", "executor.workers=1",
    "labels.vocabulary=test", f"labels.categories=[{','.join(CATEGORIES)}]",
    "release.title=Small pictures", "release.licence=CC-BY-4.0",
]  # fmt: skip


def publish(folder: Path, version: str) -> str:
    """What docs/releases.md says to do; returns what `semtrace release` prints."""
    # `stale`: these results are a test's, which DVC has not made.
    said = call("semtrace", "release", "--version", version, "--allow", "stale", cwd=folder)
    release = f"data/releases/{NAME}-{version}"
    call("dvc", "add", "-q", release, cwd=folder)
    call("git", "add", f"{release}.dvc", cwd=folder)
    call("git", "commit", "-qm", f"Release {version}", cwd=folder)
    call("gto", "register", NAME, "--version", f"v{version}", cwd=folder)
    call("dvc", "push", "-q", f"{release}.dvc", cwd=folder)
    return said


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two releases in a local DVC remote and a bare Git repository."""
    root = tmp_path_factory.mktemp("release")
    folder = root / "project"
    (folder / "data/raw/archive").mkdir(parents=True)
    for name in ("conf", "src"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".gitignore", ".dvcignore", "dvc.yaml", "constraints.txt", "pyproject.toml"):
        shutil.copy(PROJECT / name, folder / name)
    with (folder / ".gitignore").open("a") as file:
        file.write("/data/published/\n/data/params.yaml\n")
    pictures = Project(folder / "data")
    pictures.write()
    call("git", "init", "-q", "-b", "main", cwd=folder)
    call("dvc", "init", "-q", cwd=folder)
    call("dvc", "remote", "add", "-q", "-d", "local", str(root / "remote"), cwd=folder)
    call("semtrace", "params", *SAID, cwd=folder)
    call("git", "add", "-A", cwd=folder)
    call("git", "commit", "-qm", "project", cwd=folder)
    publish(folder, "1.0.0")

    pictures.pictures[3:5] = [Picture(4, pictures.pictures[4].category, "train", quality=60)]
    pictures.write()
    said = publish(folder, "1.1.0")
    assert "removed 1, relabelled 0, re-encoded 1, moved 0, unchanged 8" in said
    call("git", "clone", "-q", "--bare", str(folder), str(root / "origin.git"), cwd=root)
    return folder


def test_neither_code_that_is_not_committed_nor_results_that_dvc_does_not_know_are_released(project):
    (project / "src/semtrace/new.py").write_text("")
    said = call("semtrace", "release", "--version", "1.2.0", cwd=project, code=2)
    (project / "src/semtrace/new.py").unlink()
    assert "uncommitted: 1 file of code or parameters not committed: src/semtrace/new.py" in said
    assert not list((project / "data/releases").glob("*1.2.0*"))
    assert "stale: results are not what code, parameters and inputs give now: " in said


def test_an_old_release_is_fetched_from_a_fresh_clone_and_is_what_it_was(project, tmp_path):
    call("git", "clone", "-q", str(project.parent / "origin.git"), str(tmp_path / "clone"), cwd=tmp_path)
    clone = tmp_path / "clone"
    call("dvc", "remote", "add", "-q", "--local", "-d", "-f", "local", str(project.parent / "remote"), cwd=clone)
    call("dvc", "pull", "-q", f"data/releases/{NAME}-1.0.0.dvc", cwd=clone)
    first, second = (clone / f"data/releases/{NAME}-{version}" for version in ("1.0.0", "1.1.0"))
    assert "is what it was" in call("semtrace", "verify", "--full", str(first), cwd=clone)
    assert not second.exists()
    call("dvc", "pull", "-q", f"{second}.dvc", cwd=clone)
    said = call("semtrace", "diff", str(first), str(second), cwd=clone)
    assert "added 0, removed 1, relabelled 0, re-encoded 1" in said
    assert "Since 1.0.0: 0 added, 1 removed, 0 relabelled, 1 re-encoded" in (second / "CHANGELOG.md").read_text()
    shown = call("gto", "show", NAME, cwd=clone)
    assert "v1.0.0" in shown
    assert "v1.1.0" in shown


def test_a_release_is_fetched_by_its_tag_without_a_clone(project, tmp_path):
    source = f"data/releases/{NAME}-1.0.0"
    call("dvc", "get", "-q", str(project), source, "--rev", f"{NAME}@v1.0.0", cwd=tmp_path)
    assert "is what it was" in call("semtrace", "verify", "--full", f"{NAME}-1.0.0", cwd=tmp_path)
    code = f"import dvc.api; print(dvc.api.read('{source}/README.md', repo={str(project)!r}, rev='{NAME}@v1.1.0'))"
    assert "# Small pictures" in call(sys.executable, "-c", code, cwd=tmp_path)


def test_the_next_version_must_be_greater_even_where_only_the_tag_is_known(project, tmp_path):
    clone = tmp_path / "clone"
    call("git", "clone", "-q", str(project.parent / "origin.git"), str(clone), cwd=tmp_path)
    for name in ("work", "published"):
        shutil.copytree(project / "data" / name, clone / "data" / name)
    shutil.rmtree(clone / "data/releases")
    said = call("semtrace", "release", "--version", "1.0.5", "--allow", "stale", cwd=clone, code=2)
    assert "version: 1.0.5 is not greater than 1.1.0, the last release" in said
    assert "history: release 1.1.0 is not here" in said
