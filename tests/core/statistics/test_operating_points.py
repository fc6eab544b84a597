from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.core.statistics.accuracy import AMBIGUOUS, RIGHT, UNMATCHED
from semtrace.core.statistics.operating_points import Point, evaluate, grid
from semtrace.core.tracing.decision import Candidate, Criteria, decide

NOW = Point(150, 120, 0.7, 0.7, 0.02)
GRID = grid(NOW, [40, 100, 200], [0.5, 0.9], [0.9], [0.05])
CODE = {"matched": RIGHT, "ambiguous": AMBIGUOUS, "unmatched": UNMATCHED}


def decided(candidates: list[Candidate], point: Point) -> int:
    """Candidates beyond the trigger are not compared, those beyond the threshold are none."""
    kept = [
        c if c.hamming < point.ssim_trigger else Candidate(c.path, c.hamming)
        for c in candidates
        if c.hamming < point.hamming_threshold
    ]
    return CODE[decide(kept, Criteria(**vars(point), min_hamming_margin=20)).outcome]


def test_the_current_thresholds_take_part_as_they_are():
    assert GRID.hamming == ((40, 40), (100, 100), (150, 120), (200, 200))
    assert GRID.min_ssim == (0.5, 0.7, 0.9)
    assert NOW in GRID.points()
    assert len(GRID.points()) == np.prod(GRID.shape) == 4 * 3 * 2 * 2


values = st.sampled_from([0.1, 0.5, 0.68, 0.7, 0.72, 0.75, 0.9, 0.91, 0.96])
candidates = st.lists(st.tuples(st.sampled_from([0, 40, 99, 100, 119, 120, 150, 199]), values, values), max_size=4)


@settings(max_examples=60, deadline=None)
@given(candidates)
def test_every_point_is_what_the_decision_says_there(measured):
    found = [Candidate(f"{i}.tif", *numbers) for i, numbers in enumerate(sorted(measured))]
    codes = evaluate(
        GRID,
        [c.hamming for c in found],
        [c.ssim for c in found],
        [c.correlation for c in found],
        lambda point: decided(found, point),
    )
    assert codes.shape == GRID.shape
    assert codes.ravel().tolist() == [decided(found, point) for point in GRID.points()]


def test_points_that_cannot_differ_are_asked_once():
    asked = []
    evaluate(GRID, [50], [0.8], [0.8], lambda point: asked.append(point) or 0)
    assert len(asked) == 2 * 2 * 2  # near enough or not, SSIM enough or not, correlation enough or not


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 2, 4, 2)])
def test_points_stand_in_the_order_of_the_grid(shape):
    axes = [tuple(np.linspace(0.1, 0.9, n).round(3).tolist()) for n in shape[1:]]
    one = grid(Point(10, 10, axes[0][0], axes[1][0], axes[2][0]), [10, 20, 30][: shape[0]], *axes)
    assert one.shape == shape
    points = np.array(one.points(), dtype=object).reshape(shape)
    for h, s, c, m in product(*map(range, shape)):
        expected = Point(*one.hamming[h], one.min_ssim[s], one.min_correlation[c], one.min_margin[m])
        assert points[h, s, c, m] == expected
