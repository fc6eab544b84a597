"""A person's verdicts, written: rows are replaced under a lock, and each change is kept in ``history.jsonl``.

``verdicts.csv`` holds one row a subject, so an answer replaces a row. The history is append-only: a line for each
changed subject, and lines of one act have the same number. Both files are on the disk when a call returns.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from semtrace.core.errors import InputError
from semtrace.io import tables
from semtrace.io.staging import locked
from semtrace.io.subcategories import NAMED_SUBCATEGORIES
from semtrace.io.verdicts import VERDICTS, read_verdict_rows

HISTORY = "history.jsonl"
_TAIL = 1 << 16  # bytes; many lines
VerdictRow = Mapping[str, str]
"""The five cells of a row of ``verdicts.csv``."""

Origin = Literal["review", "undo", "merge"]


class ConflictError(InputError):
    """A subject is not any more as it was when a person decided; the message says which."""


@dataclass(frozen=True)
class VerdictChange:
    """One subject, and the row that it is to have; None: no row."""

    subject: str
    row: VerdictRow | None


def subject_of(row: Mapping[str, str]) -> str:
    """What a row speaks of: ``pair <md5> <md5>``, the smaller md5 first, or ``category <md5>``."""
    if row["verdict"] == "category":
        return category_subject(row["left"])
    return pair_subject(row["left"], row["right"])


def pair_subject(left: str, right: str) -> str:
    """The subject of a verdict ``same`` or ``different`` on two md5."""
    return " ".join(("pair", *sorted((left.lower(), right.lower()))))


def category_subject(md5: str) -> str:
    """The subject of a verdict ``category`` on an md5."""
    return f"category {md5.lower()}"


def read_rows_by_subject(file: Path) -> dict[str, dict[str, str]]:
    """The rows of a table of verdicts by subject, empty where there is no file.

    Raises:
        TableError: as ``read_verdicts``; the table is not used where one row is wrong.

    """
    if not file.is_file():
        return {}
    return {subject_of(row): row for row in read_verdict_rows(file)}


def ensure_verdicts(folder: Path) -> None:
    """Make empty tables of a person's word where there are none: DVC stops at a dependency that is not there."""
    for table in (VERDICTS, NAMED_SUBCATEGORIES):
        if not (folder / table.name).exists():
            folder.mkdir(parents=True, exist_ok=True)
            tables.write(folder / table.name, table, [])


