from __future__ import annotations

import os

import pytest

from semtrace.io import reuse as module
from semtrace.io.cache import Cache
from semtrace.io.digests import md5
from semtrace.io.reuse import remember, remembered, take_over


@pytest.fixture
def cache(tmp_path):
    with Cache(tmp_path / "c.sqlite") as opened:
        yield opened


def take(made, tmp_path, cache):
    known = remembered(made.parent, cache).get(made.name)
    return take_over(str(made), str(tmp_path / "new"), md5(b"made"), known)


@pytest.fixture
def made(tmp_path):
    path = tmp_path / "made.jpg"
    path.write_bytes(b"made")
    return path


def test_what_is_still_the_same_is_taken_over_without_a_copy(made, tmp_path, cache):
    assert take(made, tmp_path, cache)
    assert made.samefile(tmp_path / "new")


@pytest.mark.parametrize("change", ["content", "further name", "link", "folder", "missing"])
def test_what_may_be_something_else_is_not(change, made, tmp_path, cache):
    if change == "content":
        made.write_bytes(b"edit")
    elif change == "further name":  # an original that was linked here, or DVC's own file
        os.link(made, tmp_path / "archive.tif")
    elif change != "further name":
        made.unlink()
    if change == "link":
        (tmp_path / "elsewhere").write_bytes(b"made")
        made.symlink_to(tmp_path / "elsewhere")
    elif change == "folder":
        made.mkdir()
    assert not take(made, tmp_path, cache)
    assert not (tmp_path / "new").exists()


def test_what_was_remembered_need_not_be_read_again(made, tmp_path, cache, monkeypatch):
    remember(made.parent, [(made.name, md5(b"made"))], cache)
    monkeypatch.setattr(module, "read_regular", None)
    assert take(made, tmp_path, cache)


def test_an_edit_of_equal_size_with_its_time_put_back_is_noticed(made, tmp_path, cache):
    remember(made.parent, [(made.name, md5(b"made"))], cache)
    times = made.stat()
    made.write_bytes(b"edit")
    os.utime(made, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert not take(made, tmp_path, cache)


def test_a_clock_too_coarse_to_tell_changes_apart_is_not_trusted(made, tmp_path, cache, monkeypatch):
    monkeypatch.setattr(module, "_COARSE", 1)  # every time is a multiple of it
    remember(made.parent, [(made.name, md5(b"made"))], cache)
    made.write_bytes(b"edit")
    assert not take(made, tmp_path, cache)
