from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr

from semtrace.core.grouping.neighbours import nearest_points
from semtrace.core.statistics.label_distance import (
    OneCategoryError,
    information_imbalance,
    label_correlations,
    label_distance,
    ranked_matrix,
    same_label_share,
)
from tests.cases import CASES, needs_cases


@needs_cases
def test_the_distance_of_labels_is_0_for_equal_ones_and_correlates_as_described():
    pairs = pd.read_csv(CASES / "11_distance_correlation.csv")
    pearson, spearman = label_correlations(pairs["d"].to_numpy(), pairs["d_disc"].to_numpy(dtype=float))
    assert (pearson, spearman) == pytest.approx((0.965, 0.878), abs=5e-4)
    assert label_distance(np.array([0, 0, 1])).tolist() == [0, 1, 1]


def test_one_category_has_no_correlation():
    with pytest.raises(OneCategoryError, match="two categories or more"):
        label_correlations(np.array([1.0, 2, 3]), label_distance(np.array([4, 4, 4])))


def test_spearman_is_scipys():
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(30, 4)), rng.integers(3, size=30)
    assert label_correlations(pdist(points), label_distance(labels))[1] == pytest.approx(
        spearmanr(pdist(points), label_distance(labels)).statistic, abs=1e-12
    )
    ranks = ranked_matrix(points)
    assert ranks.max() == 1.0
    assert np.array_equal(np.argsort(squareform(ranks)), np.argsort(pdist(points)))


def test_neighbours_of_two_heaps_share_their_label():
    points = np.random.default_rng(1).normal(size=(40, 3)) + np.repeat([[0], [30]], 20, axis=0)
    near = nearest_points(points, 5)
    assert same_label_share(near, np.repeat([0, 1], 20), 5) == 1.0
    assert same_label_share(near, np.arange(40), 5) == 0.0


def test_information_imbalance_knows_which_set_knows_the_other():
    points = np.random.default_rng(2).normal(size=(300, 4))
    part = points[:, :1].copy()
    whole_near, part_near = nearest_points(points, 1).indices[:, 0], nearest_points(part, 1).indices[:, 0]
    assert information_imbalance(points, points, whole_near) == pytest.approx(2 / 300)
    noise = np.random.default_rng(3).normal(size=(300, 2))
    assert information_imbalance(points, noise, whole_near) == pytest.approx(1, abs=0.15)
    assert information_imbalance(points, part, whole_near) < information_imbalance(part, points, part_near)
