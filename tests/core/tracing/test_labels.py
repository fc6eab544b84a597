from __future__ import annotations

import re

import pytest
import yaml

from semtrace.core.tracing.labels import (
    Resolution,
    Vocabulary,
    VocabularyError,
    category_of,
    check_vocabulary,
    nearest_category,
    number_faults,
    parse_published,
    resolve,
    vocabulary_faults,
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


@pytest.mark.parametrize(
    ("name", "number", "digits"),
    [
        (f"L12_{DIGITS.upper()}.JPG", 12, DIGITS),
        (f"L0_{DIGITS}.jpeg", 0, DIGITS),
        (f"L0_{DIGITS}.png", 0, ""),  # no name of the published set, but a number it says
        (f"L0_{DIGITS}0.jpg", 0, ""),
        (f"L0_{DIGITS[1:]}.jpg", 0, ""),
        ("L5_scan.tif", 5, ""),
        ("L_scan.jpg", None, ""),
        ("L5.jpg", None, ""),
        (f"xL5_{DIGITS}.jpg", None, ""),
    ],
)
def test_what_a_name_says(name, number, digits):
    found = parse_published(f"Set/Tips/{name}")
    assert (found.category, found.number, found.digits) == ("Tips", number, digits)


THREE = Vocabulary("three", ("Tips", "Powder", "Fibres"))


OUT = "move its files out of it or up into it, or labels.depth="


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("Tips/a.jpg", None),
        ("Set/Tips/a.jpg", None),
        ("Tips/L0_a.jpg", None),
        ("Fibres/L2_a.jpg", None),
        ("Powder/L0_a.jpg", "Powder is L1, but Powder/L0_a.jpg says L0"),
        ("Powder/L2_a.jpg", "Powder is L1, but Powder/L2_a.jpg says L2"),
        ("a.jpg", "a.jpg lies in no folder; move it into that of its category"),
        ("Tips/old/a.jpg", "folder 'Tips/old' (Tips/old/a.jpg) lies in category 'Tips'; " + OUT + "1"),
        ("Tips/Tips/a.jpg", "folder 'Tips/Tips' (Tips/Tips/a.jpg) lies in category 'Tips'; " + OUT + "1"),
        (
            "Set/Tips/Powder/old/a.jpg",
            "folder 'Set/Tips/Powder/old' (Set/Tips/Powder/old/a.jpg) lies in category 'Tips'; " + OUT + "2",
        ),
        ("tips/a.jpg", "folder 'tips' (tips/a.jpg) is not one of its categories; the nearest is 'Tips'"),
        ("Rocks/a.jpg", "folder 'Rocks' (Rocks/a.jpg) is not one of its categories"),
    ],
)  # fmt: skip
def test_what_contradicts_a_vocabulary(path, said):
    assert vocabulary_faults([path], THREE) == ([said] if said else [])


def test_each_fault_is_said_once_with_the_first_file_as_its_example():
    paths = ["Rocks/b.jpg", "Rocks/a.jpg", "Tips/L2_b.jpg", "Tips/L2_a.jpg", "Tips/L1_a.jpg", "b.jpg", "a.jpg"]
    faults = vocabulary_faults(paths, THREE)
    assert [re.findall(r"[\w/]+\.jpg", fault)[0] for fault in faults] == [
        "Rocks/a.jpg", "Tips/L1_a.jpg", "Tips/L2_a.jpg", "a.jpg",
    ]  # fmt: skip
    with pytest.raises(VocabularyError, match=r"'three' does not fit .*Rocks/a\.jpg.*; .*Choose or write"):
        check_vocabulary(paths, THREE)
    check_vocabulary(["Tips/a.jpg"], THREE)


@pytest.mark.parametrize(
    ("written", "nearest"),
    [
        ("Tips", "Tips"),
        ("TIPS", "Tips"),
        (" tips ", "Tips"),
        ("Fibers", "Fibres"),
        ("Powders", "Powder"),
        ("Rocks", ""),
    ],
)
def test_the_nearest_category(written, nearest):
    assert nearest_category(written, THREE) == nearest


def test_of_two_categories_that_are_spelt_alike_the_nearer_is_named():
    assert nearest_category("Powders", Vocabulary("v", ("Power", "Powder"))) == "Powder"
    assert nearest_category("Power", Vocabulary("v", ("Powder", "power"))) == "power"


@pytest.mark.parametrize(
    ("categories", "said"),
    [
        ((), "has no categories"),
        (("Tips", "Powder", "tips"), r"more than once: 'Tips' as L0, 'tips' as L2$"),
        (("Tips", ".Tips", "-x", "a/b"), r"not usable as a folder name: '.Tips', '-x', 'a/b'$"),
    ],
)
def test_what_makes_a_vocabulary_unusable_is_named(categories, said):
    with pytest.raises(VocabularyError, match=said):
        Vocabulary("v", categories)


def test_a_label_is_the_place_of_its_category():
    names = Vocabulary("v", ("T", "Porous Sponge", "a.1+b-c"))
    assert [names.label(category) for category in names.categories] == ["L0", "L1", "L2"]
    with pytest.raises(KeyError, match="t"):
        names.label("t")


@pytest.mark.parametrize(
    ("votes", "priority", "categories"),
    [
        (["Tips", "Powder"], ["Powder", "Tips"], ("Powder",)),
        (["Tips", "Powder"], ["Tips", "Powder"], ("Tips",)),
        (["Tips", "Powder", "Fibres"], ["Rocks", "Fibres"], ("Fibres",)),
    ],
)
def test_the_first_of_the_priorities_that_was_named_decides(votes, priority, categories):
    assert resolve(votes, "priority", priority=priority) == Resolution(categories, "priority")
    assert resolve(votes, "exclude", priority=priority) == Resolution((), "exclude")
    assert resolve(votes, "verdicts", priority=priority) == Resolution((), "verdicts")


