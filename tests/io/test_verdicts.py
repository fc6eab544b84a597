from __future__ import annotations

import pytest

from semtrace.io.tables import TableError
from semtrace.io.verdicts import Verdicts, read_truth_table, read_verdicts

ONE, TWO, THREE = "1" * 32, "2" * 32, "ab" * 16


def written(path, header, *lines):
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def truth(tmp_path, *lines):
    return read_truth_table(written(tmp_path / "truth.csv", "jpeg_path,tiff_path,category", *lines))


def verdicts(tmp_path, *lines):
    return read_verdicts(written(tmp_path / "verdicts.csv", "left,right,verdict,who,when", *lines))


def test_a_truth_is_read(tmp_path):
    assert truth(tmp_path, "a.jpg,x.tif,Tips", "b.jpg,,Tips") == {"a.jpg": "x.tif", "b.jpg": ""}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a.jpg,x.tif,Tips", "b.jpg,,", "a.jpg,x.tif,Tips"], r"lines 2 and 4 both speak of a\.jpg\. Keep one"),
        (["a.jpg,x.tif,Tips", "a.jpg,y.tif,Tips"], r"lines 2 and 3 .* contradict .*tiff_path: 'x\.tif' or 'y\.tif'"),
        (["a.jpg,x.tif,Tips", "a.jpg,,Tips"], r"lines 2 and 3 .* tiff_path: 'x\.tif' or ''"),
        (["a.jpg,x.tif,Tips", "a.jpg,x.tif,Powder"], r"lines 2 and 3 .* category: 'Tips' or 'Powder'"),
        (["a.jpg,x.tif,Tips", ",x.tif,Tips"], "line 3 names no published picture"),
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
