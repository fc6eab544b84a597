from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.core.grouping.splits import assign

RATIOS = {"train": 0.8, "validation": 0.1, "test": 0.1}


def dataset(rng: random.Random, groups: int, categories: int) -> tuple[list[str], list[str]]:
    """Images in groups of one to nine, mostly one; the category of each."""
    names, kinds = [], []
    for _ in range(groups):
        name, kind = f"{rng.getrandbits(64):016x}", f"category {rng.randrange(categories)}"
        size = 1 if rng.random() < 0.8 else rng.randint(2, 9)
        names += [name] * size
        kinds += [kind] * size
    return names, kinds


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 200), st.integers(1, 5), st.integers(0, 2**32))
def test_no_group_stands_on_two_sides_and_parts_have_their_size(groups: int, categories: int, seed: int):
    names, kinds = dataset(random.Random(seed), groups, categories)
    parts = assign(names, kinds, RATIOS, seed)
    assert all(len({part for part, name in zip(parts, names, strict=True) if name == g}) == 1 for g in set(names))
    largest = max(Counter(names).values(), default=0)
    for kind in set(kinds):
        mine = [part for part, other in zip(parts, kinds, strict=True) if other == kind]
        for name, ratio in RATIOS.items():
            assert abs(mine.count(name) - ratio * len(mine)) <= largest


def test_ten_single_images_of_a_category_give_one_to_validation_and_test():
    for seed in range(20):
        names, kinds = [f"{seed} {i}" for i in range(10)], ["Tips"] * 10
        assert Counter(assign(names, kinds, RATIOS, seed)) == {"train": 8, "validation": 1, "test": 1}


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 120), st.integers(0, 2**32))
def test_the_order_of_images_changes_nothing(groups: int, seed: int):
    rng = random.Random(seed)
    names, kinds = dataset(rng, groups, 3)
    expected = dict(zip(names, assign(names, kinds, RATIOS, 1), strict=True))
    order = rng.sample(range(len(names)), len(names))
    names, kinds = [names[i] for i in order], [kinds[i] for i in order]
    assert dict(zip(names, assign(names, kinds, RATIOS, 1), strict=True)) == expected


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 150), st.integers(0, 2**32))
def test_a_new_image_moves_few_of_its_category_and_none_of_another(groups: int, seed: int):
    names, kinds = dataset(random.Random(seed), groups, 3)
    before = assign(names, kinds, RATIOS, 1)
    after = assign([*names, "new"], [*kinds, "category 0"], RATIOS, 1)[:-1]
    moved = {(name, kind) for name, kind, a, b in zip(names, kinds, before, after, strict=True) if a != b}
    assert {kind for _, kind in moved} <= {"category 0"}
    assert len(moved) <= len(RATIOS) + 1  # what lies next to a cut


def test_a_growing_archive_keeps_nearly_all_where_they_are():
    rng = random.Random(1)
    names, kinds = dataset(rng, 2000, 10)
    more, others = dataset(rng, 200, 10)
    before = assign(names, kinds, RATIOS, 1)
    after = assign(names + more, kinds + others, RATIOS, 1)
    assert sum(a != b for a, b in zip(before, after, strict=False)) < 0.05 * len(names)


def test_many_small_strata_come_out_right_together():
    """A group that is published under two categories is a stratum of its own; not all of these go to one part."""
    names = [f"{i}" for i in range(3000) for _ in range(2)]
    kinds = [f"category {i} {k}" for i in range(3000) for k in range(2)]
    parts = Counter(assign(names, kinds, RATIOS, 5))
    for name, ratio in RATIOS.items():
        assert abs(parts[name] / 6000 - ratio) < 0.03


def test_the_seed_and_the_ratios_matter():
    names, kinds = dataset(random.Random(1), 300, 2)
    one, other = assign(names, kinds, RATIOS, 1), assign(names, kinds, RATIOS, 2)
    assert 0.1 < sum(a != b for a, b in zip(one, other, strict=True)) / len(one) < 0.6
    assert set(assign(names, kinds, {"all": 1.0}, 1)) == {"all"}