class VerdictStore:
    """The folder ``dataset.verdicts``.

    Args:
        folder: made with the first verdict.

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file, self.history_file = folder / VERDICTS.name, folder / HISTORY
        self._kept: tuple[tuple[int, int, int] | None, dict[str, dict[str, str]]] = None, {}

    def rows(self) -> dict[str, dict[str, str]]:
        """The rows by subject, for showing them; raises as ``read_rows_by_subject``.

        The file is read again where its time, size or inode is another. An edit in place of the same size within one
        tick of the file system's clock is not seen here; ``record`` reads the file itself.
        """
        stamp = self._stamp()
        if stamp is None or stamp != self._kept[0]:
            self._kept = stamp, read_rows_by_subject(self.file)
        return dict(self._kept[1])

    def _stamp(self) -> tuple[int, int, int] | None:
        """Time of change in nanoseconds, bytes and inode number of the table."""
        try:
            state = self.file.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino

    def history(self) -> list[dict[str, Any]]:
        """The lines of the history in order; what a power cut left of the last line is passed over.

        Raises:
            InputError: another line is no JSON object with the keys of a line.

        """
        return _parsed(self.history_file, self.history_file.read_bytes() if self.history_file.is_file() else b"")

    def record(
        self,
        changes: Iterable[VerdictChange],
        *,
        who: str,
        origin: Origin,
        seconds: float | None = None,
        expected: Mapping[str, VerdictRow | None] | None = None,
        remarks: Mapping[str, Any] | None = None,
        now: datetime | None = None,
    ) -> int:
        """Give subjects their rows, as one act; what others wrote meanwhile stays.

        Args:
            changes: at most one for each subject. What changes nothing is left out.
            who: who says so.
            origin: where the change comes from.
            seconds: how long the person looked; None: not known.
            expected: rows that subjects must still have.
            remarks: further keys of each line, such as the kind of question.
            now: the time of the lines; None: the clock's.

        Returns:
            How many rows changed.

        Raises:
            ConflictError: a subject of ``expected`` has another row.
            TableError: the table on the disk is malformed; it is not touched.
            OSError: no room or no permission; neither file is changed.

        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder):
            self._kept = None, {}  # whatever its stamp says, the file itself counts here
            rows = self.rows()
            for subject, row in (expected or {}).items():
                if rows.get(subject) != row:
                    raise ConflictError(f"{self.file}: {subject} was changed meanwhile; look at it again")
            changed = [change for change in changes if not _is_same(rows.get(change.subject), change.row)]
            if not changed:
                return 0
            stamp = (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            number = 1 + self._last_number()
            lines = []
            for change in changed:
                line = {
                    "n": number, "when": stamp, "who": who, "subject": change.subject,
                    "before": rows.get(change.subject), "after": dict(change.row) if change.row else None,
                    "from": origin, "seconds": None if seconds is None else round(seconds, 1), **(remarks or {}),
                }  # fmt: skip
                lines.append(json.dumps(line, ensure_ascii=False) + "\n")
                if change.row is None:
                    rows.pop(change.subject, None)
                else:
                    rows[change.subject] = dict(change.row)
            with self._appended("".join(lines).encode()):
                tables.write(self.file, VERDICTS, rows.values())
            self._kept = None, {}
            return len(changed)

    def undo(self, who: str, *, now: datetime | None = None) -> list[str]:
        """Take back the last act of a person that is not taken back yet: each subject is as it was before.

        Returns:
            The subjects; empty where there is nothing to take back.

        Raises:
            ConflictError: somebody has changed a subject since; nothing is written.
            TableError: the table on the disk is malformed; it is not touched.
            OSError: no room or no permission; neither file is changed.

        """
        act = last_act(self.history(), who)
        if not act:
            return []
        self.record(
            [VerdictChange(line["subject"], line["before"]) for line in act],
            who=who,
            origin="undo",
            expected={line["subject"]: line["after"] for line in act},
            now=now,
        )
        return [line["subject"] for line in act]

    def _last_number(self) -> int:
        """The number of the last act; only the end of the file is read, for it is asked with each answer."""
        pieces = self._tail(_TAIL).split(b"\n")
        whole = pieces[1:] if len(pieces) > 1 else pieces  # the first may be the end of a line
        found = _parsed(self.history_file, b"\n".join(whole))
        return max((line["n"] for line in found or self.history()), default=0)

    def _tail(self, size: int) -> bytes:
        if not self.history_file.is_file():
            return b""
        with self.history_file.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            return file.read()

    @contextlib.contextmanager
    def _appended(self, data: bytes) -> Iterator[None]:
        """Append to the history; take it back where the block fails."""
        with self.history_file.open("ab") as file:
            size = file.tell()
            try:
                if not self._tail(1).endswith(b"\n") and size:
                    file.write(b"\n")  # after what a power cut left
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                yield
            except BaseException:
                with contextlib.suppress(OSError):
                    file.flush()
                os.truncate(self.history_file, size)
                raise


def last_act(history: Iterable[Mapping[str, Any]], who: str) -> list[Mapping[str, Any]]:
    """The lines of the last act of a person that no undo has taken back; acts and undos pair like brackets."""
    acts: list[list[Mapping[str, Any]]] = []
    undone = 0
    for line in history:
        if line["who"] != who:
            continue
        if line["from"] == "undo":
            if line["n"] != undone and acts:
                acts.pop()
            undone = line["n"]
        elif acts and acts[-1][0]["n"] == line["n"]:
            acts[-1].append(line)
        else:
            acts.append([line])
    return acts[-1] if acts else []


def _is_same(before: VerdictRow | None, after: VerdictRow | None) -> bool:
    """Whether two rows state the same; who says it, and when, is no statement."""
    if before is None or after is None:
        return before is after
    named = ("verdict", "right") if after["verdict"] == "category" else ("verdict",)
    return all(before[name] == after[name] for name in named)


def _parsed(file: Path, data: bytes) -> list[dict[str, Any]]:
    lines = []
    pieces = data.split(b"\n")
    for number, piece in enumerate(pieces, 1):
        if not piece.strip():
            continue
        try:
            line = json.loads(piece)
            _ = line["n"] + 0, line["who"], line["subject"], line["before"], line["after"], line["from"]
        except (ValueError, KeyError, TypeError) as error:
            if _is_torn(piece):
                continue
            raise InputError(f"{file}: line {number} is no line of a history ({error}); mend or remove it") from error
        lines.append(line)
    return lines


def _is_torn(piece: bytes) -> bool:
    """Whether a line has a beginning and no end, as after a power cut."""
    return piece.startswith(b"{") and not piece.endswith(b"}")
