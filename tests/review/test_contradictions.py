"""Verdicts that cannot all be true, and two people's tables joined."""

from __future__ import annotations

import pytest
import yaml

from semtrace.cli.main import main
from semtrace.config import params
from semtrace.io.verdict_store import subject_of
from semtrace.review.contradictions import ContradictionError, contradictions, merge_changes
from tests.pipeline import CONF, table

A, B, C, D = (letter * 32 for letter in "abcd")
HEADER = "left,right,verdict,who,when\n"


def row(left: str, right: str, verdict: str, when: str = "2026-03-01", who: str = "ann") -> dict[str, str]:
    return {"left": left, "right": right, "verdict": verdict, "who": who, "when": when}


def by_subject(*rows: dict[str, str]) -> dict[str, dict[str, str]]:
    return {subject_of(one): one for one in rows}


def test_what_is_the_same_by_way_of_others_cannot_be_different():
    rows = [row(A, B, "same"), row(B, C, "same"), row(A, C, "different")]
    assert contradictions(rows) == [f"{A} and {C} are called different, and the same by way of others"]
    assert contradictions(rows[1:]) == []


def test_one_picture_has_one_category():
    rows = [row(A, B, "same"), row(A, "Tips", "category"), row(B, "Fibres", "category")]
    assert contradictions(rows) == [f"one picture is given several categories: {A} Tips, {B} Fibres"]
    assert contradictions(rows[1:]) == []


def test_a_table_without_contradiction_is_taken_over():
    changes = merge_changes(by_subject(row(A, B, "same")), by_subject(row(A, B, "same"), row(C, D, "same")), None)
    assert [change.row for change in changes] == [row(C, D, "same")]


MINE, THEIRS = row(A, B, "same", "2026-03-01"), row(B, A, "different", "2026-03-02T08:00:00Z", "bob")


def test_contradictions_are_listed_where_nothing_says_who_is_right():
    with pytest.raises(ContradictionError, match=r"same \(ann, 2026-03-01\) or different \(bob"):
        merge_changes(by_subject(MINE), by_subject(THEIRS), None)


def test_a_preference_says_whose_verdict_stands():
    both = by_subject(MINE), by_subject(THEIRS)
    assert merge_changes(*both, "mine") == []
    assert [change.row for change in merge_changes(*both, "theirs")] == [THEIRS]
    assert [change.row for change in merge_changes(*both, "newer")] == [THEIRS]
    assert merge_changes(both[1], both[0], "newer") == []


@pytest.mark.parametrize("when", ["yesterday", "", "2026-03-01", "2026-99-01"])
def test_a_time_that_cannot_be_compared_is_no_newer_one(when):
    with pytest.raises(ContradictionError, match="cannot be told"):
        merge_changes(by_subject(MINE), by_subject({**THEIRS, "when": when}), "newer")


def test_a_join_that_cannot_be_true_is_refused_whoever_is_preferred():
    with pytest.raises(ContradictionError, match="by way of others"):
        merge_changes(by_subject(row(A, B, "same"), row(B, C, "same")), by_subject(row(A, C, "different")), "theirs")


# --- the verbs


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with parameters, in which verdicts.csv lies where the default dataset has it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(params.composed(CONF))
    (tmp_path / "conf").symlink_to(CONF)
    folder = tmp_path / yaml.safe_load((tmp_path / "params.yaml").read_text())["dataset"]["verdicts"]
    folder.mkdir(parents=True)
    return folder


def test_check_counts_or_lists(project, capsys):
    (project / "verdicts.csv").write_text(f"{HEADER}{A},{B},same,,\n{A},Tips,category,,\n")
    assert main(["verdicts", "check"]) == 0
    assert "1 same, 0 different, 1 category" in capsys.readouterr().out
    (project / "verdicts.csv").write_text(f"{HEADER}{A},{B},same,,\n{B},{C},same,,\n{C},{A},different,,\n")
    assert main(["verdicts", "check"]) == 1
    assert "by way of others" in capsys.readouterr().err


def test_merge_writes_the_rows_and_their_history(project, capsys):
    (project / "verdicts.csv").write_text(f"{HEADER}{A},{B},same,ann,2026-01-01\n")
    (project / "other.csv").write_text(f"{HEADER}{A},{B},different,bob,2026-02-01\n{C},{D},same,bob,\n")
    before = (project / "verdicts.csv").read_bytes()
    assert main(["verdicts", "merge", str(project / "other.csv")]) == 1
    assert "nothing was written" in capsys.readouterr().err
    assert (project / "verdicts.csv").read_bytes() == before
    assert main(["verdicts", "merge", str(project / "other.csv"), "--prefer", "theirs", "--who", "eve"]) == 0
    assert [one["who"] for one in table(project / "verdicts.csv")] == ["bob", "bob"]
    assert (project / "history.jsonl").read_text().count('"from": "merge"') == 2


def test_merge_of_a_file_that_is_not_there_says_so(project, capsys):
    assert main(["verdicts", "merge", "nowhere.csv"]) == 2
    assert "nowhere.csv: no such file" in capsys.readouterr().err
