"""Files that an earlier run made, taken over by a link where they are still what this run would make.

So a run after a few new images costs what is new, not what is there. A file counts as what it was while its size, times
and inode are; else its digest tells. What has further names is left alone: it may be an original, or belong to DVC.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from semtrace.io.cache import Cache
from semtrace.io.files import md5, read_regular

_KIND = "made"
_COARSE = 1_000_000  # nanoseconds; a clock that ticks in these cannot tell two changes apart


def take_over(earlier: Path, target: Path, digest: str, cache: Cache, *, read: bool = True) -> bool:
    """Give the file ``earlier`` the further name ``target`` where its md5 is ``digest``; False where that cannot be.

    Whether it is, is known or found out by reading it (not where ``read`` is False).
    """
    try:
        found = earlier.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            return False
        known = cache.get(_KIND, _name(earlier)) == _facts(found, digest)
        if not known and (not read or md5(read_regular(earlier.parent.resolve() / earlier.name)) != digest):
            return False
        os.link(earlier, target, follow_symlinks=False)
    except OSError:
        return False
    return True


def remember(files: Iterable[tuple[Path, str]], cache: Cache) -> None:
    """Note the md5 of files that this process has just made, once they and the folders above have their final names."""
    entries = []
    for file, digest in files:
        with contextlib.suppress(OSError):
            found = file.lstat()
            if found.st_ctime_ns % _COARSE:
                entries.append((_KIND, _name(file), _facts(found, digest)))
    cache.put(entries)


def _name(file: Path) -> str:
    return os.path.join(os.getcwd(), file)  # noqa: PTH109, PTH118  (a fifth of the time of Path.absolute)


def _facts(found: os.stat_result, digest: str) -> list[int | str]:
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, digest]
