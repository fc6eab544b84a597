from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from semtrace.core.statistics.agreement import agreement, best_jaccard, entropy, halved, nmi, orthogonal, uniform
from tests.cases import CASES, needs_cases


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), st.integers(2, 8), st.integers(2, 8), st.integers(0, 10**6))
def test_scores_are_scikit_learns(count, clusters, labels, seed):
    rng = np.random.default_rng(seed)
    left, right = rng.integers(clusters, size=count), rng.integers(labels, size=count)
    if len(set(left)) == 1 or len(set(right)) == 1:
        return
    ours = agreement(left, right)
    for value, theirs in (
        (ours.nmi, metrics.normalized_mutual_info_score(right, left, average_method="geometric")),
        (ours.nmi_arithmetic, metrics.normalized_mutual_info_score(right, left)),
        (ours.ami, metrics.adjusted_mutual_info_score(right, left)),
        (ours.ari, metrics.adjusted_rand_score(right, left)),
        (ours.homogeneity, metrics.homogeneity_score(right, left)),
        (ours.completeness, metrics.completeness_score(right, left)),
        (ours.v_measure, metrics.v_measure_score(right, left)),
        (ours.mutual_information, metrics.mutual_info_score(right, left) / np.log(2)),
    ):
        assert value == pytest.approx(theirs, abs=1e-12)
    assert agreement(right, left).nmi == pytest.approx(ours.nmi, abs=1e-12)
    assert nmi(left, right) == ours.nmi


@needs_cases
def test_a_ten_by_ten_square_has_the_scores_of_its_description():
    square = pd.read_csv(CASES / "07_nmi_ck.csv")
    truth = square["C10"].to_numpy()
    for column, geometric in (("C5", 0.8360), ("C20", 0.8767), ("C7", 0.0277), ("C100", 0.7071), ("C10", 1.0)):
        assert agreement(square[column].to_numpy(), truth).nmi == pytest.approx(geometric, abs=5e-5)
    assert agreement(square["C5"].to_numpy(), truth).nmi_arithmetic == pytest.approx(0.8229, abs=1e-4)
    single = agreement(square["C1"].to_numpy(), truth)
    assert (single.nmi, single.ami, single.ari) == (0.0, 0.0, 0.0)
    assert single.note == "0 by definition: the clusters are one cluster"


def test_purity_sizes_and_entropy():
    scores = agreement(np.array([0, 0, 0, 1, 2]), np.array([5, 5, 6, 6, 6]))
    assert scores.purity == pytest.approx(4 / 5)
    assert scores.largest_share == pytest.approx(3 / 5)
    assert scores.singletons == 2
    assert entropy(np.array([4, 4, 4, 4])) == 2.0
    with pytest.raises(ValueError, match="one or more"):
        agreement(np.empty(0, np.int64), np.empty(0, np.int64))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_references_have_the_clusters_asked_for(count, k, seed):
    known = np.random.default_rng(seed).integers(4, size=count)
    if k > count:
        with pytest.raises(ValueError, match="cannot be made"):
            halved(known, k)
        return
    best = halved(known, k)
    assert len(set(best)) == k
    if k >= len(set(known)):
        assert all(len(set(known[best == c])) == 1 for c in range(k))
    assert len(set(uniform(known, k, np.random.default_rng(1)))) == k
    assert len(set(orthogonal(known, k))) == k


def test_order_of_the_references_best_above_uniform_above_orthogonal():
    known = np.repeat(np.arange(10), 10)
    best, chance, worst = (
        agreement(labels, known).nmi
        for labels in (halved(known, 20), uniform(known, 20, np.random.default_rng(1)), orthogonal(known, 10))
    )
    assert best > chance > worst
    assert worst == pytest.approx(0, abs=1e-12)


def test_best_jaccard_by_hand():
    assert best_jaccard(np.array([0, 0, 0, 1]), np.array([1, 1, 0, 0])).tolist() == pytest.approx([2 / 3, 1 / 2])
