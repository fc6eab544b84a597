"""One complete folder: its pictures are decided, the plan is stored, and then they move."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version

from semtrace.io.decision_log import DecisionLog
from semtrace.io.folders import free_bytes, path_in, remove_if_empty
from semtrace.io.journal import Batch, Journal, JournalItem
from semtrace.watch.carry_out import Carrier, MoveOutcome
from semtrace.watch.clock import Clock
from semtrace.watch.console import Console
from semtrace.watch.decide import decide_frame, in_order
from semtrace.watch.picture import Picture, Unread
from semtrace.watch.places import Places
from semtrace.watch.plan import planned
from semtrace.watch.reading import PictureReading
from semtrace.watch.recall import deepest, kept_row, recalled
from semtrace.watch.scan import FolderState
from semtrace.watch.settings import Settings
from semtrace.watch.views import FileViews


class Sorter:
    """Decides and moves the pictures of folders.

    Attributes:
        stuck: batches to take up again, and the monotonic second at which that was tried last.
        failed: pictures that are neither where they were nor where they were to go.

    """

    def __init__(
        self,
        places: Places,
        settings: Settings,
        journal: Journal,
        log: DecisionLog,
        clock: Clock,
        console: Console,
        reading: PictureReading,
        views: FileViews,
        *,
        copies: bool,
        prune: bool,
    ) -> None:
        self._places, self._settings, self._journal, self._log = places, settings, journal, log
        self._clock, self._console, self._reading, self._views = clock, console, reading, views
        self._copies, self._prune = copies, prune
        self._carrier = Carrier(journal, places, copies=copies, stopped=clock.stopped)
        self.stuck: dict[int, float] = {}
        self.failed = 0

    def recall(self) -> None:
        """Find what an interrupted run left to be taken up."""
        for batch in self._journal.batches(self._places.root, states=("planned", "moving")):
            self.stuck[batch.id] = float("-inf")

    def take_up(self, now: float, placed: Callable[[JournalItem], object]) -> bool:
        """Finish batches that an interruption or a full disk left; True if one is finished."""
        due = [number for number, tried in self.stuck.items() if now - tried >= self._settings.unreadable_after_s]
        folders = {batch.id: batch.folder for batch in self._journal.batches(self._places.root)} if due else {}
        done = False
        for number in due:
            self._console.say(f"Taking up {folders[number] or '.'} (batch {number})")
            self.stuck[number] = now
            outcome = self._carrier.carry_out(self._journal.items(number))
            self._store(number, folders[number], outcome, placed, {})
            done = done or outcome.state != "moving"
        return done

    def can_sort(self, folders: Sequence[FolderState]) -> list[FolderState]:
        """Folders of which no earlier batch is unfinished; none if all are compared with each other and one is."""
        if not self.stuck:
            return list(folders)
        if self._settings.against == "all":
            return []
        unfinished = {batch.folder for batch in self._journal.batches(self._places.root) if batch.id in self.stuck}
        return [folder for folder in folders if folder.path not in unfinished]

    def sort(self, folder: FolderState, placed: Callable[[JournalItem], object]) -> bool:
        """Decide and move the pictures of one folder; ``placed`` hears of each. True if the batch is finished."""
        rows = self._journal.kept(self._places.root, None if self._settings.against == "all" else folder.path)
        if not self._one_range(folder, deepest(rows)):
            return False
        began = self._clock.now()
        results = [state.result for _, state in folder.pending()]
        pictures = in_order([one for one in results if isinstance(one, Picture)], self._settings.keeper)
        unread = [one for one in results if isinstance(one, Unread)]
        self._console.say(f"\n{len(pictures)} image(s) found in {path_in(self._places.root, folder.path)}")
        kept = recalled(rows, self._settings, max((picture.top for picture in pictures), default=255))
        decisions = decide_frame(pictures, kept, self._settings, self._views, self._clock.stopped)
        if len(decisions) < len(pictures):  # told to stop: nothing is planned, all is decided at the next start
            return False
        self._views.forget(pictures, kept)
        items = planned(pictures, decisions, self._places)
        by_path = {picture.path: picture for picture in pictures}
        number = self._journal.plan(
            self._batch(folder.path, began, items, unread),
            items,
            [kept_row(by_path[item.path], self._settings) if item.decision == "unique" else None for item in items],
        )
        self.stuck[number] = self._clock.monotonic()
        outcome = self._carrier.carry_out(
            self._journal.items(number), {path: picture.signature for path, picture in by_path.items()}
        )
        order = {picture.path: place for place, picture in enumerate(pictures)}
        self._console.decided(sorted(outcome.items, key=lambda item: order[item.path]), self._settings, unread)
        self._console.noise([picture.noise for picture in pictures], self._settings)
        self._store(number, folder.path, outcome, placed, {path: p.seconds for path, p in by_path.items()})
        return outcome.state != "moving"

    def _one_range(self, folder: FolderState, kept_top: int) -> bool:
        """Measure deep frames anew where a brighter one has widened the folder's range; False if a file changed."""
        pictures = [(name, state, state.result) for name, state in folder.pending()]
        deep = [(n, s, result) for n, s, result in pictures if isinstance(result, Picture) and result.deep]
        top = max([kept_top, *(picture.top for _, _, picture in deep)])
        again = [(folder, name, state) for name, state, picture in deep if picture.top != top]
        for (_, _, state), result in self._reading.read(again, top):
            state.result = result
            if self._clock.stopped():
                return False
        return all(isinstance(state.result, Picture) for _, _, state in again)

    def _batch(self, folder: str, began: str, items: Sequence[JournalItem], unread: Sequence[Unread]) -> Batch:
        count = Counter(item.decision for item in items)
        return Batch(
            id=0, root=self._places.root, folder=folder, began=began, ended="",
            params=json.dumps(asdict(self._settings), sort_keys=True), version=version("semtrace"),
            found=len(items) + len(unread), unique=count["unique"], similar=count["similar"],
            identical=count["identical"], empty=count["empty"], unreadable=len(unread), state="planned",
        )  # fmt: skip

    def _store(
        self,
        number: int,
        folder: str,
        outcome: MoveOutcome,
        placed: Callable[[JournalItem], object],
        seconds: Mapping[str, float],
    ) -> None:
        """Store what became of a batch, and say what a person should know."""
        now, is_open = self._clock.now(), outcome.state == "moving"
        self._journal.settle(number, outcome.state, "" if is_open else now, outcome.items)
        if not is_open:
            del self.stuck[number]
        if outcome.trouble:
            free = free_bytes(self._places.unique)
            self._console.say(f"Not finished: {outcome.trouble}; {free or 0:,} bytes free; tried again by itself")
        for item in outcome.items:
            placed(item)
            if item.state == "failed":
                self.failed += 1
                self._console.say(f"MISSING:   {item.path}: {item.detail} ({item.target}); a person must look")
            elif item.state == "kept" and not item.target:
                self._console.say(f"Stays:     {item.path}: {item.detail}")
            elif item.state != "planned":
                self._log.write(_line(now, folder, item, seconds.get(item.path)))
        if self._prune and not is_open and folder and remove_if_empty(path_in(self._places.root, folder)):
            self._console.say(f"Removed the empty folder {folder}")


def _line(now: str, folder: str, item: JournalItem, seconds: float | None) -> dict[str, object]:
    return {
        "t": now, "folder": folder, "path": item.path, "decision": item.decision, "keeper": item.keeper,
        "distance": item.distance, "likeness": item.likeness, "target": item.target,
        "ms": None if seconds is None else round(1000 * seconds, 1),
    }  # fmt: skip
