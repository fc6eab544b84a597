from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from semtrace.cli import main
from semtrace.release.compare import KINDS, compare
from tests.release.project import Picture, Project

FIELDS = ("published_path", "source_md5", "category", "label", "split")
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
    changes = compare(old, new).changes
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
    assert last == "diff: added 0, removed 0, relabelled 0, re-encoded 1, moved 0, unchanged 9"


def test_what_is_no_release_is_said(tmp_path, capsys):
    assert main(["diff", str(tmp_path), str(tmp_path)]) == 2
    assert "not a release, it has no manifest.csv" in capsys.readouterr().err
