from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from semtrace.cli.main import main
from semtrace.release.compare import KINDS, compare, run
from tests.release.project import Picture, Project

FIELDS = ("published_path", "source_md5", "source_file", "category", "label", "split")
manifests = st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(*[st.sampled_from("12")] * len(FIELDS))).map(
    lambda found: [
        {"md5": key, "path": f"data/{key}", **dict(zip(FIELDS, values, strict=True))} for key, values in found.items()
    ]
)


def counts(old, new):
    difference = compare(old, new)
    return {kind: len(difference.rows(kind)) for kind in KINDS}


@given(manifests, manifests)
def test_each_picture_of_both_sides_is_in_one_row(old, new):
    changes = [change for change in compare(old, new).changes if change.kind in KINDS]
    assert sorted(c.old_path for c in changes if c.old_path) == sorted(row["path"] for row in old)
    assert sorted(c.new_path for c in changes if c.new_path) == sorted(row["path"] for row in new)


@given(manifests, manifests)
def test_the_other_way_round_added_and_removed_change_places(old, new):
    there, back = counts(old, new), counts(new, old)
    assert back == {**there, "added": there["removed"], "removed": there["added"]}


@given(manifests)
def test_nothing_changes_from_itself_to_itself(rows):
    assert counts(rows, rows) == {**dict.fromkeys(KINDS, 0), "unchanged": len(rows)}


def test_the_command_lists_each_change(tmp_path, capsys):
    project = Project(tmp_path)
    old = project.release("1.0.0")
    project.pictures[4] = Picture(4, project.pictures[4].category, "train", quality=50)
    new = project.release("2.0.0")
    assert main(["diff", str(old), str(new)]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("re-encoded: data/train/Porous_Sponge/L0_")
    assert last == "diff: added 0, removed 0, relabelled 0, re-encoded 1, retraced 0, moved 0, unchanged 9"


def test_the_same_bytes_traced_to_another_original_are_not_called_unchanged(tmp_path):
    project = Project(tmp_path)
    old = project.release("1.0.0")
    project.pictures[4] = Picture(104, project.pictures[4].category, "train", data=project.pictures[4].data)
    new = project.release("2.0.0")
    assert run(old, new).counts == {**dict.fromkeys(KINDS, 0), "retraced": 1, "unchanged": 9}


def test_originals_that_came_or_went_are_named(tmp_path):
    project = Project(tmp_path)
    none, some = project.release("1.0.0"), project.release("2.0.0", originals=True)
    pictures = {**dict.fromkeys(KINDS, 0), "unchanged": 10}
    assert run(none, some).counts == {**pictures, "original added": 10}
    assert run(some, none).counts == {**pictures, "original removed": 10}
    assert run(some, some).counts == pictures
    assert "10 original added" in (some / "CHANGELOG.md").read_text()
    inside = {str(path.relative_to(some)) for path in some.glob("originals/*/*")}
    assert {row["new_path"] for row in run(none, some).rows("original added")} == inside


def test_what_is_no_release_is_said(tmp_path, capsys):
    assert main(["diff", str(tmp_path), str(tmp_path)]) == 2
    assert "not a release, it has no manifest.csv" in capsys.readouterr().err
