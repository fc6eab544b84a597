from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from semtrace.watch.picture import examine
from semtrace.watch.settings import PRESETS
from semtrace.watch.tryout import name_of, rules, try_rules
from tests.watch.harness import picture, similar, tree

DEFAULT = PRESETS["default"]


def tried(folder: Path, scenes=None, base=DEFAULT):
    return try_rules([str(folder)], base, lambda jobs: map(examine, jobs), scenes)


def filled(folder: Path) -> Path:
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    for path, data in {
        "a/1.bmp": picture(1),
        "a/2.bmp": similar(1),
        "a/3.bmp": picture(3),
        "b/1.bmp": picture(1),
    }.items():
        (folder / path).write_bytes(data)
    (folder / "a/bad.png").write_bytes(b"words")
    return folder


def test_every_rule_is_counted_and_nothing_moves(tmp_path):
    before = tree(filled(tmp_path))
    result = tried(tmp_path)
    assert tree(tmp_path) == before
    assert result.trials["pHash 64 < 11 and likeness >= 0.5"].counts == {"unique": 3, "similar": 1}
    assert all(sum(trial.counts.values()) == 4 for trial in result.trials.values())
    assert [one.reason for one in result.unread] == ["not_an_image"]


def test_against_all_a_copy_in_another_folder_is_identical(tmp_path):
    result = tried(filled(tmp_path), base=replace(DEFAULT, against="all"))
    assert result.trials[name_of(DEFAULT)].counts["identical"] == 1


def test_with_the_truth_lost_scenes_are_counted(tmp_path):
    filled(tmp_path)
    scenes = {str(tmp_path / path): scene for path, scene in (("a/1.bmp", "x"), ("a/2.bmp", "y"), ("a/3.bmp", "z"))}
    result = tried(tmp_path, scenes)
    assert result.trials[name_of(DEFAULT)].lost == {"y"}
    assert " lost" in str(result)


def test_the_table_marks_the_own_rule_and_shows_the_pairs_to_look_at(tmp_path):
    text = str(tried(filled(tmp_path)))
    assert "* pHash 64 < 11 and likeness >= 0.5" in text
    assert f"{tmp_path}/a/2.bmp to {tmp_path}/a/1.bmp (distance " in text
    assert " lost" not in text


def test_an_own_rule_is_tried_beside_the_others():
    own = replace(DEFAULT, hash="dhash", size=16, threshold=30)
    assert list(rules(own))[-1] == "dHash 256 < 30 and likeness >= 0.5"
    assert len(rules(own)) == len(rules(DEFAULT)) + 1
