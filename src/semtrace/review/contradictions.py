"""Verdicts that cannot all be true, and two tables of verdicts joined."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal

from semtrace.core.errors import SemtraceError
from semtrace.io.verdict_store import VerdictChange, VerdictRow

MergeRule = Literal["mine", "theirs", "newer"]


class ContradictionError(SemtraceError):
    """Verdicts contradict each other; the message lists them."""


def contradictions(rows: Iterable[VerdictRow]) -> list[str]:
    """What cannot be true at once: a line each, in the order of the md5.

    What is called the same hangs together over any number of pairs. In it no two md5 may be called different, and no
    two may have different categories.
    """
    rows = list(rows)
    parent: dict[str, str] = {}

    def root(md5: str) -> str:
        while parent.setdefault(md5, md5) != md5:
            parent[md5] = parent[parent[md5]]
            md5 = parent[md5]
        return md5

    for row in rows:
        if row["verdict"] == "same":
            parent[root(row["left"].lower())] = root(row["right"].lower())
    found = []
    named: dict[str, list[tuple[str, str]]] = {}
    for row in sorted(rows, key=lambda row: (row["left"].lower(), row["right"].lower())):
        left, right = row["left"].lower(), row["right"].lower()
        if row["verdict"] == "different" and root(left) == root(right):
            found.append(f"{left} and {right} are called different, and the same by way of others")
        elif row["verdict"] == "category":
            named.setdefault(root(left), []).append((left, row["right"]))
    for members in named.values():
        if len({category for _, category in members}) > 1:
            words = ", ".join(f"{md5} {category}" for md5, category in members)
            found.append(f"one picture is given several categories: {words}")
    return found


def merge_changes(
    mine: Mapping[str, VerdictRow], theirs: Mapping[str, VerdictRow], prefer: MergeRule | None
) -> list[VerdictChange]:
    """What must change in one table of verdicts so that it holds the other one too.

    Args:
        mine: rows by subject.
        theirs: rows by subject.
        prefer: whose row stands where the two contradict each other; None: nobody's.

    Raises:
        ContradictionError: the two contradict each other, and nothing says whose row stands.

    """
    changes, open_ = [], []
    for subject, other in sorted(theirs.items()):
        own = mine.get(subject)
        if own is None:
            changes.append(VerdictChange(subject, other))
        elif _statement(own) != _statement(other):
            newer = _is_newer(other, own) if prefer == "newer" else None
            if prefer is None or (prefer == "newer" and newer is None):
                open_.append(
                    f"{subject}: {_words(own)} or {_words(other)}"
                    + ("; which is newer cannot be told" if prefer else "")
                )
            elif prefer == "theirs" or newer:
                changes.append(VerdictChange(subject, other))
    if open_:
        raise ContradictionError(
            f"{len(open_)} verdicts contradict each other, nothing was written:\n  "
            + "\n  ".join(open_)
            + "\nSay whose stand: --prefer mine, --prefer theirs or --prefer newer"
        )
    result = dict(mine) | {change.subject: change.row for change in changes if change.row is not None}
    if said := contradictions(result.values()):
        listed = "\n  ".join(said)
        raise ContradictionError(f"the joined verdicts contradict each other, nothing was written:\n  {listed}")
    return changes


def _statement(row: VerdictRow) -> tuple[str, str]:
    return row["verdict"], row["right"] if row["verdict"] == "category" else ""


def _words(row: VerdictRow) -> str:
    said = row["right"] if row["verdict"] == "category" else row["verdict"]
    return f"{said} ({', '.join(part for part in (row['who'], row['when']) if part) or 'nobody says who'})"


def _is_newer(row: VerdictRow, other: VerdictRow) -> bool | None:
    """Whether a row is the newer one; None where the times cannot be compared."""
    times = [_time(one["when"]) for one in (row, other)]
    if times[0] is None or times[1] is None or times[0] == times[1]:
        return None
    return times[0] > times[1]


def _time(text: str) -> datetime | None:
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
