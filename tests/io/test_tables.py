from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semtrace.io import tables
from semtrace.io.verdicts import TRUTH
from semtrace.stage.rejects import REJECTS


def test_a_table_survives_the_way_to_disk_and_back(tmp_path):
    rows = [
        {"path": 'b "quoted", comma\nnewline.tif', "stage": "x", "reason": "µ", "detail": None},
        {"path": "Icon\r", "stage": "every Mac has one", "reason": "\r\n", "detail": "\r"},
        {"path": "NA", "stage": "None", "reason": " lead", "detail": "1e5"},
    ]
    tables.write(tmp_path / "t.csv", REJECTS, rows)
    back = tables.read(tmp_path / "t.csv", REJECTS)
    assert back == sorted(({**row, "detail": row["detail"] or ""} for row in rows), key=lambda row: row["path"])


def test_row_order_does_not_matter(tmp_path):
    rows = [{"path": p, "stage": "s", "reason": "r", "detail": ""} for p in "cab"]
    tables.write(tmp_path / "1.csv", REJECTS, rows)
    tables.write(tmp_path / "2.csv", REJECTS, reversed(rows))
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


def test_a_row_that_breaks_the_contract_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(KeyError, match="contract"):
        tables.write(tmp_path / "t.csv", REJECTS, [{"path": "a", "extra": 1}])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, b"", b"path,stage\n1,2\n", b"\xff\xfe\x00"])
def test_a_table_that_is_none_is_named(tmp_path, content):
    file = tmp_path / "t.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(tables.TableError, match=r"t\.csv"):
        tables.read(file, REJECTS)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("jpeg_path,tiff_path,category,tif_path", "line 1: unknown column 'tif_path'"),
        ("jpeg_path,tiff_path,category,category", "line 1: column 'category' comes twice"),
        ("jpeg_path,category", "tiff_path missing"),
    ],
)
def test_a_table_of_ones_own_has_exactly_its_columns(tmp_path, header, message):
    (tmp_path / "t.csv").write_text(header + "\n")
    with pytest.raises(tables.TableError, match=message):
        tables.read_own(tmp_path / "t.csv", TRUTH)


def test_rows_of_ones_own_come_with_their_lines(tmp_path):
    (tmp_path / "t.csv").write_text('category,jpeg_path,tiff_path\n\nTips,a.jpg,\n"two\nlines",b.jpg,\nTips,c.jpg,\n')
    rows = tables.read_own(tmp_path / "t.csv", TRUTH)
    assert [(line, row["jpeg_path"]) for line, row in rows] == [(3, "a.jpg"), (5, "b.jpg"), (6, "c.jpg")]
    (tmp_path / "t.csv").write_text("category,jpeg_path,tiff_path\nTips,a.jpg,\nTips,a.jpg\n")
    with pytest.raises(tables.TableError, match="line 3 has another number of cells"):
        tables.read_own(tmp_path / "t.csv", TRUTH)


def test_a_table_saved_by_a_spreadsheet_is_read(tmp_path):
    (tmp_path / "truth.csv").write_bytes(b"\xef\xbb\xbfjpeg_path,tiff_path,category\r\na.jpg,a.tif,Tips\r\n")
    assert [row["tiff_path"] for row in tables.read(tmp_path / "truth.csv", TRUTH)] == ["a.tif"]


@given(st.lists(st.tuples(*[st.text(st.characters(codec="utf-8"), max_size=3)] * 4), max_size=12))
def test_a_table_is_in_the_order_of_its_cells_whatever_they_hold(tmp_path_factory, cells):
    file = tmp_path_factory.mktemp("order") / "t.csv"
    rows = [dict(zip(REJECTS, row, strict=True)) for row in cells]
    assert tables.write(file, REJECTS, iter(rows)) == len(rows)
    assert [tuple(row.values()) for row in tables.read(file, REJECTS)] == sorted(cells)
    assert tables.write(file, REJECTS, iter(rows), sort=False) == len(rows)
    assert [tuple(row.values()) for row in tables.read(file, REJECTS)] == cells
    assert list(file.parent.iterdir()) == [file]


def test_cells_of_any_length_are_written_and_read(tmp_path):
    long = "µ/very long.tif|" * 20_000  # the csv module alone reads up to 131,072 characters
    rows = [{"path": "a", "stage": end, "reason": long, "detail": ""} for end in "ba"]
    tables.write(tmp_path / "t.csv", REJECTS, rows)
    back = tables.read(tmp_path / "t.csv", REJECTS)
    assert [(row["stage"], row["reason"]) for row in back] == [("a", long), ("b", long)]


def test_what_the_disk_gives_back_changed_is_no_table(tmp_path):
    def rows() -> Iterator[dict[str, str]]:
        for path in "ba":
            yield {"path": path, "stage": "s", "reason": "r" * 70_000, "detail": ""}
        (waiting,) = tmp_path.glob(".t.csv.rows.*")
        with waiting.open("r+b") as file:
            file.write(bytes(100))

    with pytest.raises(OSError, match="came back changed"):
        tables.write(tmp_path / "t.csv", REJECTS, rows())
    assert list(tmp_path.iterdir()) == []
