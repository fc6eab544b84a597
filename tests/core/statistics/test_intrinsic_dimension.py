from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skdim

from semtrace.core.grouping.neighbours import TooFewPointsError, nearest_points
from semtrace.core.statistics.intrinsic_dimension import (
    distinct_points,
    gride,
    plateau,
    two_nn_fit,
    two_nn_likelihood,
    two_nn_line,
)
from tests.cases import CASES, ORACLES, needs_cases


def two(points):
    near = nearest_points(points, 2)
    return near.distances[:, 0], near.distances[:, 1]


@pytest.mark.parametrize("columns", [2, 3, 5, 8, 20])
@pytest.mark.parametrize("fraction", [0.9, 0.7, 0.5])
def test_the_fit_is_scikit_dimensions(columns, fraction):
    points = np.random.default_rng(columns).uniform(size=(600, columns))
    first, second = two(points)
    theirs = skdim.id.TwoNN(discard_fraction=1 - fraction).fit(points)
    kept = int(len(points) * (1 - (1 - fraction)))  # as it rounds
    ours = two_nn_fit(first, second, kept / len(points) + 1e-12)
    assert ours.dimension == pytest.approx(theirs.dimension_, abs=1e-6)
    assert ours.points == kept


def test_a_line_gives_what_dadapy_says():
    points = np.loadtxt(ORACLES / "line_points.csv", skiprows=1)[:, None]
    known = dict(pd.read_csv(ORACLES / "line_values.csv").to_numpy())
    near = nearest_points(points, 100)
    first, second = near.distances[:, 0], near.distances[:, 1]
    for fraction in ("0.9", "0.7", "0.5"):
        assert two_nn_fit(first, second, float(fraction)).dimension == pytest.approx(known[f"fit{fraction}"], abs=1e-6)
    assert two_nn_likelihood(first, second).dimension == pytest.approx(known["ml"], abs=1e-6)
    for near_rank in (1, 2, 4, 8, 16, 32):
        assert gride(near.distances, near_rank).dimension == pytest.approx(known[f"gride{near_rank}"], abs=1e-6)


def test_the_whole_fraction_leaves_out_the_one_point_without_an_ordinate():
    first, second = two(np.random.default_rng(1).uniform(size=(200, 2)))
    x, y = two_nn_line(first, second)
    assert np.isinf(y[-1])
    assert two_nn_fit(first, second, 1.0).points == 199
    assert two_nn_fit(first, second, 1.0).dimension == pytest.approx(x[:-1] @ y[:-1] / (x[:-1] @ x[:-1]))


@needs_cases
def test_equal_and_nearly_equal_points_are_merged_and_counted():
    points = np.loadtxt(CASES / "04_identical_points.csv", delimiter=",")
    kept = distinct_points(points)
    assert len(points) - len(kept) == 100
    assert two_nn_fit(*two(points[kept])).dimension == pytest.approx(4.49, abs=0.05)


def test_what_is_merged_does_not_depend_on_the_order_and_chains_become_one():
    rng = np.random.default_rng(6)
    points = rng.uniform(size=(100, 3))
    points = np.concatenate([points, points[:20], points[:10] * (1 + 1e-8), points[:10] * (1 + 2e-8), points[:10]])
    for shuffled in (points, points[rng.permutation(len(points))]):
        assert len(distinct_points(shuffled)) == 100
    assert len(distinct_points(np.ones((5, 2)))) == 1
    apart = np.random.default_rng(2).uniform(size=(50, 2))
    assert distinct_points(apart).tolist() == list(range(50))


@needs_cases
def test_a_thick_line_is_1_at_few_points_and_more_at_many_and_the_plateau_names_its_scale():
    case = pd.read_csv(CASES / "06_thick_line.csv")
    assert case["points"].tolist() == [1000, 50000]
    rng = np.random.default_rng(6)
    points = np.column_stack([rng.uniform(0, 100, 50_000), rng.normal(0, 0.001, 50_000)])
    sizes, means = [], []
    for size in (390, 781, 1562, 3125, 6250, 12_500, 50_000):
        parts = [points[start : start + size] for start in range(0, min(len(points), 20 * size) - size + 1, size)]
        sizes.append(size)
        means.append(float(np.mean([two_nn_fit(*two(part)).dimension for part in parts])))
    assert means[-1] == pytest.approx(1.74, abs=0.05)
    flat = plateau(sizes, means)
    assert flat is not None
    assert flat.dimension == pytest.approx(1.0, abs=0.05)
    assert flat.largest <= 3125
    assert two_nn_fit(*two(points[:1000])).dimension == pytest.approx(1.0, abs=0.05)
    assert two_nn_fit(*two(points[:5000])).dimension == pytest.approx(1.13, abs=0.02)


def test_a_curve_that_rises_everywhere_has_no_plateau():
    assert plateau([100, 200, 400, 800], [5.0, 6.0, 7.0, 8.0]) is None
    assert plateau([100, 200, 300], [5.0, 5.0, 5.0]) is None  # three sizes, but less than fourfold
    assert plateau([100, 200, 400], [5.0, 5.1, 5.2]).dimension == pytest.approx(5.1)
    assert plateau([100, 200, 400], [5.0, 5.1, 5.3]) is None


def test_bounds():
    with pytest.raises(TooFewPointsError, match="at least 3 different points, there are 2"):
        two_nn_fit(np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match="merge them first"):
        two_nn_fit(np.array([0.0, 1, 1]), np.ones(3))
    with pytest.raises(TooFewPointsError, match="needs 4 neighbours, there are 3"):
        gride(np.ones((10, 3)), 2)
