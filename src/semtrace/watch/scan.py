"""What is in the watched folder, and what of it has settled.

Looking at the folder again and again is the only truth: events get lost, on shares there are none. Ages are counted
on this machine's monotonic clock from when something was first seen so; what times files carry is only compared for
equality.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import translate

from semtrace.io.folders import FolderEntry, entries, inside, modified_ns, names_in, path_in
from semtrace.io.frames import Signature
from semtrace.watch.picture import Picture, Unread
from semtrace.watch.places import Places
from semtrace.watch.settings import Settings

LITTER = ("thumbs.db", "desktop.ini", ".ds_store", "._*", "~$*")
"""Names that count for nothing, in lower case."""

TEMPORARY: tuple[str, ...] = (
    ".*",
    "~*",
    "*.tmp",
    "*.temp",
    "*.part",
    "*.partial",
    "*.partial~",
    "*.filepart",
    "*.crdownload",
)
TEMPORARY += ("*.download", "*.swp")
"""Names under which programs write a file before they give it its own."""

_LITTER, _TEMPORARY = (re.compile("|".join(translate(name) for name in names)) for names in (LITTER, TEMPORARY))


@dataclass(eq=False)
class FileState:
    """One file that may hold a picture.

    Attributes:
        signature: as it was seen last.
        since: monotonic second at which it was first seen with this signature.
        result: what reading it gave; None before.
        read_at: monotonic second of the last reading.
        done: decided, and staying where it is (copied, or there before the first start).

    """

    signature: Signature
    since: float
    result: Picture | Unread | None = None
    read_at: float = 0.0
    done: bool = False


@dataclass(eq=False)
class FolderState:
    """One folder below the watched one (``path``, POSIX; empty for the watched folder itself)."""

    path: str
    level: int
    mtime_ns: int = -1
    changed_at: float = 0.0
    listed_at: float = float("-inf")
    files: dict[str, FileState] = field(default_factory=dict)
    temporary: dict[str, tuple[Signature, float]] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    others: int = 0
    trouble: str = ""
    announced: bool = False

    def pending(self) -> Iterator[tuple[str, FileState]]:
        """Files that are not done."""
        return ((name, state) for name, state in self.files.items() if not state.done)

    def holds_something(self) -> bool:
        """Whether there was anything in it, as it was seen last."""
        return bool(self.files or self.folders or self.temporary)

    def path_of(self, name: str) -> str:
        """Path of a name in this folder, below the watched one."""
        return f"{self.path}/{name}" if self.path else name


class Tree:
    """The watched folder as it was seen last."""

    def __init__(self, places: Places, settings: Settings) -> None:
        self._root, self._settings = places.root, settings
        self._left_out = [path for path in (places.unique, places.archive) if inside(path, places.root)]
        self._endings = tuple(f".{word.lower()}" for word in settings.extensions)
        self.folders: dict[str, FolderState] = {}
        self._names: set[str] = set()

    def look(self, now: float) -> bool:
        """Look again; False where the watched folder gives no answer, and all stays as it was.

        No folder there, an error, or nothing in it where there was something: an unmounted disk looks like that.
        """
        top = self.folders.setdefault("", FolderState("", 0))
        try:
            names = names_in(self._root)
        except OSError:
            return False
        if not names and top.holds_something():
            return False
        if names != self._names:  # a new folder is seen at once, whatever the file system makes of the time of this one
            self._names, top.mtime_ns = names, -1
        seen: set[str] = set()
        todo = [top]
        while todo:
            folder = todo.pop()
            seen.add(folder.path)
            self._visit(folder, now)
            for name in folder.folders:
                path = folder.path_of(name)
                todo.append(self.folders.setdefault(path, FolderState(path, folder.level + 1)))
        for path in set(self.folders) - seen:
            del self.folders[path]
        return True

    def to_read(self, now: float) -> list[tuple[FolderState, str, FileState]]:
        """Files that have been quiet for long enough and were not read, or gave no picture and may be asked again."""
        found = []
        for folder in self.folders.values():
            for name, state in folder.pending():
                if now - state.since < self._settings.quiet_s:
                    continue
                if state.result is None:
                    found.append((folder, name, state))
                elif isinstance(state.result, Unread):
                    passing = state.result.passing and not self.is_given_up(state, now)
                    if now - state.read_at >= (self._settings.quiet_s if passing else self._settings.rescan_s):
                        found.append((folder, name, state))
        return found

    def is_given_up(self, state: FileState, now: float) -> bool:
        """Whether a file gave no picture for so long that its folder no longer waits for it."""
        waited = max(self._settings.unreadable_after_s, self._settings.quiet_s)
        return isinstance(state.result, Unread) and now - state.since >= waited

    def ready(self, now: float) -> list[FolderState]:
        """Folders with pictures to decide, in which nothing is still being written, by path."""
        return [folder for _, folder in sorted(self.folders.items()) if self._is_ready(folder, now)]

    def is_busy(self, folder: FolderState, now: float) -> bool:
        """Whether a folder holds what is not decided and not given up."""
        return any(not self.is_given_up(state, now) for _, state in folder.pending()) or self._is_written(folder, now)

    def _is_ready(self, folder: FolderState, now: float) -> bool:
        pictures = False
        for _, state in folder.pending():
            if isinstance(state.result, Picture):
                pictures = True
            elif not self.is_given_up(state, now):
                return False
        return pictures and not self._is_written(folder, now)

    def _is_written(self, folder: FolderState, now: float) -> bool:
        """Whether a temporary name has changed lately."""
        return any(now - since < self._settings.unreadable_after_s for _, since in folder.temporary.values())

    def _visit(self, folder: FolderState, now: float) -> None:
        """List a folder if something may have changed in it."""
        path = path_in(self._root, folder.path)
        try:
            mtime = modified_ns(path)
            if mtime != folder.mtime_ns:
                folder.mtime_ns, folder.changed_at = mtime, now
            # A change within one tick of the file system's clock shows no second time: list it until it is calm.
            calm = folder.listed_at - folder.changed_at >= max(self._settings.quiet_s, 2.0)
            idle = calm and not any(True for _ in folder.pending()) and not folder.temporary and not folder.trouble
            if idle and now - folder.listed_at < self._settings.rescan_s:
                return
            found = list(entries(path))
            if not found and folder.path == "" and folder.holds_something():  # unmounted in this very moment
                return
            self._take(folder, found, now)
            folder.listed_at, folder.trouble = now, ""
        except OSError as error:
            folder.trouble = error.strerror or str(error)

    def _take(self, folder: FolderState, found: list[FolderEntry], now: float) -> None:
        files: dict[str, FileState] = {}
        temporary: dict[str, tuple[Signature, float]] = {}
        folders: set[str] = set()
        others = 0
        for entry in found:
            low = entry.name.lower()
            if entry.kind == "folder":
                if folder.level < self._settings.depth and not self._is_left_out(folder, entry.name):
                    folders.add(entry.name)
            elif _LITTER.match(low):
                continue
            elif entry.kind == "file" and _TEMPORARY.match(low):
                before = folder.temporary.get(entry.name)
                kept = before is not None and before[0] == entry.signature
                temporary[entry.name] = before if before is not None and kept else (entry.signature, now)
            elif entry.kind == "file" and low.endswith(self._endings):
                known = folder.files.get(entry.name)
                same = known is not None and known.signature == entry.signature
                files[entry.name] = known if known is not None and same else FileState(entry.signature, now)
            else:
                others += 1
        folder.files, folder.temporary, folder.folders, folder.others = files, temporary, folders, others

    def _is_left_out(self, folder: FolderState, name: str) -> bool:
        if not self._left_out or name in folder.folders:
            return False
        path = path_in(self._root, folder.path_of(name))
        return any(inside(path, out) for out in self._left_out)
