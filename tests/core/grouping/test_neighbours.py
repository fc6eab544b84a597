from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from semtrace.core.grouping.neighbours import TooFewPointsError, nearest_points


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 40), st.sampled_from([1, 2, 8, 9, 30]), st.booleans(), st.integers(0, 10**6))
def test_neighbours_are_those_of_all_pairs_with_ties_by_row(count, columns, coarse, seed):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 3, (count, columns)).astype(float) if coarse else rng.normal(size=(count, columns))
    k = min(4, count - 1)
    near = nearest_points(points, k)
    everything = cdist(points, points)
    np.fill_diagonal(everything, np.inf)
    np.testing.assert_allclose(near.distances, np.sort(everything, axis=1)[:, :k], rtol=1e-12, atol=1e-12)
    assert (near.indices != np.arange(count)[:, None]).all()
    equal = np.diff(near.distances, axis=1) == 0
    assert (np.diff(near.indices, axis=1)[equal] > 0).all()


@pytest.mark.parametrize("columns", [5, 50])
def test_nearly_equal_points_keep_their_digits(columns):
    points = np.random.default_rng(1).normal(100, 1, (50, columns))
    points[1] = points[0]
    points[1, 0] += 1e-9
    assert nearest_points(points, 1).distances[0, 0] == pytest.approx(1e-9, rel=1e-4)


def test_as_many_points_as_neighbours_are_too_few():
    points = np.zeros((5, 2))
    assert nearest_points(points, 4).k == 4
    with pytest.raises(TooFewPointsError, match=r"5 neighbours .* only 5 points"):
        nearest_points(points, 5)
