from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.core.hashing.hamming import nearest, within


def distances(queries: np.ndarray, references: np.ndarray) -> np.ndarray:
    return np.bitwise_count(queries[:, None, :] ^ references[None]).sum(-1, dtype=np.int64)


def expected_nearest(queries: np.ndarray, references: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    matrix = distances(queries, references)
    order = np.argsort(matrix, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(matrix, order, 1)


def expected_within(queries: np.ndarray, references: np.ndarray, radius: int) -> list[list[tuple[int, int]]]:
    return [sorted((int(d), i) for i, d in enumerate(row) if d < radius) for row in distances(queries, references)]


def rows(result: tuple[np.ndarray, np.ndarray, np.ndarray]) -> list[list[tuple[int, int]]]:
    offsets, indices, found = result
    pairs = list(zip(found.tolist(), indices.tolist(), strict=True))
    return [pairs[a:b] for a, b in pairwise(offsets)]


def crowd(rng: np.random.Generator, count: int, words: int) -> np.ndarray:
    """Hashes full of ties, exact copies and near copies."""
    seeds = rng.integers(0, 2**64, (max(count // 5, 1), words), dtype=np.uint64)
    hashes = seeds[rng.integers(0, len(seeds), count)]
    hashes[:, 0] ^= np.uint64(1) << rng.integers(0, 3, count).astype(np.uint64)
    return hashes


@settings(deadline=None, max_examples=120)
@given(
    st.integers(0, 20),
    st.integers(0, 300),
    st.sampled_from([1, 3, 4, 8, 11, 16]),
    st.integers(1, 40),
    st.integers(0, 700),
    st.integers(0, 2**32),
)
def test_both_searches_equal_the_full_matrix(m: int, n: int, words: int, k: int, radius: int, seed: int):
    rng = np.random.default_rng(seed)
    both = crowd(rng, m + n, words)
    queries, references = both[:m], both[m:]
    indices, found = nearest(queries, references, k)
    assert (indices.dtype, found.dtype) == (np.int64, np.int32)
    order, best = expected_nearest(queries, references, k)
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(found, best)
    indices, found = nearest(queries, references, k, below=radius)
    np.testing.assert_array_equal(indices, np.where(best < radius, order, -1))
    np.testing.assert_array_equal(found, np.minimum(best, radius))
    offsets, columns, close = within(queries, references, radius)
    assert (offsets.dtype, columns.dtype, close.dtype) == (np.int64, np.int64, np.int32)
    assert rows((offsets, columns, close)) == expected_within(queries, references, radius)


@pytest.mark.parametrize("n", [255, 256, 257, 511, 512, 513, 1500])
def test_numbers_around_the_internal_block_sizes(n: int):
    rng = np.random.default_rng(n)
    queries, references = crowd(rng, 300, 16), crowd(rng, n, 16)
    references[-1] = queries[-1]
    indices, found = nearest(queries, references, 12)
    order, best = expected_nearest(queries, references, 12)
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(found, best)
    assert rows(within(queries, references, 500)) == expected_within(queries, references, 500)


def test_k_beyond_the_references_ranks_all_of_them():
    rng = np.random.default_rng(0)
    queries, references = crowd(rng, 3, 4), crowd(rng, 1500, 4)
    indices, found = nearest(queries, references, 10**6)
    order, best = expected_nearest(queries, references, 1500)
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(found, best)


def test_equal_hashes_come_by_index():
    same = np.zeros((1000, 16), np.uint64)
    indices, found = nearest(same[:1], same, 5)
    assert indices.tolist() == [[0, 1, 2, 3, 4]]
    assert not found.any()
    offsets, columns, _ = within(same[:2], same, 1)
    assert offsets.tolist() == [0, 1000, 2000]
    np.testing.assert_array_equal(columns, np.tile(np.arange(1000), 2))


def test_the_radius_is_exclusive_and_opposites_are_furthest():
    zeros, ones = np.zeros((1, 16), np.uint64), np.full((1, 16), 2**64 - 1, np.uint64)
    assert nearest(zeros, ones, 1)[1].tolist() == [[1024]]
    assert within(zeros, ones, 1024)[0].tolist() == [0, 0]
    assert within(zeros, ones, 1025)[0].tolist() == [0, 1]
    assert within(zeros, zeros, 0)[0].tolist() == [0, 0]


def test_the_number_of_workers_changes_nothing():
    rng = np.random.default_rng(5)
    queries, references = crowd(rng, 1100, 4), crowd(rng, 900, 4)
    alone, together = nearest(queries, references, 7), nearest(queries, references, 7, workers=3)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(within(queries, references, 100), within(queries, references, 100, workers=3), strict=True):
        np.testing.assert_array_equal(one, other)


def test_read_only_and_strided_hashes_are_fine():
    rng = np.random.default_rng(6)
    wide = crowd(rng, 80, 8)
    strided = wide[::2, ::2]
    frozen = strided.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(nearest(frozen, strided, 3)[0], expected_nearest(strided, strided, 3)[0])


def test_wrong_input_is_refused_by_name():
    good = np.zeros((2, 4), np.uint64)
    with pytest.raises(ValueError, match=r"queries must be packed hashes.*int64"):
        nearest(good.astype(np.int64), good, 1)
    with pytest.raises(ValueError, match=r"references must be packed hashes.*\(4,\)"):
        within(good, good[0], 1)
    with pytest.raises(ValueError, match="queries have 4 words and references 3"):
        nearest(good, good[:, :3], 1)
    with pytest.raises(ValueError, match="k is 0"):
        nearest(good, good, 0)
    with pytest.raises(ValueError, match="workers is 0"):
        within(good, good, 1, workers=0)
