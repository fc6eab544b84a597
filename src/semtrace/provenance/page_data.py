"""The result of the main job as data for a page: an overview whose counts add up, rows, and single pairs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from semtrace.core.errors import AccountingError
from semtrace.core.image.frame import place_in_frame
from semtrace.core.statistics.accuracy import TIERS, tier
from semtrace.core.tracing.labels import Depth, category_of
from semtrace.io import tables
from semtrace.io.schema import Table
from semtrace.io.verdicts import Verdicts, read_verdicts
from semtrace.provenance.queue import QueueTables, Settings, build_queue, item_of
from semtrace.provenance.reasons import REASONS
from semtrace.provenance.stages import WITH_REJECTS
from semtrace.provenance.tables import CONFLICTS, GROUPS, HASHES, JPEG_TO_TIFF, LABELS
from semtrace.stage.rejects import REJECTS

MAPPING, PUBLISHED, ORIGINALS = "match/jpeg_to_tiff.csv", "fingerprint/jpeg/hashes.csv", "fingerprint/tiff/hashes.csv"
LABEL_TABLE, CONFLICT_TABLE, GROUP_TABLE = "label/labels.csv", "label/conflicts.csv", "deduplicate/groups.csv"
READ = (MAPPING, PUBLISHED, ORIGINALS, LABEL_TABLE, CONFLICT_TABLE, GROUP_TABLE)
"""The tables that a page is made of, below the folder of results."""

DECISIONS = ("matched", "ambiguous", "unmatched")
ROW_COLUMNS = (
    "item", "jpeg", "tiff", "runner_up", "decision", "evidence", "reason", "ssim", "margin", "correlation", "hamming",
)  # fmt: skip
_OF_ONE_CONTENT = 60  # files of a group that a page shows
Cells = Mapping[str, Any]


@dataclass(frozen=True)
class PageTables:
    """The rows that a page is made of; a table of a stage that has not run is empty, and ``missing`` names the stage.

    Attributes:
        forward: of ``jpeg_to_tiff.csv``.
        published: of the published set's ``hashes.csv``.
        originals: of the archive's ``hashes.csv``.
        labels: of ``labels.csv``.
        conflicts: of ``conflicts.csv``.
        groups: of ``groups.csv``.
        rejects: of each folder's ``rejects.csv``.
        verdicts: of ``verdicts.csv``.
        missing: stages that have not run.
        depth: which folder of a published path is its category.
    """

    forward: Sequence[Cells]
    published: Sequence[Cells]
    originals: Sequence[Cells]
    labels: Sequence[Cells] = ()
    conflicts: Sequence[Cells] = ()
    groups: Sequence[Cells] = ()
    rejects: Mapping[str, Sequence[Cells]] = field(default_factory=dict)
    verdicts: Verdicts = field(default_factory=Verdicts)
    missing: tuple[str, ...] = ()
    depth: Depth = "last"

    def queue_tables(self, audited: Mapping[str, str]) -> QueueTables:
        """What the queue is made of."""
        sides = self.published, self.originals
        return QueueTables(self.forward, *sides, self.conflicts, self.verdicts, audited, self.depth)


def read_page_tables(work: Path, verdicts: Path, depth: Depth = "last") -> PageTables:
    """Read the tables of a run.

    Args:
        work: folder of the results.
        verdicts: table of a person's verdicts; it may be missing.
        depth: which folder of a published path is its category.

    Raises:
        TableError: the match has not run, or a table is damaged.
    """

    def rows(path: str, table: Table) -> list[dict[str, Any]]:
        return tables.read(work / path, table) if (work / path).is_file() else []

    optional = {"label": LABEL_TABLE, "deduplicate": GROUP_TABLE, "validate": "validate/metrics.json"}
    return PageTables(
        tables.read(work / MAPPING, JPEG_TO_TIFF),
        tables.read(work / PUBLISHED, HASHES),
        tables.read(work / ORIGINALS, HASHES),
        rows(LABEL_TABLE, LABELS),
        rows(CONFLICT_TABLE, CONFLICTS),
        rows(GROUP_TABLE, GROUPS),
        {folder: rows(f"{folder}/rejects.csv", REJECTS) for folder in WITH_REJECTS},
        read_verdicts(verdicts) if verdicts.is_file() else Verdicts(),
        tuple(stage for stage, path in optional.items() if not (work / path).is_file()),
        depth,
    )


def overview(given: PageTables) -> dict[str, Any]:
    """Counts for people.

    Raises:
        AccountingError: published images in are not matched, ambiguous, unmatched and rejected ones together.
    """
    decisions = Counter(row["decision"] for row in given.forward)
    rejected = {folder: Counter(row["reason"] for row in rows) for folder, rows in given.rejects.items()}
    published_out = sum(sum(rejected.get(folder, {}).values()) for folder in ("fingerprint/jpeg", "match"))
    images_in = len(given.published) + sum(rejected.get("fingerprint/jpeg", {}).values())
    total = sum(decisions[name] for name in DECISIONS) + published_out
    if total != images_in:
        raise AccountingError(f"report: {images_in} published images in, but {total} are decided or rejected")
    return {
        "images_in": images_in,
        "decisions": {name: decisions[name] for name in DECISIONS},
        "rejected": published_out,
        "originals": len(given.originals),
        "original_contents": len({row["content_id"] or row["path"] for row in given.originals}),
        "categories": _by_category(given.forward, given.depth),
        "evidence": dict(sorted(Counter(row["evidence"] for row in given.forward if row["evidence"]).items())),
        "reasons": dict(sorted(Counter(row["reason"] for row in given.forward).items())),
        "rejects": {folder: dict(sorted(counts.items())) for folder, counts in rejected.items() if counts},
        "conflicts": [
            {name: row[name] for name in ("kind", "categories", "files", "resolution", "rule")}
            for row in given.conflicts
        ],
        "groups": _groups(given.groups),
        "labels": dict(sorted(Counter(row["status"] for row in given.labels).items())),
        "verdicts": {
            "same": len(given.verdicts.same), "different": len(given.verdicts.different),
            "category": len(given.verdicts.categories),
        },
        "missing": list(given.missing),
    }  # fmt: skip


def _by_category(forward: Iterable[Cells], depth: Depth) -> list[dict[str, Any]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in forward:
        counts = found[category_of(row["jpeg_path"], depth)]
        counts["images"] += 1
        counts[row["decision"]] += 1
        if row["decision"] == "matched":
            counts[tier(row["ssim_value"]) if row["ssim_value"] is not None else "not_compared"] += 1
    names = ("images", *DECISIONS, *(name for name, _ in TIERS), "not_compared")
    return [
        {"category": category, **{name: counts[name] for name in names}} for category, counts in sorted(found.items())
    ]


def _groups(rows: Sequence[Cells]) -> dict[str, Any]:
    sizes = Counter((row["side"], row["group"]) for row in rows)
    several = Counter(size for size in Counter(row["group"] for row in rows).values())
    return {
        "files": len(rows), "groups": len({row["group"] for row in rows}) if rows else len(sizes),
        "sizes": {str(size): count for size, count in sorted(several.items())},
    }  # fmt: skip


def page_rows(given: PageTables) -> list[list[Any]]:
    """A row for each published image, cells in the order of ``ROW_COLUMNS``."""
    content = {row["path"]: item_of(row) for row in given.published}
    return [
        [
            content.get(row["jpeg_path"], ""), row["jpeg_path"], row["matched_tiff_path"], row["runner_up_path"],
            row["decision"], row["evidence"], row["reason"], row["ssim_value"], row["margin"], row["correlation"],
            row["hamming_distance"],
        ]
        for row in given.forward
    ]  # fmt: skip


def queue_entry(row: Cells) -> dict[str, Any]:
    """What a list of questions shows of one."""
    return {
        "item": row["item"], "kind": row["kind"], "answer": row["answer"], "path": row["jpeg_path"],
        "jpeg": row["jpeg_md5"], "a": row["a_md5"],
    }  # fmt: skip


class PagePairs:
    """Single pairs by item, with all that is needed to show them.

    Args:
        given: the tables.
        settings: of the queue.
        audited: items that were drawn and answered before, with the decision that was looked at.
    """

    def __init__(self, given: PageTables, settings: Settings, audited: Mapping[str, str]) -> None:
        self.queue = build_queue(given.queue_tables(audited), settings)
        self.asked = {question.cells["item"]: question for question in self.queue}
        self._depth = given.depth
        self._published = {row["path"]: row for row in given.published}
        self._originals = {row["path"]: row for row in given.originals}
        self._forward: dict[str, Cells] = {}
        for row in given.forward:
            if row["jpeg_path"] in self._published:
                self._forward.setdefault(item_of(self._published[row["jpeg_path"]]), row)
        self._group = {(row["side"], row["path"]): row["group"] for row in given.groups}
        self._members: dict[str, list[Cells]] = defaultdict(list)
        for row in given.groups:
            self._members[row["group"]].append(row)

    def items(self) -> list[str]:
        """The items of all contents, in the order of the forward table."""
        return list(self._forward)

    def files(self) -> dict[str, tuple[str, str]]:
        """By md5, the side of each file and its path: what a page may show."""
        found = {row["md5"]: ("jpeg", row["path"]) for row in self._published.values()}
        return found | {row["md5"]: ("tiff", row["path"]) for row in self._originals.values()}

    def bar_top(self, path: str) -> int:
        """The first row of an original's data bar; -1 where it has none."""
        top = self._originals[path]["bar_top"]
        return -1 if top is None else int(top)

    def how_published(self, jpeg: str, tiff: str) -> tuple[str, str, str, float | None]:
        """How an original became this published image, as in the table: symmetry, part, place, angle."""
        row = self._forward.get(item_of(self._published[jpeg]), {})
        traced = row.get("matched_tiff_path") == tiff
        return (row["symmetry"], row["crop"], row["place"], row["angle"]) if traced else ("", "", "", None)

    def pair(self, item: str) -> dict[str, Any] | None:
        """A pair by item: a question, or any published content; None where there is none."""
        question = self.asked.get(item)
        row = self._forward.get(item)
        if question is not None:
            cells = question.cells
            row = self._forward.get(item_of(self._published[cells["jpeg_path"]]), {})
            jpeg, shown = cells["jpeg_path"], [cells["a_path"], cells["b_path"]]
            numbers: Cells = cells
            extra = {
                "kind": cells["kind"], "why": cells["why"], "answer": cells["answer"],
                "categories": cells["categories"].split("|"), "files": cells["files"].split("|"),
            }  # fmt: skip
        elif row is not None:
            unmatched = row["decision"] == "unmatched"
            jpeg = row["jpeg_path"]
            shown = [row["runner_up_path"]] if unmatched else [row["matched_tiff_path"], row["runner_up_path"]]
            numbers = row
            extra = {
                "kind": "", "why": "", "answer": "",
                "categories": [category_of(jpeg, self._depth)], "files": [jpeg],
            }  # fmt: skip
        else:
            return None
        words = REASONS.get(numbers["reason"])
        traced = row.get("matched_tiff_path") or row.get("runner_up_path")
        originals = [
            self._shown(jpeg, path, row if path == traced else {}) for path in shown if path in self._originals
        ]
        return {
            "item": item, "decision": row.get("decision", ""), "evidence": row.get("evidence", ""),
            "jpeg": self._picture(self._published[jpeg]), "originals": originals, **extra,
            "ssim": numbers["ssim_value"], "margin": numbers["margin"], "correlation": numbers["correlation"],
            "hamming": numbers["hamming_distance"], "reason": numbers["reason"],
            "meaning": words.meaning if words else "", "todo": words.todo if words else "",
            "group": self._group_of(jpeg),
        }  # fmt: skip

    def _picture(self, row: Cells) -> dict[str, Any]:
        return {"path": row["path"], "md5": row["md5"], "width": row["width"], "height": row["height"]}

    def _shown(self, jpeg: str, path: str, row: Cells) -> dict[str, Any]:
        published, original = self._published[jpeg], self._originals[path]
        symmetry, crop, page = (row.get(name) or "" for name in ("symmetry", "crop", "place"))
        size = (published["width"], published["height"]), (original["width"], original["height"])
        place = place_in_frame(*size, symmetry, crop, page)
        return {
            **self._picture(original), "bar": original["bar_top"], "symmetry": symmetry, "crop": crop, "page": page,
            "angle": row.get("angle"),
            "place": [place.x, place.y, place.width, place.height], "mirrored": place.mirrored,
            "quarters": place.quarters,
        }  # fmt: skip

    def _group_of(self, jpeg: str) -> list[dict[str, Any]]:
        members = self._members.get(self._group.get(("jpeg", jpeg), ""), [])
        if len(members) < 2:
            return []
        return [
            {name: row[name] for name in ("path", "side", "md5", "evidence")} | {"keeper": row["path"] == row["keeper"]}
            for row in members[:_OF_ONE_CONTENT]
        ]
