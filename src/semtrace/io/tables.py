r"""How tables are read and written; which columns one has is said by its schema, in the house that writes it.

A table is CSV, UTF-8, comma-separated, ``\\n`` line ends, sorted by its first columns, written atomically.
Paths in it are POSIX and relative to the root of the dataset they belong to. Floats are written with a fixed
number of digits, so equal inputs give equal bytes.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from semtrace.core.errors import InputError
from semtrace.io.external_sort import ExternalSort
from semtrace.io.files import write_atomic
from semtrace.io.schema import Column, Table
from semtrace.io.spreadsheet import SpreadsheetError, read_spreadsheet

_AT_ONCE = 64  # rows written together
_SHOWN = 60  # characters of a wrong cell in a message

csv.field_size_limit(2**31 - 1)  # one cell may name all files of a content; the module's own limit is 128 KiB


class TableError(InputError):
    """A table is missing, lacks a column of its schema, or has a cell that is not of its column's kind."""


def write(path: Path, table: Table, rows: Iterable[Mapping[str, Any]], *, sort: bool = True) -> int:
    """Write ``rows`` with exactly the columns of ``table`` to ``path``, atomically; return the number of rows.

    Args:
        path: file to write; its folder must exist.
        table: the schema. A row with a missing or a further key is an error (``KeyError``), never dropped.
        rows: values are str, int, bool, None (empty cell) or float (written with ``repr``, so round first). They are
            not held in memory: of each only the first cell is, and those with equal ones while they are sorted.
        sort: sort rows by their cells from left to right, as text. Off only where the order means something.

    """
    with ExternalSort(path) as lines:
        ready, last = True, [""]  # rows that come in order, as most do, are copied as they stand
        every = _cells(path, table.names, rows)
        while some := list(itertools.islice(every, _AT_ONCE)):
            ready = ready and (not sort or all(low <= high for low, high in itertools.pairwise([last, *some])))
            last = some[-1]
            lines.add([cells[0] for cells in some], [_line(cells) for cells in some])
        body = lines.as_added() if ready else lines.in_order(_parsed)
        write_atomic(path, itertools.chain([_line(table.names)], body))
        return len(lines)


