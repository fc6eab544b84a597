"""What stays in the watched folder, and why, written down for ``status`` and for the next start."""

from __future__ import annotations

from semtrace.io.journal import Journal, Waiting
from semtrace.watch.clock import Clock
from semtrace.watch.picture import Picture, Unread
from semtrace.watch.scan import FolderState, Tree
from semtrace.watch.settings import Settings

SKIPPED = "skipped: it was there before the first start"
UNREADABLE = "unreadable: "


class Waitings:
    """The table ``waiting`` of one watched folder; written only when it changes."""

    def __init__(self, journal: Journal, root: str, clock: Clock) -> None:
        self._journal, self._root, self._clock = journal, root, clock
        self._stored: list[Waiting] | None = None
        self._others = -1
        self._skipped: dict[str, tuple[int, int]] = {}
        self._alone: dict[str, tuple[int, int]] = {}

    def skip(self, tree: Tree) -> None:
        """Leave alone all that is there now (``existing: skip``)."""
        rows = [
            Waiting(folder.path_of(name), state.signature.bytes, state.signature.mtime_ns, self._clock.now(), SKIPPED)
            for folder in tree.folders.values()
            for name, state in folder.pending()
        ]
        self._journal.set_waiting(self._root, rows)

    def recall(self) -> None:
        """Read what an earlier run skipped or copied."""
        stored = self._journal.waiting(self._root)
        self._skipped = {row.path: (row.bytes, row.mtime_ns) for row in stored if row.reason == SKIPPED}
        self._alone = self._skipped | self._journal.copied(self._root)

    def leave_alone(self, path: str, size: int, mtime_ns: int) -> None:
        """Leave a file where it is, as long as its size and time are these."""
        self._alone[path] = size, mtime_ns

    def mark(self, tree: Tree) -> None:
        """Mark what is left alone as done."""
        if not self._alone:
            return
        for folder in tree.folders.values():
            for name, state in folder.pending():
                if self._alone.get(folder.path_of(name)) == state.signature[:2]:
                    state.done = True

    def store(self, tree: Tree, settings: Settings, now: float) -> None:
        """Write down what waits; the time when a reason was first seen stays."""
        rows: list[Waiting] = []
        for folder in tree.folders.values():
            if folder.files or folder.temporary or folder.trouble:
                rows += self._of_folder(folder, tree, settings, now)
        rows.sort(key=lambda row: row.path)
        if self._stored is None:
            self._stored = self._journal.waiting(self._root)
        before = {(row.path, row.reason): row.first_seen for row in self._stored}
        rows = [
            Waiting(r.path, r.bytes, r.mtime_ns, before.get((r.path, r.reason), r.first_seen), r.reason) for r in rows
        ]
        if rows != self._stored:
            self._journal.set_waiting(self._root, rows)
            self._stored = rows
        others = sum(folder.others for folder in tree.folders.values())
        if others != self._others:
            self._journal.remember(self._root, others=str(others))
            self._others = others

    def _of_folder(self, folder: FolderState, tree: Tree, settings: Settings, now: float) -> list[Waiting]:
        rows, unsettled, read = [], 0, 0
        seen = self._clock.now()
        for name, state in folder.files.items():
            path, what = folder.path_of(name), state.signature
            if state.done and self._skipped.get(path) == what[:2]:
                rows.append(Waiting(path, what.bytes, what.mtime_ns, seen, SKIPPED))
            elif state.done:
                continue
            elif isinstance(state.result, Unread) and tree.is_given_up(state, now):
                reason = f"{UNREADABLE}{state.result.reason} ({state.result.detail})"
                rows.append(Waiting(path, what.bytes, what.mtime_ns, seen, reason))
            elif isinstance(state.result, Picture):
                read += 1
            else:
                unsettled += 1
        reason = ""
        if folder.trouble:
            reason = f"{UNREADABLE}the folder cannot be listed ({folder.trouble})"
        elif unsettled:
            reason = "pictures are not settled yet"
        elif any(now - since < settings.unreadable_after_s for _, since in folder.temporary.values()):
            reason = "a temporary file is being written"
        elif read:
            reason = "an earlier batch is not finished"
        if reason:
            rows.append(Waiting(folder.path or ".", 0, 0, seen, reason))
        return rows
