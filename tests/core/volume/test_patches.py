from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semtrace.core.volume.patches import POLICIES, Interval, assemble, cut, grid, lost

SIDES = st.integers(1, 60)


@given(SIDES, SIDES, st.integers(1, 20), st.data(), st.sampled_from(["overlap", "pad"]))
def test_crop_then_assemble_is_the_identity(height, width, size, data, policy):
    stride = data.draw(st.integers(1, size))
    section = np.random.default_rng(height * 61 + width).integers(0, 256, (height, width)).astype(np.uint8)
    rows, columns = grid(height, size, stride, policy), grid(width, size, stride, policy)
    patches = [(r, c, cut(section, r, c)) for r in rows for c in columns]
    assert all(patch.shape == (size, size) for *_, patch in patches)
    np.testing.assert_array_equal(assemble(section.shape, patches), section)
    assert lost(height, rows) == 0


@given(SIDES, st.integers(1, 20), st.data(), st.sampled_from(POLICIES))
def test_patches_lie_on_the_side_in_order(side, size, data, policy):
    stride = data.draw(st.integers(1, size))
    found = grid(side, size, stride, policy)
    assert found == sorted(set(found))
    for one in found:
        assert 0 <= one.start < one.valid <= min(one.stop, side)
        assert policy == "seed" or one.stop - one.start == size


@given(SIDES, st.integers(1, 20))
def test_overlap_invents_nothing_unless_the_side_is_too_short(side, size):
    assert all(one.valid == one.stop for one in grid(side, size, size, "overlap")) == (side >= size)


@pytest.mark.parametrize(
    ("side", "policy", "starts", "pixels_lost"),
    [
        (500, "overlap", [0, 224, 276], 0),
        (500, "pad", [0, 224, 448], 0),
        (500, "drop", [0, 224], 52),
        (500, "seed", [0, 224], 52),
        (560, "seed", [0, 224], 112),  # 2.5 rounds to even
        (561, "seed", [0, 224, 448], 0),
        (448, "overlap", [0, 224], 0),
        (448, "pad", [0, 224], 0),
        (100, "seed", [0], 0),
    ],
)
def test_policies_by_example(side, policy, starts, pixels_lost):
    found = grid(side, 224, 224, policy)
    assert [one.start for one in found] == starts
    assert lost(side, found) == pixels_lost


def test_a_side_shorter_than_a_patch_is_filled_or_left_out():
    assert grid(100, 224, 224, "overlap") == [Interval(0, 224, 100)]
    assert grid(100, 224, 224, "overlap", small="drop") == []
    assert grid(224, 224, 224, "overlap", small="drop") == [Interval(0, 224, 224)]


def test_what_is_invented_is_a_reflection():
    section = np.arange(12, dtype=np.uint8).reshape(3, 4)
    patch = cut(section, Interval(0, 5, 3), Interval(0, 6, 4))
    assert patch[:, 0].tolist() == [0, 4, 8, 4, 0]
    assert patch[0].tolist() == [0, 1, 2, 3, 2, 1]
    assert cut(section[:1], Interval(0, 3, 1), Interval(0, 4, 4))[:, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("side", "size", "stride"), [(0, 4, 4), (4, 0, 1), (4, 4, 5), (4, 4, 0)])
def test_numbers_out_of_range_are_refused(side, size, stride):
    with pytest.raises(ValueError, match="at least 1"):
        grid(side, size, stride, "overlap")
