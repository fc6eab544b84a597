"""Files that an earlier run made, taken over by a link where they are still what this run would make.

So a run after a few new images costs what is new, not what is there. A file counts as what it was while its size, times
and inode are; else its digest tells. What has further names is left alone: it may be an original, or belong to DVC.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from semtrace.io.cache import Cache, Kind
from semtrace.io.digests import md5
from semtrace.io.files import read_regular
from semtrace.io.stat_cache import stamp_of
from semtrace.parallel.system_calls import hard_link

_KIND = Kind("made", (__name__,))
_COARSE = 1_000_000  # nanoseconds; a clock that ticks in these cannot tell two changes apart

FileStamp = list[int | str]
"""Size, mtime, ctime and inode of a file, and its md5."""


def link_if_unchanged(
    earlier: str, target: str, digest: str, known: FileStamp | None = None, *, read: bool = True
) -> bool:
    """Give the file ``earlier`` the further name ``target`` where its md5 is ``digest``; False where that cannot be.

    Args:
        earlier: what an earlier run made.
        target: the further name.
        digest: md5 that it must have.
        known: what was remembered of it.
        read: read it where that does not tell.
    """
    try:
        found = os.lstat(earlier)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            return False
        if known != _facts(found, digest) and (not read or md5(_read(Path(earlier))) != digest):
            return False
        hard_link(earlier, target)
    except OSError:
        return False
    return True


def remember(folder: Path, digests: Iterable[tuple[str, str]], cache: Cache) -> None:
    """Note the names and md5s of files that this process has made in ``folder``, once all have their final names."""
    made: dict[str, FileStamp] = {}
    for name, digest in digests:
        with contextlib.suppress(OSError):
            found = os.lstat(f"{folder}/{name}")
            if found.st_ctime_ns % _COARSE:
                made[name] = _facts(found, digest)
    cache.put([(_KIND, str(folder.absolute()), made)])


def remembered(folder: Path, cache: Cache) -> Mapping[str, FileStamp]:
    """What was noted of the files in ``folder``, by name; some may have been changed since."""
    return cache.get(_KIND, str(folder.absolute())) or {}


def _read(file: Path) -> bytes:
    return read_regular(file.parent.resolve() / file.name)


def _facts(found: os.stat_result, digest: str) -> FileStamp:
    return [*stamp_of(found), digest]
