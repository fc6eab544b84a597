"""The text of a table as Excel saves it: its encoding, its separator, its rows and columns of nothing but commas."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from semtrace.core.errors import InputError
from semtrace.io.files import read_regular

_WAY_OUT = 'In Excel or LibreOffice, save as CSV UTF-8 ("CSV UTF-8 (comma delimited)")'
_SEPARATORS = (",", ";", "\t")
_WORKBOOKS = {b"PK\x03\x04": "a workbook (.xlsx or .ods)", b"\xd0\xcf\x11\xe0": "an old workbook (.xls)"}


class SpreadsheetError(InputError):
    """A file is no table that a person can have meant, or in an encoding that is not read."""


@dataclass(frozen=True)
class SpreadsheetRows:
    """A table before its cells mean anything: the header, and the rows that hold something, each with its last line."""

    header: list[str]
    rows: list[tuple[int, list[str]]]


def read_spreadsheet(path: Path, names: Sequence[str]) -> SpreadsheetRows:
    """Read a CSV that a person may have saved from a spreadsheet.

    UTF-8 with and without a byte order mark and UTF-16 with one are read. Separators are the comma, the semicolon and
    the tabulator; a first line ``sep=;`` names it, else it is the one by which the header holds ``names``. Rows without
    any content, and columns without name and content, are left out.

    Args:
        path: the file.
        names: columns that the header must have.

    Raises:
        SpreadsheetError: the bytes are in no such encoding, or no CSV; a column has content but no name. The message
            says which line, and what to do.
        OSError: it cannot be read.

    """
    text = _text(path, read_regular(path.resolve()))
    lines = list(io.StringIO(text, newline=""))
    skipped, separator = 0, ""
    first = lines[0].strip().strip('"') if lines else ""
    if first.lower().startswith("sep=") and len(first) == len("sep=") + 1:
        skipped, separator = 1, first[-1]
    rows = _rows(path, lines[skipped:], separator or _separator(path, lines[skipped:], names))
    if rows and len(rows[0][1]) == 1 and set(names) <= set(_parsed(rows[0][1][0])):
        rows = [(line, _parsed(cells[0]) if len(cells) == 1 else cells) for line, cells in rows]  # a row in one cell
    filled = [(line + skipped, cells) for line, cells in rows if any(cell.strip() for cell in cells)]
    if not filled:
        return SpreadsheetRows([], [])
    (_, header), *body = filled
    header = [name.strip() for name in header]
    while header and not header[-1]:
        header.pop()
    width = len(header)
    for line, cells in body:
        if extra := next((cell for cell in cells[width:] if cell.strip()), ""):
            raise SpreadsheetError(f"{path}: line {line}: {extra!r} stands in a column that has no name in the header")
    return SpreadsheetRows(header, [(line, cells[:width]) for line, cells in body])


def _text(path: Path, data: bytes) -> str:
    for magic, what in _WORKBOOKS.items():
        if data.startswith(magic):
            raise SpreadsheetError(f"{path}: {what}, whatever its name says. {_WAY_OUT}")
    encoding = "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and not data.startswith(codecs.BOM_UTF32_LE):
        encoding = "utf-16"
    if encoding != "utf-16" and b"\0" in data:
        raise SpreadsheetError(f"{path}: UTF-16 or UTF-32 without a byte order mark, or no text. {_WAY_OUT}")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = "damaged UTF-16" if encoding == "utf-16" else f"line {line}: not UTF-8 (Windows' encoding, most likely)"
        raise SpreadsheetError(f"{path}: {found}. {_WAY_OUT}") from error


def _separator(path: Path, lines: Sequence[str], names: Sequence[str]) -> str:
    for separator in _SEPARATORS:
        try:
            header = next((cells for _, cells in _rows(path, lines, separator) if any(cells)), [])
        except SpreadsheetError:  # a quoted cell, divided by another separator
            continue
        if set(names) <= {name.strip() for name in header}:
            return separator
    return ","


def _rows(path: Path, lines: Sequence[str], separator: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        raise SpreadsheetError(f"{path}: line {reader.line_num}: not CSV ({error}). {_WAY_OUT}") from error


def _parsed(line: str) -> list[str]:
    return next(csv.reader([line]), [])
