"""Folders that are filled beside their place and take it in one step, by one process at a time."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from semtrace.parallel.system_calls import advisory_lock, exchange_names, open_for_its_state, sync_files_below

WAITING = "bytes_waiting"
"""Attribute of an OSError: bytes that were taken and are given back already."""

_PATIENCE = 5.0  # seconds: the workers of a killed run take a moment to go


@contextlib.contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """Give a new folder beside ``target`` to fill; on success it takes the place of ``target``, else it is removed.

    So a stage's folder is either the old one or the whole new one. A left-over of a killed run is cleared first.

    Raises:
        OSError: ``EBUSY`` where another process is filling it; ``ENOSPC`` says how many bytes it had taken.

    """
    staging, old = (target.with_name(f".{target.name}.{end}") for end in ("part", "old.part"))
    _clear(staging)
    staging.mkdir(parents=True)
    with locked(staging):
        try:
            yield staging
            sync_files_below(staging)
            _remove(old)
            if not exchange_names(staging, target):
                if os.path.lexists(target):
                    target.rename(old)
                staging.rename(target)
            _remove(old)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                taken = sum(path.lstat().st_size for path in staging.rglob("*")) + vars(error).get(WAITING, 0)
                said = f"{error.strerror}; {target} needs more than the {taken:,} bytes that it had taken"
                # A new error: one that was changed would lose its words on the way from another process.
                raise OSError(error.errno, said, error.filename) from error
            raise
        finally:
            _remove(staging)  # what is unfinished, or what was replaced


@contextlib.contextmanager
def locked(folder: Path, *, patience: float | None = None, shared: bool = False) -> Iterator[None]:
    """Hold a folder or file for this process and its children; the kernel forgets it with them: no lock is ever stale.

    Where there are no locks, the first call says so on stderr, and nothing is held.

    Args:
        folder: it must exist.
        patience: seconds to wait for another process; None: five.
        shared: others may hold it so too, who only read.

    Raises:
        OSError: ``EBUSY`` where another process holds it, even after that.

    """
    descriptor = open_for_its_state(folder)
    try:
        end = time.monotonic() + (_PATIENCE if patience is None else patience)
        while (held := advisory_lock(descriptor, shared=shared)) is False:
            if time.monotonic() > end:
                raise OSError(
                    errno.EBUSY, "another semtrace is at work here; run it again when that one has ended", str(folder)
                )
            time.sleep(0.05)
        if held is None:
            _warn_of_no_locks()
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


@cache
def _warn_of_no_locks() -> None:
    print(
        "semtrace: warning: this system or file system has no locks; do not start two runs of one project at once",
        file=sys.stderr,
    )


@contextlib.contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder for the time being; a left-over of a killed run is cleared first, and nothing is kept.

    Raises:
        OSError: ``EBUSY`` where another process uses it.

    """
    _clear(folder)
    folder.mkdir(parents=True)
    with locked(folder):
        try:
            yield folder
        finally:
            _remove(folder)


def _clear(folder: Path) -> None:
    """Remove what a killed run left; it is held where that run, or one of its workers, still lives."""
    if folder.is_dir() and not folder.is_symlink():
        with locked(folder):
            pass
    _remove(folder)


def _remove(folder: Path) -> None:
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
