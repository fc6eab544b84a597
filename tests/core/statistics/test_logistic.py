from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from semtrace.core.statistics.logistic import fit_logistic
from semtrace.core.statistics.ranking import area_under_curve, curve, found_while_keeping, keeping_threshold


@pytest.fixture
def two():
    random = np.random.default_rng(3)
    values = random.normal(size=(300, 6)) * [1, 5, 0.1, 1, 1, 1] + [0, 9, 0, 0, 0, 0]
    classes = values[:, 0] + 0.2 * values[:, 1] + random.normal(size=300) > 1.8
    return values, classes


def test_the_model_is_the_one_scikit_learn_finds(two):
    values, classes = two
    ours = fit_logistic(values, classes, np.ones(300), 2.0)
    scaled = (values - values.mean(0)) / values.std(0)
    theirs = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(scaled, classes)
    np.testing.assert_allclose(ours.weights, theirs.coef_[0], atol=1e-4)
    np.testing.assert_allclose(ours.probability(values), theirs.predict_proba(scaled)[:, 1], atol=1e-4)


def test_a_row_is_scored_alike_beside_any_other(two):
    values, classes = two
    model = fit_logistic(values, classes, np.ones(300), 1.0)
    np.testing.assert_array_equal(model.probability(values)[7:8], model.probability(values[7:8]))


def test_separable_classes_and_constant_columns_have_a_finite_model():
    values = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [3.0, 1.0]])
    model = fit_logistic(values, values[:, 0] > 1.5, np.ones(4), 1e-3)
    assert np.isfinite(model.weights).all()
    assert (model.probability(values) > 0.5).tolist() == [False, False, True, True]
    with pytest.raises(ValueError, match="both classes"):
        fit_logistic(values, np.ones(4, np.bool_), np.ones(4), 1.0)


def test_the_area_is_that_of_scikit_learn_with_ties_too():
    random = np.random.default_rng(1)
    scores, classes = random.integers(0, 6, 200) / 6, random.random(200) < 0.4
    assert area_under_curve(scores, classes) == pytest.approx(roc_auc_score(classes, scores))
    assert area_under_curve(scores, np.ones(200, np.bool_)) is None
    found = curve(scores, classes)
    assert found.recall[-1] == found.false_positive[-1] == 1
    assert (np.diff(found.recall) >= 0).all()


def test_a_threshold_keeps_what_it_says_and_no_lower_one_is_needed():
    scores = np.arange(100) / 100
    assert keeping_threshold(scores, 0.99) == 0.01
    assert keeping_threshold(scores, 1.0) == 0.0
    assert keeping_threshold(np.array([0.4]), 0.5) == 0.4
    assert keeping_threshold(np.empty(0), 0.9) == 0.0
    classes = np.array([True] * 4 + [False] * 4)
    assert found_while_keeping(np.array([0.9, 0.8, 0.7, 0.6, 0.65, 0.5, 0.1, 0.2]), classes, 1.0) == 0.75
    assert found_while_keeping(np.array([0.9, 0.8, 0.7, 0.6, 0.65, 0.5, 0.1, 0.2]), classes, 0.75) == 1.0
