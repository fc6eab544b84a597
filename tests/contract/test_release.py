"""The life of a release: published with DVC and GTO, followed by another, fetched years later, verified, compared."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.contract.remotes import Remote, serve
from tests.contract.test_pipeline import PROJECT, call
from tests.release.project import CATEGORIES, Picture, Project

NAME = "sem-dataset"
SAID = [
    "dataset=archive", "dataset.published=data/published", "executor.workers=1",
    "labels.vocabulary=test", f"labels.categories=[{','.join(CATEGORIES)}]",
    "release.title=Small pictures", "release.licence=CC-BY-4.0", "release.description=Small pictures of a test.",
    "release.creators=[{name: The group}]",
]  # fmt: skip


def publish(folder: Path, version: str, **environment: str) -> str:
    """What docs/releases.md says to do; returns what `semtrace release` prints."""
    # `stale`: these results are a test's, which DVC has not made.
    said = call("semtrace", "release", "--version", version, "--allow", "stale", cwd=folder)
    release = f"data/releases/{NAME}-{version}"
    call("dvc", "add", "-q", release, cwd=folder)
    call("git", "add", f"{release}.dvc", cwd=folder)
    call("git", "commit", "-qm", f"Release {version}", cwd=folder)
    call("gto", "register", NAME, "--version", f"v{version}", cwd=folder)
    call("dvc", "push", "-q", f"{release}.dvc", cwd=folder, **environment)
    return said


def publish_two(root: Path, remote: Remote) -> Path:
    """A project with two releases in a DVC remote and a bare Git repository, ``root/origin.git``."""
    folder = root / "project"
    (folder / "data/raw/archive").mkdir(parents=True)
    for name in ("conf", "src"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".gitignore", ".dvcignore", "dvc.yaml", "constraints.txt", "pyproject.toml"):
        shutil.copy(PROJECT / name, folder / name)
    with (folder / ".gitignore").open("a") as file:
        file.write("/data/archive/\n/data/published/\n/data/params.yaml\n")
    pictures = Project(folder / "data")
    pictures.write()
    call("git", "init", "-q", "-b", "main", cwd=folder)
    call("dvc", "init", "-q", cwd=folder)
    call("dvc", "remote", "add", "-q", "-d", "store", remote.url, cwd=folder)
    for name, value in remote.options.items():
        call("dvc", "remote", "modify", "-q", "store", name, value, cwd=folder)
    call("semtrace", "params", *SAID, cwd=folder)
    call("git", "add", "-A", cwd=folder)
    call("git", "commit", "-qm", "project", cwd=folder)
    publish(folder, "1.0.0", **remote.environment)

    pictures.pictures[3:5] = [Picture(4, pictures.pictures[4].category, "train", quality=60)]
    pictures.write()
    said = publish(folder, "1.1.0", **remote.environment)
    assert "removed 1, relabelled 0, re-encoded 1, retraced 0, moved 0, unchanged 8" in said
    call("git", "clone", "-q", "--bare", str(folder), str(root / "origin.git"), cwd=root)
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("release")
    return publish_two(root, Remote(str(root / "remote")))


def fetch_both(origin: Path, clone: Path, **environment: str) -> None:
    """In a fresh clone: 1.0.0 is fetched alone and is unchanged; then 1.1.0, and they are compared."""
    call("git", "clone", "-q", str(origin), str(clone), cwd=origin.parent)
    call("dvc", "pull", "-q", f"data/releases/{NAME}-1.0.0.dvc", cwd=clone, **environment)
    first, second = (clone / f"data/releases/{NAME}-{version}" for version in ("1.0.0", "1.1.0"))
    assert "\nOK: " in call("semtrace", "verify", "--full", str(first), cwd=clone)
    assert not second.exists()
    call("dvc", "pull", "-q", f"{second}.dvc", cwd=clone, **environment)
    assert "\nOK: " in call("semtrace", "verify", "--full", str(second), cwd=clone)
    said = call("semtrace", "diff", str(first), str(second), cwd=clone)
    assert "added 0, removed 1, relabelled 0, re-encoded 1" in said
    assert "Since 1.0.0: 0 added, 1 removed, 0 relabelled, 1 re-encoded" in (second / "CHANGELOG.md").read_text()


def test_neither_code_that_is_not_committed_nor_results_that_dvc_does_not_know_are_released(project):
    (project / "conf/dataset/new.yaml").write_text("")
    said = call("semtrace", "release", "--version", "1.2.0", cwd=project, code=2)
    (project / "conf/dataset/new.yaml").unlink()
    assert "uncommitted: 1 file of code or parameters not committed: conf/dataset/new.yaml" in said
    assert not list((project / "data/releases").glob("*1.2.0*"))
    assert "stale: results are not what code, parameters and inputs give now: " in said


def test_an_old_release_is_fetched_from_a_fresh_clone_and_is_what_it_was(project, tmp_path):
    fetch_both(project.parent / "origin.git", tmp_path / "clone")
    shown = call("gto", "show", NAME, cwd=tmp_path / "clone")
    assert "v1.0.0" in shown
    assert "v1.1.0" in shown


@pytest.mark.parametrize("kind", ["ssh", *(pytest.param(kind, marks=pytest.mark.heavy) for kind in ("webdav", "s3"))])
def test_the_same_over_a_server(kind, tmp_path):
    (tmp_path / "served").mkdir()
    with serve(kind, tmp_path / "served") as remote:
        project = publish_two(tmp_path, remote)
        fetch_both(tmp_path / "origin.git", tmp_path / "clone", **remote.environment)
        said = call("dvc", "push", "--all-tags", cwd=project, **remote.environment)
        assert "Everything is up to date" in said


def test_every_release_goes_to_another_remote_at_once(project, tmp_path):
    clones = [tmp_path / name for name in ("one", "two")]
    for clone in clones:
        call("git", "clone", "-q", str(project.parent / "origin.git"), str(clone), cwd=tmp_path)
        call("dvc", "remote", "add", "-q", "--local", "second", str(tmp_path / "second"), cwd=clone)
    call("dvc", "fetch", "-q", "--all-tags", cwd=clones[0])
    call("dvc", "push", "-q", "--all-tags", "--remote", "second", cwd=clones[0])
    call("dvc", "pull", "-q", "--remote", "second", f"data/releases/{NAME}-1.0.0.dvc", cwd=clones[1])
    assert "\nOK: " in call("semtrace", "verify", "--full", f"data/releases/{NAME}-1.0.0", cwd=clones[1])


LINES = (PROJECT / "docs/releases.md").read_text().splitlines()
DOCUMENTED = [line.partition(" #")[0].strip() for line in LINES if "<git-url>" in line]


@pytest.mark.parametrize("command", DOCUMENTED, ids=lambda command: " ".join(command.split()[:2]))
def test_a_documented_command_fetches_a_release_without_a_clone(project, tmp_path, command):
    call("git", "init", "-q", cwd=tmp_path)
    call("dvc", "init", "-q", cwd=tmp_path)
    said = call("sh", "-c", command.replace("<git-url>", str(project.parent / "origin.git")), cwd=tmp_path)
    if command.startswith("python"):
        assert said.startswith("path,sha256,md5,")
        assert len(said.strip().splitlines()) == 11
    else:
        assert "\nOK: " in call("semtrace", "verify", "--full", f"{NAME}-1.0.0", cwd=tmp_path)
    if command.startswith("dvc import"):
        assert f"rev: {NAME}@v1.0.0" in (tmp_path / f"{NAME}-1.0.0.dvc").read_text()
        shutil.rmtree(tmp_path / f"{NAME}-1.0.0")
        shutil.rmtree(tmp_path / ".dvc/cache")
        call("dvc", "pull", "-q", cwd=tmp_path)  # from where it came
        assert "\nOK: " in call("semtrace", "verify", "--full", f"{NAME}-1.0.0", cwd=tmp_path)


def test_the_next_version_must_be_greater_even_where_only_the_tag_is_known(project, tmp_path):
    clone = tmp_path / "clone"
    call("git", "clone", "-q", str(project.parent / "origin.git"), str(clone), cwd=tmp_path)
    for name in ("work", "published"):
        shutil.copytree(project / "data" / name, clone / "data" / name)
    shutil.rmtree(clone / "data/releases")
    said = call("semtrace", "release", "--version", "1.0.5", "--allow", "stale", cwd=clone, code=2)
    assert "version: 1.0.5 is not greater than 1.1.0, the last release" in said
    assert "history: release 1.1.0 is not here" in said
