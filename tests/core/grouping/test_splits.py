from __future__ import annotations

import random
from collections import Counter

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
