from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semtrace.io.schema import Column, ColumnKind, Table


def value(kind: ColumnKind, cell: str) -> object:
    return Column("c", kind, "of a test").value(cell)


@pytest.mark.parametrize(
    ("kind", "cell", "wanted"),
    [
        ("text", "", ""),
        ("text", " 007 ", " 007 "),
        ("text", "True", "True"),
        ("integer", "", None),
        ("integer", "0", 0),
        ("integer", "-1", -1),
        ("integer", "9" * 30, int("9" * 30)),
        ("number", "", None),
        ("number", "0.0", 0.0),
        ("number", "-1.25e-09", -1.25e-9),
        ("number", ".5", 0.5),
        ("number", "12", 12),
        ("boolean", "", None),
        ("boolean", "True", True),
        ("boolean", "False", False),
    ],
)
def test_a_cell_becomes_a_value_of_its_kind(kind, cell, wanted):
    assert value(kind, cell) == wanted
    assert type(value(kind, cell)) is type(wanted)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("integer", "12.0"),
        ("integer", " 12"),
        ("integer", "1_000"),
        ("integer", "1,000"),
        ("integer", "٣"),
        ("integer", "None"),
        ("integer", "9" * 5000),
        ("number", "0,5"),
        ("number", "1_0.5"),
        ("number", "nan"),
        ("number", "inf"),
        ("number", "1e999"),
        ("number", "."),
        ("number", "0.5 "),
        ("boolean", "true"),
        ("boolean", "1"),
        ("boolean", " False"),
    ],
)
def test_a_cell_of_another_kind_is_refused(kind, cell):
    with pytest.raises(ValueError, match=r"expected|digits"):
        value(kind, cell)


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_that_is_written_is_read_as_it_was(number):
    back = value("number", str(number))
    assert back == number
    assert str(back) == str(number)


def test_a_table_knows_its_names_in_order():
    table = Table("t.csv", 1, (Column("b", "text", ""), Column("a", "integer", "")))
    assert table.names == ("b", "a")
    assert [column.name for column in table.parsed] == ["a"]
