"""Carrying out the plan of a batch, at first or after an interruption: the disk says how far it is."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from semtrace.io.folders import is_bare, path_in
from semtrace.io.frames import ChangedError, Signature
from semtrace.io.journal import Journal, JournalItem
from semtrace.io.moves import (
    clear_temporary,
    copy,
    holds,
    make_folder,
    move,
    remove,
    state_of,
    sync_folder,
)  # fmt: skip
from semtrace.watch.places import Places
from semtrace.watch.plan import Names

_STOPS_ALL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE)


@dataclass(frozen=True)
class MoveOutcome:
    """What became of a batch.

    Attributes:
        items: as they are now.
        state: ``done``; ``failed`` where pictures are nowhere; ``moving`` where it must be taken up again.
        trouble: why it must be, one line; empty where it is only interrupted.

    """

    items: list[JournalItem]
    state: str
    trouble: str = ""


class Carrier:
    """Moves, or copies, the items of batches."""

    def __init__(self, journal: Journal, places: Places, *, copies: bool, stopped: Callable[[], bool]) -> None:
        self._journal, self._places, self._copies, self._stopped = journal, places, copies, stopped
        self._folders: set[str] = set()

    def carry_out(self, items: Sequence[JournalItem], read: Mapping[str, Signature] | None = None) -> MoveOutcome:
        """Bring every planned item to its place.

        Args:
            items: of one batch, in the order of the plan.
            read: signatures of the files when they were decided, by path; None after an interruption: then the
                content itself is compared with the plan.
        """
        self._folders.clear()
        done: list[JournalItem] = []
        stays: set[str] = set()  # pictures that did not travel on: what repeats them stays too
        trouble, open_items = "", False
        for number, item in enumerate(items):
            if item.state != "planned":
                done.append(item)
                continue
            if self._stopped():
                done.extend(items[number:])
                open_items = True
                break
            try:
                item = self._settle(item, None if read is None else read[item.path], stays)
            except OSError as error:
                trouble, open_items = _words(error, item), True
                if error.errno in _STOPS_ALL:
                    done.extend(items[number:])
                    break
            if item.decision == "unique" and not (item.state == "moved" or (item.state == "kept" and item.target)):
                stays.add(item.path)
            done.append(item)
        try:
            self._sync()
        except OSError as error:
            trouble, open_items = _words(error, None), True
        failed = any(item.state == "failed" for item in done)
        return MoveOutcome(done, "moving" if open_items else "failed" if failed else "done", trouble)

    def _settle(self, item: JournalItem, read: Signature | None, stays: set[str]) -> JournalItem:
        source = path_in(self._places.root, item.path)
        if item.keeper in stays:
            return replace(item, state="kept", target="", detail="the picture that it repeats was not sent on")
        while True:
            try:
                return self._place(item, source, read)
            except FileExistsError:
                item = self._other_name(item)
            except FileNotFoundError:
                if state_of(source) is not None:  # a folder on the way is missing
                    raise
            except ChangedError:
                return replace(item, state="kept", target="", detail="changed since it was decided")

    def _place(self, item: JournalItem, source: str, read: Signature | None) -> JournalItem:
        there, here = state_of(item.target), state_of(source)
        if read is None:
            clear_temporary(item.target, item.md5)
        if there is not None and not holds(item.target, item.bytes, item.md5):
            if here is None and read is None:
                return replace(item, state="failed", detail="neither at its place nor at its target")
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), item.target)
        if here is None:
            if there is not None:
                return replace(item, state="moved")
            if read is None and is_bare(self._places.root):
                raise OSError(errno.ENXIO, "the watched folder is empty: not mounted?", source)
            if read is None:
                return replace(item, state="failed", detail="neither at its place nor at its target")
            return replace(item, state="kept", target="", detail="vanished before it was moved")
        if read is None and not holds(source, item.bytes, item.md5):
            if there is not None:  # it arrived, and something new has taken its old place
                return replace(item, state="moved")
            raise ChangedError(errno.ESTALE, "changed since it was decided", source)
        expected = here if read is None else read
        self._folders |= {os.path.dirname(item.target), os.path.dirname(source)}  # noqa: PTH120
        if there is not None:
            if not self._copies:
                remove(source, expected)
        else:
            make_folder(os.path.dirname(item.target))  # noqa: PTH120
            (copy if self._copies else move)(source, item.target, expected, item.md5)
        return replace(item, state="kept" if self._copies else "moved", detail="copied" if self._copies else "")

    def _other_name(self, item: JournalItem) -> JournalItem:
        base = self._places.of(item.decision)
        target = Names().give(base, item.path, item.bytes, item.md5)
        if target == item.target:  # taken in this moment by what is no file
            raise OSError(errno.EEXIST, "the name is taken by what is not a file of this content", item.target)
        self._journal.retarget(item.id, target)
        return replace(item, target=target)

    def _sync(self) -> None:
        for folder in sorted(self._folders):
            if os.path.isdir(folder):  # noqa: PTH112
                sync_folder(folder)


def _words(error: OSError, item: JournalItem | None) -> str:
    where = error.filename2 or error.filename or (item.path if item else "")
    return f"{where}: {error.strerror or error}"
