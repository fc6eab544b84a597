"""Files and folders: listing, digests, safe joining, atomic writes, placing a copy of a file."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from io import BufferedReader, BufferedWriter
from pathlib import Path, PurePosixPath

from semtrace.core.errors import InputError
from semtrace.parallel.system_calls import (
    begin_storing,
    hard_link,
    list_folder,
    open_without_links,
    process_runs,
    pump,
    share_extents,
)

MAX_BYTES = 2**31
"""Larger files are not read: no picture that is decoded here needs more, and a sparse file can claim any size."""

_LONGEST_PATH = 4095  # bytes; PATH_MAX of linux/limits.h without its final NUL


class UnsafePathError(InputError):
    """A path from a table is absolute, climbs with ``..``, or is not plain UTF-8."""


def safe_join(root: Path, relative: str) -> Path:
    """As ``safe_name``, as a Path."""
    return Path(safe_name(root, relative))


def safe_name(root: Path, relative: str) -> str:
    """Join a table's POSIX path to ``root``.

    Raises:
        UnsafePathError: the result could lie outside ``root``.

    """
    if not relative or relative.startswith("/") or ".." in relative.split("/") or "\0" in relative:
        raise UnsafePathError(f"{relative!r}: not a path inside {root}")
    return f"{root}/{relative}"


def walk(
    root: Path,
    *,
    enter: Callable[[str], bool] | None = None,
    unlisted: Callable[[str, OSError], None] | None = None,
) -> Iterator[tuple[str, Path]]:
    """Yield ``(posix path relative to root, path)`` of everything below ``root`` that is not a folder.

    Sorted by path, so the listing does not depend on the file system. Symbolic links are yielded, never followed,
    also where one takes the place of a folder while it is listed. A folder that is not entered is yielded itself: by
    ``enter`` or ``unlisted``, or because its path is longer than the system allows and nothing in it could be opened.

    Args:
        root: folder to list.
        enter: whether to list the folder of this path; None: every one.
        unlisted: told of each folder below ``root`` that cannot be listed; None: that is an error.

    Raises:
        OSError: ``root`` cannot be listed, or without ``unlisted`` a folder in it.

    """
    found, folders, top = [], [""], root.resolve()
    while folders:
        inside = folders.pop()
        if len(os.fsencode(top / inside)) > _LONGEST_PATH or (inside and enter is not None and not enter(inside)):
            found.append(inside)
            continue
        try:
            below = list_folder(top / inside)
        except OSError as error:
            if error.errno != errno.ELOOP:
                if unlisted is None or not inside:
                    raise
                unlisted(inside, error)
            found.append(inside)
            continue
        for name, is_folder in below:
            relative = f"{inside}/{name}" if inside else name
            (folders if is_folder else found).append(relative)
    for relative in sorted(found):
        yield relative, root / relative


def outside(root: Path, folders: Collection[str]) -> list[str]:
    """What lies below ``root`` in none of ``folders`` (POSIX paths relative to it), named as high up as can be."""
    found, todo = [], [PurePosixPath()]
    while todo:
        for path in (root / todo.pop()).iterdir():
            name = PurePosixPath(path.relative_to(root))
            if str(name) in folders:
                continue
            if path.is_dir() and not path.is_symlink() and any(PurePosixPath(f).is_relative_to(name) for f in folders):
                todo.append(name)
            else:
                found.append(str(name))
    return sorted(found)


def open_regular(path: Path | str) -> BufferedReader:
    """Open a file for reading that must be a plain file now, whatever it and its folders were when it was listed.

    No symbolic link is followed anywhere in ``path``, so one that is swapped in cannot lead out. Where the root may
    be a link, resolve it first.

    Raises:
        OSError: ``ELOOP`` where it or a folder above it is a symbolic link, ``EINVAL`` where it is a pipe, socket,
            device or folder (it is never waited for), or anything that opening a file raises.

    """
    descriptor = open_without_links(path)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a plain file", str(path))
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path | str) -> bytes:
    """The bytes of a plain file; OSError as ``open_regular``, with ``EFBIG`` for more than ``MAX_BYTES``."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_BYTES:
            raise OSError(errno.EFBIG, f"{size} bytes; the limit is {MAX_BYTES}", str(path))
        return file.read(size + 1)  # one that grows meanwhile is not followed for ever; its digest will tell


