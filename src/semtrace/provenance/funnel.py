"""What is left of the files of both sides after each step, and why the rest went: sums that add up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from semtrace.core.errors import AccountingError
from semtrace.core.tracing.labels import Depth, category_of
from semtrace.io import tables
from semtrace.provenance.tables import HASHES, HASHES_ALONE, INVENTORY, JPEG_TO_TIFF, LABELS
from semtrace.stage.rejects import REJECTS

SIDES = {"tiff": "archive", "jpeg": "published set"}
STEPS = ("files", "images", "contents", "traced", "labelled")
OUTCOMES = ("matched", "ambiguous", "unmatched")
_LABELLED = ("labelled", "duplicate_labelled")
_Cells = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One step of one side.

    Attributes:
        side: ``tiff`` or ``jpeg``.
        name: of ``STEPS``.
        count: what is left.
        lost: reason -> how many went on the way to this step.
    """

    side: str
    name: str
    count: int
    lost: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class TracedTables:
    """The rows that are counted; a table of a stage that has not run is None.

    Attributes:
        forward: of ``jpeg_to_tiff.csv``.
        hashes: by side, of ``hashes.csv``.
        rejects: by folder, of ``rejects.csv``.
        inventory: of ``inventory.csv``.
        labels: of ``labels.csv``; None also where no labels were asked for.
    """

    forward: Sequence[_Cells]
    hashes: Mapping[str, Sequence[_Cells]]
    rejects: Mapping[str, Sequence[_Cells]]
    inventory: Sequence[_Cells] | None = None
    labels: Sequence[_Cells] | None = None


def read_traced(work: Path) -> TracedTables:
    """Read the tables from the folder of results.

    Raises:
        TableError: the match has not run, or a table is damaged.
    """

    def rows(path: str, table: Any) -> list[dict[str, Any]] | None:
        return tables.read(work / path, table) if (work / path).is_file() else None

    folders = ("inventory", "fingerprint/tiff", "fingerprint/jpeg", "match")
    return TracedTables(
        tables.read(work / "match/jpeg_to_tiff.csv", JPEG_TO_TIFF),
        {
            side: tables.read(work / f"fingerprint/{side}/hashes.csv", HASHES, required=HASHES_ALONE)
            for side in SIDES
            if (work / f"fingerprint/{side}/hashes.csv").is_file()
        },
        {folder: rows(f"{folder}/rejects.csv", REJECTS) or [] for folder in folders},
        rows("inventory/inventory.csv", INVENTORY),
        _given(rows("label/labels.csv", LABELS)),
    )


def _given(labels: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Labels where there are any: with ``labels=none`` the status of a traced original is that it is matched."""
    return None if labels and any(row["status"] == "matched" for row in labels) else labels


def count_steps(given: TracedTables) -> list[Step]:
    """The steps of both sides, the archive first; only those whose tables are there.

    Raises:
        AccountingError: what is left and what went are not what was there before.
    """
    steps = [*_originals(given), *_published(given)]
    for before, after in pairwise(steps):
        if before.side == after.side and before.count != after.count + sum(after.lost.values()):
            raise AccountingError(
                f"funnel: {before.count} {before.name} of the {SIDES[after.side]}, but {after.count} {after.name} and "
                f"{sum(after.lost.values())} that went"
            )
    return steps


def count_outcomes(forward: Iterable[_Cells], depth: Depth = "last") -> dict[str, dict[str, int]]:
    """Published images of each category by what was decided of them; the categories by name.

    Args:
        forward: rows of ``jpeg_to_tiff.csv``.
        depth: which folder of a published path is its category.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in forward:
        found[category_of(row["jpeg_path"], depth)][row["decision"]] += 1
    return {category: {name: counts[name] for name in OUTCOMES} for category, counts in sorted(found.items())}


def _originals(given: TracedTables) -> list[Step]:
    hashes = given.hashes.get("tiff", [])
    contents = _contents(hashes)
    images = [row["path"] for row in (given.inventory if given.inventory is not None else hashes)]
    steps = []
    if given.inventory is not None:
        lost = Counter(row["reason"] for row in given.rejects["inventory"])
        steps.append(Step("tiff", "files", len(images) + sum(lost.values())))
        steps.append(Step("tiff", "images", len(images), dict(sorted(lost.items()))))
    elif hashes:
        steps.append(Step("tiff", "images", len(images)))
    else:
        return []
    hashed = {row["path"] for row in hashes}
    why = {row["path"]: row["reason"] for row in given.rejects["fingerprint/tiff"]}
    copies = {row["path"] for row in given.inventory or [] if row["duplicate_of"]}
    gone = Counter(
        why.get(path, "copy" if path in copies else "not_chosen") for path in images if path not in hashed
    )  # fmt: skip
    gone["copy"] += len(hashes) - len(contents)
    steps.append(Step("tiff", "contents", len(contents), _some(gone)))
    traced = {row["matched_tiff_path"] for row in given.forward if row["decision"] == "matched"}
    with_picture = [paths for paths in contents.values() if traced.intersection(paths)]
    steps.append(Step("tiff", "traced", len(with_picture), _some({"not_published": len(contents) - len(with_picture)})))
    if given.labels is not None:
        status = {row["tiff_path"]: row["status"] for row in given.labels}
        without = Counter(_status(paths, status) for paths in with_picture)
        labelled = without.pop("", 0)
        steps.append(Step("tiff", "labelled", labelled, _some(without)))
    return steps


def _published(given: TracedTables) -> list[Step]:
    hashes = given.hashes.get("jpeg", [])
    if not hashes:
        return []
    contents = _contents(hashes)
    lost = Counter(row["reason"] for row in given.rejects["fingerprint/jpeg"])
    steps = [
        Step("jpeg", "files", len(hashes) + sum(lost.values())),
        Step("jpeg", "images", len(hashes), dict(sorted(lost.items()))),
        Step("jpeg", "contents", len(contents), _some({"copy": len(hashes) - len(contents)})),
    ]
    forward = {row["jpeg_path"]: row for row in given.forward}
    why = {row["path"]: row["reason"] for row in given.rejects["match"]}
    matched, gone = [], Counter[str]()
    for paths in contents.values():
        rows = [forward[path] for path in paths if path in forward]
        outcome = min((row["decision"] for row in rows), key=OUTCOMES.index, default="")
        if outcome == "matched":
            matched.append(next(row["matched_tiff_path"] for row in rows if row["decision"] == outcome))
        else:
            gone[outcome or why.get(paths[0], "not_compared")] += 1
    steps.append(Step("jpeg", "traced", len(matched), _some(gone)))
    if given.labels is not None:
        status = {row["tiff_path"]: row["status"] for row in given.labels}
        without = Counter(_status([path], status) for path in matched)
        labelled = without.pop("", 0)
        steps.append(Step("jpeg", "labelled", labelled, _some(without)))
    return steps


def _status(paths: Iterable[str], status: Mapping[str, str]) -> str:
    """Why a traced content has no label; empty where it has one."""
    found = [status.get(path, "no_label") for path in paths]
    return "" if any(one in _LABELLED for one in found) else min(one.removeprefix("duplicate_") for one in found)


def _contents(hashes: Iterable[_Cells]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in hashes:
        found[row.get("content_id") or row["path"]].append(row["path"])
    return found


def _some(lost: Mapping[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in sorted(lost.items()) if count}
