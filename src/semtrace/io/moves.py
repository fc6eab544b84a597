"""Moving a file so that no picture is ever lost: nothing is overwritten, nothing unseen is deleted."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from semtrace.io.digests import md5
from semtrace.io.frames import ChangedError, Signature, read_unchanged, signature
from semtrace.parallel.system_calls import hard_link, open_for_its_state, rename_without_overwriting

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS)


def state_of(path: str) -> Signature | None:
    """The signature of what stands at ``path``, links not followed; None if nothing does."""
    try:
        return signature(os.lstat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def holds(path: str, size: int, digest: str) -> bool:
    """Whether a plain file at ``path`` has this content.

    Raises:
        OSError: it is there and cannot be read.
    """
    found = state_of(path)
    if found is None or found.bytes != size or not stat.S_ISREG(os.lstat(path).st_mode):
        return False
    return md5(read_unchanged(path, found)) == digest


def move(source: str, target: str, expected: Signature, digest: str) -> None:
    """Move a file that is still the one that was decided to a free name, whose folder must exist.

    On one file system it changes its name in one step. Onto another it is copied beside its target under a temporary
    name, brought to the disk, compared with ``digest``, named, and only then deleted at its source.

    Raises:
        ChangedError: the source is another one now; it stays, and nothing stands at ``target``.
        FileExistsError: ``target`` is taken; nothing was moved.
        OSError: nothing was lost; what stands where is for the next run to find out.
    """
    _check(source, expected)
    try:
        rename_new(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy(source, target, expected, digest)
        remove(source, expected)
        return
    moved = state_of(target)
    if moved is None or moved[:3] != expected[:3]:  # another file took its place at the last moment
        rename_new(target, source)
        raise ChangedError(errno.ESTALE, "changed while it was moved", source)


def copy(source: str, target: str, expected: Signature, digest: str) -> None:
    """Copy a file to a free name, in one visible step; raises as ``move``."""
    data = read_unchanged(source, expected)
    if md5(data) != digest:
        raise ChangedError(errno.ESTALE, "another content than when it was decided", source)
    if state_of(target) is not None:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    temporary = temporary_name(target, digest)
    try:
        with open(temporary, "wb") as file:  # noqa: PTH123
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.utime(temporary, ns=(expected.mtime_ns, expected.mtime_ns))
        if not holds(temporary, len(data), digest):
            raise OSError(errno.EIO, "what was written is not what is read back", temporary)
        rename_new(temporary, target)
        sync_folder(os.path.dirname(target))  # noqa: PTH120
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise


def remove(path: str, expected: Signature) -> None:
    """Delete a file whose content stands elsewhere too; ChangedError, and it stays, if it is another one now."""
    _check(path, expected)
    os.unlink(path)  # noqa: PTH108


def temporary_name(target: str, digest: str) -> str:
    """The name beside ``target`` that a copy has while it is written; it tells nothing but the digest."""
    return os.path.join(os.path.dirname(target), f".semtrace-{digest}.part")  # noqa: PTH118, PTH120


def clear_temporary(target: str, digest: str) -> None:
    """Remove what a killed run left of a copy."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(temporary_name(target, digest))  # noqa: PTH108


def make_folder(folder: str) -> None:
    """Make a folder and those above it, where they are missing."""
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103


def sync_folder(folder: str) -> None:
    """Bring the names in a folder to the disk; Windows needs no such word."""
    descriptor = open_for_its_state(Path(folder))
    if descriptor is None:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a share that cannot be asked for it
            raise
    finally:
        os.close(descriptor)


def rename_new(source: str, target: str) -> None:
    """Rename within a file system, in one step, refusing to overwrite (``FileExistsError``).

    Linux and Windows have that call. Elsewhere a hard link is made and the old name removed; on a file system that
    has no links either, a name that is taken between a look and the renaming would be overwritten.
    """
    if rename_without_overwriting(source, target):
        return
    try:
        hard_link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if state_of(target) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        os.rename(source, target)  # noqa: PTH104
        return
    os.unlink(source)  # noqa: PTH108


def _check(path: str, expected: Signature) -> None:
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode) or signature(found) != expected:
        raise ChangedError(errno.ESTALE, "changed since it was decided", path)
