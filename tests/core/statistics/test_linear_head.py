from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from semtrace.core.statistics.linear_head import HeadTraining, class_weights, softmax, train_head


def heaps(count, seed, apart=3.0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(3, size=count)
    return rng.normal(size=(count, 6)) + apart * np.eye(3, 6)[codes], codes


NAMES = ("a", "b", "c")
NONE = np.empty((0, 6)), np.empty(0, np.int64)


def test_it_finds_the_minimum_that_scikit_learn_finds():
    points, codes = heaps(300, 1)
    head, curve = train_head(NAMES, (points, codes), NONE, HeadTraining(3000, 20, 0.02, 0.01, "none"))
    scaled = (points - points.mean(axis=0)) / points.std(axis=0)
    # scikit-learn has |w|^2 / 2 + C sum(loss); ours is mean(loss) + l2 |w|^2
    peer = LogisticRegression(C=1 / (2 * 0.01 * 300), tol=1e-9, max_iter=5000).fit(scaled, codes)
    assert np.abs(head.probabilities(points) - peer.predict_proba(scaled)).max() < 1e-3
    assert len(curve) == 3000
    assert np.isnan(curve[-1].validation_loss)


def test_training_ends_when_validation_gets_no_better_and_the_best_head_is_kept():
    training, validation = heaps(40, 1, 0.5), heaps(200, 2, 0.5)
    head, curve = train_head(NAMES, training, validation, HeadTraining(500, 5, 0.05, 0.0))
    losses = [point.validation_loss for point in curve]
    best = int(np.argmin(losses))
    assert len(curve) == best + 1 + 5 < 500
    found = -np.log(head.probabilities(validation[0])[np.arange(200), validation[1]]).mean()
    assert found == pytest.approx(losses[best], rel=1e-9)


def test_classes_weigh_alike_whatever_their_size():
    codes = np.repeat([0, 1, 2], [1, 9, 0])
    assert class_weights(codes, 3, "classes").tolist() == [5.0, 10 / 18, 0.0]
    assert class_weights(codes, 3, "classes")[codes].mean() == pytest.approx(1)
    assert class_weights(codes, 3, "none").tolist() == [1.0, 1.0, 1.0]


def test_a_constant_feature_and_large_scores_do_no_harm():
    points, codes = heaps(60, 3)
    points[:, 5] = 7.0
    head, _ = train_head(NAMES, (points, codes), NONE, HeadTraining(50))
    assert np.isfinite(head.probabilities(points)).all()
    assert softmax(np.array([[1e4, 0.0]])).tolist() == [[1.0, 0.0]]


def test_one_category_and_no_points_are_refused():
    points, codes = heaps(10, 1)
    with pytest.raises(ValueError, match="10 points and 1 categories"):
        train_head(("a",), (points, codes * 0), NONE, HeadTraining())
    with pytest.raises(ValueError, match="0 points"):
        train_head(NAMES, NONE, NONE, HeadTraining())


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"patience": 0}, {"rate": 0.0}, {"l2": -1.0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="must be 1 or more"):
        HeadTraining(**wrong)
