"""Words that YAML takes for truth values and numbers are named with file and line."""

from __future__ import annotations

import shutil

import pytest

from semtrace.config import params
from tests.pipeline import CONF


@pytest.fixture
def conf(tmp_path):
    return shutil.copytree(CONF, tmp_path / "conf")


@pytest.mark.parametrize(
    ("word", "taken"),
    [
        ("NO", "the truth value false"),
        ("off", "the truth value false"),
        ("on", "the truth value true"),
        ("007", "the number 7"),
        ("1e3", "the number 1000.0"),
        ("0x1F", "the number 31"),
        ("1_0", "the number 10"),
        (".5", "the number 0.5"),
        ("~", "nothing,"),
    ],
)
def test_a_category_that_is_no_text_is_named(conf, word, taken):
    (conf / "labels/mine.yaml").write_text(f"vocabulary: mine\ncategories:\n  - Tips\n  - {word}\n")
    with pytest.raises(params.ParamsError) as told:
        params.composed(conf, ["labels=mine"])
    assert f"conf/labels/mine.yaml line 4: {word} is {taken} to YAML: write {word!r} in quotes" in str(told.value)
    (conf / "labels/mine.yaml").write_text(f"vocabulary: mine\ncategories:\n  - Tips\n  - '{word}'\n")
    if word not in ("~", ".5"):  # which no folder can be called
        params.composed(conf, ["labels=mine"])


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("label/default.yaml", "priority: []", "priority: [NO]", "NO is the truth value false"),
        ("fingerprint/all.yaml", "category: null", "category: 007", "007 is the number 7"),
        ("dataset/archive.yaml", "shards: {}", "shards: {NO: x}", "NO is the truth value false"),
        ("dataset/archive.yaml", "shards: {}", "shards: {x: 1e3}", "1e3 is the number 1000.0"),
        ("dataset/archive.yaml", "sets: {published:", "sets: {off:", "off is the truth value false"),
        ("dataset/archive.yaml", "exclude: []", "exclude: [on]", "on is the truth value true"),
    ],
)
def test_other_names_too(conf, file, old, new, said):
    text = (conf / file).read_text()
    assert old in text
    (conf / file).write_text(text.replace(old, new))
    with pytest.raises(params.ParamsError) as told:
        params.composed(conf, ["dataset=archive"])
    assert f"{file} line " in str(told.value)
    assert f"{said} to YAML: write" in str(told.value)


def test_an_override_has_no_file(conf):
    with pytest.raises(
        params.ParamsError, match=r"labels\.vocabulary: a word was read as the number 10: write it in quotes"
    ):
        params.composed(conf, ["labels.vocabulary=1_0"])


@pytest.mark.parametrize("pattern", ["''", "/data", "a/../b", "'a\\b'"])
def test_a_pattern_that_can_fit_nothing_is_refused(conf, pattern):
    with pytest.raises(params.ParamsError, match=r"dataset\.exclude has .*; it must be a name, or a path"):
        params.composed(conf, [f"dataset.exclude=[{pattern}]"])
