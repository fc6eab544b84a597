from __future__ import annotations

from dataclasses import replace

import pytest

from semtrace.core.errors import InputError
from semtrace.io.project_state import Checkout
from semtrace.release.gates import (
    GATES,
    Finding,
    check_checkout,
    check_description,
    check_pictures,
    check_version,
    pass_gates,
)
from semtrace.release.settings import Version
from tests.release.project import SETTINGS

AGAIN = "semtrace repro dataset=archive"


def picture(path: str, decision: str = "matched", *, group: str = "g", split: str = "train", source: str = "") -> dict:
    return {
        "published_path": path,
        "decision": decision,
        "duplicate_group": group,
        "split": split,
        "source_path": source,
    }


def conflict(content: str, kind: str = "several_categories", resolution: str = "excluded") -> dict:
    return {"kind": kind, "resolution": resolution, "content": content, "categories": f"Fibres|{content}"}


def gates(pictures=(), conflicts=(), groups=()) -> list[str]:
    return [finding.gate for finding in check_pictures(pictures, conflicts, groups)]


def flaw(pictures=(), conflicts=(), groups=()) -> str:
    (finding,) = check_pictures(pictures, conflicts, groups)
    return finding.flaw


@pytest.mark.parametrize(
    ("kind", "resolution", "found"),
    [
        ("several_categories", "excluded", ["conflicts"]),
        ("several_categories", "Tips", []),
        ("several_categories", "", []),
        ("several_categories", "verdict", []),
        ("another kind", "excluded", []),
        ("zeroth kind", "excluded", []),
    ],
)
def test_a_conflict_waits_only_where_its_categories_were_excluded(kind, resolution, found):
    assert gates(conflicts=[conflict("a.tif", kind, resolution)]) == found


def test_conflicts_are_counted_and_the_first_that_waits_is_named():
    rows = [conflict("z.tif", resolution="Tips"), conflict("b.tif"), conflict("a.tif")]
    (finding,) = check_pictures((), rows, ())
    assert finding.flaw == "2 contents published under several categories, not settled; they are left out"
    assert finding.advice.startswith("The first is b.tif (Fibres|b.tif). ")
    assert flaw(conflicts=rows[:2]).startswith("1 content published")


@pytest.mark.parametrize(
    ("decision", "found"),
    [("matched", []), ("ambiguous", ["ambiguous"]), ("unmatched", ["evidence"]), ("", []), ("verdict", [])],
)
def test_a_decision_and_its_gate(decision, found):
    assert gates([picture("Tips/a.jpg", decision)]) == found


def test_pictures_of_a_decision_are_counted_and_the_first_is_named():
    rows = [picture("a", "matched"), picture("c", "ambiguous"), picture("b", "ambiguous")]
    assert flaw(rows) == "2 pictures whose original is ambiguous, such as c; they are inside"
    assert flaw(rows[:2]) == "1 picture whose original is ambiguous, such as c; they are inside"
    assert flaw([picture("d", "unmatched")]) == "1 picture without evidence of an original, such as d; they are inside"


GROUPS = [
    {"path": "o.tif", "side": "tiff", "group": "of the original"},
    {"path": "p.tif", "side": "jpeg", "group": "of a picture with the path of an original"},
    {"path": "q.tif", "side": "zip", "group": "of no side"},
]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([("g", "train", ""), ("g", "train", "")], []),
        ([("g", "train", ""), ("g", "test", "")], ["groups"]),
        ([("g", "train", ""), ("h", "test", "")], []),
        ([("g", "train", "o.tif"), ("h", "test", "o.tif")], ["groups"]),  # one original behind both
        ([("g", "train", "o.tif"), ("h", "train", "o.tif")], []),
        ([("g", "train", "p.tif"), ("h", "test", "p.tif")], []),
        ([("g", "train", "q.tif"), ("h", "test", "q.tif")], []),
        ([("g", "train", "o.tif"), ("h", "test", "p.tif")], []),
    ],
)
def test_a_group_is_torn_where_its_pictures_or_those_of_its_original_are_in_two_parts(rows, found):
    pictures = [
        picture(f"{n}", group=group, split=split, source=source) for n, (group, split, source) in enumerate(rows)
    ]
    assert gates(pictures, groups=GROUPS) == found


def test_torn_groups_are_counted_and_the_first_is_named_with_its_parts():
    rows = [picture(f"{n}", group=group, split=split) for n, (group, split) in enumerate(
        [("h", "train"), ("h", "test"), ("g", "validation"), ("g", "test"), ("g", "train"), ("a", "test")]
    )]  # fmt: skip
    begin = "2 groups of duplicates in more than one part of the split, such as g in test, train, validation"
    assert flaw(rows) == begin


