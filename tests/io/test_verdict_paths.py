"""Verdicts may name files by path; they are stored by content."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from semtrace.core.path_index import PathIndex
from semtrace.io.digests import md5
from semtrace.io.tables import TableError
from semtrace.io.verdict_paths import names_paths, store_by_content
from semtrace.io.verdicts import read_verdicts

HEAD = "left,right,verdict,who,when\n"


@pytest.fixture
def sides(tmp_path: Path) -> dict[Path, PathIndex]:
    names = {"archive": ["Anna/a.tif", "Anna/b.tif", "Ben/b.tif"], "published": ["Tips/p.jpg", "Tips/q.jpg"]}
    for folder, paths in names.items():
        for path in paths:
            (tmp_path / folder / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / path).write_bytes(path.encode())
    return {tmp_path / folder: PathIndex(paths) for folder, paths in names.items()}


def written(tmp_path: Path, *rows: str) -> Path:
    file = tmp_path / "verdicts.csv"
    file.write_text(HEAD + "".join(f"{row}\n" for row in rows))
    return file


def test_paths_become_the_digests_of_their_files(tmp_path, sides):
    digest = md5(b"Tips/q.jpg")
    file = written(tmp_path, "Tips/p.jpg,Anna\\a.tif,same,ann,today", f"{digest},Ben/b.tif,different,,",
                   "q.jpg,Powder,category,ann,")  # fmt: skip
    assert names_paths(file)
    assert "4 files that were named by path" in store_by_content(file, sides)
    assert not names_paths(file)
    said = read_verdicts(file)
    assert said.same == {frozenset({md5(b"Tips/p.jpg"), md5(b"Anna/a.tif")})}
    assert said.different == {frozenset({digest, md5(b"Ben/b.tif")})}
    assert said.categories == {digest: "Powder"}
    assert "ann,today" in file.read_text()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("Tips/p.jpg,Anna/x.tif,same,,", "line 2: right 'Anna/x.tif' is neither an md5 nor a file of"),
        ("Tips/p.jpg,b.tif,same,,", "line 2: right 'b.tif' may be any of"),
        ("q.jpg,Anna/a.tif,different,,", "lines 2 and 3 both speak of"),
        ("Tips/p.jpg,p.jpg,same,,", "line 2 compares"),
        ("Tips/p.jpg,Anna/b.tif,maybe,,", "line 2 says 'maybe'"),
    ],
)
def test_a_path_that_leads_nowhere_or_a_wrong_row_changes_nothing(tmp_path, sides, row, said):
    file = written(tmp_path, "Tips/q.jpg,Anna/a.tif,same,,", row)
    before = file.read_bytes()
    with pytest.raises(TableError) as told:
        store_by_content(file, sides)
    assert re.sub(r"^line 2", "line 3", said) in str(told.value)
    assert file.read_bytes() == before


def test_a_table_of_digests_is_left_alone(tmp_path):
    assert not names_paths(written(tmp_path, f"{'0' * 32},{'1' * 32},same,,", f"{'2' * 32},Tips/AFM,category,,"))
    assert not names_paths(tmp_path / "none.csv")
