"""What lies in an input folder: every file, and every folder that is left out, with the reason for it.

Left out are folders of operating systems and storage devices, folders that a semtrace project makes, and what
``dataset.exclude`` names. Each is one row, so that a person can see it; nothing in it is looked at.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from semtrace.core.errors import InputError
from semtrace.core.path_index import PathIndex, folded
from semtrace.io.files import walk
from semtrace.stage.inputs import unfit
from semtrace.stage.rejects import Failure, why_unreadable

JPEG_EXTENSIONS = frozenset({".jpg", ".jpeg", ".jpe", ".jfif"})
SYSTEM_FOLDERS = (
    "$RECYCLE.BIN", "RECYCLER", "System Volume Information", "FOUND.[0-9][0-9][0-9]",
    ".Trash*", ".Spotlight-V100", ".fseventsd", ".TemporaryItems", ".DocumentRevisions-V100", ".AppleDouble",
    "__MACOSX", "lost+found", ".snapshot", ".snapshots", "~snapshot", "#snapshot", ".zfs",
    "@eaDir", "#recycle", "@Recycle", "@Recently-Snapshot", ".@__thumb", "@tmp",
    ".ipynb_checkpoints", ".thumbnails",
)  # fmt: skip
"""Patterns of names of folders that are never part of an archive: recycle bins, snapshots, thumbnails, checkpoints."""

_SYSTEM = tuple(map(folded, SYSTEM_FOLDERS))
_MADE = (
    "data/work", "data/work-*", "data/shards", "data/sharded", "data/releases", "data/watch", ".dvc", ".git", ".cache",
    ".venv", "mlartifacts", "mlruns",
)  # fmt: skip
_GENERATED = ("data/raw/synthetic", "data/raw/scale_synthetic", "data/raw/em_synthetic")
_CLAIM = {"name", "archive", "published", "known"}  # keys of the file dataset.json in a folder of results


class InputPath(NamedTuple):
    """A file of an input folder, or a folder of it that is not entered.

    Attributes:
        relative: POSIX path below the input folder.
        path: where it is.
        reason: why it is no input; None for a plain file.
    """

    relative: str
    path: Path
    reason: Failure | None


def list_inputs(root: Path, exclude: Sequence[str] = (), *, inside: str = "") -> Iterator[InputPath]:
    """All files below ``root``, and the folders that are left out or cannot be listed; sorted by path.

    Args:
        root: folder to list.
        exclude: patterns of names, or with a slash of paths, that are left out (``is_excluded``).
        inside: where ``root`` lies in the archive that the patterns speak of; empty: it is the archive.

    Raises:
        OSError: ``root`` cannot be listed.

    """
    top, own = root.resolve(), {_identity(path) for path in own_folders(Path())}
    reasons: dict[str, Failure] = {}

    def enter(relative: str) -> bool:
        reason = _left_out(relative, top / relative, exclude, inside, own)
        if reason is not None:
            reasons[relative] = reason
        return reason is None

    def unlisted(relative: str, error: OSError) -> None:
        failure = why_unreadable(error)
        reasons[relative] = Failure(
            failure.reason, f"the folder cannot be listed ({failure.detail}): nothing in it was read"
        )

    for relative, path in walk(root, enter=enter, unlisted=unlisted):
        reason = reasons.get(relative) or unfit(relative, path)
        reason = reason or _excluded(f"{inside}/{relative}".lstrip("/"), exclude)
        yield InputPath(relative, path, reason)


def index_inputs(root: Path, exclude: Sequence[str] = ()) -> PathIndex:
    """The paths of the plain files below ``root`` that are not left out, to find what a person wrote."""
    return PathIndex(one.relative for one in list_inputs(root, exclude) if one.reason is None)


def why_left_out(archive: Path, relative: str, exclude: Sequence[str]) -> Failure | None:
    """Why the file or folder ``relative`` of an archive is left out; None where it belongs to the archive."""
    path = archive / relative
    if path.is_symlink() or not path.is_dir():
        return _excluded(relative, exclude)
    return _left_out(relative, path, exclude, "", {_identity(own) for own in own_folders(Path())})


def excluding_pattern(relative: str, patterns: Sequence[str]) -> str:
    """The first of ``patterns`` that leaves ``relative`` out; empty where none does.

    A pattern without a slash stands for a name at any depth, one with a slash for a path from the top. ``*``, ``?`` and
    ``[...]`` stay within a name, ``**`` is any number of folders. Neither case nor Unicode form matters.
    """
    parts = folded(relative).split("/")
    for pattern in patterns:
        wanted = folded(pattern.strip("/")).split("/")
        if _fits(parts[-1:] if len(wanted) == 1 and "/" not in pattern.rstrip("/") else parts, wanted):
            return pattern
    return ""


def own_folders(project: Path, *, generated: bool = True) -> list[Path]:
    """The folders that the project's commands make and that are there; ``generated``: its made images as well."""
    patterns = (*_MADE, *_GENERATED) if generated else _MADE
    return sorted(path for pattern in patterns for path in project.glob(pattern) if path.is_dir())


def check_not_own(folder: Path, what: str) -> None:
    """Make sure that an input folder is none that this project makes, and lies in none.

    Raises:
        InputError: it is; a later run would take its own results for images, and replace them meanwhile.

    """
    own = {_identity(path): path for path in own_folders(Path(), generated=False)}
    for place in (folder.resolve(), *folder.resolve().parents):
        if place.exists() and (made := own.get(_identity(place))):
            raise InputError(
                f"{folder}: the {what} folder lies in {made}, which this project makes and replaces. "
                "Name another folder in conf/dataset/, or copy the images out of it"
            )


def _left_out(
    relative: str, path: Path, exclude: Sequence[str], inside: str, own: set[tuple[int, int]]
) -> Failure | None:
    name = folded(relative.rpartition("/")[2])
    if any(fnmatchcase(name, pattern) for pattern in _SYSTEM):
        return Failure("system_folder", "a folder of the operating system or the disk: nothing in it was read")
    if pattern := excluding_pattern(f"{inside}/{relative}".lstrip("/"), exclude):
        return Failure("excluded", f"dataset.exclude has {pattern!r}: nothing in it was read")
    try:
        made = _identity(path) in own or _is_results(path)
    except OSError:  # it cannot be entered either, which is said then
        return None
    return Failure("own_output", "results of semtrace, no input: nothing in it was read") if made else None


def _excluded(relative: str, exclude: Sequence[str]) -> Failure | None:
    pattern = excluding_pattern(relative, exclude)
    return Failure("excluded", f"dataset.exclude has {pattern!r}") if pattern else None


def _identity(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_dev, state.st_ino


def _is_results(folder: Path) -> bool:
    """Whether a folder holds results of any semtrace project, as its dataset.json says."""
    try:
        state = (folder / "dataset.json").lstat()
        if not stat.S_ISREG(state.st_mode) or state.st_size > 1 << 16:
            return False
        said = json.loads((folder / "dataset.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and said.keys() == _CLAIM


def _fits(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    if not wanted:
        return not parts
    if wanted[0] == "**":
        return any(_fits(parts[n:], wanted[1:]) for n in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], wanted[0]) and _fits(parts[1:], wanted[1:])
