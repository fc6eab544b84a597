"""What a run is said to be made from: what could not be found out does not read as "all is well"."""

from __future__ import annotations

import subprocess

import pytest
from mlflow.utils.validation import _validate_metric_name

from semtrace.io.project_state import GitState
from semtrace.tracking import pipeline_run
from tests.pipeline import defaults


@pytest.mark.parametrize(
    ("state", "dirty", "said"),
    [
        (GitState("a" * 40, dirty=False), "false", ""),
        (GitState("a" * 40, dirty=True), "true", ""),
        (GitState("a" * 40, None, "git status fails"), "unknown", "git status fails"),
        (
            GitState(unknown="detected dubious ownership"),
            "unknown",
            "could not be asked for the commit: detected dubious",
        ),
    ],
)
def test_git_that_cannot_be_asked_is_not_clean(tmp_path, monkeypatch, capsys, state, dirty, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pipeline_run, "read_git", lambda: state)
    tags = pipeline_run.made_from(defaults(tmp_path))
    assert (tags["git_commit"], tags["git_dirty"]) == (state.commit, dirty)
    told = capsys.readouterr().err
    assert said in told
    assert bool(told) == bool(said)


def test_the_case_of_a_clone_that_belongs_to_another_user(tmp_path, monkeypatch, capsys):
    """Case 11-git-unknown-called-clean of ../shared/cases/input; Git has a variable that stands for another owner."""
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    tags = pipeline_run.made_from(defaults(tmp_path))
    assert (tags["git_commit"], tags["git_dirty"]) == ("", "unknown")
    told = capsys.readouterr().err
    assert "Git could not be asked for the commit" in told
    assert "dubious ownership" in told


def test_names_are_what_mlflow_takes_and_stay_different():
    names = ["train.Deposit~761132.auc", "train.Deposit!761132.auc", "µ 1/a-b:c.d", "train.Deposit_761132.auc 2"]
    found = pipeline_run.names_allowed(names)
    assert found[:3] == ["train.Deposit_761132.auc", "train.Deposit_761132.auc 2", "µ 1/a-b:c.d"]
    assert len(set(found)) == 4
    for name in found:
        _validate_metric_name(name)
