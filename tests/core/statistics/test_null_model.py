from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from semtrace.core.statistics.null_model import Chance, fit, null_distances, tail

BITS = 1024


def random_words(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, (count, BITS // 64), dtype=np.uint64)


def everything(words: np.ndarray):
    none = np.empty(0, np.int64)
    return null_distances(words, words[:0], none, np.arange(len(words)))


def test_random_hashes_are_the_binomial():
    counts = everything(random_words(700, 0)).counts
    chance = fit(counts)
    assert chance.probability == pytest.approx(0.5, abs=0.001)
    assert chance.effective_bits == pytest.approx(BITS, rel=0.02)
    pairs = counts.sum()
    for distance in (470, 480, 490, 500, 512, 530):
        expected = binom.cdf(distance - 1, BITS, 0.5)
        assert chance.below(distance) == pytest.approx(expected, rel=0.12)
        assert counts[:distance].sum() / pairs == pytest.approx(expected, rel=0.2)
    assert counts[: chance.limit].sum() <= 2  # nothing is nearer than chance allows
    assert tail(counts).below(450) > binom.cdf(449, BITS, 0.5)  # the cautious one of the two


@pytest.mark.parametrize("distance", [0, 1, 100, 511, 512.5, 1024, 1025])
def test_with_all_bits_free_it_is_exactly_the_binomial(distance):
    expected = binom.cdf(np.ceil(distance) - 1, BITS, 0.48)
    assert Chance(BITS, 0.48, BITS, 0).below(distance) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_fewer_free_bits_spread_more():
    few, many = (Chance(BITS, 0.5, bits, 0).below(450) for bits in (200, 1000))
    assert few > many > 0


def test_hashes_whose_bits_hang_together_have_fewer_free_ones():
    blocks = np.random.default_rng(1).integers(0, 2, (600, 128), dtype=np.uint8)
    words = np.packbits(np.repeat(blocks, 8, axis=1), axis=1).view(np.uint64)  # eight equal bits in a row
    assert fit(everything(words).counts).effective_bits == pytest.approx(128, rel=0.05)


def test_near_duplicates_do_not_move_the_fit_and_are_set_apart():
    words = random_words(500, 2)
    series = np.concatenate([words, words[:20] ^ np.uint64(1)])  # 16 bits away from their twins
    alone, together = fit(everything(words).counts), fit(everything(series).counts)
    assert together.effective_bits == pytest.approx(alone.effective_bits, rel=0.01)
    found = everything(series)
    assert 16 < together.limit < 470
    assert found.counts[: together.limit].sum() == 2 * 20
    assert (found.nearest < together.limit).sum() == 2 * 20
    assert found.nearest_index[505] == 5
    assert found.nearest[5] == 16


def test_distances_are_those_of_a_plain_loop():
    words, cropped = random_words(30, 3), random_words(4, 4)
    owner, asked = np.array([2, 5, 11, 29]), np.array([0, 5, 17])
    cropped[1] = words[0] ^ np.uint64(3)
    found = null_distances(words, cropped, owner, asked)
    counts = np.zeros(BITS + 1, int)
    for position, query in enumerate(asked):
        row = {}
        for other in range(30):
            if other != query:
                hashes = [words[other], *(cropped[k] for k in range(4) if owner[k] == other)]
                row[other] = min(int(np.bitwise_count(words[query] ^ one).sum()) for one in hashes)
                counts[row[other]] += 1
        best = min(row, key=row.get)
        assert (found.nearest[position], found.nearest_index[position]) == (row[best], best)
    assert found.counts.tolist() == counts.tolist()
    assert found.nearest[0] == 32  # by its hash without the data bar


@pytest.mark.parametrize("counts", [np.zeros(65, np.int64), np.eye(1, 65, 7, dtype=np.int64)[0] * 1000])
def test_too_little_gives_no_model(counts):
    assert fit(counts) is None
    assert tail(counts) is None


def test_the_tail_goes_through_the_shares_it_was_fitted_to():
    rng = np.random.default_rng(5)
    values = 512 - rng.exponential(20, 200_000)
    counts = np.bincount(values.astype(int).clip(0), minlength=BITS + 1)
    one = tail(counts)
    assert one.scale == pytest.approx(20, rel=0.15)
    assert one.below(300) == pytest.approx((values < 300).mean(), rel=0.6)
