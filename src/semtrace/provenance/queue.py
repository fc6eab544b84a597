"""What the main job asks a person: a queue of questions, the most doubtful first, from the tables alone.

A question is about a content, not a file: JPEGs of equal content are asked about once. Kinds, in their order:

- ``ambiguous``: the match could not decide.
- ``conflict``: one picture is published under several categories, and nobody has said which is right.
- ``weak``: matched without proof, but by a small SSIM, or with a small lead over the runner-up.
- ``near_miss``: unmatched, though alike enough to be compared with its nearest original.
- ``audit``: drawn by the seed, half from matches without proof, half from unmatched ones, that are not asked about
  otherwise. From these answers follows how often the others are wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from semtrace.core.tracing.labels import Depth, category_of
from semtrace.io.schema import Column, Table
from semtrace.io.verdicts import Verdicts
from semtrace.provenance.reasons import REASONS
from semtrace.stage.settings import Number, Section, Whole

QUEUE = Table(
    "queue.csv",
    1,
    (
        Column("item", "text", "names the question: digits that follow from its content alone"),
        Column("kind", "text", "`ambiguous`, `conflict`, `weak`, `near_miss` or `audit`, see below"),
        Column("why", "text", "why it is asked, in words"),
        Column("jpeg_path", "text", "the published image; of several files of equal content the first"),
        Column("jpeg_md5", "text", "of its bytes"),
        Column("a_path", "text", "the first original that is shown, as in `jpeg_to_tiff.csv`; empty: none"),
        Column("a_md5", "text", "of its bytes"),
        Column("b_path", "text", "the second original that is shown: the runner-up; empty: none"),
        Column("b_md5", "text", "of its bytes"),
        Column("categories", "text", "the categories under which it is published, separated by a vertical bar"),
        Column("hamming_distance", "integer", "as in `jpeg_to_tiff.csv`", "bits"),
        Column("ssim_value", "number", "as in `jpeg_to_tiff.csv`"),
        Column("correlation", "number", "as in `jpeg_to_tiff.csv`"),
        Column("margin", "number", "as in `jpeg_to_tiff.csv`"),
        Column("reason", "text", "as in `jpeg_to_tiff.csv`; of a conflict its kind in `conflicts.csv`"),
        Column("files", "text", "the published images that the answer is for, separated by a vertical bar"),
        Column(
            "answer",
            "text",
            "the answer in `verdicts.csv`: `a`, `b`, `both`, `none`, or a category; empty: not answered",
        ),
    ),
)
KINDS = ("ambiguous", "conflict", "weak", "near_miss", "audit")
WITHOUT_PROOF = ("ssim", "blocks", "hamming")
QueueCells = Mapping[str, Any]


class Settings(Section, section="review"):
    """What is asked (conf/review/).

    Attributes:
        weak_ssim: a match by SSIM below it is asked about.
        weak_margin: the same for its lead in SSIM.
        audit: how many answers without proof are drawn.
        seed: of the draw.
        cache_mb: bound for the pictures that are kept for the page, 10^6 bytes.
    """

    weak_ssim: Annotated[Number, Field(ge=-1, le=1)]
    weak_margin: Annotated[Number, Field(ge=0, le=2)]
    audit: Annotated[Whole, Field(ge=0)]
    seed: Whole
    cache_mb: Annotated[Whole, Field(ge=1)]


@dataclass(frozen=True)
class Question:
    """A row of ``queue.csv``, and the md5 of all files that have the content of each picture in it.

    Attributes:
        cells: the row.
        jpegs: md5 of the published files.
        shown: for each original that is shown its md5, first, and those of its copies.
        decision: that of the match; of a conflict ``""``.
    """

    cells: QueueCells
    jpegs: tuple[str, ...]
    shown: tuple[tuple[str, ...], ...]
    decision: str = ""


@dataclass(frozen=True)
class QueueTables:
    """The rows that the queue is made of.

    Attributes:
        forward: of ``jpeg_to_tiff.csv``.
        published: of the published set's ``hashes.csv``.
        originals: of the archive's ``hashes.csv``.
        conflicts: of ``conflicts.csv``; empty where the stage ``label`` has not run.
        verdicts: of ``verdicts.csv``.
        audited: items that were drawn and answered before, with the decision that was looked at.
        depth: which folder of a published path is its category.
    """

    forward: Sequence[QueueCells]
    published: Sequence[QueueCells]
    originals: Sequence[QueueCells]
    conflicts: Sequence[QueueCells] = ()
    verdicts: Verdicts = field(default_factory=Verdicts)
    audited: Mapping[str, str] = field(default_factory=dict)
    depth: Depth = "last"


def build_queue(given: QueueTables, settings: Settings) -> list[Question]:
    """All questions, the most doubtful first."""
    return _Builder(given, settings).questions()


def answer_of(question: Question, verdicts: Verdicts) -> str:
    """What verdicts say of a question: the column ``answer``."""
    said = _category_answer if question.cells["kind"] == "conflict" else _trace_answer
    return said(verdicts, question.jpegs, question.shown)


class _Builder:
    """The tables by path and content, and the questions from them."""

    def __init__(self, given: QueueTables, settings: Settings) -> None:
        self.given, self.settings = given, settings
        self.published = {row["path"]: row for row in given.published}
        self.originals = {row["path"]: row for row in given.originals}
        self.files = _by_content(given.published)
        self.copies = _by_content(given.originals)

    def questions(self) -> list[Question]:
        found: dict[str, list[tuple[Any, Question]]] = {kind: [] for kind in KINDS}
        pool: dict[str, list[QueueCells]] = {"matched": [], "unmatched": []}
        for row in self._contents():
            kind = self._kind(row)
            if kind:
                found[kind].append((_order(kind, row), self._trace(kind, row)))
            elif row["decision"] == "unmatched" or row["evidence"] in WITHOUT_PROOF or self._was_audited(row):
                pool[row["decision"]].append(row)
        found["conflict"] = [((question.cells["files"],), question) for question in self._conflicts()]
        found["audit"] = [((i,), self._trace("audit", row)) for i, row in enumerate(self._drawn(pool))]
        return [
            question
            for kind in KINDS
            for _, question in sorted(found[kind], key=lambda pair: (*pair[0], pair[1].cells["item"]))
        ]

    def _contents(self) -> Iterable[QueueCells]:
        """The forward row of each published content, in the order of their first files."""
        seen: set[str] = set()
        for row in self.given.forward:
            if (hashes := self.published.get(row["jpeg_path"])) is not None and _content(hashes) not in seen:
                seen.add(_content(hashes))
                yield row

    def _kind(self, row: QueueCells) -> str:
        if row["decision"] == "ambiguous":
            return "ambiguous"
        if row["decision"] == "unmatched":
            return "near_miss" if row["used_ssim"] and not self._was_audited(row) else ""
        if row["evidence"] not in ("ssim", "blocks"):
            return ""
        close = row["margin"] is not None and row["margin"] < self.settings.weak_margin
        return "weak" if close or self._is_low(row) else ""

    def _is_low(self, row: QueueCells) -> bool:
        """Whether a match rests on a small SSIM; one by blocks does not rest on it."""
        ssim = row["ssim_value"] if row["evidence"] == "ssim" else None
        return ssim is not None and bool(ssim < self.settings.weak_ssim)

    def _item(self, row: QueueCells) -> str:
        return item_of(self.published[row["jpeg_path"]])

    def _was_audited(self, row: QueueCells) -> bool:
        return self._item(row) in self.given.audited

    def _drawn(self, pool: Mapping[str, Sequence[QueueCells]]) -> list[QueueCells]:
        """Half of the audit from each part; what was answered before counts, and stays as long as it is in its part."""
        half = self.settings.audit // 2
        drawn = []
        for decision, most in (("matched", self.settings.audit - half), ("unmatched", half)):
            ordered = sorted(pool[decision], key=lambda row: _digest(f"{self.settings.seed} {self._item(row)}"))
            answered = [row for row in ordered if self._was_audited(row)]
            gone = sum(said == decision for said in self.given.audited.values()) - len(answered)
            fresh = [row for row in ordered if not self._was_audited(row)]
            drawn += [*answered, *fresh[: max(0, most - len(answered) - max(0, gone))]]
        return drawn

    def _trace(self, kind: str, row: QueueCells) -> Question:
        hashes = self.published[row["jpeg_path"]]
        files = self.files[_content(hashes)]
        unmatched = row["decision"] == "unmatched"
        paths = [row["runner_up_path"]] if unmatched else [row["matched_tiff_path"], row["runner_up_path"]]
        shown = [self.originals[path] for path in paths if path in self.originals]
        digests = tuple(self._digests(original) for original in shown)
        jpegs = tuple(dict.fromkeys(file["md5"] for file in files))
        cells = {
            "item": self._item(row),
            "kind": kind,
            "why": self._why(kind, row),
            "jpeg_path": files[0]["path"],
            "jpeg_md5": files[0]["md5"],
            **_shown_cells(shown),
            "categories": "|".join(_categories(files, self.given.depth)),
            **{name: row[name] for name in ("hamming_distance", "ssim_value", "correlation", "margin", "reason")},
            "files": "|".join(file["path"] for file in files),
            "answer": _trace_answer(self.given.verdicts, jpegs, digests),
        }
        return Question(cells, jpegs, digests, row["decision"])

    def _digests(self, original: QueueCells) -> tuple[str, ...]:
        others = [row["md5"] for row in self.copies[_content(original)] if row["md5"] != original["md5"]]
        return original["md5"], *sorted(set(others))

    def _why(self, kind: str, row: QueueCells) -> str:
        words = REASONS.get(row["reason"])
        meaning = words.meaning if words else row["reason"]
        if kind == "weak":
            low = self._is_low(row)
            return "matched, but the SSIM is low" if low else "matched, but the runner-up is nearly as good"
        if kind == "near_miss":
            return f"no original found; the nearest is this one: {meaning}"
        if kind == "audit":
            return "drawn to measure how often answers without proof are wrong"
        return meaning

    def _conflicts(self) -> Iterable[Question]:
        for row in self.given.conflicts:
            if row["kind"] != "several_categories" or row["rule"] == "verdict":
                continue
            files = [self.published[path] for path in row["files"].split("|") if path in self.published]
            if not files:
                continue
            original = self.originals.get(row["content"])
            digests = (self._digests(original),) if original else ()
            jpegs = tuple(dict.fromkeys(file["md5"] for file in files))
            cells = {
                "item": _name(_content(original) if original else row["content"]) + "c",
                "kind": "conflict",
                "why": "published under several categories; it gets a label when you name one of them",
                "jpeg_path": files[0]["path"],
                "jpeg_md5": files[0]["md5"],
                **_shown_cells([original] if original else []),
                "categories": row["categories"],
                **dict.fromkeys(("hamming_distance", "ssim_value", "correlation", "margin")),
                "reason": row["kind"],
                "files": "|".join(file["path"] for file in files),
                "answer": _category_answer(self.given.verdicts, jpegs, digests),
            }
            yield Question(cells, jpegs, digests)


def _order(kind: str, row: QueueCells) -> tuple[Any, ...]:
    if kind == "ambiguous":
        return row["reason"], row["margin"] is None, row["margin"] or 0.0
    ssim = row["ssim_value"] or 0.0
    return (ssim,) if kind == "weak" else (-ssim,)


def _by_content(rows: Iterable[QueueCells]) -> dict[str, list[QueueCells]]:
    found: dict[str, list[QueueCells]] = {}
    for row in sorted(rows, key=lambda row: row["path"]):
        found.setdefault(_content(row), []).append(row)
    return found


def item_of(row: QueueCells) -> str:
    """The name of the question on a published file, from its row of ``hashes.csv``."""
    return _name(_content(row))


def _content(row: QueueCells) -> str:
    return str(row["content_id"] or row["path"])


def _categories(files: Iterable[QueueCells], depth: Depth) -> list[str]:
    return sorted({category_of(file["path"], depth) for file in files} - {""})


def _shown_cells(shown: Sequence[QueueCells]) -> dict[str, str]:
    cells = dict.fromkeys(("a_path", "a_md5", "b_path", "b_md5"), "")
    for name, original in zip(("a", "b"), shown, strict=False):
        cells |= {f"{name}_path": original["path"], f"{name}_md5": original["md5"]}
    return cells


def _category_answer(verdicts: Verdicts, jpegs: Sequence[str], shown: Sequence[Sequence[str]]) -> str:
    named = [verdicts.categories.get(md5) for md5 in (*jpegs, *(md5 for digests in shown for md5 in digests))]
    return next((name for name in named if name), "")


def _trace_answer(verdicts: Verdicts, jpegs: Sequence[str], shown: Sequence[Sequence[str]]) -> str:
    said = [_said(verdicts, jpegs, digests) for digests in shown]
    same = [name for name, word in zip(("a", "b"), said, strict=False) if word == "same"]
    if same:
        return same[0] if len(same) == 1 else "both"
    return "none" if said and all(word == "different" for word in said) else ""


def _said(verdicts: Verdicts, lefts: Iterable[str], rights: Sequence[str]) -> str:
    pairs = [frozenset((left, right)) for left in lefts for right in rights]
    if any(pair in verdicts.same for pair in pairs):
        return "same"
    return "different" if any(pair in verdicts.different for pair in pairs) else ""


def _name(content: str) -> str:
    return _digest(content)[:12]


def _digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