def _cells(path: Path, names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[list[str]]:
    wanted = set(names)
    for row in rows:
        if row.keys() != wanted:
            raise KeyError(f"{path.name}: row has columns {sorted(row)}, contract says {sorted(wanted)}")
        yield [value if type(value := row[name]) is str else as_cell(value) for name in names]


def as_cell(value: Any) -> str:
    """The text of a value in a table."""
    return "" if value is None else str(value)


class _Said:
    """A file that gives back what is written: ``writerow`` returns it, and one writer serves all rows."""

    def write(self, text: str) -> str:
        return text


_WRITER: Any = csv.writer(_Said(), lineterminator="\r\n")  # so that a lone \r in a cell is quoted, as \n is


def _line(cells: Sequence[str]) -> bytes:
    text: str = _WRITER.writerow(cells)
    return text[:-2].encode() + b"\n"


def _parsed(line: bytes) -> list[str]:
    text = line.decode()
    return next(csv.reader([text], strict=True)) if '"' in text else text[:-1].split(",")


def write_parquet(path: Path, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the same rows as Parquet, in the order given, with the types of the schema; an empty cell is null.

    Name and version of the schema are in the file's metadata.

    Args:
        path: file to write; its folder must exist.
        table: the schema; further keys of a row are left out.
        rows: as for ``write``.

    """
    import pyarrow as pa
    import pyarrow.parquet

    types = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
    schema = pa.schema(
        [(column.name, types[column.kind]) for column in table.columns],
        metadata={"semtrace.table": table.name, "semtrace.version": str(table.version)},
    )
    known = [{name: None if row[name] == "" else row[name] for name in table.names} for row in rows]
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.Table.from_pylist(known, schema=schema), sink, compression="zstd")
    write_atomic(path, sink.getvalue().to_pybytes())


def read_parquet(path: Path, table: Table) -> list[dict[str, Any]]:
    """Rows of a Parquet file, as ``read`` gives them: null is ``""`` in a text column, else None.

    Raises:
        TableError: it is not Parquet.

    """
    import pyarrow as pa
    import pyarrow.parquet

    try:
        with path.open("rb") as file:
            # Without pyarrow's own threads: one that still runs when Python ends aborts the process.
            rows = pa.parquet.ParquetFile(file, pre_buffer=False).read(use_threads=False).to_pylist()
    except pa.ArrowInvalid as error:
        raise TableError(f"{path}: not a Parquet table ({error})") from error
    empty = {column.name: "" if column.kind == "text" else None for column in table.columns}
    return [{name: empty.get(name) if value is None else value for name, value in row.items()} for row in rows]


def read(path: Path, table: Table, *, required: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Read a table as rows of typed values; see ``Column.value``. Further columns are kept as text.

    Args:
        path: file to read.
        table: the schema.
        required: the columns that must be there; None: all of ``table``. A row has no key for an absent one.

    Raises:
        TableError: the file is missing or empty, is not UTF-8 CSV, lacks a column, a row has more or fewer cells than
            the header, or a cell is not of its column's kind.

    """
    return [row for _, row in _parse(path, table, table.names if required is None else required)]


def read_own(path: Path, table: Table, optional: Sequence[str] = ()) -> list[tuple[int, dict[str, Any]]]:
    """Read a table that a person wrote as ``(line, row)``: exactly its columns, so that no slip goes unseen.

    Columns of text that are ``optional`` may be missing; their cells are then empty. The table may be as Excel saves
    it (``read_spreadsheet``). A cell keeps the spaces at its ends: names may have some.

    Raises:
        TableError: as ``read``; a column is none of the schema, or comes twice; the encoding is none that is read.

    """
    _check_there(path)
    needed = [name for name in table.names if name not in optional]
    try:
        found = read_spreadsheet(path, needed)
    except SpreadsheetError as error:
        raise TableError(str(error)) from error
    rows = _typed(path, table, needed, found.header, found.rows)
    for _, row in rows:
        row.update({name: "" for name in optional if name not in row})
    unknown = sorted(set(found.header) - set(table.names))
    twice = sorted({name for name in found.header if found.header.count(name) > 1})
    if unknown or twice:
        what = [f"unknown column {name!r}" for name in unknown] + [f"column {name!r} comes twice" for name in twice]
        raise TableError(f"{path}: line 1: {', '.join(what)}; the columns are {', '.join(table.names)}")
    return rows


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise TableError(f"{path}: no such table; run the stage that writes it first (`dvc repro`)")


def _parse(path: Path, table: Table, required: Sequence[str]) -> list[tuple[int, dict[str, Any]]]:
    """Rows of a table that a program wrote, with the line that each ends on."""
    _check_there(path)
    try:
        with path.open("rb") as file:
            if file.peek(3).startswith(codecs.BOM_UTF8):  # "utf-8-sig" would take half as long again for the whole file
                file.read(3)
            reader = csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""), strict=True)
            found = next((cells for cells in reader if cells), [])
            read = [(reader.line_num, cells) for cells in reader if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path}: not a UTF-8 CSV table ({error})") from error
    return _typed(path, table, required, found, read)


def _typed(
    path: Path, table: Table, required: Sequence[str], found: Sequence[str], read: Sequence[tuple[int, list[str]]]
) -> list[tuple[int, dict[str, Any]]]:
    missing = [name for name in required if name not in found]
    if missing:
        raise TableError(f"{path}: column(s) {', '.join(missing)} missing; found {', '.join(found) or 'none'}")
    for line, cells in read:
        if len(cells) != len(found):
            raise TableError(f"{path}: line {line} has another number of cells than the header")
    rows: list[tuple[int, dict[str, Any]]] = [(line, dict(zip(found, cells, strict=True))) for line, cells in read]
    for column in table.parsed:
        if column.name in found:
            _convert(path, column, rows)
    return rows


def _convert(path: Path, column: Column, rows: Iterable[tuple[int, dict[str, Any]]]) -> None:
    for line, row in rows:
        cell = row[column.name]
        try:
            row[column.name] = column.value(cell)
        except ValueError as error:
            shown = cell if len(cell) <= _SHOWN else f"{cell[:_SHOWN]}…"
            comma = re.fullmatch(r"\s*[+-]?\d*,\d+\s*", cell)
            point = f"; decimals have a point: {cell.strip().replace(',', '.')}" if comma else ""
            raise TableError(f"{path}: line {line}: {column.name} is {shown!r}; {error}{point}") from error
