"""The watcher: look, read what has settled, sort the folders that are complete."""

from __future__ import annotations

import sqlite3

from semtrace.io.decision_log import DecisionLog
from semtrace.io.folders import is_bare, mount_point, path_in
from semtrace.io.journal import Journal, JournalError, JournalItem
from semtrace.io.moves import make_folder
from semtrace.watch.clock import Clock
from semtrace.watch.console import Console
from semtrace.watch.places import Places, not_mounted
from semtrace.watch.reading import PictureReading, Reader
from semtrace.watch.scan import Tree
from semtrace.watch.settings import Settings
from semtrace.watch.sorter import Sorter
from semtrace.watch.views import FileViews
from semtrace.watch.waiting import Waitings


class Watcher:
    """One watched folder; ``run`` is the loop, ``tick`` one turn of it."""

    def __init__(
        self,
        places: Places,
        settings: Settings,
        journal: Journal,
        log: DecisionLog,
        clock: Clock,
        console: Console,
        read: Reader,
        *,
        once: bool = False,
        copies: bool = False,
        prune: bool = False,
    ) -> None:
        """Prepare to watch; nothing is read or written yet.

        Args:
            places: the three folders, checked.
            settings: thresholds and times.
            journal: what was planned and done.
            log: a line for each decision.
            clock: times, and the word to stop.
            console: lines for people.
            read: how pictures are read (``reading.reader``).
            once: end when every picture there is decided, or cannot be read.
            copies: copy in place of moving.
            prune: remove folders below the watched one that have become empty.
        """
        self._places, self._settings, self._journal = places, settings, journal
        self._clock, self._console, self._once = clock, console, once
        self.tree = Tree(places, settings)
        self._views = FileViews(places.root, journal.path.absolute().parent, settings.threshold)
        self._reading = PictureReading(places.root, settings, read, self._views.keep)
        self._waitings = Waitings(journal, places.root, clock)
        self._sorter = Sorter(
            places, settings, journal, log, clock, console, self._reading, self._views, copies=copies, prune=prune
        )  # fmt: skip
        self._begun = False

    def run(self) -> int:
        """Watch until told to stop, or once; return the exit code: 1 if a picture is missing or something is left."""
        self._console.watching(self._places.root)
        progress = self._clock.monotonic()
        finished = True
        while not self._clock.stopped():
            moved = self.tick()
            now = self._clock.monotonic()
            progress = now if moved else progress
            if self._once and self._is_done(now):
                break
            if self._once and self._is_long(now - progress):
                self._console.say("Not all could be decided; `semtrace watch status` says what waits and why")
                finished = self._begun and not self._sorter.stuck
                break
            self._clock.wait(self._settings.poll_s)
        self._views.close()
        if self._clock.stopped():
            self._console.say("Stopped. What is not finished is taken up at the next start.")
        return 0 if finished and not self._sorter.failed else 1

    def tick(self) -> bool:
        """One turn; True if a folder was finished.

        Raises:
            JournalError: the journal was deleted meanwhile.
            sqlite3.DatabaseError: it is damaged.
        """
        if not self._journal.is_there():
            raise JournalError(f"{self._journal.path}: deleted while it was in use; start again to begin a new one")
        if not self._are_there():
            return False
        now = self._clock.monotonic()
        if not self.tree.look(now):
            self._console.once("root", f"Waiting: {self._places.root} gives no answer (not mounted, or empty)")
            return False
        self._console.forget("root", f"{self._places.root} is there again")
        try:
            done = self._work(now)
        except sqlite3.OperationalError as error:
            self._console.once("journal", f"Journal: {error}; nothing moves until it can be written")
            return False
        self._console.forget("journal", "The journal can be written again")
        return done

    def _work(self, now: float) -> bool:
        if not self._begun:
            self._begin()
        self._waitings.mark(self.tree)
        done = self._sorter.take_up(now, self._placed)
        self._announce()
        for (_, _, state), result in self._reading.read(self.tree.to_read(now)):
            state.result, state.read_at = result, now
            if self._clock.stopped():
                return done
        if ready := self._sorter.can_sort(self.tree.ready(now)):
            self._console.say(f"\nProcessing {len(ready)} folders...")
            for folder in ready:
                if not self._clock.stopped():
                    done = self._sorter.sort(folder, self._placed) or done
            self._console.done(watching=not self._once)
        self._waitings.store(self.tree, self._settings, now)
        if not any(True for folder in self.tree.folders.values() for _ in folder.pending()):
            self._views.close()  # of files that vanished undecided
        return done

    def _begin(self) -> None:
        root = self._places.root
        for path in (self._places.unique, self._places.archive):
            make_folder(path)
        mounts = {f"{name} mount": mount_point(path) for name, path in self._places.each().items()}
        self._journal.remember(root, **mounts, unique=self._places.unique, archive=self._places.archive)
        if self._journal.known(root, "started") is None:
            if self._settings.existing == "skip":
                self._waitings.skip(self.tree)
            self._journal.remember(root, started=self._clock.now())
        self._waitings.recall()
        self._sorter.recall()
        self._begun = True

    def _are_there(self) -> bool:
        """Whether the three folders are mounted: an unmounted disk must not be taken for an empty one."""
        for name, path in self._places.each().items():
            mount = self._journal.known(self._places.root, f"{name} mount") if is_bare(path) else None
            if mount is not None and not_mounted(path, mount):
                self._console.once(f"{name} mount", f"Waiting: {path} is not there; mount it, or make it")
                return False
            self._console.forget(f"{name} mount", f"{path} is there again")
        return True

    def _announce(self) -> None:
        for folder in self.tree.folders.values():
            if folder.files and not folder.announced and any(True for _ in folder.pending()):
                folder.announced = True
                self._console.say(f"Detected new folder: {path_in(self._places.root, folder.path)}")

    def _placed(self, item: JournalItem) -> None:
        """Forget a picture that is gone from the watched folder; leave alone one that was copied."""
        folder, _, name = item.path.rpartition("/")
        state = self.tree.folders.get(folder)
        if item.state == "kept" and item.target:
            self._waitings.leave_alone(item.path, item.bytes, item.mtime_ns)
        if state is not None and name in state.files:
            if item.state == "moved":
                del state.files[name]
            elif item.state == "kept" and item.target:
                state.files[name].done = True

    def _is_done(self, now: float) -> bool:
        calm = not any(self.tree.is_busy(folder, now) for folder in self.tree.folders.values())
        return self._begun and calm and not self._sorter.stuck

    def _is_long(self, seconds: float) -> bool:
        """Whether nothing was finished for longer than any file may take."""
        rules = self._settings
        return seconds > max(rules.unreadable_after_s, rules.quiet_s) + 2 * rules.quiet_s + 2 * rules.poll_s
