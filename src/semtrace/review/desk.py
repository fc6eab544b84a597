"""What the review page shows and takes: the tables of a run, the verdicts as they are now, and answers."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from semtrace import __version__
from semtrace.core.errors import InputError
from semtrace.core.statistics.accuracy import wilson
from semtrace.core.tracing.labels import Depth
from semtrace.io.files import safe_name
from semtrace.io.staging import locked
from semtrace.io.verdict_store import VerdictRow, VerdictStore, last_act
from semtrace.io.verdicts import Verdicts, verdicts_of
from semtrace.provenance.page_data import (
    READ,
    ROW_COLUMNS,
    PagePairs,
    overview,
    page_rows,
    queue_entry,
    read_page_tables,
)
from semtrace.provenance.queue import Settings, answer_of
from semtrace.review.answers import audit_remarks, audit_result, audited, changes_of, shown_state
from semtrace.stage.claim import line, read_claim
from semtrace.web.pictures import MapTask


class StaleError(InputError):
    """What was shown is not so any more: the tables or somebody else have changed it."""


@dataclass(frozen=True)
class ReviewFolders:
    """The folders of a dataset, and of its results."""

    archive: Path
    published: Path
    verdicts: Path
    work: Path


class Desk:
    """One run and its questions. Calls may come from several threads.

    Args:
        places: the folders.
        settings: of the queue.
        who: who answers.
        kind: the kind of question that the page begins with; empty: all.
        depth: which folder of a published path is its category.

    Raises:
        TableError: the match has not run, or a table is damaged.
        OSError: ``EBUSY`` where a run is writing the tables.
    """

    def __init__(
        self, places: ReviewFolders, settings: Settings, who: str, kind: str = "", depth: Depth = "last"
    ) -> None:
        self._places, self._settings, self.who, self._kind, self._depth = places, settings, who, kind, depth
        self._store = VerdictStore(places.verdicts)
        self._lock = threading.RLock()
        self._roots = {"jpeg": places.published.resolve(), "tiff": places.archive.resolve()}
        self.saved = 0
        self._last_said: tuple[Mapping[str, VerdictRow], Verdicts] = {}, Verdicts()
        self._read()

    def _read(self) -> None:
        """Read the tables, held against a run only meanwhile."""
        with locked(self._places.work, shared=True):
            self._seen = self._signature()
            given = read_page_tables(self._places.work, self._store.file, self._depth)
        history = self._store.history()
        drawn = {item: str(said["decision"]) for item, said in audited(history).items()}
        self._given, self._pairs = given, PagePairs(given, self._settings, drawn)
        self._files = self._pairs.files()
        self._overview = overview(given)
        self._audit = self._audit_of(history)

    def _signature(self) -> list[tuple[int, int, int] | None]:
        """What would be another one if a table were written again."""
        found: list[tuple[int, int, int] | None] = []
        for path in READ:
            try:
                state = (self._places.work / path).stat()
                found.append((state.st_mtime_ns, state.st_size, state.st_ino))
            except OSError:
                found.append(None)
        return found

    def run(self) -> dict[str, Any]:
        """The overview; the tables are read again where they have changed."""
        with self._lock:
            if self._signature() != self._seen:
                self._read()
            claim = read_claim(self._places.work)
            return self._overview | {
                "title": f"semtrace review: {claim.name if claim else 'results'}", "headline": line(claim),
                "columns": list(ROW_COLUMNS), "plots": [], "who": self.who, "kind": self._kind, "audit": self._audit,
                "provenance": {"version": __version__, "code": "", "parameters": {}, "tables": {}},
            }  # fmt: skip

    def rows(self) -> list[list[Any]]:
        """A row for each published image."""
        with self._lock:
            return page_rows(self._given)

    def queue(self) -> list[dict[str, Any]]:
        """The questions with their answers as they are now."""
        with self._lock:
            _, verdicts = self._said()
            return [
                queue_entry({**one.cells, "answer": answer_of(one, verdicts)}) for one in self._pairs.queue
            ]  # fmt: skip

    def item(self, item: str) -> dict[str, Any] | None:
        """A pair as it is shown, with the state that an answer must name; None where there is none."""
        with self._lock:
            pair = self._pairs.pair(item)
            question = self._pairs.asked.get(item)
            if pair is None or question is None:
                return pair
            rows, verdicts = self._said()
            return pair | {"answer": answer_of(question, verdicts), "state": shown_state(question, rows)}

    def answer(self, item: str, answer: str, state: str, seconds: float | None) -> dict[str, Any] | None:
        """Save an answer; None where there is no such question.

        Raises:
            StaleError: the tables, or what verdicts say of it, are not as they were shown.
            AnswerError: the question has no such answer.
            TableError: ``verdicts.csv`` is malformed.
            OSError: it could not be saved.
        """
        with self._lock:
            if self._signature() != self._seen:
                raise StaleError("the tables have changed since this page was loaded")
            question = self._pairs.asked.get(item)
            if question is None:
                return None
            rows, _ = self._said()
            if shown_state(question, rows) != state:
                raise StaleError("somebody has answered it meanwhile; look at it again")
            now = datetime.now(UTC)
            when = now.isoformat(timespec="seconds").replace("+00:00", "Z")
            changes = changes_of(question, answer, rows, who=self.who, when=when)
            self._store.record(
                changes, who=self.who, origin="review", seconds=seconds, now=now,
                expected={change.subject: rows.get(change.subject) for change in changes},
                remarks=audit_remarks(question, answer),
            )  # fmt: skip
            self.saved += 1
            if question.cells["kind"] == "audit":
                self._audit = self._audit_of(self._store.history())
            rows, verdicts = self._said()
            return {
                "answer": answer_of(question, verdicts), "state": shown_state(question, rows), "audit": self._audit,
            }  # fmt: skip

    def undo(self) -> dict[str, Any]:
        """Take back this person's last answer; the item that it was about, where it is a question of this run.

        Raises:
            ConflictError: somebody has changed it since.
            TableError: ``verdicts.csv`` is malformed.
            OSError: it could not be saved.
        """
        with self._lock:
            act = last_act(self._store.history(), self.who)
            subjects = self._store.undo(self.who)
            self._audit = self._audit_of(self._store.history())
            item = act[0].get("item", "") if act else ""
            return {"subjects": subjects, "item": item, "audit": self._audit}

    def file(self, md5: str) -> str | None:
        """The file of a picture of this run, by its md5; None where there is none."""
        found = self._files.get(md5)
        return safe_name(self._roots[found[0]], found[1]) if found else None

    def map_task(self, jpeg: str, tiff: str) -> MapTask | None:
        """A published image and an original of this run, to be compared; None where one is not of it."""
        left, right = self._files.get(jpeg), self._files.get(tiff)
        if left is None or right is None or (left[0], right[0]) != ("jpeg", "tiff"):
            return None
        with self._lock:
            lie = self._pairs.how_published(left[1], right[1])
            bar_top = self._pairs.bar_top(right[1])
        files = safe_name(self._roots["jpeg"], left[1]), safe_name(self._roots["tiff"], right[1])
        return MapTask(files[0], jpeg, files[1], tiff, bar_top, *lie)

    def _said(self) -> tuple[Mapping[str, VerdictRow], Verdicts]:
        """The verdicts as they are on the disk."""
        rows = self._store.rows()
        if rows != self._last_said[0]:
            self._last_said = rows, verdicts_of(rows.values())
        return self._last_said

    def _audit_of(self, history: list[dict[str, Any]]) -> dict[str, Any]:
        result = audit_result(list(audited(history).values()))
        interval = wilson(result.wrong, result.looked_at)
        return {"looked_at": result.looked_at, "wrong": result.wrong, "most": interval[1] if interval else None}
