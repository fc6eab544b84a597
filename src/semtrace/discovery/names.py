"""What a person says of the tree: names, merges, splits and refusals, kept by content and found again after a rerun."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semtrace.core.errors import InputError
from semtrace.discovery.tables import MEMBERS, NAMES
from semtrace.discovery.tree import Node
from semtrace.io import tables

NAME_DECISIONS = ("rename", "merge", "split", "refuse")
ALIKE = 0.8
"""Jaccard index above which a node of another run is taken for the one that was named."""


@dataclass(frozen=True)
class Word:
    """One row of names.csv, and the node of this run that it is about.

    Attributes:
        node: as written.
        name: what it shall be called; empty for a split or a refusal.
        decision: one of ``NAME_DECISIONS``.
        now: id of the node it applies to; empty where none is like it.
        jaccard: likeness of that node; 1 for the very same content.

    """

    node: str
    name: str
    decision: str
    now: str
    jaccard: float


def read(file: Path) -> list[dict[str, str]]:
    """Rows of names.csv; none where there is no file.

    Raises:
        InputError: a decision is unknown, a name is missing or could not be a folder, or a node comes twice.

    """
    if not file.is_file():
        return []
    rows, seen = [], set()
    for line, row in tables.read_own(file, NAMES):
        if row["decision"] not in NAME_DECISIONS:
            raise InputError(
                f"{file}: line {line}: decision {row['decision']!r}; it must be one of {', '.join(NAME_DECISIONS)}"
            )
        if row["decision"] in ("rename", "merge") and not re.fullmatch(r"\w[\w .+-]*", row["name"]):
            raise InputError(
                f"{file}: line {line}: {row['name']!r} cannot be the name of a sub-category: it becomes a folder; use "
                "letters, digits, space and . + - _"
            )
        if row["node"] in seen:
            raise InputError(f"{file}: line {line}: node {row['node']} comes twice")
        seen.add(row["node"])
        rows.append(row)
    return rows


def applied(rows: Sequence[Mapping[str, str]], found: Sequence[Node], md5s: Sequence[str], earlier: Path) -> list[Word]:
    """Find the nodes of this run that the words are about.

    Args:
        rows: of names.csv.
        found: nodes of this run.
        md5s: of its points.
        earlier: ``members.csv`` of the run that was looked at; without it only the very same nodes are found.

    """
    here = {node.id: node for node in found}
    before: dict[str, set[str]] = {}
    if earlier.is_file():
        for member in tables.read(earlier, MEMBERS):
            before.setdefault(member["node"], set()).add(member["md5"])
    row_of = {name: row for row, name in enumerate(md5s)}
    words = []
    for row in rows:
        now, best = (row["node"], 1.0) if row["node"] in here else ("", 0.0)
        if not now and row["node"] in before:
            old = before[row["node"]]
            kept = np.array(sorted(row_of[name] for name in old if name in row_of), np.int64)
            for node in found:
                shared = len(np.intersect1d(kept, node.rows, assume_unique=True))
                value = shared / (len(old) + len(node.rows) - shared)
                if value > best:
                    now, best = node.id, value
            if best <= ALIKE:
                now = ""
        words.append(Word(row["node"], row["name"], row["decision"], now, best))
    return words
