"""Folders that are held, on systems and disks that have no locks."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace

import pytest

from semtrace.io import staging
from semtrace.io.staging import locked
from semtrace.parallel import system_calls


def refused(descriptor: int, how: int) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


@pytest.mark.parametrize("calls", [None, SimpleNamespace(LOCK_SH=1, LOCK_EX=2, LOCK_NB=4, flock=refused)])
def test_a_lock_that_cannot_be_had_is_said_once(tmp_path, monkeypatch, capsys, calls):
    monkeypatch.setattr(system_calls, "fcntl", calls)
    staging._warn_of_no_locks.cache_clear()
    for _ in range(2):
        with locked(tmp_path), locked(tmp_path):
            pass
    assert capsys.readouterr().err.count("do not start two runs of one project at once") == 1


def test_where_there_are_locks_the_second_waits_and_nothing_is_said(tmp_path, capsys):
    staging._warn_of_no_locks.cache_clear()
    with (
        locked(tmp_path),
        pytest.raises(OSError, match="another semtrace is at work here"),
        locked(tmp_path, patience=0),
    ):
        pass
    with locked(tmp_path, shared=True), locked(tmp_path, shared=True):
        pass
    assert capsys.readouterr().err == ""
