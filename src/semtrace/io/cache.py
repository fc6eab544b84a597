"""The side cache: what was computed from a content is not computed again, whatever stage, folder or run asks.

It lies outside DVC's outputs, is safe to delete at any time, and holds only values that are a pure function of
``(kind, content digest)`` and of the code: the key carries the digest of the modules that make values of this kind,
with all that they import, so an entry can never outlive the code that made it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from semtrace.io import arrays
from semtrace.io.code_digest import code_digest
from semtrace.io.digests import md5

_FROZEN = ".frozen"
_PLACE = "array at"
_SEAL = 8  # hex digits
_AT_ONCE = 500  # keys in one question; SQLite takes 999 everywhere


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value is and which code makes it.

    Attributes:
        name: what the value is, with the settings that it depends on.
        modules: full names of the modules that compute it; what they import is found from them.
    """

    name: str
    modules: tuple[str, ...]


Entry = tuple[Kind, str, Any]
"""What is put in: kind, digest, value."""


class Cache:
    """A content-addressed map ``(kind, digest) -> value`` in one SQLite file, arrays in files beside it.

    A value is what JSON can hold; numpy arrays may stand in it, and come back memory-mapped and read-only.

    Workers open it ``readonly`` and look up; the parent stores. A file that is not a sound database is set aside
    (``.broken``) and a new one begun: a cache may be slow, never wrong and never in the way.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None
        try:
            self._open(readonly)
        except sqlite3.OperationalError as error:  # locked, no room, no permission: nothing is wrong with the file
            print(f"semtrace: side cache {path}: {error}; continuing without it", file=sys.stderr)
        except sqlite3.DatabaseError:
            if readonly:
                return
            for end in ("", "-wal", "-shm"):  # a log that stayed would be played into the new file
                with contextlib.suppress(FileNotFoundError):
                    path.with_name(path.name + end).replace(path.with_name(f"{path.name}.broken{end}"))
            self._open(readonly)

    def _open(self, readonly: bool) -> None:
        if readonly:
            if self.path.exists():
                how = "?immutable=1" if self.path.suffix == _FROZEN else "?mode=ro"
                self._db = sqlite3.connect(self.path.absolute().as_uri() + how, uri=True, timeout=60)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self.path, timeout=60)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("CREATE TABLE IF NOT EXISTS entry (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
        self._db.commit()

    @property
    def is_closed(self) -> bool:
        """Whether look-ups find nothing: closed, or there was no file to open."""
        return self._db is None

    def get(self, kind: Kind, digest: str) -> Any | None:
        """The stored value, or None when there is none."""
        return self.get_many(kind, [digest])[0]

    def get_many(self, kind: Kind, digests: Sequence[str]) -> list[Any | None]:
        """The stored value of each, or None; half the time of asking for one after another."""
        keys = [_key(kind, digest) for digest in digests]
        found: dict[str, Any] = {}
        for start in range(0, len(keys), _AT_ONCE):
            for key, sealed in self._rows(keys[start : start + _AT_ONCE]):
                with contextlib.suppress(ValueError, TypeError):  # a damaged value
                    if sealed == _sealed(key, sealed[_SEAL:]):
                        found[key] = self._with_arrays(json.loads(sealed[_SEAL:]))
        return [found.get(key) for key in keys]

    def _rows(self, keys: Sequence[str]) -> list[tuple[str, str]]:
        if self._db is None:
            return []
        marks = ",".join("?" * len(keys))
        try:
            return self._db.execute(f"SELECT key, value FROM entry WHERE key IN ({marks})", keys).fetchall()  # noqa: S608
        except (sqlite3.DatabaseError, ValueError, TypeError):  # damaged pages
            return []

    def put(self, entries: Iterable[Entry]) -> None:
        """Store ``(kind, digest, value)`` triples in one transaction."""
        if self._db is None:
            return
        try:
            keyed = [(_key(kind, digest), self._without_arrays(kind, value)) for kind, digest, value in entries]
        except OSError as error:
            print(f"semtrace: side cache {self.path}: {error}; continuing without it", file=sys.stderr)
            self.close()
            return
        rows = [(key, _sealed(key, json.dumps(value))) for key, value in keyed]
        try:
            with self._db:
                self._db.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?)", rows)
        except sqlite3.Error as error:  # a full disk, a lock held for a minute: the work goes on uncached
            print(f"semtrace: side cache {self.path}: {error}; continuing without it", file=sys.stderr)
            self.close()

    def _without_arrays(self, kind: Kind, value: Any) -> Any:
        """A value whose arrays are stored, each replaced by its place."""
        if not isinstance(value, dict) or not (found := [key for key in value if hasattr(value[key], "dtype")]):
            return value
        name = f"{kind.name}-{code_digest(*kind.modules)}.bin"
        places = arrays.append(self._arrays, name, [value[key] for key in found])
        return {**value, **{key: {_PLACE: place} for key, place in zip(found, places, strict=True)}}

    def _with_arrays(self, value: Any) -> Any:
        """A value with its arrays in place; ValueError where the bytes of one are not there any more."""
        if not isinstance(value, dict):
            return value
        for key, part in value.items():
            if isinstance(part, dict) and _PLACE in part:
                value[key] = arrays.view(self._arrays, part[_PLACE])
                if value[key] is None:
                    raise ValueError("an array is missing or damaged")
        return value

    @property
    def _arrays(self) -> Path:
        return self.path.with_name(self.path.name.removesuffix(_FROZEN) + ".arrays")

    def close(self) -> None:
        """Close the file; further look-ups find nothing."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def reader(path: Path | str) -> Cache:
    """The side cache for looking up only, opened once by each process: a worker asks it for every image."""
    place = os.getpid(), str(path)  # a connection must not be carried into a forked process
    if place not in _READERS or _READERS[place].is_closed:
        _READERS.clear()
        _READERS[place] = Cache(Path(path), readonly=True)
    return _READERS[place]


_READERS: dict[tuple[int, str], Cache] = {}


@contextlib.contextmanager
def frozen(path: Path) -> Iterator[Path]:
    """Give a copy of a cache for readers on other machines, for the time being.

    SQLite's write-ahead log is shared memory: a file that is being written must not be read across a network
    (https://sqlite.org/wal.html). The copy is read as one that never changes, without any lock.
    """
    copy, made = path.with_name(f"{path.name}{_FROZEN}"), path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path, timeout=60)) as db:
            made.unlink(missing_ok=True)
            db.execute("VACUUM INTO ?", (str(made),))
            made.replace(copy)
        yield copy
    finally:
        made.unlink(missing_ok=True)
        copy.unlink(missing_ok=True)


def _sealed(key: str, text: str) -> str:
    """A value behind its own digest: SQLite itself would not notice that a disk changed a digit of it."""
    return md5(f"{key} {text}".encode())[:_SEAL] + text


def _key(kind: Kind, digest: str) -> str:
    return f"{kind.name}/{code_digest(*kind.modules)}/{digest}"
