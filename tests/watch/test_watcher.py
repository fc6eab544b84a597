"""What a person sees of a watched folder, undisturbed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from semtrace.watch.places import PlacesError, checked
from semtrace.watch.settings import PRESETS, Settings
from tests.watch.harness import DEFAULT, World, contents, encoded, gray, picture, similar, tree


def test_the_log_of_the_document(world):
    w: World = world()
    for i in range(1, 11):
        w.put(f"imgs001/image_{i}.bmp", picture(i))
    w.watcher._console.watching(str(w.root))
    w.go(12)
    assert "\n".join(w.lines).splitlines() == [
        f"Watching folder: {w.root} for new folders...",
        f"Detected new folder: {w.root}/imgs001",
        "",
        "Processing 1 folders...",
        "",
        f"10 image(s) found in {w.root}/imgs001",
        *[f"Unique:    imgs001/image_{i}.bmp" for i in range(1, 11)],
        "",
        "Done. Waiting for more folders...",
    ]
    assert sorted(tree(w.unique)) == sorted(f"imgs001/image_{i}.bmp" for i in range(1, 11))
    assert tree(w.root) == tree(w.archive) == {}
    assert (w.root / "imgs001").is_dir()


def test_repeats_go_to_the_archive_under_their_names(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", similar(1))
    w.put("a/3.png", picture(1, "PNG"))
    w.put("a/4.bmp", encoded(gray(1) * 0 + 7, "BMP"))
    w.go(12)
    assert sorted(tree(w.unique)) == ["a/1.bmp"]
    assert sorted(tree(w.archive)) == ["a/2.bmp", "a/3.png", "a/4.bmp"]
    assert w.said("Similar:")[0].startswith("Similar:   a/2.bmp to a/1.bmp (")
    assert w.said("Identical:") == ["Identical: a/3.png to a/1.bmp"]
    assert w.said("Empty:") == ["Empty:     a/4.bmp"]


def test_later_files_of_a_folder_are_compared_with_its_kept_ones(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.go(12)
    w.put("a/2.bmp", similar(1))
    w.put("b/2.bmp", similar(1))
    w.go(12)
    assert sorted(tree(w.unique)) == ["a/1.bmp", "b/2.bmp"]
    assert sorted(tree(w.archive)) == ["a/2.bmp"]


def test_against_all_compares_folders_also_after_a_restart(world):
    w: World = world(replace(DEFAULT, against="all"))
    w.put("a/1.bmp", picture(1))
    w.go(12)
    w.start()
    w.put("b/2.bmp", similar(1))
    w.go(12)
    assert sorted(tree(w.archive)) == ["b/2.bmp"]
    assert w.items()[-1].keeper == "a/1.bmp"


def test_a_kept_picture_that_was_taken_away_confirms_nothing_but_is_still_recognised(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.go(12)
    (w.unique / "a/1.bmp").unlink()  # uploaded
    w.put("a/2.bmp", similar(1))
    w.put("a/3.bmp", picture(1))
    w.go(12)
    assert sorted(tree(w.unique)) == ["a/2.bmp"]
    assert sorted(tree(w.archive)) == ["a/3.bmp"]


def test_quiet_time_has_two_sides(world):
    w: World = world(replace(DEFAULT, poll_s=1.0))
    w.put("a/1.bmp", picture(1))
    w.go(9)
    assert tree(w.unique) == {}
    w.go(1)
    assert sorted(tree(w.unique)) == ["a/1.bmp"]


def test_the_whole_folder_waits_for_its_last_picture(world):
    w: World = world()
    for i in range(4):
        w.put(f"a/{i}.bmp", picture(i))
        w.go(8)
    assert tree(w.unique) == {}
    w.go(4)
    assert len(tree(w.unique)) == 4


def test_depth_has_two_sides(world):
    w: World = world(replace(DEFAULT, depth=2))
    w.put("x.bmp", picture(0))
    w.put("1/x.bmp", picture(1))
    w.put("1/2/x.bmp", picture(2))
    w.put("1/2/3/x.bmp", picture(3))
    w.go(14)
    assert sorted(tree(w.unique)) == ["1/2/x.bmp", "1/x.bmp", "x.bmp"]
    assert sorted(tree(w.root)) == ["1/2/3/x.bmp"]


def test_unique_and_archive_may_lie_in_the_watched_folder(tmp_path, world):
    w: World = world()
    w.unique, w.archive = w.root / "unique", w.root / "put" / "archive"
    w.start()
    w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", picture(1))
    w.go(12)
    w.go(700)
    assert sorted(tree(w.root)) == ["put/archive/a/2.bmp", "unique/a/1.bmp"]


def test_folders_that_cannot_be_told_apart_are_refused(tmp_path):
    root, other = tmp_path / "raw", tmp_path / "other"
    (root / "in").mkdir(parents=True)
    other.mkdir()
    link = tmp_path / "link"
    link.symlink_to(root)
    for unique, archive in (
        (root, other), (other, root), (other, other), (link, other), (tmp_path, other), (other / "deep", other),
    ):  # fmt: skip
        with pytest.raises(PlacesError):
            checked(root, unique, archive)
    with pytest.raises(PlacesError, match="no such folder"):
        checked(tmp_path / "missing", other, root)
    with pytest.raises(PlacesError, match="means something else to Windows"):
        checked(root, other, tmp_path / "aux.old")
    assert checked(root, root / "in", other).unique == str(root / "in")


@pytest.mark.parametrize(("existing", "kept"), [("process", ["old/1.bmp", "new/2.bmp"]), ("skip", ["new/2.bmp"])])
def test_what_is_there_at_the_first_start(world, existing, kept):
    w: World = world(replace(DEFAULT, existing=existing))
    w.put("old/1.bmp", picture(1))
    w.go(2)
    w.put("new/2.bmp", picture(2))
    w.go(14)
    assert sorted(tree(w.unique)) == sorted(kept)
    w.start()
    w.put("old/3.bmp", picture(3))
    w.go(14)
    assert sorted(tree(w.unique)) == sorted([*kept, "old/3.bmp"])


def test_a_skipped_file_that_changes_is_new(world):
    w: World = world(replace(DEFAULT, existing="skip"))
    w.put("old/1.bmp", picture(1))
    w.go(14)
    assert list(w.waiting().values()) == ["skipped: it was there before the first start"]
    w.put("old/1.bmp", picture(2))
    w.go(700)
    assert sorted(tree(w.unique)) == ["old/1.bmp"]
    assert w.waiting() == {}


def test_copying_leaves_the_watched_folder_as_it_is_and_does_not_repeat_itself(world):
    w: World = world(copies=True)
    w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", similar(1))
    before = tree(w.root)
    w.go(30)
    w.start()
    w.go(30)
    assert tree(w.root) == before
    assert sorted(tree(w.unique)) == ["a/1.bmp"]
    assert sorted(tree(w.archive)) == ["a/2.bmp"]
    assert len(w.items()) == 2


def test_pruning_removes_what_has_become_empty_and_no_more(world):
    w: World = world(prune=True)
    w.put("a/1.bmp", picture(1))
    w.put("b/1.bmp", picture(2))
    w.put("b/notes.txt", b"keep")
    w.go(14)
    assert sorted(path.name for path in w.root.iterdir()) == ["b"]


def test_once_ends_when_all_is_decided(world):
    w: World = world(once=True)
    w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", b"not a picture")
    assert w.watcher.run() == 0
    assert sorted(tree(w.unique)) == ["a/1.bmp"]
    assert w.lines[-1] == "\nDone."
    assert 60 <= w.clock.seconds - 1000 <= 70


def test_once_ends_though_something_is_written_for_ever(world):
    w: World = world(once=True)
    wait = w.clock.wait

    def writing(seconds: float) -> None:
        wait(seconds)
        w.put("a/1.bmp", picture(int(w.clock.seconds)))

    w.clock.wait = writing
    w.put("a/1.bmp", picture(1))
    assert w.watcher.run() == 0
    assert "Not all could be decided" in w.lines[-1]


def test_the_word_to_stop_is_heard_between_two_files(world):
    w: World = world()
    for i in range(6):
        w.put(f"a/{i}.bmp", picture(i))
    asked = iter(range(100))
    w.clock.stopped = lambda: bool(w.items()) and next(asked) > 3
    w.start()
    w.go(14)
    assert 0 < len(tree(w.unique)) < 6
    assert len(contents(w.root, w.unique)) == 6
    w.clock.stopped = lambda: False
    w.start()
    w.go(14)
    assert len(tree(w.unique)) == 6
    assert w.said("Taking up a (batch 1)")


def test_the_word_to_stop_is_heard_while_pictures_are_compared(world):
    w: World = world()
    for i in range(6):
        w.put(f"a/{i}.bmp", picture(i))
    before, asked = tree(w.root), iter(range(100))
    w.clock.stopped = lambda: bool(w.said("image(s) found")) and next(asked) > 2
    w.go(14)
    assert tree(w.root) == before
    assert w.items() == []
    w.clock.stopped = lambda: False
    w.start()
    w.go(14)
    assert len(tree(w.unique)) == 6


def test_each_decision_is_a_line_of_json(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", similar(1))
    w.go(14)
    rows = [json.loads(line) for line in (w.state.parent / "raw.watch.jsonl").read_text().splitlines()]
    assert [row["path"] for row in rows] == ["a/1.bmp", "a/2.bmp"]
    assert rows[1] | {"ms": 0, "t": "", "likeness": 0, "distance": 0} == {
        "t": "", "folder": "a", "path": "a/2.bmp", "decision": "similar", "keeper": "a/1.bmp", "distance": 0,
        "likeness": 0, "target": str(w.archive / "a/2.bmp"), "ms": 0,
    }  # fmt: skip


def test_by_error_the_noise_of_the_folder_is_said_and_a_threshold_that_does_not_fit_it(world, tmp_path):
    w: World = world(replace(PRESETS["default"], method="mse", mse_threshold=5000.0))
    w.put("a/1.bmp", picture(1))
    w.go(14)
    assert w.said("2 sigma²")
    assert w.said("faint pictures may be lost")
    w.start(mse_threshold=1.0)
    w.put("a/2.bmp", picture(2))
    w.go(14)
    assert w.said("repeats are not recognised")


def test_deep_frames_are_measured_anew_when_a_brighter_one_comes(world):
    w: World = world(Settings(method="mse", mse_threshold=5.0))
    faint = gray(1).astype("u2")  # 0 to 255 of 16 bits
    w.put("a/1.tif", encoded(faint, "TIFF"))
    w.go(14)
    assert w.journal.kept(str(w.root), "a")[0].hash.startswith("phash8:16-255:")
    w.put("a/2.tif", encoded(faint + 1, "TIFF"))
    w.put("a/3.tif", encoded(gray(2).astype("u2") * 16, "TIFF"))
    w.go(14)
    assert [(item.path, item.decision) for item in w.items()] == [
        ("a/1.tif", "unique"), ("a/3.tif", "unique"), ("a/2.tif", "similar"),
    ]  # fmt: skip


def test_another_hash_measures_kept_pictures_anew(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.go(14)
    w.start(hash="dhash", size=16, threshold=40)
    w.put("a/2.bmp", similar(1))
    w.go(14)
    assert sorted(tree(w.archive)) == ["a/2.bmp"]


def test_a_new_folder_is_seen_though_the_time_of_the_watched_one_stands_still(world, monkeypatch):
    monkeypatch.setattr("semtrace.watch.scan.modified_ns", lambda folder: 0)
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.go(60)
    w.put("b/1.bmp", picture(2))
    w.go(14)
    assert sorted(tree(w.unique)) == ["a/1.bmp", "b/1.bmp"]
