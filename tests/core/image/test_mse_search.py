from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.core.image.mse import mse
from semtrace.core.image.mse_search import BlockIndex, block_sums, squared_error


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 70), st.integers(1, 70))
def test_blocks_bound_the_error_from_below(seed: int, height: int, width: int):
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(0, 256, (height, width), dtype=np.uint8) for _ in range(2))
    bound = ((block_sums(x) - block_sums(y)) ** 2).sum()
    assert bound <= mse(x, y) * x.size * (1 + 1e-9) + 1e-6


def test_the_bound_is_reached_where_blocks_are_constant():
    x = np.zeros((64, 64), np.uint8)
    y = np.kron(np.arange(256, dtype=np.uint8).reshape(16, 16), np.ones((4, 4), np.uint8))
    assert ((block_sums(x) - block_sums(y)) ** 2).sum() == pytest.approx(mse(x, y) * x.size)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.floats(0, 5e6))
def test_no_frame_below_the_limit_is_missed(seed: int, limit: float):
    rng, index = np.random.default_rng(seed), BlockIndex()
    frames = [np.clip(rng.normal(rng.integers(90, 160), 9, (32, 40)), 0, 255).astype(np.uint8) for _ in range(40)]
    for frame in frames:
        index.add(block_sums(frame))
    found = index.query(block_sums(frames[7]), limit)
    errors = [mse(frame, frames[7]) * frame.size for frame in frames]
    assert {i for i, error in enumerate(errors) if error < limit} <= {i for i, _ in found}
    assert [bound for _, bound in found] == sorted(bound for _, bound in found)
    assert all(bound <= errors[i] * (1 + 1e-9) for i, bound in found)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 200), st.integers(1, 200))
def test_the_sum_is_exact_or_given_up(seed: int, height: int, width: int):
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(0, 256, (height, width), dtype=np.uint8) for _ in range(2))
    total = int(((x.astype(np.int64) - y) ** 2).sum())
    assert squared_error(x, y, total + 1) == total
    assert squared_error(x, y, total) is None


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        squared_error(np.zeros((4, 5), np.uint8), np.zeros((5, 4), np.uint8), 1)
