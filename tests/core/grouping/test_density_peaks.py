from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from semtrace.core.grouping.density_peaks import (
    assign_to_peaks,
    centres_by_number,
    centres_by_thresholds,
    log_density,
    peaks,
)
from semtrace.core.grouping.neighbours import TooFewPointsError, nearest_points
from semtrace.core.grouping.saddles import topography
from semtrace.core.statistics.intrinsic_dimension import two_nn_fit
from tests.cases import CASES, ORACLES, needs_cases


def same_partition(left, right) -> bool:
    return len(set(zip(left, right, strict=True))) == len(set(left)) == len(set(right))


@pytest.mark.parametrize("name", ["rings", "blobs", "deep"])
def test_densities_saddles_and_halo_are_dadapys(name):
    known = pd.read_csv(ORACLES / f"adp_{name}.csv")
    points = known[[column for column in known if column[0] == "x"]].to_numpy()
    near = nearest_points(points, 100)
    graph = peaks(points, near, known["dimension"][0], 30)
    np.testing.assert_allclose(graph.log_density, known["log_density"], atol=1e-9)
    np.testing.assert_allclose(graph.error, known["error"], atol=1e-12)
    for z in ("1", "1.65", "3"):
        found = topography(graph, near, 30, float(z))
        assert same_partition(found.labels, known[f"z{z}"])
        assert same_partition(found.halo, known[f"halo{z}"])
        assert (found.halo[found.halo >= 0] == found.labels[found.halo >= 0]).all()


@pytest.mark.parametrize("k", [3, 30])
def test_the_nearest_denser_point_is_that_of_all_pairs(k):
    points = np.random.default_rng(4).normal(size=(300, 3))
    graph = peaks(points, nearest_points(points, k), 3.0, k)
    for row in range(300):
        denser = graph.order[: graph.rank[row]]
        if len(denser):
            distance = np.linalg.norm(points[denser] - points[row], axis=1)
            assert graph.parent[row] == denser[distance.argmin()]
            assert graph.delta[row] == pytest.approx(distance.min(), rel=1e-12)
        else:
            assert graph.parent[row] == -1
            assert graph.delta[row] == pytest.approx(np.linalg.norm(points - points[row], axis=1).max())
    assert graph.searched >= 0


def test_three_heaps_have_three_centres_by_number_and_by_thresholds():
    rng = np.random.default_rng(8)
    points = np.concatenate([rng.normal(middle, 1, (80, 2)) for middle in (0, 12, 30)])
    graph = peaks(points, nearest_points(points, 20), 2.0, 20)
    labels = assign_to_peaks(graph, centres_by_number(graph, 3))
    assert same_partition(labels, np.repeat([0, 1, 2], 80))
    gamma = np.sort(graph.delta)[-3]
    by_thresholds = assign_to_peaks(graph, centres_by_thresholds(graph, graph.log_density.min(), gamma - 1e-9))
    assert same_partition(labels, by_thresholds)
    assert len(centres_by_thresholds(graph, 1e9, 1e9)) == 1  # the densest point is always one


def test_k_centres_are_among_k_plus_1():
    points = np.random.default_rng(3).normal(size=(100, 2))
    graph = peaks(points, nearest_points(points, 10), 2.0, 10)
    for k in range(1, 100):
        assert set(centres_by_number(graph, k)) < set(centres_by_number(graph, k + 1))
    with pytest.raises(TooFewPointsError, match="101 centres"):
        centres_by_number(graph, 101)


@needs_cases
def test_rings_are_cut_by_plain_density_peaks_and_found_by_saddles():
    table = np.loadtxt(CASES / "10_rings.csv", delimiter=",")
    points, ring = table[:, :2].copy(), table[:, 2].astype(int)
    near = nearest_points(points, 100)
    dimension = two_nn_fit(near.distances[:, 0], near.distances[:, 1]).dimension
    graph = peaks(points, near, dimension, 30)
    labels = assign_to_peaks(graph, centres_by_number(graph, 2))
    purity = sum(np.bincount(ring[labels == c]).max() for c in (0, 1)) / len(ring)
    assert purity == pytest.approx(0.505, abs=0.01)
    for z, clusters in ((1.0, 12), (1.65, 5), (3.0, 2)):
        found = topography(graph, near, 30, z)
        assert len(found.centres) == clusters
        assert all(len(set(ring[found.labels == c])) == 1 for c in range(clusters))


def test_density_refuses_too_few_neighbours_equal_points_and_no_dimension():
    points = np.random.default_rng(1).normal(size=(20, 2))
    near = nearest_points(points, 5)
    with pytest.raises(TooFewPointsError, match="asks for 6 neighbours, there are 5"):
        log_density(near, 2.0, 6)
    with pytest.raises(ValueError, match="dimension is inf"):
        log_density(near, np.inf, 5)
    points[:7] = points[0]
    with pytest.raises(ValueError, match="merge equal points"):
        log_density(nearest_points(points, 5), 2.0, 5)
