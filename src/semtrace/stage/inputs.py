"""Checks of input folders and files before and while they are read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from semtrace.core.errors import InputError
from semtrace.io.cache import reader
from semtrace.io.files import walk
from semtrace.io.stat_cache import read_as
from semtrace.stage.rejects import CHANGED, OUT_OF_MEMORY, Failure, printable, why_unreadable


def check_folder(folder: Path, what: str) -> None:
    """Make sure that an input folder is there and can be listed.

    Raises:
        InputError: it is missing, not a folder, or not readable.

    """
    if not folder.exists():
        raise InputError(
            f"{folder}: the {what} folder is missing. Put the images there, or name another folder in conf/dataset/"
        )
    if not folder.is_dir():
        raise InputError(f"{folder}: the {what} must be a folder")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise InputError(f"{folder}: no permission to list the {what} folder (`ls -ld` shows the permissions)")


def unfit(relative: str, path: Path) -> Failure | None:
    """Say why what lies at ``path`` is not taken as a file at all; None for a plain file."""
    try:
        relative.encode()
    except UnicodeEncodeError:
        return Failure("name_not_utf8", "rename the file: tables are UTF-8 and its name is not")
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return Failure("path_too_long", "longer than the system allows: nothing there can be opened")
        return why_unreadable(error)
    if stat.S_ISLNK(mode):
        return Failure("symbolic_link", f"points to {str(path.readlink())!r}; links are not followed")
    if not stat.S_ISREG(mode):
        return Failure("not_a_file", "a pipe, socket or device")
    return None


def check_dvc(folder: Path, what: str, work: Path) -> None:
    """Make sure that DVC can take the digest of an input folder, which it does before any stage runs.

    Raises:
        InputError: the results in ``work`` lie in it, or something else in it would make DVC fail or wait for ever; the
            message names the first of each kind.
    """
    if work.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"{folder}: DVC takes no {what} that the results in {work} lie in. Run `semtrace run`, which leaves them "
            "out, or put the project elsewhere"
        )
    found: dict[str, str] = {}
    unlisted: dict[str, Failure] = {}
    for relative, path in walk(folder, unlisted=lambda name, error: unlisted.update({name: why_unreadable(error)})):
        reason = unlisted.get(relative) or unfit(relative, path)
        if reason is None and not os.access(path, os.R_OK):
            reason = Failure("unreadable", "no permission")
        if reason is not None and not (reason.reason == "symbolic_link" and path.is_file()):
            found.setdefault(reason.reason, printable(relative))
    if found:
        kinds = ", ".join(f"{reason} ({name})" for reason, name in sorted(found.items()))
        raise InputError(
            f"{folder}: DVC cannot take the digest of the {what} with these in it: {kinds}. "
            "Move them out, or run `semtrace run`, which lists them as rejects"
        )


def read_file(file: str, digest: str, cache_file: str | Path) -> bytes | Failure:
    """Read a file that must still have the md5 ``digest``; a failure where it has not, or cannot be read."""
    try:
        data = read_as(file, digest, reader(cache_file))
    except OSError as error:
        return why_unreadable(error)
    except MemoryError:
        return OUT_OF_MEMORY
    return CHANGED if data is None else data
