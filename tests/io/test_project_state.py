"""What Git says, and that what it does not say is not taken for "all is well"."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from semtrace.io.project_state import in_repository, read_git, read_state


def call(*words: str) -> None:
    subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b.c", *words], check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "outer/project").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "outer/project")
    return tmp_path / "outer/project"


def commit(*files: str) -> None:
    for file in files:
        Path(file).write_text("x")
    call("add", *files)
    call("commit", "-qm", "x")


def test_a_clean_and_a_changed_checkout(folder):
    call("init", "-q")
    assert (read_git().commit, read_git().dirty) == ("", None)
    assert "no commit" in read_git().unknown
    commit("params.yaml")
    assert len(read_git().commit) == 40
    assert (read_git().dirty, read_git().unknown) == (False, "")
    Path("params.yaml").write_text("y")
    assert read_git().dirty is True


def test_without_git_nothing_is_known(folder):
    state = read_git()
    assert (state.commit, state.dirty) == ("", None)
    assert "not a git repository" in state.unknown
    assert not in_repository(folder)


def test_without_the_program_nothing_is_known(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    assert read_git().dirty is None
    assert "there is no Git" in read_git().unknown


def test_a_repository_around_the_project_that_has_none_of_it_is_not_ours(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    call("init", "-q")
    commit("notes.txt")
    monkeypatch.chdir(folder)
    assert (read_git().commit, read_git().dirty) == ("", None)
    assert "none of the project's files" in read_git().unknown
    assert read_state([]).commit == ""
    assert in_repository(folder)
    commit("params.yaml")  # now the one around keeps the project
    assert len(read_git().commit) == 40


def test_a_repository_of_another_user_is_unknown_not_clean(folder, monkeypatch):
    call("init", "-q")
    commit("params.yaml")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    assert (read_git().commit, read_git().dirty) == ("", None)
    assert "dubious ownership" in read_git().unknown
