"""Verdicts that name files by path: each path becomes the md5 of its file, so that they outlive renamed files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from semtrace.core.path_index import PathIndex
from semtrace.io import tables
from semtrace.io.digests import md5
from semtrace.io.files import read_regular, safe_name
from semtrace.io.staging import locked
from semtrace.io.tables import TableError
from semtrace.io.verdicts import VERDICTS, Line, check_verdict_rows

_MD5 = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)


def names_paths(file: Path) -> bool:
    """Whether a table of verdicts names a file by its path.

    Raises:
        TableError: it is malformed.
    """
    return file.is_file() and any(_paths(row) for _, row in tables.read_own(file, VERDICTS))


def store_by_content(file: Path, sides: Mapping[Path, PathIndex]) -> str:
    """Give each path in a table of verdicts its md5; the table is replaced as a whole.

    Args:
        file: the table.
        sides: folders whose files it may name, with their paths.

    Returns:
        What was done, a sentence.

    Raises:
        TableError: a path is no file of the folders, or may be several, or ``read_verdict_rows`` would refuse the new
            table; the old one stays.
    """
    with locked(file.parent):
        rows = tables.read_own(file, VERDICTS)
        stored = 0
        for line in rows:
            for column in _paths(line[1]):
                line[1][column] = _digest(file, line, column, sides)
                stored += 1
        tables.write(file, VERDICTS, check_verdict_rows(file, rows))
    return f"{file}: {stored} files that were named by path are named by content (md5) now"


def _paths(row: Mapping[str, Any]) -> list[str]:
    sides = ("left",) if row["verdict"].strip().lower() == "category" else ("left", "right")
    return [side for side in sides if row[side].strip() and not _MD5.fullmatch(row[side].strip())]


def _digest(file: Path, line: Line, column: str, sides: Mapping[Path, PathIndex]) -> str:
    number, row = line
    written = row[column].strip()
    found = {}
    for root, paths in sides.items():
        one = paths.find(written)
        if one.path is not None:
            found[root] = one.path
        elif one.several:
            names = ", ".join(map(repr, one.several[:3]))
            raise TableError(f"{file}: line {number}: {column} {written!r} may be any of {names}; name its folder, too")
    if not found:
        near = [name for paths in sides.values() for name in paths.nearest(written)]
        there = f"; there is {near[0]!r}" if near else ""
        folders = " and ".join(map(str, sides))
        raise TableError(
            f"{file}: line {number}: {column} {written!r} is neither an md5 nor a file of {folders}{there}"
        )
    digests = {md5(read_regular(safe_name(root.resolve(), path))) for root, path in found.items()}
    if len(digests) > 1:
        both = " and ".join(f"{root}/{path}" for root, path in found.items())
        raise TableError(
            f"{file}: line {number}: {column} {written!r} may be {both}; write the md5 of one (hashes.csv)"
        )
    return digests.pop()
