from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from semtrace.core.statistics.pca import components, elbows


def test_components_are_scikit_learns_up_to_sign():
    points = np.random.default_rng(1).normal(size=(50, 6)) * [5, 4, 3, 2, 1, 0.5]
    ours, theirs = components(points), PCA(3).fit(points)
    np.testing.assert_allclose(ours.variance[:3], theirs.explained_variance_, rtol=1e-10)
    np.testing.assert_allclose(np.abs(ours.project(points, 3)), np.abs(theirs.transform(points)), atol=1e-9)
    rebuilt = theirs.inverse_transform(theirs.transform(points))
    assert ours.error(points, 3) == pytest.approx(((points - rebuilt) ** 2).mean())
    assert ours.share.sum() == pytest.approx(1)
    assert (ours.directions[np.arange(6), np.abs(ours.directions).argmax(axis=1)] > 0).all()


def test_an_elbow_is_where_the_curve_bends():
    assert 3 in elbows(np.array([9.0, 8, 7, 0.1, 0.09, 0.08, 0.07]))
    assert elbows(np.array([1.0, 0.5])).tolist() == []


def test_constant_columns_have_no_variance():
    flat = components(np.ones((5, 3)))
    assert flat.share.tolist() == [0, 0, 0]
    assert elbows(flat.variance).tolist() == []