@pytest.mark.parametrize("said", ["Fibres", "Powder", "Tips", "Zebra"])
def test_a_persons_word_decides_whatever_the_votes_are(said):
    assert resolve(["Powder", "Tips"], "keep_all", said=said) == Resolution((said,), "verdict")
    assert resolve([], "exclude", said=said) == Resolution((said,), "verdict")
    assert resolve(["Powder"], "exclude", said=said) == Resolution((said,), "" if said == "Powder" else "verdict")


FOUND = Vocabulary("folders", (), depth=1, found=True)


@pytest.mark.parametrize(
    ("path", "depth", "category"),
    [
        ("Tips/2019/a.jpg", 0, ""),
        ("Tips/2019/a.jpg", 1, "Tips"),
        ("Tips/2019/a.jpg", 2, "2019"),
        ("Tips/2019/a.jpg", 3, "2019"),
        ("Tips/2019/a.jpg", "last", "2019"),
        ("a.jpg", 1, ""),
        ("a.jpg", "last", ""),
        ("/disk/set/Tips/a.jpg", 1, "Tips"),  # no top to count from
        ("/disk/set/Tips/a.jpg", 0, ""),
    ],
)
def test_which_folder_is_the_category(path, depth, category):
    assert category_of(path, depth) == category


@pytest.mark.parametrize(
    ("paths", "labels"),
    [
        (["Rods/a.jpg", "Coils/b.jpg"], {"Coils": "L0", "Rods": "L1"}),
        (["Rods/L0_a.jpg", "Coils/L1_b.jpg"], {"Rods": "L0", "Coils": "L1"}),
        (["Rods/L7_a.jpg", "Coils/L3_b.jpg"], {"Coils": "L3", "Rods": "L7"}),  # a part of a set
        (["Rods/L0_a.jpg", "Coils/b.jpg", "Balls/c.jpg"], {"Rods": "L0", "Balls": "L1", "Coils": "L2"}),
        (["Rods/L0_a.jpg", "Rods/L1_b.jpg", "Coils/c.jpg"], {"Coils": "L0", "Rods": "L1"}),  # two of one category
        (["Rods/L4_a.jpg", "Coils/L4_b.jpg"], {"Coils": "L0", "Rods": "L1"}),  # one of two
        (["Rods/old/a.jpg", "loose.jpg", "Rods (new)/b & c.jpg"], {"Rods": "L0", "Rods (new)": "L1"}),
        (["loose.jpg"], {}),
    ],
)
def test_folders_are_the_categories_with_the_numbers_of_their_files(paths, labels):
    fitted = FOUND.fitted(paths)
    assert {category: fitted.label(category) for category in fitted.categories} == labels
    assert vocabulary_faults(paths, FOUND) == []


def test_a_deeper_level_has_the_one_above_it():
    fitted = Vocabulary("folders", (), depth=2, found=True).fitted(["Tips/AFM/a.jpg", "Powder/b.jpg"])
    assert (fitted.categories, fitted.top("AFM"), fitted.top("Powder")) == (("AFM", "Powder"), "Tips", "Powder")


@pytest.mark.parametrize(
    ("paths", "depth", "said"),
    [
        (
            ["Tips/old/a.jpg", "Powder/old/b.jpg"],
            2,
            "'old' lies in 'Tips' and in 'Powder'",
        ),
        (["Tips/a.jpg", "Set/Tips/b.jpg"], "last", "'Tips' lies in the published set and in 'Set'"),
        (["X/Tips/old/a.jpg", "Y/Tips/old/b.jpg"], "last", "'old' lies in 'X/Tips' and in 'Y/Tips'"),
        (["X/Tips/old/a.jpg", "Y/Tips/old/b.jpg"], 3, "'old' lies in 'X/Tips' and in 'Y/Tips'"),
        (["X/Tips/old/a.jpg", "Y/Tips/new/b.jpg"], 3, "'Tips' lies in 'X' and in 'Y'"),
        (["Tips/a.jpg", "tips/b.jpg"], 1, "called alike: 'Tips', 'tips'"),
        (["a|b/a.jpg"], 1, "not usable as a folder name"),
    ],
)
def test_folders_that_cannot_be_categories(paths, depth, said):
    with pytest.raises(VocabularyError, match=said):
        Vocabulary("folders", (), depth=depth, found=True).fitted(paths)


def test_folders_of_one_name_above_the_categories_are_no_fault():
    paths = ["X/Tips/old/a.jpg", "Y/Tips/new/b.jpg"]
    assert Vocabulary("folders", (), depth="last", found=True).fitted(paths).categories == ("new", "old")


def test_contradicting_numbers_are_named():
    assert number_faults(["Rods/L0_a.jpg", "Rods/L0_b.jpg", "Coils/L1_c.jpg", "Coils/d.jpg"], 1) == []
    assert number_faults(["Rods/L0_a.jpg", "Rods/L1_b.jpg"], 1) == ["Rods/L0_a.jpg and Rods/L1_b.jpg"]
    assert number_faults(["Rods/L0_a.jpg", "Coils/L0_b.jpg"], 1) == ["Coils/L0_b.jpg and Rods/L0_a.jpg"]
