from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from semtrace.core.grouping.groups import Link, diameters, distances, group, near_pairs, toward
from tests.core.hashing.test_hamming import crowd


def pictures(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes full of ties and copies, one or two for each picture, and their owners."""
    owners = np.sort(np.concatenate([np.arange(count), np.flatnonzero(rng.random(count) < 0.4)]))
    return crowd(rng, len(owners), 4), owners


def matrix(words: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Distance of all pictures to all, between the nearest hashes of the two."""
    every = np.bitwise_count(words[:, None] ^ words[None]).sum(-1, dtype=np.int64)
    count = owners.max(initial=-1) + 1
    result = np.full((count, count), 10**6)
    np.minimum.at(result, (owners[:, None], owners[None]), every)
    return result


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 60), st.integers(1, 150), st.integers(1, 8), st.integers(0, 2**32))
def test_near_pairs_are_those_of_the_full_matrix(count: int, radius: int, most: int, seed: int):
    words, owners = pictures(np.random.default_rng(seed), count)
    found = near_pairs(words, owners, radius, most)
    full, expected, cut = matrix(words, owners), set(), 0
    for i in range(count):
        near = sorted((int(full[i, j]), j) for j in range(count) if j != i and full[i, j] < radius)
        cut += len(near) > most
        expected |= {(min(i, j), max(i, j), distance) for distance, j in near[:most]}
    rows = [(int(i), int(j), int(d)) for (i, j), d in zip(found.pairs, found.distances, strict=True)]
    assert rows == sorted(expected)
    assert found.cut == cut


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 40), st.integers(1, 8), st.integers(0, 2**32))
def test_distances_and_diameters_are_those_of_the_full_matrix(count: int, groups: int, seed: int):
    words, owners = pictures(np.random.default_rng(seed), count)
    full = matrix(words, owners)
    pairs = [(i, j) for i in range(count) for j in range(count)]
    assert distances(words, owners, pairs).tolist() == [full[pair] for pair in pairs]
    members = [list(range(start, count, groups)) for start in range(groups)]
    expected = [max((full[i, j] for i in its for j in its), default=0) for its in members]
    assert diameters(words, owners, members).tolist() == expected


@pytest.mark.parametrize("picture", [-1, 3])
def test_a_picture_that_is_not_there_is_refused(picture):
    words, owners = np.zeros((4, 2), np.uint64), np.array([0, 1, 1, 2])
    with pytest.raises(IndexError, match="of 3"):
        distances(words, owners, [(0, picture)])
    with pytest.raises(IndexError, match="of 3"):
        diameters(words, owners, [[0, picture]])


def test_equal_hashes_by_the_thousand_take_little_memory_and_hang_together():
    words = np.zeros((5000, 16), np.uint64)
    found = near_pairs(words, np.arange(5000), 150, 4)
    assert found.cut == 5000
    assert len(found.pairs) <= 4 * 5000
    links = [Link(int(i), int(j), "hamming", 0) for i, j in found.pairs]
    assert len(group(5000, links)) == 1


def links_of(rng: np.random.Generator, count: int, how_many: int) -> list[Link]:
    ends = rng.integers(0, max(count, 1), (how_many if count > 1 else 0, 2))
    return [
        Link(int(i), int(j), "correlation", int(rng.integers(0, 5)), float(rng.integers(7, 10)) / 10)
        for i, j in ends
        if i != j
    ]


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 40), st.integers(0, 50), st.integers(0, 2**32))
def test_groups_are_connected_components_in_any_order_of_links(count: int, how_many: int, seed: int):
    rng = np.random.default_rng(seed)
    links = links_of(rng, count, how_many)
    found = group(count, links)
    ends = np.array([(link.first, link.second) for link in links], int).reshape(-1, 2).T
    _, labels = connected_components(coo_array((np.ones(ends.shape[1]), ends), shape=(count, count)), directed=False)
    assert found == [np.flatnonzero(labels == labels[i]).tolist() for i in np.unique(labels, return_index=True)[1]]
    assert group(count, [links[i] for i in rng.permutation(len(links))]) == found


@settings(deadline=None, max_examples=80)
@given(st.integers(2, 25), st.integers(1, 60), st.integers(0, 2**32))
def test_every_member_hangs_on_the_keeper_by_the_fewest_and_strongest_links(count: int, how_many: int, seed: int):
    rng = np.random.default_rng(seed)
    links = links_of(rng, count, how_many)
    for members in group(count, links):
        its = [link for link in links if link.first in members]
        keeper = members[int(rng.integers(len(members)))]
        way = toward(keeper, its)
        assert way.keys() == set(members) - {keeper}
        assert way == toward(keeper, its[::-1])
        steps = {keeper: 0}
        for member, (via, link) in way.items():  # in the order they are reached
            assert {link.first, link.second} == {member, via}
            steps[member] = steps[via] + 1
        for link in its:
            assert abs(steps[link.first] - steps[link.second]) <= 1
            for here, there in ((link.first, link.second), (link.second, link.first)):
                if steps[here] == steps[there] - 1:
                    assert way[there][1].order <= link.order


def test_a_direct_link_beats_a_stronger_detour_and_a_proof_beats_a_likeness():
    links = [
        Link(0, 1, "correlation", 90, 0.75),
        Link(1, 2, "identical_pixels", 0),
        Link(0, 2, "hamming", 100),
        Link(0, 2, "correlation", 100, 0.9),
    ]
    way = toward(0, links)
    assert way[1] == (0, links[0])
    assert way[2] == (0, links[3])


def test_an_unrelated_picture_changes_no_pair():
    words, owners = pictures(np.random.default_rng(1), 40)
    stranger = np.random.default_rng(2).integers(0, 2**64, (1, 4), dtype=np.uint64)
    more, whose = np.concatenate([words, stranger]), np.append(owners, 40)
    assert distances(more, whose, [(40, other) for other in range(40)]).min() >= 75
    before, after = near_pairs(words, owners, 75, 3), near_pairs(more, whose, 75, 3)
    assert len(before.pairs) > 10
    np.testing.assert_array_equal(after.pairs, before.pairs)
    np.testing.assert_array_equal(after.distances, before.distances)
