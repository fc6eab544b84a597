"""An answer becomes rows of ``verdicts.csv``: what must change so that they say it and nothing against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from semtrace.core.errors import InputError
from semtrace.io.digests import md5
from semtrace.io.verdict_store import VerdictChange, VerdictRow, category_subject, pair_subject
from semtrace.provenance.queue import Question


class AnswerError(InputError):
    """An answer does not fit its question."""


@dataclass(frozen=True)
class Audit:
    """How many answers without proof were looked at, and how many of them are wrong."""

    looked_at: int
    wrong: int


def changes_of(
    question: Question, answer: str, rows: Mapping[str, VerdictRow], *, who: str, when: str
) -> list[VerdictChange]:
    """The changes that an answer makes.

    Args:
        question: what was asked.
        answer: ``a`` or ``b``: this original is the one; ``none``: none of those shown; else a category of a conflict.
        rows: the verdicts there are, by subject.
        who: who answers.
        when: the time, for the rows.

    Raises:
        AnswerError: the question has no such answer.

    """
    cells = question.cells
    if question.cells["kind"] == "conflict":
        if answer not in cells["categories"].split("|"):
            raise AnswerError(f"{answer!r} is none of the categories of this picture: {cells['categories']}")
        md5s = [*(digest for digests in question.shown for digest in digests), *question.jpegs]
        row = {"left": md5s[0], "right": answer, "verdict": "category", "who": who, "when": when}
        wanted = {category_subject(md5s[0]): row}
        return [*_removed(wanted, map(category_subject, md5s), rows), *_set(wanted)]
    if answer not in ("a", "b")[: len(question.shown)] and not (answer == "none" and question.shown):
        raise AnswerError(f"{answer!r} is no answer to this question")
    wanted, gone = {}, []
    for name, digests in zip(("a", "b"), question.shown, strict=False):
        subjects = [pair_subject(left, right) for left in question.jpegs for right in digests if left != right]
        said = "same" if answer == name else "different" if answer == "none" else ""
        if said:
            row = {
                "left": question.jpegs[0], "right": digests[0], "verdict": said, "who": who, "when": when,
            }  # fmt: skip
            wanted[pair_subject(question.jpegs[0], digests[0])] = row
            gone += subjects
        else:  # another original is the one: this one need not be different, but cannot be the same
            gone += [subject for subject in subjects if subject in rows and rows[subject]["verdict"] == "same"]
    return [*_removed(wanted, gone, rows), *_set(wanted)]


def shown_state(question: Question, rows: Mapping[str, VerdictRow]) -> str:
    """A digest of what is shown and of what verdicts say of it, 32 hex digits: it changes when one of them does."""
    subjects = [pair_subject(left, right) for left in question.jpegs for d in question.shown for right in d]
    subjects += [category_subject(one) for one in (*question.jpegs, *(m for d in question.shown for m in d))]
    said = [sorted(rows[subject].items()) for subject in sorted(set(subjects)) if subject in rows]
    shown = sorted((name, str(value)) for name, value in question.cells.items() if name != "answer")
    return md5(repr((shown, said, question.jpegs, question.shown)).encode())


def audit_remarks(question: Question, answer: str) -> dict[str, Any]:
    """Further keys of the lines of an answer in the history: which question, its kind, and the decision looked at."""
    cells = question.cells
    return {"item": cells["item"], "kind": cells["kind"], "answer": answer, "decision": question.decision}


def audited(history: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The last line of each audit question that is answered and not taken back, by item."""
    acts: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    found: dict[str, Mapping[str, Any]] = {}
    undone: dict[str, int] = {}
    for line in history:
        stack = acts.setdefault(line["who"], [])
        if line["from"] == "undo":
            if undone.get(line["who"]) != line["n"] and stack:
                taken = stack.pop()[1]
                if taken.get("kind") == "audit":
                    found.pop(taken["item"], None)
            undone[line["who"]] = line["n"]
            continue
        if not stack or stack[-1][0] != line["n"]:
            stack.append((line["n"], line))
        if line.get("kind") == "audit":
            found[line["item"]] = line
    return found


def audit_result(lines: Sequence[Mapping[str, Any]]) -> Audit:
    """Count audit answers, and those that say another thing than the match did."""
    wrong = sum(
        (line["decision"] == "matched" and line["answer"] != "a")
        or (line["decision"] == "unmatched" and line["answer"] != "none")
        for line in lines
    )
    return Audit(len(lines), wrong)


def _removed(
    wanted: Mapping[str, VerdictRow], subjects: Iterable[str], rows: Mapping[str, VerdictRow]
) -> list[VerdictChange]:
    return [
        VerdictChange(subject, None) for subject in dict.fromkeys(subjects) if subject in rows and subject not in wanted
    ]


def _set(wanted: Mapping[str, VerdictRow]) -> list[VerdictChange]:
    return [VerdictChange(subject, row) for subject, row in wanted.items()]
