from __future__ import annotations

from itertools import pairwise

import fastcluster
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import is_valid_linkage

from semtrace.core.grouping.agglomerative import METHODS, MemoryBoundError, cut_tree, merges, numbered_clusters
from semtrace.core.grouping.neighbours import TooFewPointsError
from tests.cases import CASES, needs_cases


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 60), st.integers(1, 5), st.integers(0, 10**6))
def test_complete_linkage_is_fastclusters(count, columns, seed):
    points = np.random.default_rng(seed).normal(size=(count, columns))
    ours, theirs = merges(points, "complete"), fastcluster.linkage(points, "complete")
    np.testing.assert_allclose(ours[:, 2], theirs[:, 2], rtol=1e-12)
    assert (ours[:, [0, 1, 3]] == theirs[:, [0, 1, 3]]).all()


def test_complete_linkage_of_many_points_has_the_heights_of_the_full_matrix():
    rng = np.random.default_rng(5)
    points = rng.normal(size=(40, 20))[rng.integers(40, size=1500)] * 3 + rng.normal(size=(1500, 20))
    np.testing.assert_allclose(
        merges(points, "complete")[:, 2], fastcluster.linkage(points, "complete")[:, 2], rtol=1e-12
    )


@pytest.mark.parametrize("method", METHODS)
def test_merges_are_a_linkage_and_equal_points_come_first(method):
    points = np.random.default_rng(2).normal(size=(30, 3))
    points[7] = points[3]
    merged = merges(points, method)
    assert is_valid_linkage(merged)
    assert merged[0].tolist() == [3, 7, 0, 2]


@pytest.mark.parametrize("method", METHODS)
@given(st.integers(2, 25), st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_a_cut_has_the_clusters_asked_for_and_refines_the_one_before(method, count, seed):
    merged = merges(np.random.default_rng(seed).integers(0, 4, (count, 2)).astype(float), method)
    cuts = [cut_tree(merged, k) for k in range(1, count + 1)]
    assert [len(np.unique(labels)) for labels in cuts] == list(range(1, count + 1))
    for coarse, fine in pairwise(cuts):
        assert len({(a, b) for a, b in zip(coarse, fine, strict=True)}) == fine.max() + 1
    for labels in cuts:
        sizes = np.bincount(labels)
        assert (np.diff(sizes) <= 0).all()


@needs_cases
def test_centroid_trees_that_go_down_are_cut_into_what_was_asked_for():
    points = np.loadtxt(CASES / "12_tree_inversions.csv", delimiter=",", skiprows=1)
    merged = merges(points, "centroid")
    assert (np.diff(merged[:, 2]) < 0).any()
    assert [cut_tree(merged, k).max() + 1 for k in range(1, 7)] == [1, 2, 3, 4, 5, 6]


@needs_cases
@pytest.mark.parametrize("method", ["single", "complete", "centroid", "ward"])
def test_two_grids_whose_distances_tie_are_two_clusters(method):
    points = np.loadtxt(CASES / "05_ties_grid.csv", delimiter=",")
    labels = cut_tree(merges(points, method), 2)
    assert np.array_equal(labels, np.repeat([0, 1], 36))


def test_average_linkage_is_refused_beyond_its_bound_and_done_at_it():
    points = np.random.default_rng(1).normal(size=(101, 2))
    need = 101 * 100 / 2 * 8 / 1e6
    assert len(merges(points, "average", memory_mb=need)) == 100
    with pytest.raises(MemoryBoundError, match="average linkage of 101 points needs up to"):
        merges(points, "average", memory_mb=need * 0.99)


def test_one_point_and_more_clusters_than_points_are_refused():
    with pytest.raises(TooFewPointsError, match="at least 2 points"):
        merges(np.zeros((1, 2)), "ward")
    with pytest.raises(TooFewPointsError, match="4 clusters were asked for, there are 3 points"):
        cut_tree(merges(np.arange(3.0)[:, None], "ward"), 4)


def test_numbers_go_by_size_then_by_first_point_and_noise_stays():
    assert numbered_clusters(np.array([5, 5, 2, 9, 9, -1])).tolist() == [0, 0, 2, 1, 1, -1]
