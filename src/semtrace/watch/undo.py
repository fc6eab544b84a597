"""Putting back what a batch moved, as far as it is unchanged."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from semtrace.io.folders import path_in
from semtrace.io.frames import ChangedError
from semtrace.io.journal import Batch, Item, Journal
from semtrace.io.moves import holds, make_folder, move, remove, state_of, sync_folder


@dataclass(frozen=True)
class Undone:
    """What came back, and what did not, as pairs of path and reason."""

    back: list[str]
    gone: list[tuple[str, str]]


def undo(journal: Journal, batches: Sequence[Batch], now: str) -> Undone:
    """Put the pictures of batches back where they were, the last batch first.

    What was only copied is removed from its target. A file that was changed since, or taken away, stays as it is and
    is named. It can be interrupted and asked for again.

    Raises:
        OSError: a file cannot be moved back; nothing is lost, and what came back before is known.
    """
    back: list[str] = []
    gone: list[tuple[str, str]] = []
    for batch in sorted(batches, key=lambda batch: -batch.id):
        items = []
        try:
            for item in journal.items(batch.id):
                reason = _put_back(item, batch.root)
                if reason is None:
                    items.append(item)
                elif reason:
                    gone.append((item.path, reason))
                    items.append(replace(item, detail=reason))
                else:
                    back.append(item.path)
                    items.append(replace(item, state="undone", detail=""))
            for folder in sorted({os.path.dirname(path_in(batch.root, item.path)) for item in items}):  # noqa: PTH120
                if os.path.isdir(folder):  # noqa: PTH112
                    sync_folder(folder)
        finally:
            journal.settle(batch.id, "undone", now, items)
    return Undone(back, gone)


def _put_back(item: Item, root: str) -> str | None:
    """None: nothing to do; empty: it is back; else why it is not."""
    if item.state not in ("moved", "kept", "planned") or not item.target:
        return None
    source = path_in(root, item.path)
    here, there = state_of(source), state_of(item.target)
    is_back = here is not None and holds(source, item.bytes, item.md5)
    if there is None or not holds(item.target, item.bytes, item.md5):
        return "" if is_back else "not there any more" if there is None else "changed since"
    if here is not None and not is_back:
        return "another file has its place"
    try:
        if is_back:
            remove(item.target, there)
        else:
            make_folder(os.path.dirname(source))  # noqa: PTH120
            move(item.target, source, there, item.md5)
    except (ChangedError, FileExistsError):
        return "changed since"
    return ""