@pytest.mark.parametrize(
    ("title", "licence", "found"),
    [
        ("t", "l", []),
        ("", "l", ["title"]),
        (" ", "l", ["title"]),
        ("t", "", ["licence"]),
        ("", "", ["title", "licence"]),
    ],
)
def test_a_release_needs_a_title_and_a_licence(title, licence, found):
    assert [one.gate for one in check_description(replace(SETTINGS, title=title, licence=licence), AGAIN)] == found


@pytest.mark.parametrize(
    ("say", "found", "flaw"),
    [
        ({"description": " \n"}, ["description"], "no description is given"),
        ({"creators": []}, ["creators"], "no creators are given"),
        ({"creators": [], "description": ""}, ["description", "creators"], "no description is given"),
        ({"source_paths": "name"}, ["source_paths"], "names of the originals in the archive are inside"),
        ({"source_paths": "full"}, ["source_paths"], "folders and names of the originals in the archive are inside"),
    ],
)
def test_a_release_says_what_it_is_and_whose_and_does_not_name_people(say, found, flaw):
    findings = check_description(replace(SETTINGS, **say), AGAIN)
    assert [one.gate for one in findings] == found
    assert findings[0].flaw.startswith(flaw)
    if "source_paths" not in say:
        assert findings[0].advice.endswith(f"and run `{AGAIN}`")


@pytest.mark.parametrize(
    ("names", "listed"),
    [
        (["a"], "1 file of code or parameters not committed: a"),
        (["a", "b"], "2 files of code or parameters not committed: a, b"),
        (["a", "b", "c"], "3 files of code or parameters not committed: a, b, c"),
        (["a", "b", "c", "d"], "4 files of code or parameters not committed: a, b, c and 1 more"),
        (list("abcdefgh"), "8 files of code or parameters not committed: a, b, c and 5 more"),
    ],
)
def test_what_is_not_committed_is_counted_and_three_are_named(names, listed):
    (finding,) = check_checkout(Checkout("a" * 40, "2026-11-21", (), tuple(names), ()), AGAIN)
    assert (finding.gate, finding.flaw) == ("uncommitted", listed)


def test_results_that_are_stale_are_named_and_a_clean_checkout_has_no_flaw():
    assert check_checkout(Checkout("a" * 40, "2026-11-21", (), (), ()), AGAIN) == []
    (finding,) = check_checkout(Checkout("a" * 40, "2026-11-21", (), (), ("match", "label")), AGAIN)
    assert finding.gate == "stale"
    assert finding.flaw == "results are not what code, parameters and inputs give now: match, label"
    (finding,) = check_checkout(Checkout("a" * 40, "", (), (), ("data/Anna.dvc", "data/Eve.dvc", "match")), AGAIN)
    assert finding.flaw == "results are not what code, parameters and inputs give now: an input, match"
    assert (
        finding.advice
        == "Run the pipeline: `semtrace repro dataset=archive`; changed inputs: data/Anna.dvc, data/Eve.dvc"
    )
    both = check_checkout(Checkout("a" * 40, "2026-11-21", (), ("x",), ("match",)), AGAIN)
    assert [one.gate for one in both] == ["uncommitted", "stale"]


@pytest.mark.parametrize(
    ("version", "last", "comparable", "found"),
    [
        ((1, 0, 0), None, False, []),
        ((1, 0, 1), (1, 0, 0), True, []),
        ((1, 10, 0), (1, 9, 0), True, []),
        ((1, 0, 0), (1, 0, 0), True, ["version"]),
        ((1, 9, 0), (1, 10, 0), True, ["version"]),
        ((1, 0, 1), (1, 0, 0), False, ["history"]),
        ((1, 0, 0), (1, 0, 0), False, ["version", "history"]),
    ],
)
def test_a_version_is_greater_than_the_last_which_is_here(version, last, comparable, found):
    findings = check_version(Version(*version), last and Version(*last), comparable=comparable)
    assert [one.gate for one in findings] == found


ONE, TWO = Finding("title", "no title is given", "Write it"), Finding("stale", "old", "Run it")


@pytest.mark.parametrize("allowed", [[], ["title"], ["stale"], ["version"]])
def test_a_finding_that_is_not_allowed_stops_the_release_and_is_listed(allowed):
    closed = [one for one in (ONE, TWO) if one.gate not in allowed]
    with pytest.raises(InputError) as refused:
        pass_gates([ONE, TWO], allowed)
    said = str(refused.value)
    assert said.startswith("not released:" + "".join(f"\n  {one.gate}: {one.flaw}. {one.advice}." for one in closed))
    assert said.endswith(": " + " ".join(f"--allow {one.gate}" for one in closed))


def test_what_was_found_and_allowed_is_returned_for_the_card():
    assert pass_gates([ONE, TWO], GATES) == [ONE, TWO]
    assert pass_gates([ONE], iter(["title", "stale"])) == [ONE]
    assert pass_gates([], []) == []
