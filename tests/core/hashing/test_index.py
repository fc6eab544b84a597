from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.core.hashing.index import HashIndex


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 60), st.sampled_from([1, 4, 16]), st.integers(1, 9), st.integers(1, 64))
def test_a_query_is_brute_force_after_every_addition(seed: int, count: int, words: int, k: int, below: int):
    rng, index = np.random.default_rng(seed), HashIndex(words)
    hashes = rng.integers(0, 2**64, (count, words), dtype=np.uint64) & np.uint64(0xFFF)
    for number, one in enumerate(hashes):
        assert index.add(one) == number
    query = np.zeros(words, np.uint64)
    distances = [(int(np.bitwise_count(one).sum()), number) for number, one in enumerate(hashes)]
    expected = [(number, d) for d, number in sorted(distances) if d < below][:k]
    assert index.query(query, k, below=below) == expected
    assert len(index) == count


def test_an_empty_index_finds_nothing():
    assert HashIndex(1).query(np.zeros(1, np.uint64), 3, below=65) == []


def test_hashes_of_another_size_are_refused():
    with pytest.raises(ValueError, match="expected uint64"):
        HashIndex(1).add(np.zeros(2, np.uint64))
