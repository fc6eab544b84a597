"""A journal of moves in one SQLite file: what was planned, what was done, what can be undone.

The plan of a batch is stored, and on the disk, before its first file moves; its end is stored after the last. In
between nothing is written: after a crash the plan is compared with the disk. SQLite's log needs a local disk.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS known (root TEXT, key TEXT, value TEXT, PRIMARY KEY (root, key));
CREATE TABLE IF NOT EXISTS batch (
    id INTEGER PRIMARY KEY, root TEXT, folder TEXT, began TEXT, ended TEXT, params TEXT, version TEXT,
    found INTEGER, "unique" INTEGER, similar INTEGER, identical INTEGER, empty INTEGER, unreadable INTEGER, state TEXT);
CREATE TABLE IF NOT EXISTS item (
    id INTEGER PRIMARY KEY, batch INTEGER REFERENCES batch, path TEXT, bytes INTEGER, mtime_ns INTEGER, md5 TEXT,
    width INTEGER, height INTEGER, decision TEXT, keeper TEXT, distance REAL, likeness REAL, target TEXT, state TEXT,
    detail TEXT);
CREATE INDEX IF NOT EXISTS item_batch ON item (batch);
CREATE TABLE IF NOT EXISTS kept (
    item INTEGER PRIMARY KEY REFERENCES item, folder TEXT, hash TEXT, digest TEXT, blocks BLOB);
CREATE INDEX IF NOT EXISTS kept_folder ON kept (folder);
CREATE TABLE IF NOT EXISTS waiting (
    root TEXT, path TEXT, bytes INTEGER, mtime_ns INTEGER, first_seen TEXT, reason TEXT, PRIMARY KEY (root, path));
"""


