from __future__ import annotations

import pytest

from semtrace.core.path_index import PathIndex
from semtrace.io.tables import TableError
from semtrace.io.verdicts import LostRowsError, Verdicts, look_alikes, read_truth_table, read_verdicts

ONE, TWO, THREE = "1" * 32, "2" * 32, "ab" * 16


def written(path, header, *lines):
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


JPEGS = PathIndex(["a.jpg", "b.jpg", "Tips/c.jpg"])
TIFFS = PathIndex(["x.tif", "y.tif", "Müller/s0.tif", "Müller/s1.TIF", "in/z.tif", "IN/z.tif", "1/w.tif", "2/w.tif"])


def truth(tmp_path, *lines):
    return read_truth_table(written(tmp_path / "truth.csv", "jpeg_path,tiff_path,category", *lines), JPEGS, TIFFS)


def verdicts(tmp_path, *lines):
    return read_verdicts(written(tmp_path / "verdicts.csv", "left,right,verdict,who,when", *lines))


def test_a_truth_is_read(tmp_path):
    said = truth(tmp_path, "a.jpg,x.tif,Tips", "b.jpg,,Tips")
    assert (said.originals, said.adapted, str(said)) == ({"a.jpg": "x.tif", "b.jpg": ""}, {}, "")


@pytest.mark.parametrize(
    ("cell", "path", "differs"),
    [
        ("Müller\\s0.tif", "Müller/s0.tif", "separator"),
        (".\\Müller\\s0.tif", "Müller/s0.tif", "separator"),
        ("Mu\u0308ller/s0.tif", "Müller/s0.tif", "Unicode form"),
        ("Mu\u0308ller\\s0.tif", "Müller/s0.tif", "Unicode form"),
        ("Müller/s0.TIF", "Müller/s0.tif", "case"),
        ("MÜLLER/s1.tif", "Müller/s1.TIF", "case"),
        ("s0.tif", "Müller/s0.tif", "folder"),
        ("in\\z.tif", "in/z.tif", "separator"),
    ],
)
def test_a_path_that_one_file_alone_fits_is_read_as_that_file(tmp_path, cell, path, differs):
    said = truth(tmp_path, f"Tips\\c.jpg,{cell},Tips", "a.jpg,x.tif,Tips")
    assert said.originals == {"Tips/c.jpg": path, "a.jpg": "x.tif"}
    assert sum(said.adapted.values()) == 1
    assert "1 of 2 rows" in str(said)
    assert truth(tmp_path, f"Tips/c.jpg,{cell},Tips").adapted == {differs: 1}


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("s9.tif", "line 2: tiff_path 's9.tif' is no file of the archive"),
        ("Muller/s0.tif", "is no file of the archive \\(there is 'Müller/s0.tif'\\)"),
        ("C:\\\\archive\\\\Müller\\\\s0.tif", "is no file of the archive \\(there is 'Müller/s0.tif'\\)"),
        ("x.tiff", "is no file of the archive \\(there is 'x.tif'\\)"),
        ("In/z.tif", "may be any of 'IN/z.tif', 'in/z.tif' of the archive"),
        ("w.tif", "may be any of '1/w.tif', '2/w.tif' of the archive"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_with_its_line(tmp_path, cell, message):
    with pytest.raises(LostRowsError, match=message):
        truth(tmp_path, f"a.jpg,{cell},Tips")


def test_all_rows_that_lead_nowhere_are_told_at_once(tmp_path):
    with pytest.raises(LostRowsError) as told:
        truth(tmp_path, "a.jpg,x.tif,", "p0.jpg,q.tif,", ",,", "Tips/C.jpeg,,")
    assert [finding.split(" is no")[0] for finding in told.value.findings] == [
        "line 3: jpeg_path 'p0.jpg'", "line 3: tiff_path 'q.tif'", "line 5: jpeg_path 'Tips/C.jpeg'",
    ]  # fmt: skip


def test_two_spellings_of_one_picture_are_two_rows_on_it(tmp_path):
    with pytest.raises(TableError, match=r"lines 2 and 3 both speak of Tips/c\.jpg"):
        truth(tmp_path, "Tips/c.jpg,x.tif,", "Tips\\c.jpg,y.tif,")


@pytest.mark.parametrize(
    "name",
    [
        "Truth.csv",
        "TRUTH.CSV",
        "truth.csv.txt",
        "truth.xlsx",
        "truth.ods",
        "truth",
        "truth (1).csv",
        " truth.csv",
        "truth_final.csv",
        "truth - my corrections.xlsx",
        "truth.csv.gz",
        "truth.csv.bak",
    ],
)
def test_names_that_are_taken_for_the_table_are_found_where_it_is_absent(tmp_path, name):
    for other in (name, "truthful notes.md", "verdicts.csv", "~$truth.xlsx"):
        (tmp_path / other).touch()
    assert look_alikes(tmp_path / "truth.csv") == [name]
    (tmp_path / "truth.csv").touch()
    assert look_alikes(tmp_path / "truth.csv") == []


def test_verdicts_are_read_as_excel_saves_them(tmp_path):
    lines = "sep=;", "left;right;verdict;who;when", f" {ONE};{TWO} ;Same;;", ";;;;"
    (tmp_path / "verdicts.csv").write_bytes("\r\n".join(lines).encode())
    assert read_verdicts(tmp_path / "verdicts.csv").same == {frozenset((ONE, TWO))}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a.jpg,x.tif,Tips", "b.jpg,,", "a.jpg,x.tif,Tips"], r"lines 2 and 4 both speak of a\.jpg\. Keep one"),
        (["a.jpg,x.tif,Tips", "a.jpg,y.tif,Tips"], r"lines 2 and 3 .* contradict .*tiff_path: 'x\.tif' or 'y\.tif'"),
        (["a.jpg,x.tif,Tips", "a.jpg,,Tips"], r"lines 2 and 3 .* tiff_path: 'x\.tif' or ''"),
        (["a.jpg,x.tif,Tips", "a.jpg,x.tif,Powder"], r"lines 2 and 3 .* category: 'Tips' or 'Powder'"),
        (["a.jpg,x.tif,Tips", ",x.tif,Tips"], "line 3 names no published image"),
    ],
)
def test_a_truth_with_a_slip_in_it_is_refused(tmp_path, lines, message):
    with pytest.raises(TableError, match=message):
        truth(tmp_path, *lines)


def test_verdicts_are_read_whatever_the_case_and_side(tmp_path):
    said = verdicts(tmp_path, f"{ONE},{TWO},same,me,now", f"{THREE.upper()},{ONE},different,me,now")
    assert said == Verdicts(frozenset({frozenset((ONE, TWO))}), frozenset({frozenset((ONE, THREE))}))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([f"{ONE},{TWO},same,me,", f"{TWO},{ONE},same,you,"], f"lines 2 and 3 both speak of {ONE} and {TWO}. Keep one"),
        ([f"{ONE},{THREE},same,,", f"{THREE.upper()},{ONE},different,,"], "lines 2 and 3 .* contradict each other"),
        ([f"{ONE},{TWO},perhaps,me,"], "line 2 says 'perhaps'"),
        ([f"{ONE},{TWO},same,,", f"{ONE[1:]},{TWO},same,,"], "line 3: left is .* it must be an md5"),
        ([f"{ONE},{ONE},different,,"], "line 2 compares 1+ with itself"),
    ],
)
def test_verdicts_with_a_slip_in_them_are_refused(tmp_path, lines, message):
    with pytest.raises(TableError, match=message):
        verdicts(tmp_path, *lines)
