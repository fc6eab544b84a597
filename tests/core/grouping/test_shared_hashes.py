import numpy as np
import pytest

from semtrace.core.grouping.shared_hashes import shared_hashes


def reference(words, groups, distance):
    """Every pair, bit by bit."""
    found = []
    for one in range(len(words)):
        for other in range(one + 1, len(words)):
            bits = (int(words[one]) ^ int(words[other])).bit_count()
            if groups[one] < groups[other] and min(bits, 64 - bits) <= distance:
                found.append((one, other, min(bits, 64 - bits), bits > 32))
    return found


@pytest.mark.parametrize("distance", [0, 12, 31, 32, 64])
@pytest.mark.parametrize("workers", [1, 2])
def test_it_finds_what_a_comparison_of_every_pair_finds(distance, workers):
    random = np.random.default_rng(distance)
    words = random.integers(0, 2**64, 140, dtype=np.uint64)
    words[70:90] = ~words[:20]
    words[100:120] = words[:20] ^ np.uint64(7)
    groups = np.sort(random.integers(0, 5, len(words)))
    found = shared_hashes(words, groups, distance, workers=workers)
    assert list(zip(*(column.tolist() for column in found), strict=True)) == reference(words, groups, distance)


def test_blocks_and_tiles_lose_no_pair():
    words = np.zeros(3000, np.uint64)
    words[1:-1] = np.uint64(2**20 - 1)  # 20 bits from the first and the last
    found = shared_hashes(words, np.arange(3000), 12)
    inner = 2998 * 2997 // 2
    assert len(found.ones) == inner + 1
    assert (0, 2999) in zip(found.ones.tolist(), found.others.tolist(), strict=True)


@pytest.mark.parametrize(("words", "groups"), [([], []), ([1, 1], [3, 3])])
def test_within_one_group_there_is_nothing(words, groups):
    assert not len(shared_hashes(np.array(words, np.uint64), np.array(groups, np.int64), 64).ones)


def test_groups_out_of_order_and_distances_out_of_range_are_refused():
    two = np.zeros(2, np.uint64)
    with pytest.raises(ValueError, match="ascend"):
        shared_hashes(two, np.array([1, 0]), 3)
    with pytest.raises(ValueError, match="0 to 64"):
        shared_hashes(two, np.array([0, 1]), 65)
