"""What content a file had when it was last read, so that an unchanged file need not be digested again.

As in Git's index and DVC's state, a file whose size, mtime, ctime and inode are what they were is taken for
unchanged. A program can set a file's mtime but not its ctime, so a tool that restores times does not deceive it. A file
that changed within two seconds before it was read is not trusted: another change could leave the same stamp.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from semtrace.io.cache import Cache, Kind
from semtrace.io.digests import md5
from semtrace.io.files import read_regular

KIND = Kind("seen", (__name__,))
_SETTLED = 2_000_000_000  # nanoseconds


@dataclass(frozen=True)
class FileContent:
    """A file's content.

    Attributes:
        digest: md5 of its bytes.
        data: the bytes; None where the digest was known without reading.
        entry: to be stored in the cache under the file's name; None where there is nothing new to store.
    """

    digest: str
    data: bytes | None
    entry: list[int | str] | None


def recall(file: str, cache: Cache) -> str | None:
    """The md5 of a file that has not changed since it was read; None where it must be read. OSError as for any file."""
    return _known(_stamp(file), cache.get(KIND, file))


def recall_many(files: Sequence[str], cache: Cache) -> list[str | None]:
    """``recall`` of each file; None too where there is no such file."""
    stamps: list[list[int] | None] = []
    for file in files:
        try:
            stamps.append(_stamp(file))
        except OSError:
            stamps.append(None)
    return [_known(stamp, known) for stamp, known in zip(stamps, cache.get_many(KIND, files), strict=True)]


def identify(file: str, cache: Cache) -> FileContent:
    """Say what content a file has, reading it only if it may have changed; OSError where it cannot be read."""
    known = recall(file, cache)
    if known is not None:
        return FileContent(known, None, None)
    stamp = _stamp(file)
    data = read_regular(file)
    digest = md5(data)
    return FileContent(digest, data, [*stamp, digest] if stamp and stamp == _stamp(file) else None)


def read_as(file: str, digest: str, cache: Cache) -> bytes | None:
    """Read a file that must have the content ``digest``; None where it has another. OSError as for any file."""
    data = read_regular(file)
    return data if recall(file, cache) == digest or md5(data) == digest else None


def _known(stamp: list[int] | None, known: list[Any] | None) -> str | None:
    return known[-1] if stamp is not None and known is not None and known[:-1] == stamp else None


def stamp_of(state: os.stat_result) -> list[int]:
    """What tells a changed file: size, both times in nanoseconds, inode."""
    return [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]


def is_settled(state: os.stat_result) -> bool:
    """Whether a file is old enough that another change would leave another stamp."""
    return time.time_ns() - max(state.st_mtime_ns, state.st_ctime_ns) >= _SETTLED


def _stamp(file: str) -> list[int] | None:
    found = os.stat(file)  # noqa: PTH116  (a third of the time of Path(file).stat(), for every file)
    return stamp_of(found) if is_settled(found) else None
