from __future__ import annotations

import os
import time

import pytest

from semtrace.io import stat_cache
from semtrace.io.cache import Cache
from semtrace.io.digests import md5


@pytest.fixture
def cache(tmp_path):
    with Cache(tmp_path / "c.sqlite") as opened:
        yield opened


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A settled file: the clock is put forward, so that nobody has to wait."""
    path = tmp_path / "a.tif"
    path.write_bytes(b"first")
    later = time.time_ns() + 10_000_000_000
    monkeypatch.setattr(stat_cache.time, "time_ns", lambda: later)
    return path


def remember(file, cache):
    content = stat_cache.identify(str(file), cache)
    cache.put([(stat_cache.KIND, str(file), content.entry)])
    return content


def test_an_unchanged_file_is_not_read_again(file, cache):
    assert remember(file, cache).data == b"first"
    again = stat_cache.identify(str(file), cache)
    assert (again.digest, again.data, again.entry) == (md5(b"first"), None, None)


def test_equal_size_and_restored_mtime_do_not_deceive(file, cache):
    remember(file, cache)
    before = file.stat()
    file.write_bytes(b"other")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert stat_cache.identify(str(file), cache).digest == md5(b"other")
    assert stat_cache.read_as(str(file), md5(b"first"), cache) is None


def test_a_file_that_has_just_changed_is_not_trusted(tmp_path, cache):
    path = tmp_path / "new.tif"
    path.write_bytes(b"new")
    assert stat_cache.identify(str(path), cache).entry is None


def test_reading_as_what_it_is(file, cache):
    assert stat_cache.read_as(str(file), md5(b"first"), cache) == b"first"
    remember(file, cache)
    assert stat_cache.read_as(str(file), md5(b"first"), cache) == b"first"
    assert stat_cache.read_as(str(file), md5(b"else"), cache) is None