class JournalError(RuntimeError):
    """The journal cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Batch:
    """The pictures of one folder that were decided together; the columns of the table ``batch``."""

    id: int
    root: str
    folder: str
    began: str
    ended: str
    params: str
    version: str
    found: int
    unique: int
    similar: int
    identical: int
    empty: int
    unreadable: int
    state: str


@dataclass(frozen=True)
class Item:
    """One picture of a batch; the columns of the table ``item``. ``id`` and ``batch`` are 0 before it is stored."""

    id: int
    batch: int
    path: str
    bytes: int
    mtime_ns: int
    md5: str
    width: int
    height: int
    decision: str
    keeper: str
    distance: float | None
    likeness: float | None
    target: str
    state: str
    detail: str


@dataclass(frozen=True)
class KeptRow:
    """A picture that travelled on: its item, hash (``<algorithm>:<range>:<hex>``), digest of pixels, block sums."""

    path: str
    target: str
    md5: str
    width: int
    height: int
    hash: str
    digest: str
    blocks: bytes | None


@dataclass(frozen=True)
class Waiting:
    """A file or folder that stays where it is for now, and why; ``first_seen`` is a time for people."""

    path: str
    bytes: int
    mtime_ns: int
    first_seen: str
    reason: str


class Journal:
    """The journal of all folders watched with one state file."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        """Open it, or begin it.

        Args:
            path: the file; its folder is made.
            readonly: it must exist, and nothing is written.

        Raises:
            JournalError: made by a newer version, or not there.
            sqlite3.DatabaseError: damaged, see ``opened``.
        """
        self.path = path
        if readonly:
            if not path.is_file():
                raise JournalError(f"{path}: no journal; name the watched folder's with --state")
            self._db = sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True, timeout=60)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=60)
        try:
            if self._db.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("damaged")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > _VERSION:
                raise JournalError(f"{path}: written by a newer semtrace; use that one")
            if not readonly:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                self._db.executescript(_SCHEMA + f"PRAGMA user_version={_VERSION};")
        except BaseException:
            self._db.close()
            raise

    def is_there(self) -> bool:
        """Whether the file still stands where it was opened."""
        return self.path.is_file()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # --- what is remembered of a watched folder

    def known(self, root: str, key: str) -> str | None:
        """A word remembered about ``root``."""
        row = self._db.execute("SELECT value FROM known WHERE root = ? AND key = ?", (root, key)).fetchone()
        return None if row is None else str(row[0])

    def remember(self, root: str, **words: str) -> None:
        """Remember words about ``root``."""
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO known VALUES (?, ?, ?)", [(root, key, value) for key, value in words.items()]
            )

    def roots(self) -> list[str]:
        """All watched folders."""
        return [row[0] for row in self._db.execute("SELECT DISTINCT root FROM known ORDER BY root")]

    # --- batches

    def plan(self, batch: Batch, items: Sequence[Item], kept: Sequence[tuple[str, str, bytes | None] | None]) -> int:
        """Store a batch with its items in one step; return its number.

        Args:
            batch: ``id`` is not read.
            items: in the order in which they will move; ``id`` and ``batch`` are not read.
            kept: for each item that is kept its hash, digest of pixels and block sums; None for the others.
        """
        with self._db:
            number = self._insert("batch", (None, *astuple(batch)[1:]))
            for item, row in zip(items, kept, strict=True):
                stored = self._insert("item", (None, number, *astuple(item)[2:]))
                if row is not None:
                    self._db.execute("INSERT INTO kept VALUES (?, ?, ?, ?, ?)", (stored, batch.folder, *row))
        return number

    def _insert(self, table: str, values: tuple[Any, ...]) -> int:
        marks = ",".join("?" * len(values))
        return int(self._db.execute(f"INSERT INTO {table} VALUES ({marks})", values).lastrowid or 0)  # noqa: S608

    def batches(self, root: str, *, states: Sequence[str] = (), folder: str | None = None) -> list[Batch]:
        """Batches of ``root``, oldest first, in one of ``states`` if any are given, of one folder if it is."""
        where, values = "root = ?", [root]
        if states:
            where, values = f"{where} AND state IN ({','.join('?' * len(states))})", [*values, *states]
        if folder is not None:
            where, values = f"{where} AND folder = ?", [*values, folder]
        rows = self._db.execute(f"SELECT * FROM batch WHERE {where} ORDER BY id", values)  # noqa: S608
        return [Batch(*row) for row in rows]

    def items(self, batch: int) -> list[Item]:
        """The items of a batch in the order in which they move."""
        return [Item(*row) for row in self._db.execute("SELECT * FROM item WHERE batch = ? ORDER BY id", (batch,))]

    def set_state(self, batch: int, state: str) -> None:
        """Say how far a batch is."""
        with self._db:
            self._db.execute("UPDATE batch SET state = ? WHERE id = ?", (state, batch))

    def retarget(self, item: int, target: str) -> None:
        """Give an item another place to go to, before it goes."""
        with self._db:
            self._db.execute("UPDATE item SET target = ? WHERE id = ?", (target, item))

    def settle(self, batch: int, state: str, ended: str, items: Iterable[Item]) -> None:
        """Store in one step what became of a batch and its items; what did not travel on is no longer kept."""
        with self._db:
            self._db.execute("UPDATE batch SET state = ?, ended = ? WHERE id = ?", (state, ended, batch))
            for item in items:
                self._db.execute(
                    "UPDATE item SET state = ?, detail = ?, target = ? WHERE id = ?",
                    (item.state, item.detail, item.target, item.id),
                )
                if item.state not in ("moved", "planned") and not (item.state == "kept" and item.target):
                    self._db.execute("DELETE FROM kept WHERE item = ?", (item.id,))

    def kept(self, root: str, folder: str | None) -> list[KeptRow]:
        """Pictures of ``root`` that travelled on, oldest first; of one folder, or of all."""
        columns = "item.path, target, md5, width, height, hash, digest, blocks"
        query = (
            f"SELECT {columns} FROM kept JOIN item ON item.id = kept.item JOIN batch ON batch.id = item.batch "  # noqa: S608
            "WHERE batch.root = ? AND item.state IN ('moved', 'kept')"
        )
        values = [root]
        if folder is not None:
            query, values = f"{query} AND kept.folder = ?", [root, folder]
        return [KeptRow(*row) for row in self._db.execute(f"{query} ORDER BY kept.item", values)]

    def copied(self, root: str) -> dict[str, tuple[int, int]]:
        """Files that were copied and stay where they are: path to size and time."""
        rows = self._db.execute(
            "SELECT path, bytes, mtime_ns FROM item JOIN batch ON batch.id = item.batch "
            "WHERE batch.root = ? AND item.state = 'kept' AND target != '' ORDER BY item.id",
            (root,),
        )
        return {path: (size, mtime) for path, size, mtime in rows}

    def counts(self, root: str) -> dict[str, int]:
        """How many items of ``root`` there are by decision (of those that are placed) and with the state ``failed``."""
        rows = self._db.execute(
            "SELECT CASE item.state WHEN 'failed' THEN 'failed' ELSE decision END, count(*) FROM item "
            "JOIN batch ON batch.id = item.batch WHERE batch.root = ? "
            "AND (item.state IN ('moved', 'failed') OR (item.state = 'kept' AND target != '')) GROUP BY 1",
            (root,),
        )
        return dict(rows.fetchall())

    # --- what waits

    def waiting(self, root: str) -> list[Waiting]:
        """All that waits, sorted by path."""
        rows = self._db.execute(
            "SELECT path, bytes, mtime_ns, first_seen, reason FROM waiting WHERE root = ? ORDER BY path", (root,)
        )
        return [Waiting(*row) for row in rows]

    def set_waiting(self, root: str, rows: Iterable[Waiting]) -> None:
        """Replace all that waits."""
        with self._db:
            self._db.execute("DELETE FROM waiting WHERE root = ?", (root,))
            self._db.executemany(
                "INSERT INTO waiting VALUES (?, ?, ?, ?, ?, ?)", [(root, *astuple(row)) for row in rows]
            )


def opened(path: Path) -> tuple[Journal, Path | None]:
    """Open the journal; a damaged one is set aside, and its new name is given beside the new one.

    Raises:
        JournalError: made by a newer version.
        sqlite3.OperationalError: no room, no permission; nothing is wrong with the file.
    """
    try:
        return Journal(path), None
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        number = 1
        while (aside := path.with_name(f"{path.name}.broken-{number}")).exists():
            number += 1
        for end in ("-wal", "-shm", ""):  # a log that stayed would be played into the new file
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + end).replace(aside.with_name(aside.name + end))
        return Journal(path), aside
