from __future__ import annotations

import pytest
import yaml

from semtrace.core.tracing.labels import (
    Resolution,
    Vocabulary,
    VocabularyError,
    check_vocabulary,
    parse_published,
    resolve,
)

DIGITS = "0123456789abcdef" * 2


def vocabulary(project, name):
    tree = yaml.safe_load((project / "conf" / "labels" / f"{name}.yaml").read_text())
    return Vocabulary(tree["vocabulary"], tuple(tree["categories"]))


def test_a_published_path_says_category_number_and_digits():
    name = parse_published(f"Complete/Tips/L5_{DIGITS}.jpg")
    assert (name.category, name.number, name.digits) == ("Tips", 5, DIGITS)


def test_another_name_says_only_its_category():
    name = parse_published("Tips/holiday.jpeg")
    assert (name.category, name.number, name.digits) == ("Tips", None, "")


def test_the_two_vocabularies_disagree_in_ten_of_ten(project):
    nffa, alphabetical = vocabulary(project, "nffa"), vocabulary(project, "alphabetical")
    assert sorted(nffa.categories) == sorted(alphabetical.categories)
    assert all(nffa.label(c) != alphabetical.label(c) for c in nffa.categories)


def test_the_real_names_fit_one_vocabulary_and_contradict_the_other(project, shared):
    tables = sorted((shared / "nffa_hashes" / "jpeg").glob("*.csv"))
    assert len(tables) == 10
    paths = []
    for table in tables:
        category = table.name.removesuffix("_complete_jpeg_hashes.csv")
        paths.append(f"{category}/" + table.read_text().splitlines()[1].split(",")[0])
    check_vocabulary(paths, vocabulary(project, "nffa"))
    with pytest.raises(VocabularyError, match=r"Porous_Sponge is L7, but .* says L0"):
        check_vocabulary(paths, vocabulary(project, "alphabetical"))


def test_an_unknown_folder_is_named_with_an_example():
    with pytest.raises(VocabularyError, match=r"'Rocks' \(Rocks/a\.jpg\)"):
        check_vocabulary(["Rocks/a.jpg"], Vocabulary("v", ("Tips",)))


@pytest.mark.parametrize("categories", [(), ("Tips", "tips"), ("../up",), ("a/b",), ("",)])
def test_a_vocabulary_that_cannot_name_folders_is_refused(categories):
    with pytest.raises(VocabularyError):
        Vocabulary("v", categories)


VOTES = ["Tips", "Tips", "Powder"]


@pytest.mark.parametrize("rule", ["exclude", "keep_all", "priority", "verdicts"])
def test_where_all_agree_no_rule_is_needed(rule):
    assert resolve(["Tips", "Tips"], rule, priority=["Powder"]) == Resolution(("Tips",))
    assert resolve([], rule) == Resolution(())


@pytest.mark.parametrize(
    ("rule", "priority", "categories"),
    [
        ("exclude", [], ()),  # no majority settles it
        ("verdicts", [], ()),
        ("keep_all", [], ("Powder", "Tips")),
        ("priority", ["Fibres", "Powder", "Tips"], ("Powder",)),
        ("priority", ["Fibres"], ()),
    ],
)
def test_a_contradiction_is_settled_by_the_rule_that_was_chosen(rule, priority, categories):
    assert resolve(VOTES, rule, priority=priority) == Resolution(categories, rule)
    assert resolve(VOTES, rule, priority=priority, said="Tips") == Resolution(("Tips",), "verdict")


def test_a_persons_word_stands_above_unanimous_votes():
    assert resolve(["Tips"], "exclude", said="Powder") == Resolution(("Powder",), "verdict")
    assert resolve(["Tips"], "exclude", said="Tips") == Resolution(("Tips",))


@pytest.mark.parametrize("path", ["Tips//L5_{}.jpg", "./Tips/L5_{}.jpg", "Complete/./Tips/L5_{}.jpg"])
def test_a_path_that_another_program_wrote_loosely_says_the_same(path):
    assert parse_published(path.format(DIGITS)) == parse_published(f"Tips/L5_{DIGITS}.jpg")
