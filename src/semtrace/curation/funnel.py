"""The funnel: how many patches of each dataset are left after each step, by reason; sums that must add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from semtrace.core.errors import AccountingError
from semtrace.core.volume.location import parse_location
from semtrace.curation import tables as contracts
from semtrace.io import tables
from semtrace.io.columns import Columns, read_columns, take_rows

ALL = "*"
TruthRow = Mapping[str, Any]


class Result(NamedTuple):
    """What the stages wrote: of each dataset its Deduplicated table, and the scores of all exemplars."""

    tables: dict[str, Columns]
    scores: Columns
    rows: list[dict[str, Any]]


def read_result(work: Path) -> Result:
    """Read the results of deduplicate and classify."""
    rows = tables.read(work / "deduplicated" / "datasets.csv", contracts.DATASETS)
    read = {
        row["dataset"]: read_columns(work / "deduplicated" / f"{row['dataset']}.parquet", contracts.DEDUPLICATED)
        for row in rows
    }
    return Result(read, read_columns(work / "filtered" / "scores.parquet", contracts.SCORES), rows)


def funnel_rows(result: Result) -> list[dict[str, Any]]:
    """Rows of funnel.csv, for each dataset and for all.

    Raises:
        AccountingError: a sum does not add up: a patch was lost or made up.
    """
    found: list[dict[str, Any]] = []
    total: Counter[tuple[str, str]] = Counter()
    for dataset, columns in result.tables.items():
        counts = _counted(dataset, columns, result.scores)
        total.update(counts)
        found += _rows(dataset, counts)
    return _rows(ALL, total) + found


def _counted(dataset: str, columns: Columns, scores: Columns) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter({("raw", ""): len(columns["name"])})
    gates = Counter(columns["gate"].tolist())
    counts.update({("gated", reason): number for reason, number in gates.items() if reason})
    exemplar = columns["exemplar"] == columns["name"]
    counts["deduplicated", ""] = int(np.count_nonzero(exemplar & (columns["gate"] == "")))
    counts["duplicates", ""] = gates[""] - counts["deduplicated", ""]
    here = take_rows(scores, scores["dataset"] == dataset)
    for outcome, by in zip(here["outcome"].tolist(), here["decided_by"].tolist(), strict=True):
        counts[{"kept": "filtered"}.get(outcome, outcome), by] += 1
    decided = sum(number for (step, _), number in counts.items() if step in ("filtered", "unsure", "removed"))
    if decided not in (counts["deduplicated", ""], 0) or counts["duplicates", ""] < 0:
        raise AccountingError(f"{dataset}: {counts['deduplicated', '']} exemplars, but {decided} were classified")
    return counts


_STEPS = ("raw", "gated", "duplicates", "deduplicated", "removed", "unsure", "filtered")


def _rows(dataset: str, counts: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    ordered = sorted(counts.items(), key=lambda item: (_STEPS.index(item[0][0]), item[0][1]))
    return [
        {"dataset": dataset, "step": step, "reason": reason, "patches": number} for (step, reason), number in ordered
    ]


def step_sums(rows: list[dict[str, Any]], dataset: str = ALL) -> dict[str, int]:
    """Patches of each step of a dataset."""
    found = dict.fromkeys(_STEPS, 0)
    for row in rows:
        if row["dataset"] == dataset:
            found[row["step"]] += row["patches"]
    return found


def outcome_of_all(result: Result) -> dict[str, str]:
    """Every patch of Raw and what became of it: ``gated``, or what became of its exemplar."""
    becomes = dict(zip(result.scores["name"].tolist(), result.scores["outcome"].tolist(), strict=True))
    found = {}
    for columns in result.tables.values():
        for name, exemplar in zip(columns["name"].tolist(), columns["exemplar"].tolist(), strict=True):
            found[name] = becomes.get(exemplar, "rejected") if exemplar else "gated"
    return found


def against_truth(outcomes: Mapping[str, str], truth: Sequence[TruthRow]) -> dict[str, Any] | None:
    """Accuracy against what is known of generated patches; None where none of them is here.

    Args:
        outcomes: as from ``outcome_of_all``.
        truth: rows with volume, axis, index, y0, y1, x0, x1, and informative.
    """
    places = {}
    for name, outcome in outcomes.items():
        at = parse_location(name)
        places[at.dataset, at.axis, at.index, at.y0, at.x0] = outcome
    counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for row in truth:
        key = row["volume"], int(row["axis"]), int(row["index"]), int(row["y0"]), int(row["x0"])
        if key in places:
            counts[str(row["informative"]) == "1"][places[key]] += 1
    good, empty = counts[True], counts[False]
    if not good.total() and not empty.total():
        return None
    return {
        "informative": good.total(), "kept": good["kept"], "informative_unsure": good["unsure"],
        "kept_share": round(good["kept"] / max(1, good.total()), 4),
        "empty": empty.total(), "removed": empty["gated"] + empty["removed"], "empty_unsure": empty["unsure"],
        "removed_share": round((empty["gated"] + empty["removed"]) / max(1, empty.total()), 4),
    }  # fmt: skip
