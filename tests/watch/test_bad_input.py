"""What instruments, copy programs, shares and people do to a watched folder; each test plays the events."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from semtrace.io import moves
from semtrace.io.digests import md5
from semtrace.parallel.processes import Crashed
from semtrace.watch import scan
from semtrace.watch.picture import Picture, PictureJob, examine_picture
from semtrace.watch.status import status
from tests.watch.harness import DEFAULT, World, contents, picture, similar, tree


def complete(w: World, before: list[str]) -> None:
    """Nothing is lost: what was put in is in unique, in archive, or where it was, once."""
    assert contents(w.root, w.unique, w.archive) == sorted(before)


# --- files that are being written


def test_written_slowly(world):
    w: World = world()
    data = picture(1)
    file = w.put("a/1.bmp", b"")

    def write(second: float) -> None:
        if second < 40:
            with file.open("ab") as out:
                out.write(data[len(data) * int(second) // 40 : len(data) * int(second + 2) // 40])
        else:
            assert len(file.read_bytes() if file.exists() else data) == len(data)

    w.go(40, write)
    assert tree(w.unique) == {}
    w.go(14)
    assert tree(w.unique) == {"a/1.bmp": md5(data)}


def test_full_of_zeros_before_it_is_written(world):
    w: World = world()
    data = picture(1)
    w.put("a/1.bmp", bytes(len(data)))
    w.put("a/2.bmp", picture(2))
    w.go(30)
    assert tree(w.unique) == {}, "the folder waits for a file that does not decode"
    w.put("a/1.bmp", data)
    w.go(14)
    assert tree(w.unique) == {"a/1.bmp": md5(data), "a/2.bmp": md5(picture(2))}


def test_paused_in_the_middle(world):
    w: World = world()
    data = picture(1)
    w.put("a/1.bmp", data[: len(data) // 2])
    w.go(40)
    assert tree(w.unique) == {}
    assert w.waiting() == {"a": "pictures are not settled yet"}
    w.put("a/1.bmp", data)
    w.go(14)
    assert tree(w.unique) == {"a/1.bmp": md5(data)}
    assert w.waiting() == {}


@pytest.mark.parametrize(("seconds", "others_went_on"), [(58, False), (62, True)])
def test_never_finished_stays_in_place_and_the_rest_goes_on(world, seconds, others_went_on):
    w: World = world()
    w.put("a/1.bmp", picture(1)[:500])
    w.put("a/2.bmp", picture(2))
    w.go(seconds)
    assert (sorted(tree(w.unique)) == ["a/2.bmp"]) is others_went_on
    assert ("a/1.bmp" in w.waiting()) is others_went_on
    assert sorted(tree(w.root)) == (["a/1.bmp"] if others_went_on else ["a/1.bmp", "a/2.bmp"])
    if others_went_on:
        assert w.waiting()["a/1.bmp"].startswith("unreadable: truncated (")


def test_finished_after_the_time_out_it_is_looked_at_again_by_itself(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", similar(1)[:500])
    w.go(70)
    w.put("a/2.bmp", similar(1))
    w.go(14)
    assert sorted(tree(w.archive)) == ["a/2.bmp"], "compared with the kept picture of its folder"
    assert w.waiting() == {}


def test_zero_bytes_first(world):
    w: World = world()
    w.put("a/1.bmp", b"")
    w.go(20)
    w.put("a/1.bmp", picture(1))
    w.go(14)
    assert tree(w.unique) == {"a/1.bmp": md5(picture(1))}


def test_changed_between_reading_and_moving(world):
    """A file that settled early is written again while its folder waits for another."""
    w: World = world()
    file = w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", similar(1))
    w.put("a/3.bmp", picture(3))
    planned, changed = w.journal.plan, []

    def plan(*given):
        number = planned(*given)
        if not changed:
            changed.append(file.write_bytes(picture(9)))
        return number

    w.journal.plan = plan
    w.go(12)
    assert w.said("Stays:     a/1.bmp: changed since it was decided")
    assert w.said("Stays:     a/2.bmp: the picture that it repeats was not sent on")
    w.go(14)
    assert tree(w.unique) == {f"a/{n}.bmp": md5(d) for n, d in ((1, picture(9)), (2, similar(1)), (3, picture(3)))}


def test_replaced_at_the_very_moment_of_the_move(world, monkeypatch):
    w: World = world()
    file = w.put("a/1.bmp", picture(1))
    check = moves._check

    def late(path, expected):
        check(path, expected)
        if not w.said("replaced"):
            w.lines.append("replaced")
            other = file.with_name("other")
            other.write_bytes(picture(9))
            other.replace(file)

    monkeypatch.setattr(moves, "_check", late)
    w.go(12)
    assert tree(w.unique) == {}
    assert tree(w.root) == {"a/1.bmp": md5(picture(9))}
    w.go(14)
    assert tree(w.unique) == {"a/1.bmp": md5(picture(9))}


# --- how programs put a file in its place


@pytest.mark.parametrize(
    "temporary",
    [
        ".1.bmp.Xa3fQ1", "1.bmp.4f2a.partial", "1.bmp.filepart", ".syncthing.1.bmp.tmp", "~syncthing~1.bmp.tmp",
        "1.bmp.part", "1.bmp.crdownload", "1.bmp.partial~",
    ],
)  # fmt: skip
def test_a_copy_program_writes_under_another_name_first(world, temporary):
    w: World = world()
    data = picture(1)
    half = w.put(f"a/{temporary}", data[:999])
    w.put("a/0.bmp", picture(2))
    w.go(30)
    assert tree(w.unique) == {}, "the folder is not complete"
    assert w.waiting() == {"a": "a temporary file is being written"}
    half.write_bytes(data)
    half.rename(w.root / "a/1.bmp")
    w.go(14)
    assert sorted(tree(w.unique)) == ["a/0.bmp", "a/1.bmp"]


def test_a_temporary_name_that_nobody_touches_any_more_holds_nothing_up(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp.part", b"left by a program that was killed")
    w.go(58)
    assert tree(w.unique) == {}
    w.go(4)
    assert sorted(tree(w.unique)) == ["a/1.bmp"]
    assert sorted(tree(w.root)) == ["a/2.bmp.part"]


def test_an_editor_saves_by_replacing(world):
    w: World = world()
    file = w.put("a/1.bmp", picture(1))
    w.go(8)
    new = w.put("a/.1.bmp.new", picture(2))
    new.replace(file)
    w.go(8)
    assert tree(w.unique) == {}, "quiet since it was replaced, not since it was made"
    w.go(4)
    assert tree(w.unique) == {"a/1.bmp": md5(picture(2))}


@pytest.mark.parametrize("name", ["Thumbs.db", "desktop.ini", ".DS_Store", "._1.bmp", "~$1.bmp"])
def test_litter_counts_for_nothing(world, name):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.go(8)
    w.put(f"a/{name}", b"litter")
    w.go(4)
    assert sorted(tree(w.unique)) == ["a/1.bmp"]
    assert w.waiting() == {}


def test_text_that_is_called_png_and_a_picture_that_is_called_otherwise(world):
    w: World = world()
    w.put("a/text.png", b"these are words")
    w.put("a/1.png", picture(1))
    w.put("a/2.txt", picture(2))
    w.go(64)
    assert sorted(tree(w.unique)) == ["a/1.png"], "a BMP that is called .png is a picture: the content decides"
    assert sorted(tree(w.root)) == ["a/2.txt", "a/text.png"]
    assert w.waiting()["a/text.png"].startswith("unreadable: not_an_image")


# --- folders that move


def test_a_folder_moved_in_whole(world):
    w: World = world()
    w.go(20)
    outside = w.base / "outside"
    for i in range(3):
        (outside / "deep").mkdir(parents=True, exist_ok=True)
        (outside / "deep" / f"{i}.bmp").write_bytes(picture(i))
    outside.rename(w.root / "in")
    w.go(14)
    assert sorted(tree(w.unique)) == [f"in/deep/{i}.bmp" for i in range(3)]


def test_a_folder_renamed_while_it_is_processed(world):
    w: World = world()
    data = [picture(i) for i in range(4)]
    for i in range(4):
        w.put(f"a/{i}.bmp", data[i])
    settle, renamed = w.watcher._sorter._carrier._settle, []

    def late(item, *given):
        if item.path == "a/2.bmp" and not renamed:
            renamed.append((w.root / "a").rename(w.root / "b"))
        return settle(item, *given)

    w.watcher._sorter._carrier._settle = late
    w.go(12)
    assert len(w.said("vanished before it was moved")) == 2
    w.go(14)
    assert sorted(tree(w.unique)) == ["a/0.bmp", "a/1.bmp", "b/2.bmp", "b/3.bmp"]
    complete(w, [md5(one) for one in data])


def test_files_that_vanish(world):
    w: World = world()
    gone = [w.put(f"a/{i}.bmp", picture(i)) for i in range(3)]
    w.go(6)
    gone[0].unlink()
    w.go(2)
    read = w.watcher._reading._read

    def reading(jobs):
        gone[1].unlink(missing_ok=True)
        return read(jobs)

    w.watcher._reading._read = reading
    w.go(14)
    assert sorted(tree(w.unique)) == ["a/2.bmp"]
    assert w.watcher._sorter.failed == 0


def test_the_same_names_again_with_other_content(world):
    w: World = world()
    for day in range(3):
        w.put("a/1.bmp", picture(day))
        w.go(14)
    kept = tree(w.unique)
    assert sorted(kept) == sorted(["a/1.bmp", f"a/1_{md5(picture(1))[:8]}.bmp", f"a/1_{md5(picture(2))[:8]}.bmp"])
    complete(w, [md5(picture(day)) for day in range(3)])


def test_the_same_name_with_the_same_bytes_stands_there_already(world):
    w: World = world()
    (w.unique / "a").mkdir(parents=True)
    (w.unique / "a/1.bmp").write_bytes(picture(1))
    w.put("a/1.bmp", picture(1))
    w.go(14)
    assert tree(w.unique) == {"a/1.bmp": md5(picture(1))}
    assert tree(w.root) == tree(w.archive) == {}


# --- clocks


@pytest.mark.parametrize("seconds", [0, 315532800, 4102444800], ids=["1970", "1980", "2100"])
def test_what_time_a_file_carries_does_not_matter(world, seconds):
    w: World = world()
    file = w.put("a/1.bmp", picture(1))
    os.utime(file, (seconds, seconds))
    w.go(8)
    assert tree(w.unique) == {}
    w.go(4)
    assert sorted(tree(w.unique)) == ["a/1.bmp"]
    assert (w.unique / "a/1.bmp").stat().st_mtime == seconds


def test_same_size_and_time_but_new_content(world):
    w: World = world()
    file = w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", picture(2)[:500])
    w.go(20)  # 1.bmp is read, the folder waits
    before = file.stat()
    with file.open("r+b") as out:
        out.write(picture(9))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    w.go(60)
    assert tree(w.unique) == {"a/1.bmp": md5(picture(9))}
    assert w.items()[0].md5 == md5(picture(9))


# --- names and other things that are no files


def test_names_that_differ_only_in_case_meet_nowhere(world):
    w: World = world()
    w.put("a/Image.bmp", picture(1))
    w.put("a/image.bmp", picture(2))
    w.put("a/IMAGE.bmp", similar(1))
    if len(list((w.root / "a").iterdir())) < 3:
        pytest.skip("this file system knows no case")
    w.go(14)
    assert len(tree(w.unique)) == 2
    assert len({name.lower() for name in tree(w.unique)}) == 2
    complete(w, [md5(picture(1)), md5(picture(2)), md5(similar(1))])


def test_links_pipes_and_names_that_are_no_text_stay(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    (w.root / "a/loop").symlink_to(w.root / "a")
    (w.root / "a/link.bmp").symlink_to(w.root / "a/1.bmp")
    os.mkfifo(w.root / "a/pipe.bmp")
    Path(os.fsdecode(os.fsencode(w.root / "a") + b"/\xff.bmp")).write_bytes(picture(2))
    w.go(14)
    assert sorted(tree(w.unique)) == ["a/1.bmp"]
    assert status(w.journal, str(w.root)).others == 4
    assert "others             4 that are no pictures" in str(status(w.journal, str(w.root)))
    assert len(list((w.root / "a").iterdir())) == 4


def stub(job: PictureJob) -> Picture:
    """A picture that nobody decodes: its hash is its number."""
    number = int(Path(job.path).stem)
    words = np.array([number * 0x9E3779B97F4A7C15 % 2**64], np.uint64)
    digest = md5(Path(job.file).read_bytes())
    return Picture(job.path, job.signature, digest, f"{number}", 64, 48, False, 255, words, None, False, 1.0, 0.0)


def test_twenty_thousand_at_once(world):
    w: World = world(replace(DEFAULT, confirm=0.0, threshold=1))
    w.watcher._reading._read = lambda jobs: map(stub, jobs)
    (w.root / "a").mkdir()
    for number in range(20_000):
        (w.root / "a" / f"{number}.bmp").write_bytes(b"%d" % number)
    w.go(12)
    assert len(tree(w.unique)) == 20_000
    assert w.said("20000 image(s) found")


def test_a_folder_that_cannot_be_listed_holds_up_no_other(world, monkeypatch):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.put("b/2.bmp", picture(2))
    entries = scan.entries
    closed = [True]

    def listing(folder):
        if closed[0] and folder.endswith("/b"):
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return entries(folder)

    monkeypatch.setattr(scan, "entries", listing)
    w.go(14)
    assert sorted(tree(w.unique)) == ["a/1.bmp"]
    assert w.waiting() == {"b": "unreadable: the folder cannot be listed (Permission denied)"}
    closed[0] = False
    w.go(14)
    assert sorted(tree(w.unique)) == ["a/1.bmp", "b/2.bmp"]


def test_a_file_in_use_on_windows_has_not_settled(world, monkeypatch):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", picture(2))
    until = 40
    read = w.watcher._reading._read

    def reading(jobs):
        for job, result in zip(jobs, read(jobs), strict=True):
            if job.path == "a/1.bmp" and w.clock.seconds < 1000 + until:
                error = PermissionError(errno.EACCES, "The process cannot access the file")
                error.winerror = 32
                monkeypatch.setattr(
                    "semtrace.watch.picture.read_unchanged", lambda *_, e=error: (_ for _ in ()).throw(e)
                )
                result = examine_picture(job)
                monkeypatch.undo()
                assert result.reason == "in_use"
            yield result

    w.watcher._reading._read = reading
    w.go(38)
    assert tree(w.unique) == {}
    w.go(14)
    assert sorted(tree(w.unique)) == ["a/1.bmp", "a/2.bmp"]


def test_a_file_that_kills_its_decoder_is_unreadable_and_the_rest_goes_on(world):
    w: World = world()
    for i in range(3):
        w.put(f"a/{i}.bmp", picture(i))
    died = Crashed("the decoder crashed (segmentation fault)")
    w.watcher._reading._read = lambda jobs: (died if job.path == "a/1.bmp" else examine_picture(job) for job in jobs)
    w.go(64)
    assert sorted(tree(w.unique)) == ["a/0.bmp", "a/2.bmp"]
    assert w.waiting() == {"a/1.bmp": "unreadable: crashed (the decoder crashed (segmentation fault))"}


# --- disks that go away or are full


def test_the_watched_folder_is_unmounted_and_comes_back(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", picture(2)[:400])
    w.go(80)
    aside = w.base / "aside"
    w.root.rename(aside)
    w.go(10)
    w.root.mkdir()  # the empty mount point
    w.go(1000)
    assert w.said("gives no answer") == [f"Waiting: {w.root} gives no answer (not mounted, or empty)"]
    assert "a/2.bmp" in w.waiting(), "nothing is forgotten"
    w.root.rmdir()
    aside.rename(w.root)
    w.put("a/2.bmp", picture(2))
    w.put("a/3.bmp", picture(3))
    w.go(14)
    assert w.said("is there again")
    assert sorted(tree(w.unique)) == ["a/1.bmp", "a/2.bmp", "a/3.bmp"]


def test_a_plan_is_not_given_up_while_the_watched_folder_is_away(world):
    w: World = world()
    for i in range(4):
        w.put(f"a/{i}.bmp", picture(i))
    asked = iter(range(100))
    w.clock.stopped = lambda: bool(w.items()) and next(asked) > 2
    w.start()
    w.go(14)
    w.clock.stopped = lambda: False
    aside = w.base / "aside"
    w.root.rename(aside)
    w.root.mkdir()
    w.start()
    w.go(200)
    assert w.watcher._sorter.failed == 0
    w.root.rmdir()
    aside.rename(w.root)
    w.start()
    w.go(14)
    assert len(tree(w.unique)) == 4


def test_the_folder_for_new_pictures_goes_away(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.go(14)
    shutil.move(w.unique, w.base / "aside")
    w.put("a/2.bmp", picture(2))
    w.go(30)
    assert not w.unique.exists(), "it is not made anew on the disk below"
    assert w.said("Waiting: ")
    shutil.move(w.base / "aside", w.unique)
    w.go(14)
    assert sorted(tree(w.unique)) == ["a/1.bmp", "a/2.bmp"]


@pytest.mark.parametrize("full_at", range(6))
def test_the_disk_is_full_at_a_move(world, monkeypatch, full_at):
    w: World = world()
    data = [picture(1), similar(1), picture(2), picture(3)]
    for i, one in enumerate(data):
        w.put(f"a/{i}.bmp", one)
    before = contents(w.root)
    rename, calls = moves.rename_new, []

    def full(source, target):
        calls.append(target)
        if len(calls) - 1 == full_at:
            raise OSError(errno.ENOSPC, "No space left on device", target)
        rename(source, target)

    monkeypatch.setattr("semtrace.io.moves.rename_new", full)
    w.go(12)
    complete(w, before)
    if full_at < 4:
        assert w.said("No space left on device")
        assert len(tree(w.root)) == 4 - full_at
    w.go(70)
    assert sorted(tree(w.unique)) == ["a/0.bmp", "a/2.bmp", "a/3.bmp"]
    assert sorted(tree(w.archive)) == ["a/1.bmp"]
    complete(w, before)


@pytest.mark.parametrize("step", ["plan", "settle", "set_waiting"])
def test_the_disk_of_the_journal_is_full(world, step):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", picture(2))
    before = contents(w.root)
    real, full = getattr(w.journal, step), [True]

    def failing(*given):
        if full[0]:
            raise sqlite3.OperationalError("database or disk is full")
        return real(*given)

    setattr(w.journal, step, failing)
    w.go(20)
    assert w.said("database or disk is full")
    assert (tree(w.unique) == {}) == (step == "plan")
    complete(w, before)
    full[0] = False
    w.go(80)
    assert len(tree(w.unique)) == 2
    complete(w, before)
    assert not w.watcher._sorter.stuck


# --- the journal


@pytest.mark.parametrize("damage", ["bytes", "half", "deleted", "text"])
def test_the_journal_is_damaged_or_deleted(world, damage):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", similar(1))
    w.go(14)
    w.put("a/3.bmp", similar(1))
    before = contents(w.root, w.unique, w.archive)
    w.stop()
    data = w.state.read_bytes()
    if damage == "deleted":
        w.state.unlink()
    else:
        w.state.write_bytes(
            {"bytes": data[:100] + bytes(4000) + data[4100:], "half": data[: len(data) // 2], "text": b"x" * 5000}[
                damage
            ]
        )
    w.start()
    assert (w.aside is None) == (damage == "deleted")
    w.go(14)
    complete(w, before)
    assert sorted(tree(w.unique)) == ["a/1.bmp", "a/3.bmp"], "decided anew, and what is not known travels on"


def test_the_journal_is_deleted_while_it_is_in_use(world):
    from semtrace.io.journal import JournalError

    w: World = world()
    w.go(2)
    w.state.unlink()
    with pytest.raises(JournalError, match="deleted while it was in use"):
        w.watcher.tick()


def test_a_picture_that_is_nowhere_after_a_kill_is_said_loudly(world):
    w: World = world()
    for i in range(3):
        w.put(f"a/{i}.bmp", picture(i))
    asked = iter(range(100))
    w.clock.stopped = lambda: bool(w.items()) and next(asked) > 1
    w.start()
    w.go(14)
    w.clock.stopped = lambda: False
    (w.root / "a/2.bmp").unlink()
    w.start()
    w.go(14)
    assert w.watcher._sorter.failed == 1
    assert w.said("MISSING:   a/2.bmp: neither at its place nor at its target")
    assert [batch.state for batch in w.journal.batches(str(w.root))] == ["failed"]
