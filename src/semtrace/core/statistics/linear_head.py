"""A linear head: multinomial logistic regression on features, with class weights and early stopping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

HeadPoints = NDArray[np.float64]
HeadCodes = NDArray[np.int64]
Balance = Literal["classes", "none"]


@dataclass(frozen=True, eq=False)
class LinearHead:
    """Scores of C categories from D features.

    Attributes:
        names: of the categories, in the order of the columns.
        shift, scale: shape (D,); features are centred and divided by them first.
        weights: shape (D, C).
        bias: shape (C,).

    """

    names: tuple[str, ...]
    shift: HeadPoints
    scale: HeadPoints
    weights: HeadPoints
    bias: HeadPoints

    def logits(self, points: HeadPoints) -> HeadPoints:
        """Scores of points, shape (N, D); shape (N, C)."""
        return np.asarray((points - self.shift) / self.scale @ self.weights + self.bias)

    def probabilities(self, points: HeadPoints) -> HeadPoints:
        """Probabilities of points, shape (N, D); shape (N, C), rows sum to 1."""
        return softmax(self.logits(points))


@dataclass(frozen=True)
class HeadTraining:
    """How a head is trained.

    Attributes:
        epochs: steps over all points at most, 1 or more.
        patience: steps without a smaller validation loss after which training ends, 1 or more.
        rate: learning rate of Adam, above 0.
        l2: weight of the sum of squared weights beside the mean loss, 0 or more.
        balance: ``classes`` gives every category the same weight, ``none`` every point.

    """

    epochs: int = 300
    patience: int = 20
    rate: float = 0.01
    l2: float = 0.001
    balance: Balance = "classes"

    def __post_init__(self) -> None:
        if min(self.epochs, self.patience) < 1 or self.rate <= 0 or self.l2 < 0:
            raise ValueError(
                f"epochs {self.epochs}, patience {self.patience}, rate {self.rate:g}, l2 {self.l2:g}: must be 1 or "
                "more, 1 or more, above 0, 0 or more"
            )


@dataclass(frozen=True)
class CurvePoint:
    """Mean loss (nats) and share of right answers after an epoch; NaN where a part has no point."""

    epoch: int
    training_loss: float
    validation_loss: float
    training_accuracy: float
    validation_accuracy: float


def kept_epoch(curve: Sequence[CurvePoint]) -> int:
    """The epoch with the smallest validation loss, the first of equal ones; without validation points the last."""
    known = [point for point in curve if not np.isnan(point.validation_loss)]
    return min(known, key=lambda point: (point.validation_loss, point.epoch)).epoch if known else curve[-1].epoch


def softmax(logits: HeadPoints) -> HeadPoints:
    """Probabilities of scores, shape (N, C)."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def class_weights(codes: HeadCodes, count: int, balance: Balance) -> HeadPoints:
    """Weight of each of ``count`` categories, so that the weights of all points have mean 1."""
    sizes = np.bincount(codes, minlength=count)
    if balance == "none":
        return np.ones(count)
    present = np.count_nonzero(sizes)
    return np.asarray(np.where(sizes > 0, len(codes) / (present * np.maximum(sizes, 1)), 0.0))


def train_head(
    names: tuple[str, ...],
    training: tuple[HeadPoints, HeadCodes],
    validation: tuple[HeadPoints, HeadCodes],
    how: HeadTraining,
) -> tuple[LinearHead, list[CurvePoint]]:
    """Train a head from zero weights; keep the one with the smallest validation loss.

    The loss is convex and starts at zero weights, so no seed is needed. Without validation points all epochs are
    trained and the last head is kept.

    Args:
        names: of the C categories.
        training: points, shape (N, D), and their categories, shape (N,), 0 to C - 1.
        validation: points that are not trained on, which end the training; they may be none.
        how: see there.

    Returns:
        The head, and the curve, one entry an epoch.

    Raises:
        ValueError: there is no training point, or fewer than two categories.

    """
    points, codes = training
    if len(names) < 2 or not len(points):
        raise ValueError(f"{len(points)} points and {len(names)} categories; a head needs 1 and 2 or more")
    shift, spread = points.mean(axis=0), points.std(axis=0)
    scale = np.where(spread > 1e-12 * np.maximum(np.abs(points).max(axis=0), 1e-300), spread, 1.0)
    x, y = (points - shift) / scale, np.eye(len(names))[codes]
    each = class_weights(codes, len(names), how.balance)[codes]
    each = each / each.sum()
    other = (validation[0] - shift) / scale, validation[1]
    weights, bias = np.zeros((x.shape[1], len(names))), np.zeros(len(names))
    moments = [np.zeros_like(part) for part in (weights, bias, weights, bias)]
    best, best_loss, waited = (weights, bias), np.inf, 0
    curve: list[CurvePoint] = []
    for epoch in range(1, how.epochs + 1):
        error = (softmax(x @ weights + bias) - y) * each[:, None]
        slopes = x.T @ error + 2 * how.l2 * weights, error.sum(axis=0)
        weights, bias = (
            _adam(part, slope, moments, number, epoch, how.rate)
            for number, (part, slope) in enumerate(zip((weights, bias), slopes, strict=True))
        )
        seen, unseen = (_measured(a @ weights + bias, b) for a, b in ((x, codes), other))
        curve.append(CurvePoint(epoch, seen[0], unseen[0], seen[1], unseen[1]))
        if not len(other[1]) or unseen[0] < best_loss:
            best, best_loss, waited = (weights, bias), unseen[0], 0
        else:
            waited += 1
        if waited >= how.patience:
            break
    return LinearHead(names, shift, scale, *best), curve


def _adam(
    part: HeadPoints, slope: HeadPoints, moments: list[HeadPoints], number: int, step: int, rate: float
) -> HeadPoints:
    """One step of Adam (Kingma and Ba 2015) with its usual decay rates."""
    moments[number] = 0.9 * moments[number] + 0.1 * slope
    moments[number + 2] = 0.999 * moments[number + 2] + 0.001 * slope**2
    first, second = moments[number] / (1 - 0.9**step), moments[number + 2] / (1 - 0.999**step)
    return np.asarray(part - rate * first / (np.sqrt(second) + 1e-8))


def _measured(logits: HeadPoints, codes: HeadCodes) -> tuple[float, float]:
    """Mean loss and accuracy."""
    if not len(codes):
        return float("nan"), float("nan")
    top = logits.max(axis=1)
    loss = np.log(np.exp(logits - top[:, None]).sum(axis=1)) + top - logits[np.arange(len(codes)), codes]
    return float(loss.mean()), float((logits.argmax(axis=1) == codes).mean())
