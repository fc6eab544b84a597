"""Putting back, and what `status` says."""

from __future__ import annotations

import json

from semtrace.io.digests import md5
from semtrace.watch.status import status
from semtrace.watch.undo import undo
from tests.watch.harness import World, picture, similar, tree


def all_batches(w: World):
    return w.journal.batches(str(w.root))


def test_undo_restores_the_tree_byte_for_byte(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", similar(1))
    w.put("b/c/1.bmp", picture(2))
    w.put("b/notes.txt", b"words")
    before, times = tree(w.root), {p: p.stat().st_mtime_ns for p in w.root.rglob("*.bmp")}
    w.go(14)
    assert tree(w.root) == {"b/notes.txt": md5(b"words")}
    result = undo(w.journal, all_batches(w), "now")
    assert tree(w.root) == before
    assert {p: p.stat().st_mtime_ns for p in w.root.rglob("*.bmp")} == times
    assert tree(w.unique) == tree(w.archive) == {}
    assert (sorted(result.back), result.gone) == (["a/1.bmp", "a/2.bmp", "b/c/1.bmp"], [])
    assert {batch.state for batch in all_batches(w)} == {"undone"}


def test_what_was_undone_is_decided_anew_and_compared_with_nothing_that_came_back(world):
    w: World = world()
    w.put("a/2.bmp", picture(1))
    w.go(14)
    undo(w.journal, all_batches(w), "now")
    w.put("a/1.bmp", similar(1))
    w.start()
    w.go(14)
    assert sorted(tree(w.unique)) == ["a/1.bmp"]
    assert sorted(tree(w.archive)) == ["a/2.bmp"]


def test_what_changed_or_is_gone_is_listed_and_stays_as_it_is(world):
    w: World = world()
    for i in range(4):
        w.put(f"a/{i}.bmp", picture(i))
    w.go(14)
    (w.unique / "a/0.bmp").unlink()
    (w.unique / "a/1.bmp").write_bytes(picture(9))
    w.put("a/2.bmp", picture(8))
    result = undo(w.journal, all_batches(w), "now")
    assert result.back == ["a/3.bmp"]
    assert dict(result.gone) == {
        "a/0.bmp": "not there any more", "a/1.bmp": "changed since", "a/2.bmp": "another file has its place",
    }  # fmt: skip
    assert tree(w.root) == {"a/2.bmp": md5(picture(8)), "a/3.bmp": md5(picture(3))}
    assert tree(w.unique) == {"a/1.bmp": md5(picture(9)), "a/2.bmp": md5(picture(2))}


def test_undo_can_be_asked_for_twice(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.go(14)
    batches = all_batches(w)
    undo(w.journal, batches, "now")
    assert undo(w.journal, batches, "now").back == []
    assert sorted(tree(w.root)) == ["a/1.bmp"]


def test_undo_of_copies_removes_the_copies(world):
    w: World = world(copies=True)
    w.put("a/1.bmp", picture(1))
    w.go(14)
    before = tree(w.root)
    undo(w.journal, all_batches(w), "now")
    assert tree(w.root) == before
    assert tree(w.unique) == {}


def test_a_pruned_folder_comes_back(world):
    w: World = world(prune=True)
    w.put("a/1.bmp", picture(1))
    w.go(14)
    assert not (w.root / "a").exists()
    undo(w.journal, all_batches(w), "now")
    assert sorted(tree(w.root)) == ["a/1.bmp"]


def test_status_counts_and_says_what_waits_since_when(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", similar(1))
    w.put("a/3.bmp", picture(1, "PNG"))
    w.put("a/bad.png", b"words")
    w.go(64)
    w.put("b/1.bmp", picture(2))
    w.go(2)
    found = status(w.journal, str(w.root))
    assert found.counts == {"unique": 1, "similar": 1, "identical": 1}
    assert [(row.path, row.reason) for row in found.waiting] == [("b", "pictures are not settled yet")]
    assert found.unreadable[0].path == "a/bad.png"
    assert found.unreadable[0].first_seen == "2026-01-01T00:17:40Z"
    assert found.needs_a_person
    assert set(found.free) == {"root", "unique", "archive", "journal"}
    text = str(found)
    assert "unreadable         1\n    a/bad.png: not_an_image" in text
    assert "similar            1" in text
    assert json.loads(json.dumps(found.as_json()))["unreadable"][0]["path"] == "a/bad.png"


def test_nobody_is_needed_where_all_is_sorted(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.go(14)
    found = status(w.journal, str(w.root))
    assert not found.needs_a_person
    assert (found.folders, found.waiting, found.last != "") == (1, [], True)
