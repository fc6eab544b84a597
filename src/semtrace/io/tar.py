"""Tar archives whose bytes depend on nothing but their members: no owner, no date, no order of a file system."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from semtrace.io.files import clear_abandoned, open_plain


class ChangedMemberError(ValueError):
    """A file is not what its digest says."""


Member = tuple[str, bytes | Path, str]
"""Name in the archive; content, or the file that has it; its sha256 (``""`` for content)."""


def write_tar(target: Path, members: Iterable[Member]) -> None:
    """Write ``members`` in the order given to the tar archive ``target``, which appears whole or not at all.

    Raises:
        FileExistsError: ``target`` exists.
        ChangedError: a file has another sha256.

    """
    with _appearing(target) as temporary, tarfile.open(temporary, "x", format=tarfile.PAX_FORMAT) as tar:
        for name, content, digest in members:
            if isinstance(content, bytes):
                tar.addfile(_entry(name, len(content)), io.BytesIO(content))
                continue
            with open_plain(content) as file:
                reading = _Digesting(file)
                tar.addfile(_entry(name, os.fstat(file.fileno()).st_size), reading)
            if reading.sha256.hexdigest() != digest:
                raise ChangedMemberError(f"{content}: not what the release promises")


class _Digesting(io.RawIOBase):
    def __init__(self, file: io.BufferedReader) -> None:
        self._file, self.sha256 = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.sha256.update(data)
        return data


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)  # as it is made: no date, owner 0, no owner's name
    entry.size, entry.mode = size, 0o644
    return entry


@contextmanager
def _appearing(target: Path) -> Iterator[Path]:
    _check_new(target)
    clear_abandoned(target)
    temporary = target.with_name(f".{target.name[:200]}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        _check_new(target)  # another process may have made it meanwhile
        temporary.rename(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _check_new(target: Path) -> None:
    if target.exists():
        raise FileExistsError(errno.EEXIST, "exists already; nothing is overwritten", str(target))
