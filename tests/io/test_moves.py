"""Moving without overwriting, on one file system and between two."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from semtrace.io import moves
from semtrace.io.digests import md5
from semtrace.io.frames import ChangedError, decode_frame, read_unchanged
from semtrace.io.moves import copy, holds, move, remove, rename_new, state_of, temporary_name
from semtrace.parallel import system_calls

DATA = b"the content"


@pytest.fixture(params=["renameat2", "links", "no links"])
def how(request, monkeypatch) -> str:
    """The three ways in which a file system may rename."""
    if request.param != "renameat2":
        monkeypatch.setattr(system_calls, "_renameat2", lambda: None)
    if request.param == "no links":

        def refuse(*_args, **_options):
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    return request.param


def test_a_name_that_is_free_is_taken_and_one_that_is_not_is_left(tmp_path: Path, how):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(DATA)
    two.write_bytes(b"other")
    with pytest.raises(FileExistsError):
        rename_new(str(one), str(two))
    assert (one.read_bytes(), two.read_bytes()) == (DATA, b"other")
    rename_new(str(one), str(tmp_path / "three"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["three", "two"]


@pytest.fixture
def elsewhere(monkeypatch):
    """Another file system behind every name that begins with ``far``."""
    rename = moves.rename_new

    def across(source, target):
        if Path(target).name.startswith("far") and not Path(source).name.startswith(".semtrace"):
            raise OSError(errno.EXDEV, "Invalid cross-device link", source)
        rename(source, target)

    monkeypatch.setattr(moves, "rename_new", across)


@pytest.mark.parametrize("name", ["near", "far"])
def test_a_file_moves_with_its_time(tmp_path: Path, elsewhere, name):
    source, target = tmp_path / "source", tmp_path / name
    source.write_bytes(DATA)
    os.utime(source, ns=(10**18, 10**18 + 7))
    move(str(source), str(target), state_of(str(source)), md5(DATA))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert target.read_bytes() == DATA
    assert target.stat().st_mtime_ns == 10**18 + 7


@pytest.mark.parametrize("name", ["near", "far"])
def test_another_content_than_was_decided_stays(tmp_path: Path, elsewhere, name):
    source = tmp_path / "source"
    source.write_bytes(DATA)
    expected = state_of(str(source))
    source.write_bytes(b"new content")
    with pytest.raises(ChangedError):
        move(str(source), str(tmp_path / name), expected, md5(DATA))
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize("name", ["near", "far"])
def test_a_taken_name_is_not_overwritten(tmp_path: Path, elsewhere, name):
    source, target = tmp_path / "source", tmp_path / name
    source.write_bytes(DATA)
    target.write_bytes(b"other")
    with pytest.raises(FileExistsError):
        move(str(source), str(target), state_of(str(source)), md5(DATA))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["source", name])
    assert target.read_bytes() == b"other"


@pytest.mark.parametrize("step", ["write", "fsync", "utime", "verify"])
def test_a_copy_that_fails_leaves_the_source_and_no_trace(tmp_path: Path, monkeypatch, step):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(DATA)

    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "write":
        monkeypatch.setattr("builtins.open", full)
    elif step == "verify":
        monkeypatch.setattr(moves, "holds", lambda *_: False)
    else:
        monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match=r"No space left|read back"):
        copy(str(source), str(target), state_of(str(source)), md5(DATA))
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_what_changed_is_not_removed(tmp_path: Path):
    file = tmp_path / "file"
    file.write_bytes(DATA)
    before = state_of(str(file))
    file.write_bytes(b"other words")
    with pytest.raises(ChangedError):
        remove(str(file), before)
    assert file.exists()


def test_a_link_is_no_file_of_any_content(tmp_path: Path):
    (tmp_path / "file").write_bytes(DATA)
    (tmp_path / "link").symlink_to("file")
    assert holds(str(tmp_path / "file"), len(DATA), md5(DATA))
    assert not holds(str(tmp_path / "link"), len(DATA), md5(DATA))
    assert not holds(str(tmp_path / "missing"), len(DATA), md5(DATA))


def test_the_temporary_name_is_beside_the_target_and_hidden():
    assert temporary_name("/x/y/a.bmp", "0f" * 16) == f"/x/y/.semtrace-{'0f' * 16}.part"


def test_a_file_is_read_only_as_it_was_listed(tmp_path: Path):
    file = tmp_path / "file"
    file.write_bytes(DATA)
    listed = state_of(str(file))
    assert read_unchanged(str(file), listed) == DATA
    os.utime(file, ns=(1, 1))
    with pytest.raises(ChangedError):
        read_unchanged(str(file), listed)


def test_a_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ChangedError):
        read_unchanged(str(tmp_path / "pipe"), state_of(str(tmp_path / "pipe")))


def test_deep_frames_keep_their_levels(shared: Path):
    frames = {name: decode_frame((shared / "watch_frames" / name).read_bytes()).pixels for name in
              ("frame_01.bmp", "frame_09.tif", "frame_11.tif")}  # fmt: skip
    assert [str(one.dtype) for one in frames.values()] == ["uint8", "uint16", "uint16"]
    assert (frames["frame_09.tif"].min(), frames["frame_09.tif"].max()) == (942, 1049)
