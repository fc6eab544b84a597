"""Logistic regression with a ridge penalty, by Newton's method: a small convex problem with one answer.

Bishop, Pattern Recognition and Machine Learning, 2006, section 4.3.3 (iterative reweighted least squares).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 50
_REST = 1e-9  # of the gradient, per observation


class LinearModel(NamedTuple):
    """A linear score of standardised columns.

    Attributes:
        mean: of each column, shape (D,), float64.
        deviation: of each column, shape (D,), above 0.
        weights: shape (D,).
        bias: added to the score.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float

    def probability(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of class 1, shape (n,), of rows of shape (n, D); a row's does not depend on the others."""
        scaled = (values - self.mean) / self.deviation
        # einsum without BLAS: the same for a row whatever rows stand beside it
        scores = np.einsum("ij,j->i", scaled, self.weights, optimize=False) + self.bias
        return sigmoid(scores)


def sigmoid(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + exp(-score)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * scores)))


def fit_logistic(
    values: NDArray[np.float64], classes: NDArray[np.bool_], weights: NDArray[np.float64], penalty: float
) -> LinearModel:
    """Fit a model of class 1 on standardised columns.

    Args:
        values: shape (n, D), finite.
        classes: shape (n,); both classes occur.
        weights: of each row, shape (n,), above 0.
        penalty: ridge on the weights of standardised columns, above 0, for a total weight of n.

    Raises:
        ValueError: a class is missing.
    """
    if classes.all() or not classes.any():
        raise ValueError("both classes are needed")
    weights = weights * (len(weights) / weights.sum())
    mean = np.average(values, axis=0, weights=weights)
    deviation = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
    deviation[deviation < 1e-9] = 1.0
    x = np.concatenate([(values - mean) / deviation, np.ones((len(values), 1))], axis=1)
    y = classes.astype(np.float64)
    ridge = np.full(x.shape[1], penalty)
    ridge[-1] = 1e-6
    beta = np.zeros(x.shape[1])
    loss = _loss(x, y, weights, ridge, beta)
    for _ in range(_ROUNDS):
        p = sigmoid(x @ beta)
        gradient = x.T @ (weights * (p - y)) + ridge * beta
        if float(np.abs(gradient).max()) < _REST * len(x):
            break
        curvature = (x * (weights * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ x
        curvature[np.diag_indices_from(curvature)] += ridge
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while (tried := _loss(x, y, weights, ridge, beta - size * step)) > loss and size > 1e-4:
            size /= 2
        beta, loss = beta - size * step, tried
    return LinearModel(mean, deviation, beta[:-1].copy(), float(beta[-1]))


def _loss(
    x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64], ridge: NDArray[np.float64],
    beta: NDArray[np.float64],
) -> float:  # fmt: skip
    scores = x @ beta
    return float(weights @ (np.logaddexp(0.0, scores) - y * scores) + 0.5 * ridge @ beta**2)
