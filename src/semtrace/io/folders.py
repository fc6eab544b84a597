"""Folders of a living file system: what is in them now, whether two are one, and where they are mounted."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Literal

from semtrace.io.frames import Signature, signature

_WINDOWS = os.name == "nt"
_LONGEST = 240  # characters; Windows refuses paths of 260 and more that are not written as extended ones
_RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))}


@dataclass(frozen=True)
class FolderEntry:
    """One name in a folder; links are not followed, and are ``other`` like pipes and devices."""

    name: str
    kind: Literal["folder", "file", "other"]
    signature: Signature


def entries(folder: str) -> Iterator[FolderEntry]:
    """All names in a folder; one that vanishes meanwhile is left out.

    Asks for each name anew: what a Windows folder remembers of a file that is being written is old.

    Raises:
        OSError: the folder cannot be listed.
    """
    with os.scandir(folder) as found:
        for name in [entry.name for entry in found]:
            try:
                state = os.lstat(os.path.join(folder, name))  # noqa: PTH118  (10,000 of them, every 2 seconds)
            except OSError:
                continue
            kind: Literal["folder", "file", "other"] = "other"
            if stat.S_ISDIR(state.st_mode) and not _is_junction(state):
                kind = "folder"
            elif stat.S_ISREG(state.st_mode) and _is_plain(name):
                kind = "file"
            yield FolderEntry(name, kind, signature(state))


def names_in(folder: str) -> set[str]:
    """All names in a folder, with nothing asked about them; OSError if it cannot be listed."""
    return set(os.listdir(folder))  # noqa: PTH208


def modified_ns(folder: str) -> int:
    """When a name was last added to or removed from a folder, as the file system says; OSError if it is not there."""
    return os.stat(folder).st_mtime_ns  # noqa: PTH116


def path_in(root: str, relative: str = "", *, windows: bool = _WINDOWS) -> str:
    """The native path of a POSIX path below ``root``; on Windows such a long one as the system accepts."""
    if not windows:
        return f"{root}/{relative}" if root and relative else root or relative
    return extended(str(PureWindowsPath(root) / relative))


def extended(path: str) -> str:
    r"""A Windows path that may be longer than 260 characters: ``\\?\C:\...`` or ``\\?\UNC\server\share\...``."""
    if len(path) < _LONGEST or path.startswith(("\\\\?\\", "\\\\.\\")):
        return path
    if path.startswith("\\\\"):
        return "\\\\?\\UNC\\" + path[2:]
    return "\\\\?\\" + path if PureWindowsPath(path).is_absolute() else path


def is_reserved(path: str) -> bool:
    """Whether Windows would take a part of the path for a device (``nul``, ``com1.txt``), or cut its end off."""
    parts = PureWindowsPath(path).parts[1 if PureWindowsPath(path).anchor else 0 :]
    return any(
        p.split(".")[0].rstrip().lower() in _RESERVED or p.rstrip(". ") != p for p in parts if p not in (".", "..")
    )


def inside(folder: str, other: str) -> bool:
    """Whether ``folder`` is ``other`` or lies in it, also by another spelling of its name or over a link."""
    here = os.path.realpath(folder)
    while True:
        if os.path.normcase(here) == os.path.normcase(os.path.realpath(other)) or _same(here, other):
            return True
        above = os.path.dirname(here)  # noqa: PTH120
        if above == here:
            return False
        here = above


def mount_point(path: str) -> str:
    """The folder at or above ``path`` on which its file system is mounted; on Windows its drive or share."""
    here = os.path.realpath(path)
    while not os.path.ismount(here) and os.path.dirname(here) != here:  # noqa: PTH120
        here = os.path.dirname(here)  # noqa: PTH120
    return here


def is_bare(folder: str) -> bool:
    """Whether there is no such folder, or nothing in it: an empty mount point looks so."""
    try:
        with os.scandir(folder) as found:
            return next(found, None) is None
    except OSError:
        return True


def free_bytes(path: str) -> int | None:
    """Bytes free where ``path`` lies; None if that cannot be said."""
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None


def remove_if_empty(folder: str) -> bool:
    """Remove a folder that holds nothing; False if it holds something or cannot be removed."""
    try:
        os.rmdir(folder)  # noqa: PTH106
    except OSError:
        return False
    return True


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)  # noqa: PTH121
    except OSError:
        return False


def _is_plain(name: str) -> bool:
    """Whether a name is UTF-8, so that it can be written down."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_junction(state: os.stat_result) -> bool:
    """Whether a folder of Windows stands for another place."""
    return getattr(state, "st_reparse_tag", 0) == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1)
