"""What a person knows, ``truth.csv`` and ``verdicts.csv``: read strictly, for a slip in them would be believed."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from semtrace.core.path_index import FoundPath, PathIndex, folded
from semtrace.io import tables
from semtrace.io.schema import Column, Table
from semtrace.io.tables import TableError
from semtrace.io.terminal import harmless

TRUTH = Table(
    "truth.csv",
    1,
    (
        Column("jpeg_path", "text", "a published image"),
        Column("tiff_path", "text", "its original; empty: no original exists in the archive"),
        Column("category", "text", "its category; the column may be missing"),
        Column(
            "same_place",
            "text",
            "further TIFFs that show the same place in the same framing, as other exposures, divided by `|`; the "
            "column may be missing",
        ),
    ),
)
VERDICTS = Table(
    "verdicts.csv",
    1,
    (
        Column("left", "text", "md5 of one file (`hashes.csv` has it), or its path, which a run replaces by its md5"),
        Column("right", "text", "the same of the other; the category's name where the verdict is `category`"),
        Column("verdict", "text", "`same`, `different` or `category`"),
        Column("who", "text", "who says so"),
        Column("when", "text", "when, in any form"),
    ),
)
Line = tuple[int, dict[str, Any]]
_SHOWN = 8  # findings in one message
# What may follow ``truth``: a copy's number or mark, and endings of tables and texts, one or several; or any words
# and such an ending.
_ENDING = r"\.(?:csv|txt|tsv|tab|xlsx?|xlsm|ods|numbers|bak|old|gz|zip)"
_LOOKS = rf"s?(?:(?:[ ._-]*(?:\(\d+\)|copy|kopie|copia|\d+))*(?:{_ENDING})*|[ ._-].*{_ENDING})"


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


@dataclass(frozen=True)
class TruthTable:
    """What ``truth.csv`` says, by the paths that files have.

    Attributes:
        originals: published path -> its original's path; empty: no original exists.
        same_place: published path -> paths of other exposures of the place that it shows, where the table knows any.
        adapted: how many rows were written otherwise than the files they fit, by what differed, such as ``separator``.
        rows: how many there are.
    """

    originals: Mapping[str, str]
    adapted: Mapping[str, int]
    rows: int
    same_place: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def hashed(self, tiffs: Container[str]) -> dict[str, str]:
        """``originals`` without the rows whose original is there but none of ``tiffs``: nothing can be said of them."""
        return {jpeg: tiff for jpeg, tiff in self.originals.items() if not tiff or tiff in tiffs}

    def __str__(self) -> str:
        """How many rows were adapted, and why; empty where none was."""
        if not self.adapted:
            return ""
        why = ", ".join(f"{differs} {count}" for differs, count in self.adapted.items())
        changed = sum(self.adapted.values())
        return f"truth.csv: {changed} of {self.rows} rows name files in another way ({why}); read as the files they fit"


class LostRowsError(TableError):
    """Rows of a table lead nowhere; ``findings`` has a sentence for each."""

    def __init__(self, file: Path, findings: Sequence[str]) -> None:
        shown = "; ".join(findings[:_SHOWN])
        more = f"; and {len(findings) - _SHOWN} more" if len(findings) > _SHOWN else ""
        super().__init__(f"{file}: {shown}{more}. Correct them; only an empty tiff_path says that no original exists")
        self.findings = tuple(findings)


def read_truth_table(file: Path, published: PathIndex, archive: PathIndex) -> TruthTable:
    """Read ``truth.csv``; each row names files that are there, or is refused.

    Args:
        file: the table.
        published: the paths of the published set.
        archive: the paths of the archive.

    Raises:
        LostRowsError: a row names a file that is not there, or one of several that fit it equally well.
        TableError: a column is unknown or missing, a row names no published image, or two rows speak of one.

    """
    rows = tables.read_own(file, TRUTH, optional=("category", "same_place"))
    lost: list[str] = []
    adapted: Counter[str] = Counter()
    for line, row in rows:
        if not row["jpeg_path"].strip():
            raise TableError(f"{file}: line {line} names no published image; its jpeg_path is empty")
        differs = ""
        for column, paths, where in (("jpeg_path", published, "published set"), ("tiff_path", archive, "archive")):
            written = row[column]
            if not written.strip():
                row[column] = ""
                continue
            found = paths.find(written)
            if found.path is None:
                lost.append(f"line {line}: {column} {written!r} {_nowhere(found, paths.nearest(written), where)}")
            else:
                row[column], differs = found.path, differs or found.differs
        exposures = []
        for written in filter(str.strip, row["same_place"].split("|")):
            found = archive.find(written)
            if found.path is None:
                said = _nowhere(found, archive.nearest(written), "archive")
                lost.append(f"line {line}: same_place {written!r} {said}")
            else:
                exposures.append(found.path)
                differs = differs or found.differs
        row["same_place"] = tuple(exposures)
        adapted.update([differs] if differs else [])
    if lost:
        raise LostRowsError(file, lost)
    _refuse_repeated(file, rows, lambda row: row["jpeg_path"], ("tiff_path", "category", "same_place"))
    originals = {row["jpeg_path"]: row["tiff_path"] for _, row in rows}
    same_place = {row["jpeg_path"]: row["same_place"] for _, row in rows if row["same_place"]}
    return TruthTable(originals, dict(sorted(adapted.items())), len(rows), same_place)


def _nowhere(found: FoundPath, near: Sequence[str], where: str) -> str:
    if found.several:
        return f"may be any of {', '.join(map(repr, found.several[:_SHOWN]))} of the {where}"
    return f"is no file of the {where}" + (f" (there is {' and '.join(map(repr, near))})" if near else "")


def look_alikes(file: Path) -> list[str]:
    """Names beside a table that is not there, which a person may take for it: ``Truth.csv``, ``truth.csv.txt``."""
    if file.is_file() or not file.parent.is_dir():
        return []
    like = re.compile(file.stem.removesuffix("s") + _LOOKS)
    return sorted(path.name for path in file.parent.iterdir() if like.fullmatch(folded(path.name).strip()))


def said_of_look_alikes(known: Path) -> list[str]:
    """A sentence for each table of a person that is not read because of its name."""
    return [
        f"{known / name}: not read; save as CSV UTF-8 and call it {table.name}"
        for table in (TRUTH, VERDICTS)
        for name in look_alikes(known / table.name)
    ]


def read_verdicts(file: Path) -> Verdicts:
    """Read a person's verdicts; raises as ``read_verdict_rows``."""
    return verdicts_of(read_verdict_rows(file))


