"""The three folders of a watcher: the watched one, and where its pictures go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from semtrace.io.folders import inside, is_bare, is_reserved, mount_point


class PlacesError(ValueError):
    """The folders cannot be used so; the message says what to do."""


@dataclass(frozen=True)
class Places:
    """Absolute native paths.

    Attributes:
        root: the watched folder.
        unique: where pictures that are new go.
        archive: where the others go.

    """

    root: str
    unique: str
    archive: str

    def each(self) -> dict[str, str]:
        """Name and path of the three."""
        return {"root": self.root, "unique": self.unique, "archive": self.archive}

    def of(self, decision: str) -> str:
        """The folder that pictures of a decision go to."""
        return self.unique if decision == "unique" else self.archive


def checked(root: Path, unique: Path, archive: Path) -> Places:
    """Make sure that the three can be used together.

    Raises:
        PlacesError: the watched folder is not there, two are one, or one lies where it would be sorted itself.
    """
    places = Places(*(str(path.absolute()) for path in (root, unique, archive)))
    if not root.is_dir():
        raise PlacesError(f"{root}: no such folder to watch")
    for name, path in (("--unique", unique), ("--archive", archive)):
        if is_reserved(str(path)):
            raise PlacesError(f"{name} {path}: a part of this name means something else to Windows; choose another")
        if path.exists() and not path.is_dir():
            raise PlacesError(f"{name} {path}: not a folder")
        if inside(places.root, str(path)):
            raise PlacesError(f"{name} {path}: the watched folder {root} is this one or lies in it; choose another")
    for one, other in ((unique, archive), (archive, unique)):
        if inside(str(one), str(other)):
            raise PlacesError(f"{one} is {other}, or lies in it; unique and archive must be apart")
    return places


def not_mounted(path: str, known_mount: str | None) -> bool:
    """Whether a folder is away: not there, or bare and not on the file system where it was before."""
    return is_bare(path) and (not Path(path).is_dir() or (known_mount is not None and mount_point(path) != known_mount))
