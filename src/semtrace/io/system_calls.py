"""Calls that only some operating systems have; where one is missing, the work is done without it."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_FICLONE = 0x40049409  # linux/fs.h: share the extents of one file with another (reflink)


@cache
def c_library() -> Any:
    """The C library of this process, each of whose calls may be missing (``AttributeError``); None on Windows."""
    try:
        return ctypes.CDLL(None, use_errno=True)
    except (OSError, TypeError):
        return None


def advisory_lock(descriptor: int, *, shared: bool = False, wait: bool = False) -> bool:
    """Hold an open file or folder until it is closed; False where another process holds it.

    Where the system or the file system has no such locks, True, and nothing is held.
    """
    if fcntl is None:
        return True
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, how if wait else how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system that has no locks
        pass
    return True


def share_extents(source: int, target: int) -> bool:
    """Let an open new file share the bytes of another (Btrfs, XFS); False where that cannot be done."""
    if fcntl is None:
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True