def digests(path: Path) -> tuple[int, str, str]:
    """Bytes, md5 and sha256 of a file, read once in pieces: 32 and 64 hex digits.

    Raises:
        UnsafePathError: ``path`` is no plain file; a symbolic link is not followed.
        OSError: it cannot be read.

    """
    size, short, long = 0, hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with open_plain(path) as file:
        while piece := file.read(1 << 18):
            size += len(piece)
            short.update(piece)
            long.update(piece)
    return size, short.hexdigest(), long.hexdigest()


def sha256(path: Path) -> str:
    """The sha256 of a file as 64 hex digits; raises as ``digests`` does."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_plain(path: Path) -> BufferedReader:
    """As ``open_regular``, for what must be a file (else UnsafePathError); folders above it may be links."""
    try:
        return open_regular(path.parent.resolve() / path.name)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EINVAL):
            raise UnsafePathError(f"{path}: a link, pipe or folder, where a file must be") from error
        raise


def write_atomic(path: Path, data: bytes | Iterable[bytes], *, durable: bool = True) -> None:
    """Write bytes, or pieces of them, so that ``path`` is the old file or the new one: temporary, fsync, rename.

    Without ``durable`` no fsync is made. A power failure may cut the file off, which its reader must notice; and what a
    killed run has left of it stays, for whoever keeps the folder small.
    """
    temporary = path.with_name(f".{path.name[:200]}.{os.getpid()}.part")
    if durable:
        clear_abandoned(path)
    try:
        with temporary.open("wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def clear_abandoned(path: Path) -> None:
    """Remove the temporary files ``.<name>.<process>.part`` of ``path`` that killed runs have left."""
    for left in path.parent.glob(f".{glob.escape(path.name[:200])}.*.part"):
        process = left.suffixes[-2][1:]
        if not process.isdecimal() or not process_runs(int(process)):
            left.unlink(missing_ok=True)


def write_staged(path: Path, data: bytes) -> None:
    """Write a file into a staged folder: the folder's sync brings it to the disk, its renaming makes it final.

    What is there already, left by a worker that died, goes first: it may share its bytes with an earlier result.
    """
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        begin_storing(file.fileno())


def place(source: Path, target: Path, *, link: str = "reflink") -> str:
    """Put the content of ``source`` at ``target``, which must not exist, without moving its bytes where it can.

    Args:
        source: file to place; it is only read.
        target: new file.
        link: ``"reflink"`` shares the extents until one of the two is changed (Btrfs, XFS), ``"hardlink"`` shares
            the file itself, ``"copy"`` shares nothing. What the file system cannot do falls back to a copy.

    Returns:
        ``"reflink"``, ``"hardlink"`` or ``"copy"``: what was done.

    Raises:
        FileExistsError: ``target`` exists; nothing is overwritten.

    """
    with open_regular(source) as reading:
        if link == "reflink":
            with target.open("xb") as writing:
                if share_extents(reading.fileno(), writing.fileno()):
                    return "reflink"
            target.unlink()
        if link == "hardlink":
            try:
                hard_link(source, target, follow=True)
                return "hardlink"
            except OSError as error:
                if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
                    raise
        with target.open("xb") as writing:
            _pump(reading, writing, source)
            writing.flush()
            begin_storing(writing.fileno())
    return "copy"


def _pump(reading: BufferedReader, writing: BufferedWriter, source: Path) -> None:
    pump(reading.fileno(), writing.fileno())  # the loop below finds out which of the two files is to blame
    while True:
        try:
            block = reading.read(1 << 20)
        except OSError as error:
            error.filename = str(source)  # a failed read does not say of what
            raise
        if not block:
            return
        writing.write(block)
