"""Tables as spreadsheets save them: what is read means the same, what is not read says what to do."""

from __future__ import annotations

import pytest

from semtrace.io.spreadsheet import SpreadsheetError, read_spreadsheet

NAMES = ("jpeg_path", "tiff_path", "category")
PLAIN = "jpeg_path,tiff_path,category\nTips/p0.jpg,Müller/s0.tif,Tips\nTips/p1.jpg,,Tips\n"
ROWS = [["Tips/p0.jpg", "Müller/s0.tif", "Tips"], ["Tips/p1.jpg", "", "Tips"]]


def told(tmp_path, data):
    (tmp_path / "t.csv").write_bytes(data)
    return read_spreadsheet(tmp_path / "t.csv", NAMES)


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-be").join([b"\xfe\xff", b""]),
        PLAIN.replace(",", "\t").encode("utf-16"),  # "Unicode text"
        PLAIN.replace(",", ";").encode(),
        ("sep=;\r\n" + PLAIN.replace(",", ";").replace("\n", "\r\n")).encode("utf-8-sig"),
        ("SEP=;\n" + PLAIN.replace(",", ";")).encode(),
        ("sep=,\n" + PLAIN).encode(),
        PLAIN.replace("\n", "\r\n").encode() + b",,\r\n,,\r\n",
        PLAIN.replace("\n", "\r").encode(),  # an old Mac
        PLAIN.replace("\n", ",,\n").encode(),  # two columns without name and content
        PLAIN.replace(",", ";").replace("\n", ";;\n").encode() + b";;;;\n",
        "".join(f'"{line}"\n' for line in PLAIN.splitlines()).encode(),  # all of a row in one cell
        ("\n\n" + PLAIN).encode(),
        PLAIN.replace("jpeg_path,", " jpeg_path ,").encode(),
    ],
)
def test_what_excel_saves_is_read(tmp_path, data):
    found = told(tmp_path, data)
    assert found.header == list(NAMES)
    assert [cells for _, cells in found.rows] == ROWS


def test_lines_are_those_of_the_file(tmp_path):
    found = told(tmp_path, b"sep=;\njpeg_path;tiff_path;category\n;;\na;b;c\n")
    assert found.rows == [(4, ["a", "b", "c"])]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (PLAIN.encode("cp1252"), "line 2: not UTF-8"),
        (PLAIN.encode("mac_roman"), "line 2: not UTF-8"),
        (PLAIN.encode("utf-16-le"), "UTF-16 or UTF-32 without a byte order mark"),
        (PLAIN.encode("utf-16")[:-1], "damaged UTF-16"),
        (PLAIN.encode("utf-32"), "UTF"),
        (b"PK\x03\x04 and more", "a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old workbook"),
        (PLAIN.encode() + b'"open', "not CSV"),
    ],
)
def test_what_is_not_read_says_what_to_do(tmp_path, data, message):
    with pytest.raises(SpreadsheetError, match=f"{message}.*save as CSV UTF-8"):
        told(tmp_path, data)


def test_content_in_a_column_without_a_name_is_refused(tmp_path):
    with pytest.raises(SpreadsheetError, match="line 3: 'odd' stands in a column that has no name"):
        told(tmp_path, b"jpeg_path,tiff_path,category,\na,b,c,\na,b,c,odd\n")


def test_an_empty_file_has_no_columns(tmp_path):
    assert told(tmp_path, b"").header == []
