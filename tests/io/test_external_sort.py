import errno

import pytest

from semtrace.io import tables
from semtrace.io.external_sort import ExternalSort
from semtrace.io.schema import Column, Table

TABLE = Table("t.csv", 1, (Column("a", "text", "first"), Column("b", "text", "second")))


@pytest.mark.parametrize("ordered", ["as_added", "in_order"])
def test_a_disk_that_changes_what_was_written_is_an_error(tmp_path, ordered):
    with ExternalSort(tmp_path / "t.csv") as lines:
        lines.add("ab", [b"a,1\n", b"b,1\n"])
        lines.add("c", [b"c,1\n"])
        lines._file.flush()
        (waiting,) = tmp_path.iterdir()
        with waiting.open("r+b") as file:
            file.seek(5)
            file.write(b"x")
        with pytest.raises(OSError, match="came back changed") as found:
            list(lines.as_added() if ordered == "as_added" else lines.in_order(bytes))
        assert found.value.errno == errno.EIO


@pytest.mark.parametrize(
    "cells",
    [
        [("a", "b,c"), ("a", 'b"c'), ("a", "b-c"), ("a", "b c"), ("b", "")],
        [("a-1", ""), ("a", ""), ("", "x"), ("A\n", "\r"), ("é", "ü")],
        [],
    ],
)
def test_rows_in_order_and_rows_in_disorder_become_the_same_table(tmp_path, cells):
    rows = [{"a": a, "b": b} for a, b in cells]
    ordered = sorted(rows, key=lambda row: (row["a"], row["b"]))
    written = []
    for some in (ordered, ordered[::-1], rows):
        tables.write(tmp_path / "t.csv", TABLE, some)
        written.append((tmp_path / "t.csv").read_bytes())
        assert tables.read(tmp_path / "t.csv", TABLE) == ordered
    assert len(set(written)) == 1


def test_rows_that_keep_their_order_are_not_sorted(tmp_path):
    rows = [{"a": "z", "b": "1"}, {"a": "a", "b": "2"}]
    tables.write(tmp_path / "t.csv", TABLE, rows, sort=False)
    assert tables.read(tmp_path / "t.csv", TABLE) == rows
