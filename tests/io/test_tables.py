from __future__ import annotations

from collections.abc import Iterator

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semtrace.io import tables
from semtrace.io.schema import Column, Table
from semtrace.io.verdicts import TRUTH
from semtrace.stage.rejects import REJECTS

TYPED = Table(
    "typed.csv",
    1,
    (
        Column("path", "text", "a file"),
        Column("bytes", "integer", "its size", "bytes"),
        Column("ssim", "number", "how alike"),
        Column("whole", "boolean", "all of it"),
    ),
)
TYPED_ROWS = st.fixed_dictionaries(
    {
        "path": st.text(st.characters(codec="utf-8"), max_size=3),
        "bytes": st.none() | st.integers(),
        "ssim": st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
        "whole": st.none() | st.booleans(),
    }
)


@given(st.lists(TYPED_ROWS, max_size=8))
def test_typed_rows_survive_the_way_to_disk_and_back(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("typed")
    tables.write(folder / "1.csv", TYPED, rows, sort=False)
    back = tables.read(folder / "1.csv", TYPED)
    assert back == rows
    for one, other in zip(back, rows, strict=True):  # 1 and 1.0 and True are equal, but not the same
        assert [type(one[name]) for name in TYPED.names] == [type(other[name]) for name in TYPED.names]
    tables.write(folder / "2.csv", TYPED, back, sort=False)
    assert (folder / "2.csv").read_bytes() == (folder / "1.csv").read_bytes()


def test_typed_rows_survive_the_way_to_parquet_and_back(tmp_path):
    rows = [
        {"path": "a", "bytes": 3, "ssim": 0.5, "whole": True},
        {"path": "", "bytes": None, "ssim": None, "whole": None},
        {"path": "b", "bytes": 0, "ssim": 1, "whole": False},
    ]
    tables.write_parquet(tmp_path / "t.parquet", TYPED, rows)
    assert tables.read_parquet(tmp_path / "t.parquet", TYPED) == rows
    tables.write_parquet(tmp_path / "t.parquet", TYPED, rows[1:2])  # columns without any value keep their types
    schema = pyarrow.parquet.read_schema(tmp_path / "t.parquet")
    assert list(map(str, schema.types)) == ["string", "int64", "double", "bool"]
    assert schema.metadata[b"semtrace.table"] == b"typed.csv"
    assert schema.metadata[b"semtrace.version"] == b"1"


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("b,3.5,,", r"typed\.csv: line 4: bytes is '3\.5'; a whole number is expected"),
        ("b,3,0\u002c5,", "another number of cells"),
        ('b,3,"0,5",', r"line 4: ssim is '0,5'; a number is expected"),
        ("b,3,,yes", "line 4: whole is 'yes'; True or False is expected"),
        (f"b,{'x' * 1000},,", "line 4: bytes is 'x{60}…'; a whole"),
    ],
)
def test_a_bad_cell_is_named_by_line_and_column(tmp_path, cells, message):
    file = tmp_path / "typed.csv"
    file.write_text(f'path,bytes,ssim,whole\n"two\nlines",1,0.5,True\n{cells}\n', encoding="utf-8")
    with pytest.raises(tables.TableError, match=message):
        tables.read(file, TYPED)


def test_only_the_required_columns_must_be_there_and_further_ones_stay_text(tmp_path):
    (tmp_path / "t.csv").write_text("path,whole,remark\na,False,7\n")
    assert tables.read(tmp_path / "t.csv", TYPED, required=("path",)) == [{"path": "a", "whole": False, "remark": "7"}]
    with pytest.raises(tables.TableError, match="ssim missing"):
        tables.read(tmp_path / "t.csv", TYPED, required=("path", "ssim"))
    with pytest.raises(tables.TableError, match="bytes, ssim missing"):
        tables.read(tmp_path / "t.csv", TYPED)
    (tmp_path / "t.csv").write_text("path,whole\na,perhaps\n")  # a column that is there is read, required or not
    with pytest.raises(tables.TableError, match="line 2: whole is 'perhaps'"):
        tables.read(tmp_path / "t.csv", TYPED, required=("path",))


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
        tables.read_own(tmp_path / "t.csv", TRUTH, optional=("same_place",))


def test_rows_of_ones_own_come_with_their_lines(tmp_path):
    (tmp_path / "t.csv").write_text('category,jpeg_path,tiff_path\n\nTips,a.jpg,\n"two\nlines",b.jpg,\nTips,c.jpg,\n')
    rows = tables.read_own(tmp_path / "t.csv", TRUTH, optional=("same_place",))
    assert [(line, row["jpeg_path"]) for line, row in rows] == [(3, "a.jpg"), (5, "b.jpg"), (6, "c.jpg")]
    (tmp_path / "t.csv").write_text("category,jpeg_path,tiff_path\nTips,a.jpg,\nTips,a.jpg\n")
    with pytest.raises(tables.TableError, match="line 3 has another number of cells"):
        tables.read_own(tmp_path / "t.csv", TRUTH, optional=("same_place",))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_of_ones_own_without_its_optional_columns_is_read_at_any_separator(tmp_path, separator):
    (tmp_path / "t.csv").write_text(f'jpeg_path{separator}tiff_path\n"a,1;2.jpg"{separator}a.tif\n')
    [(_, row)] = tables.read_own(tmp_path / "t.csv", TRUTH, optional=("category", "same_place"))
    assert row == {"jpeg_path": "a,1;2.jpg", "tiff_path": "a.tif", "category": "", "same_place": ""}


def test_a_table_saved_by_a_spreadsheet_is_read(tmp_path):
    (tmp_path / "truth.csv").write_bytes(b"\xef\xbb\xbfjpeg_path,tiff_path,category\r\na.jpg,a.tif,Tips\r\n")
    assert [row["tiff_path"] for row in tables.read(tmp_path / "truth.csv", TRUTH, required=["tiff_path"])] == ["a.tif"]


@given(st.lists(st.tuples(*[st.text(st.characters(codec="utf-8"), max_size=3)] * 4), max_size=12))
def test_a_table_is_in_the_order_of_its_cells_whatever_they_hold(tmp_path_factory, cells):
    file = tmp_path_factory.mktemp("order") / "t.csv"
    rows = [dict(zip(REJECTS.names, row, strict=True)) for row in cells]
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
        for number in reversed(range(100)):  # some are on the disk by then
            yield {"path": f"{number:02}", "stage": "s", "reason": "r" * 70_000, "detail": ""}
        (waiting,) = tmp_path.glob(".t.csv.rows.*")
        with waiting.open("r+b") as file:
            file.write(bytes(100))

    with pytest.raises(OSError, match="came back changed"):
        tables.write(tmp_path / "t.csv", REJECTS, rows())
    assert list(tmp_path.iterdir()) == []
