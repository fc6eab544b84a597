"""What a table holds: its columns in order, each with its kind, its meaning and its unit."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

ColumnKind = Literal["text", "integer", "number", "boolean"]

_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_BOOLEANS = {"True": True, "False": False}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: in the header.
        kind: what a cell holds. ``integer``, ``number`` and ``boolean`` cells may be empty: nothing is known.
        meaning: in words, Markdown; it stands in docs/tables.md.
        unit: of a number, such as ``bits``; empty where it has none.

    """

    name: str
    kind: ColumnKind
    meaning: str
    unit: str = ""

    def value(self, cell: str) -> str | int | float | bool | None:
        """The value that a cell stands for: text as it is, of another kind None where the cell is empty.

        A whole number stays an ``int`` in a ``number`` column, so that a row that is read and written keeps its bytes.

        Raises:
            ValueError: the cell is not of this kind. The message says what was expected.

        """
        if self.kind == "text":
            return cell
        return _PARSERS[self.kind](cell) if cell else None


@dataclass(frozen=True)
class Table:
    """The contract of a table.

    Attributes:
        name: of its file, such as ``hashes.csv``.
        version: goes up when a column changes its name or meaning.
        columns: in the order of the header.

    """

    name: str
    version: int
    columns: tuple[Column, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def parsed(self) -> tuple[Column, ...]:
        """The columns whose cells are more than text."""
        return tuple(column for column in self.columns if column.kind != "text")


def _integer(cell: str) -> int:
    if not _INTEGER.fullmatch(cell):
        raise ValueError("a whole number is expected")
    return int(cell)


def _number(cell: str) -> int | float:
    if _INTEGER.fullmatch(cell):
        return int(cell)
    if not _NUMBER.fullmatch(cell) or not math.isfinite(value := float(cell)):
        raise ValueError("a number is expected, with a point")
    return value


def _boolean(cell: str) -> bool:
    if cell not in _BOOLEANS:
        raise ValueError("True or False is expected")
    return _BOOLEANS[cell]


_PARSERS: dict[str, Callable[[str], int | float | bool]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}
