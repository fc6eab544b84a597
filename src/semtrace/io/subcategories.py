"""Sub-categories that a person named and accepted, by content: ``subcategories.csv`` beside the verdicts.

``semtrace discover`` writes a table of this name with its proposals; a person copies it into ``dataset.verdicts``. Only
rows whose ``source`` says that a person named them count.
"""

from __future__ import annotations

import re
from pathlib import Path

from semtrace.io import tables
from semtrace.io.schema import Column, Table
from semtrace.io.tables import TableError

NAMED_SUBCATEGORIES = Table(
    "subcategories.csv",
    1,
    (
        Column("md5", "text", "of a file, an original or a published image"),
        Column("subcategory", "text", "its name"),
        Column("source", "text", "`named …` where a person named it; other rows are passed over"),
    ),
)
_NAME = re.compile(r"\w[\w .+-]*")


def read_subcategories(file: Path) -> dict[str, str]:
    """Named sub-categories by md5; none where there is no file.

    Raises:
        TableError: a name cannot be a folder, or a content has two names.

    """
    if not file.is_file():
        return {}
    found: dict[str, str] = {}
    for line, row in enumerate(tables.read(file, NAMED_SUBCATEGORIES), start=2):
        if not row["source"].startswith("named") or not row["subcategory"]:
            continue
        name = row["subcategory"]
        if not _NAME.fullmatch(name):
            raise TableError(
                f"{file}: line {line}: {name!r} cannot be the name of a folder; use letters, digits, space"
            )
        if found.setdefault(row["md5"], name) != name:
            raise TableError(f"{file}: line {line}: {row['md5']} is {name!r} here and {found[row['md5']]!r} above")
    return found