def verdicts_of(rows: Collection[Mapping[str, str]]) -> Verdicts:
    """The verdicts that rows of ``verdicts.csv`` state."""
    pairs = [row for row in rows if row["verdict"] != "category"]
    said = {word: frozenset(_pair(row) for row in pairs if row["verdict"] == word) for word in ("same", "different")}
    return Verdicts(
        **said, categories={row["left"].lower(): row["right"] for row in rows if row["verdict"] == "category"}
    )


def read_verdict_rows(file: Path) -> list[dict[str, Any]]:
    """Read the rows of a person's verdicts, without the spaces and capitals that mean nothing.

    Raises:
        TableError: a column is unknown or missing, a verdict is neither same nor different nor category, an md5 is
            none, a pair is one file, a category has no name, or two rows speak of one pair or of the category of one.

    """
    return check_verdict_rows(file, tables.read_own(file, VERDICTS))


def check_verdict_rows(file: Path, rows: Sequence[Line]) -> list[dict[str, Any]]:
    """The rows of ``read_verdict_rows``, from the lines of ``file``; raises as that does."""
    for line, row in rows:
        row.update(left=row["left"].strip(), right=row["right"].strip(), verdict=row["verdict"].strip().lower())
        if row["verdict"] not in ("same", "different", "category"):
            raise TableError(f"{file}: line {line} says {row['verdict']!r}; a verdict is same, different or category")
        if row["verdict"] == "category" and not row["right"]:
            raise TableError(f"{file}: line {line} names no category; with that verdict it stands in right")
        for side in ("left",) if row["verdict"] == "category" else ("left", "right"):
            if not re.fullmatch(r"[0-9a-f]{32}", row[side], re.IGNORECASE):
                raise TableError(
                    f"{file}: line {line}: {side} is {row[side]!r}; it must be an md5, 32 hex digits, or a path, "
                    "which `semtrace run` replaces by its md5"
                )
        if row["verdict"] != "category" and len(_pair(row)) == 1:
            raise TableError(f"{file}: line {line} compares {row['left']} with itself")
    pairs = [(line, row) for line, row in rows if row["verdict"] != "category"]
    named = [(line, row) for line, row in rows if row["verdict"] == "category"]
    _refuse_repeated(file, pairs, lambda row: " and ".join(sorted(_pair(row))), ("verdict",))
    _refuse_repeated(file, named, lambda row: f"the category of {row['left'].lower()}", ("right",))
    return [row for _, row in rows]


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