@pytest.mark.parametrize("ratios", [{}, {"a": 0.5}, {"a": 1.2, "b": -0.2}, {"a": 1.0, "b": 0.0}])
def test_ratios_that_are_none_are_refused(ratios):
    with pytest.raises(ValueError, match="sum to 1"):
        assign(["x"], ["y"], ratios, 1)


@pytest.mark.parametrize(
    "ratios", [{"a": 0.5, "b": 0.6}, {"a": 1.0, "b": 1.0}, {"a": 2.0, "b": -1.0}, {"a": 0.0, "b": 1.0}]
)
def test_ratios_on_either_side_of_what_is_allowed_are_refused(ratios):
    with pytest.raises(ValueError, match="above 0 and sum to 1"):
        assign(["x"], ["y"], ratios, 1)


def test_decimal_ratios_sum_to_one_though_their_binary_numbers_do_not():
    assert 0.1 + 0.2 + 0.3 + 0.3 + 0.1 != 1.0
    assert set(assign(["x"], ["y"], {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.3, "e": 0.1}, 1)) <= set("abcde")


def test_an_image_without_a_category_for_it_is_refused():
    with pytest.raises(ValueError, match="shorter"):
        assign(["x", "y"], ["Tips"], RATIOS, 1)


def drawn(seed: int, *words: str) -> Fraction:
    """A place in the unit interval."""
    text = "\0".join([str(seed), *words]).encode()
    return Fraction(int(hashlib.blake2b(text, digest_size=8).hexdigest(), 16), 2**64)


def middles(groups: Sequence[str], categories: Sequence[str], seed: int) -> dict[str, Fraction]:
    """Where the middle of each group lies in the cycle of the parts, written down as the definition has it."""
    kinds = {
        group: tuple(sorted({c for g, c in zip(groups, categories, strict=True) if g == group and c}))
        for group in groups
    }
    found = {}
    for kind in set(kinds.values()):
        mine = sorted((g for g in kinds if kinds[g] == kind), key=lambda g: drawn(seed, "group", g))
        total, before = sum(groups.count(g) for g in mine), 0
        for group in mine:
            place = drawn(seed, "stratum", *kind) + (before + Fraction(groups.count(group), 2)) / total
            found[group] = place % 1
            before += groups.count(group)
    return found


def placed(place: Fraction, ratios: Mapping[str, float]) -> str:
    end = Fraction(0)
    for name, ratio in ratios.items():
        end += Fraction(str(ratio))
        if place < end:
            return name
    raise AssertionError("beyond all parts")


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefghi"), st.sampled_from(["Tips", "Powder", ""])), max_size=30),
    st.integers(-3, 2**32),
    st.sampled_from([RATIOS, {"a": 0.34, "b": 0.33, "c": 0.33}, {"a": 0.5, "b": 0.5}, {"only": 1.0}]),
)
def test_each_image_is_where_the_definition_in_fractions_puts_it(rows, seed, ratios):
    groups, categories = [group for group, _ in rows], [category for _, category in rows]
    where = middles(groups, categories, seed)
    assert assign(groups, categories, ratios, seed) == [placed(where[group], ratios) for group in groups]


def test_a_middle_that_lies_on_a_cut_belongs_to_the_part_behind_it():
    place = middles(["x"], ["Tips"], 1)["x"]
    for before, part in ((place, "b"), (place + Fraction(1, 2**65), "a"), (place - Fraction(1, 2**64), "b")):
        assert assign(["x"], ["Tips"], {"a": before, "b": 1 - before}, 1) == [part]


def test_a_split_that_was_once_released_stays_as_it_is():
    """Other numbers here mean that pictures of released datasets change from training to test."""
    groups, categories = [f"{i:02}" for i in range(24)], ["Tips", "Powder", "Tips"] * 8
    assert "".join(part[1] for part in assign(groups, categories, RATIOS, 7)) == "rrrrrreerarrraerrrrrrrrr"
