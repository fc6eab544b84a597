from __future__ import annotations

import numpy as np
import pytest

from semtrace.core.grouping.graph_clusters import hdbscan, spectral
from semtrace.core.grouping.neighbours import TooFewPointsError, nearest_points


def heaps():
    rng = np.random.default_rng(2)
    return np.concatenate([rng.normal(middle, 1, (60, 3)) for middle in (0, 15, 40)]), np.repeat([0, 1, 2], 60)


def test_both_find_heaps_and_hdbscan_names_noise():
    points, truth = heaps()
    assert np.array_equal(spectral(nearest_points(points, 8), 3, 1), truth)
    lonely = np.concatenate([points, [[200.0, 0, 0]]])
    found = hdbscan(lonely, 10)
    assert np.array_equal(found[:-1], truth)
    assert found[-1] == -1


def test_bounds_of_both():
    points, _ = heaps()
    with pytest.raises(TooFewPointsError, match="5 points were asked for, there are 4"):
        hdbscan(points[:4], 5)
    with pytest.raises(TooFewPointsError, match="180 clusters"):
        spectral(nearest_points(points, 8), 180, 1)
