"""What a watcher has done and what waits, from its journal alone."""

from __future__ import annotations

from dataclasses import dataclass

from semtrace.io.folders import free_bytes
from semtrace.io.journal import Journal, Waiting
from semtrace.watch.waiting import SKIPPED, UNREADABLE


@dataclass(frozen=True)
class Status:
    """The state of one watched folder.

    Attributes:
        root: the folder.
        folders: folders of which pictures were sorted.
        counts: pictures by decision: unique, similar, identical, empty; those that are ``failed`` are nowhere.
        unfinished: batches that an error or a stop left to be taken up.
        waiting: what is not settled, with the reason and since when.
        unreadable: files and folders that cannot be read.
        skipped: files that were there before the first start.
        others: links, pipes and files that are no pictures by name, which stay.
        last: time of the last finished batch; empty if there is none.
        free: bytes free where the three folders and the journal lie; None where that cannot be said.

    """

    root: str
    folders: int
    counts: dict[str, int]
    unfinished: int
    waiting: list[Waiting]
    unreadable: list[Waiting]
    skipped: int
    others: int
    last: str
    free: dict[str, int | None]

    @property
    def needs_a_person(self) -> bool:
        """Whether something will not mend by itself."""
        return bool(self.unreadable or self.counts.get("failed") or self.unfinished)

    def as_json(self) -> dict[str, object]:
        """For programs."""
        named = ("unique", "similar", "identical", "empty", "failed")
        rows = {
            name: [{"path": row.path, "since": row.first_seen, "reason": row.reason} for row in getattr(self, name)]
            for name in ("waiting", "unreadable")
        }
        return {
            "root": self.root, "folders": self.folders, **{name: self.counts.get(name, 0) for name in named},
            "unfinished": self.unfinished, "skipped": self.skipped, "others": self.others, **rows,
            "last": self.last, "free": self.free,
            "needs_a_person": self.needs_a_person,
        }  # fmt: skip

    def __str__(self) -> str:
        """For people."""
        lines = [self.root, f"  folders    {self.folders:>9,}"]
        lines += [
            f"  {name:<10} {self.counts.get(name, 0):>9,}" for name in ("unique", "similar", "identical", "empty")
        ]
        lines.append(f"  unreadable {len(self.unreadable):>9,}")
        lines += [
            f"    {row.path}: {row.reason.removeprefix(UNREADABLE)}, since {row.first_seen}" for row in self.unreadable
        ]
        lines.append(f"  waiting    {len(self.waiting):>9,}")
        lines += [_line(row) for row in self.waiting]
        if self.skipped:
            lines.append(f"  skipped    {self.skipped:>9,} that were there before the first start")
        if self.others:
            lines.append(f"  others     {self.others:>9,} that are no pictures (links, pipes, other files) and stay")
        lines.append(f"  errors     {self.counts.get('failed', 0) + self.unfinished:>9,}")
        if self.counts.get("failed"):
            lines.append("    pictures that are nowhere: look for MISSING in what the watcher said")
        if self.unfinished:
            lines.append("    batches that are not finished: start the watcher again, or make room")
        lines.append(f"  last activity {self.last or 'none'}")
        free = ", ".join(f"{name} {'?' if n is None else f'{n / 1e9:.1f} GB'}" for name, n in self.free.items())
        lines.append(f"  free          {free}")
        return "\n".join(lines)


def status(journal: Journal, root: str) -> Status:
    """Read the state of one watched folder."""
    batches = journal.batches(root)
    rows = journal.waiting(root)
    places = {
        "root": root,
        "unique": journal.known(root, "unique") or root,
        "archive": journal.known(root, "archive") or root,
        "journal": str(journal.path.absolute().parent),
    }
    return Status(
        root=root,
        folders=len({batch.folder for batch in batches}),
        counts=journal.counts(root),
        unfinished=sum(batch.state == "moving" for batch in batches),
        waiting=[row for row in rows if row.reason != SKIPPED and not row.reason.startswith(UNREADABLE)],
        unreadable=[row for row in rows if row.reason.startswith(UNREADABLE)],
        skipped=sum(row.reason == SKIPPED for row in rows),
        others=int(journal.known(root, "others") or 0),
        last=max((batch.ended for batch in batches), default=""),
        free={name: free_bytes(path) for name, path in places.items()},
    )


def _line(row: Waiting) -> str:
    return f"    {row.path}: {row.reason.removeprefix(UNREADABLE)}, since {row.first_seen}"
