"""What a person knows, ``truth.csv`` and ``verdicts.csv``: read strictly, for a slip in them would be believed."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from semtrace.io import tables
from semtrace.io.schema import Column, Table
from semtrace.io.tables import TableError
from semtrace.io.terminal import harmless

TRUTH = Table(
    "truth.csv",
    1,
    (
        Column("jpeg_path", "text", "a published picture"),
        Column("tiff_path", "text", "its original; empty: no original exists in the archive"),
        Column("category", "text", "its category"),
    ),
)
VERDICTS = Table(
    "verdicts.csv",
    1,
    (
        Column("left", "text", "md5 of one file (`hashes.csv` has it)"),
        Column("right", "text", "md5 of the other; the category's name where the verdict is `category`"),
        Column("verdict", "text", "`same`, `different` or `category`"),
        Column("who", "text", "who says so"),
        Column("when", "text", "when, in any form"),
    ),
)
Line = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Verdicts:
    """A person's word: pairs of md5 called the same picture, pairs called different ones, categories by md5."""

    same: frozenset[frozenset[str]] = frozenset()
    different: frozenset[frozenset[str]] = frozenset()
    categories: Mapping[str, str] = field(default_factory=dict)


def locate_verdicts(folder: Path, known: Path) -> Path:
    """The table of a person's verdicts: in ``folder``, or in the place of earlier versions, which one line says.

    Args:
        folder: ``dataset.verdicts``.
        known: ``dataset.known``, where ``verdicts.csv`` was before. The stage ``generate`` may replace that folder.

    Raises:
        TableError: both places hold verdicts.

    """
    file, old = folder / VERDICTS.name, known / VERDICTS.name
    if not _holds_rows(old):
        return file
    if _holds_rows(file):
        raise TableError(
            f"{old}: verdicts are in two places, here and in {file}. Join them with "
            f"`semtrace verdicts merge {old}`, then remove {old}"
        )
    _say_once(f"semtrace: warning: {old}: verdicts belong in {file}; a run may replace this folder. Move the file")
    return old


def _holds_rows(file: Path) -> bool:
    return file.is_file() and sum(bool(line.strip()) for line in file.read_bytes().splitlines()) > 1


@lru_cache  # each stage of a run asks
def _say_once(line: str) -> None:
    print(harmless(line), file=sys.stderr)


def read_truth_table(file: Path) -> dict[str, str]:
    """Published path -> its original's path (empty: no original exists).

    Raises:
        TableError: a column is unknown or missing, a row names no published picture, or two rows speak of one.

    """
    rows = tables.read_own(file, TRUTH)
    for line, row in rows:
        if not row["jpeg_path"]:
            raise TableError(f"{file}: line {line} names no published picture; its jpeg_path is empty")
    _refuse_repeated(file, rows, lambda row: row["jpeg_path"], ("tiff_path", "category"))
    return {row["jpeg_path"]: row["tiff_path"] for _, row in rows}


def read_verdicts(file: Path) -> Verdicts:
    """Read a person's verdicts.

    Raises:
        TableError: a column is unknown or missing, a verdict is neither same nor different nor category, an md5 is
            none, a pair is one file, a category has no name, or two rows speak of one pair or of the category of one.

    """
    rows = tables.read_own(file, VERDICTS)
    for line, row in rows:
        if row["verdict"] not in ("same", "different", "category"):
            raise TableError(f"{file}: line {line} says {row['verdict']!r}; a verdict is same, different or category")
        if row["verdict"] == "category" and not row["right"]:
            raise TableError(f"{file}: line {line} names no category; with that verdict it stands in right")
        for side in ("left",) if row["verdict"] == "category" else ("left", "right"):
            if not re.fullmatch(r"[0-9a-f]{32}", row[side], re.IGNORECASE):
                raise TableError(f"{file}: line {line}: {side} is {row[side]!r}; it must be an md5, 32 hex digits")
        if row["verdict"] != "category" and len(_pair(row)) == 1:
            raise TableError(f"{file}: line {line} compares {row['left']} with itself")
    pairs = [(line, row) for line, row in rows if row["verdict"] != "category"]
    named = [(line, row) for line, row in rows if row["verdict"] == "category"]
    _refuse_repeated(file, pairs, lambda row: " and ".join(sorted(_pair(row))), ("verdict",))
    _refuse_repeated(file, named, lambda row: f"the category of {row['left'].lower()}", ("right",))
    said = {word: frozenset(_pair(row) for _, row in pairs if row["verdict"] == word) for word in ("same", "different")}
    return Verdicts(**said, categories={row["left"].lower(): row["right"] for _, row in named})


def _pair(row: Mapping[str, Any]) -> frozenset[str]:
    return frozenset((row["left"].lower(), row["right"].lower()))


def _refuse_repeated(
    file: Path, rows: Iterable[Line], subject: Callable[[Mapping[str, Any]], Hashable], statement: tuple[str, ...]
) -> None:
    """Refuse two rows on one subject: the first pair of lines is named, and whether they contradict each other."""
    first: dict[Hashable, Line] = {}
    for line, row in rows:
        earlier, before = first.setdefault(subject(row), (line, row))
        if earlier == line:
            continue
        differing = [name for name in statement if before[name] != row[name]]
        how = "".join(f"; {name}: {before[name]!r} or {row[name]!r}" for name in differing)
        raise TableError(
            f"{file}: lines {earlier} and {line} both speak of {subject(row)}"
            + (f" and contradict each other{how}. Keep the right one" if differing else ". Keep one")
        )
