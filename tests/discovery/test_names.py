from __future__ import annotations

import numpy as np
import pytest

from semtrace.core.errors import InputError
from semtrace.discovery import names
from semtrace.discovery.tree import Node, node_id

HEADER = "node,name,decision,who,when\n"


def node(md5s, rows):
    return Node(node_id([md5s[row] for row in rows]), "", 0, np.array(rows), 0.0, (), 1)


def words(tmp_path, found, md5s, members):
    (tmp_path / "members.csv").write_text("node,md5\n" + "".join(f"{n},{m}\n" for n, m in members))
    row = {"node": "old", "name": "Felt", "decision": "rename", "who": "", "when": ""}
    return names.applied([row], found, md5s, tmp_path / "members.csv")


def test_a_name_goes_to_the_very_same_node_and_to_one_that_is_alike_above_four_fifths(tmp_path):
    md5s = [f"m{row:02}" for row in range(20)]
    half = node(md5s, list(range(10)))
    row = {"node": half.id, "name": "Felt", "decision": "rename"}
    (word,) = names.applied([row], [half], md5s, tmp_path / "none.csv")
    assert (word.now, word.jaccard) == (half.id, 1.0)
    nine = [("old", md5s[i]) for i in range(9)]  # 9 of 10: 0.9
    assert words(tmp_path, [half], md5s, nine)[0].now == half.id
    eight = [("old", md5s[i]) for i in range(8)]  # exactly 0.8: not above it
    assert words(tmp_path, [half], md5s, eight)[0].now == ""
    gone = [*nine, ("old", "left the archive"), ("old", "this too")]  # 9 of 12
    assert words(tmp_path, [half], md5s, gone)[0].now == ""


def test_names_that_cannot_be_folders_and_slips_are_refused_with_their_line(tmp_path):
    file = tmp_path / "names.csv"
    assert names.read(file) == []
    for row, said in (
        ("n1,a/b,rename,me,today", r"line 2: 'a/b' cannot be the name"),
        ("n1,,merge,me,today", r"line 2: '' cannot be the name"),
        ("n1,Felt,keep,me,today", r"line 2: decision 'keep'"),
        ("n1,Felt,rename,me,today\nn1,Wool,rename,me,today", r"line 3: node n1 comes twice"),
    ):
        file.write_text(HEADER + row + "\n")
        with pytest.raises(InputError, match=said):
            names.read(file)
    file.write_text(HEADER + "n1,Glass wool,rename,me,2026-01-01\nn2,,split,me,\n")
    assert [row["decision"] for row in names.read(file)] == ["rename", "split"]
