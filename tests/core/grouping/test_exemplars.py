from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from semtrace.core.grouping.exemplars import exemplars


def by_loop(hashes, distance):
    """Take the next hash, remove all within the distance, go on with the rest: the published loop."""
    owner = np.full(len(hashes), -1)
    left = list(range(len(hashes)))
    while left:
        first = left[0]
        near = [i for i in left if (int(hashes[i]) ^ int(hashes[first])).bit_count() <= distance]
        owner[near] = first
        left = [i for i in left if i not in set(near)]
    return owner


WORDS = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 255), st.just(2**64 - 1))


@settings(deadline=None)
@given(arrays(np.uint64, st.integers(0, 60), elements=WORDS), st.integers(0, 64), st.integers(1, 3))
def test_it_is_the_published_loop(hashes, distance, workers):
    owner, _ = exemplars(hashes, distance, workers=workers)
    np.testing.assert_array_equal(owner, by_loop(hashes, distance))


def clusters(count, centres, bits, seed=1):
    random = np.random.default_rng(seed)
    words = random.integers(0, 2**64, centres, dtype=np.uint64)[random.integers(0, centres, count)]
    for _ in range(bits):
        words = words ^ (np.uint64(1) << random.integers(0, 64, count).astype(np.uint64))
    return words


@pytest.mark.parametrize("distance", [0, 11, 12])
def test_laws_over_several_blocks(distance):
    hashes = clusters(9000, 2500, 6)
    owner, apart = exemplars(hashes, distance)
    kept = np.flatnonzero(owner == np.arange(len(hashes)))
    assert 2000 < len(kept) <= 9000
    np.testing.assert_array_equal(apart, np.bitwise_count(hashes ^ hashes[owner]))
    assert apart.max() <= distance  # nobody goes without cause
    words = hashes[kept]
    for start in range(0, len(kept), 500):
        between = np.bitwise_count(words[start : start + 500, None] ^ words)
        assert np.count_nonzero(between <= distance) == len(between)  # each is near itself alone
    for workers in (2, 5):
        again = exemplars(hashes, distance, workers=workers)
        np.testing.assert_array_equal(again[0], owner)
        np.testing.assert_array_equal(again[1], apart)


def test_other_shapes_and_distances_are_refused():
    for hashes, distance in (
        (np.zeros((2, 1), np.uint64), 1),
        (np.zeros(2, np.int64), 1),
        (np.zeros(2, np.uint64), 65),
    ):
        with pytest.raises(ValueError, match="need"):
            exemplars(hashes, distance)
