from __future__ import annotations

import pytest
import yaml

from semtrace.core.labels import Vocabulary, VocabularyError, check_vocabulary, parse_published, resolve

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


def test_no_majority_settles_a_contradiction():
    assert resolve(["Tips", "Tips"]) == "Tips"
    assert resolve(["Tips", "Tips", "Powder"]) is None
    assert resolve([]) is None
