"""The lists of columns in docs/tables.md, from the schemas: ``python -m semtrace.config.docs`` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from semtrace.core.errors import InputError
from semtrace.discovery import scale_tables as of_scale
from semtrace.discovery import tables as of_discovery
from semtrace.io import verdicts
from semtrace.io.files import write_atomic
from semtrace.io.schema import Column, Table
from semtrace.provenance import queue
from semtrace.provenance import tables as of_provenance
from semtrace.release import tables as of_release
from semtrace.stage import rejects
from semtrace.tuning import tables as of_tuning

PAGE = "docs/tables.md"
_LIST = re.compile(r"^(<!-- columns of (\S+?)[, ].*-->\n)(?:.*\n)*?(<!-- end of columns -->)$", re.MULTILINE)


def schemas() -> dict[str, Table]:
    """Every table of the package by the name of its file."""
    modules = (rejects, verdicts, queue, of_provenance, of_tuning, of_release, of_scale, of_discovery)
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Table)]
    return {table.name: table for table in found}


def with_columns(text: str, tables: Iterable[Table]) -> str:
    """A page whose lists of columns are those of ``tables``; all else stays as it is.

    Args:
        text: of the page. A list stands between ``<!-- columns of hashes.csv, … -->`` and ``<!-- end of columns -->``.
        tables: all that the page may name.

    Raises:
        InputError: the page names a table that there is not, or does not name one that there is.

    """
    known = {table.name: table for table in tables}
    named = [found[2] for found in _LIST.finditer(text)]
    if sorted(named) != sorted(known):
        odd = sorted(set(named) ^ known.keys()) or [name for name in known if named.count(name) > 1]
        raise InputError(f"{PAGE}: there must be one list of the columns of each table; look at {', '.join(odd)}")
    return _LIST.sub(lambda found: found[1] + _listed(known[found[2]]) + found[3], text)


def _listed(table: Table) -> str:
    return "| column | cells | meaning |\n|---|---|---|\n" + "".join(map(_row, table.columns))


def _row(column: Column) -> str:
    cells = f"{column.kind}, {column.unit}" if column.unit else column.kind
    return f"| `{column.name}` | {cells} | {column.meaning.replace('|', chr(92) + '|')} |\n"


def write_column_lists(project: Path) -> None:
    """Write the lists in the page of a project."""
    page = project / PAGE
    write_atomic(page, with_columns(page.read_text(encoding="utf-8"), schemas().values()).encode())


if __name__ == "__main__":
    write_column_lists(Path())
