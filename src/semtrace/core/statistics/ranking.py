"""How well a score tells two classes apart: area under the curve, curves, and thresholds."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Curve(NamedTuple):
    """Of each threshold, from high to low: shares of class 1 and of class 0 at or above it, and precision."""

    threshold: NDArray[np.float64]
    recall: NDArray[np.float64]
    false_positive: NDArray[np.float64]
    precision: NDArray[np.float64]


def area_under_curve(scores: NDArray[np.float64], classes: NDArray[np.bool_]) -> float | None:
    """Chance that a member of class 1 has a higher score than one of class 0, ties a half; None without both."""
    ones, zeros = np.sort(scores[classes]), scores[~classes]
    if not len(ones) or not len(zeros):
        return None
    below = np.searchsorted(ones, zeros, "left")
    upto = np.searchsorted(ones, zeros, "right")
    above = len(ones) - (below + upto) / 2
    return float(above.mean() / len(ones))


def curve(scores: NDArray[np.float64], classes: NDArray[np.bool_]) -> Curve:
    """The curve of all thresholds that change anything, shape (k,) each."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(classes[order])
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True)) if len(ranked) else np.empty(0, np.int64)
    found, taken = hits[last], last + 1
    ones, zeros = max(1, int(classes.sum())), max(1, int((~classes).sum()))
    return Curve(ranked[last], found / ones, (taken - found) / zeros, found / taken)


def keeping_threshold(scores: NDArray[np.float64], share: float) -> float:
    """The highest threshold that at least ``share`` of ``scores`` reach; one of them, or 0 where there is none."""
    if not len(scores):
        return 0.0
    ranked = np.sort(scores)
    lost = math.floor(len(ranked) * (1 - share) + 1e-9)
    return float(ranked[min(lost, len(ranked) - 1)])


def found_while_keeping(scores: NDArray[np.float64], classes: NDArray[np.bool_], share: float) -> float | None:
    """Share of class 0 below the highest threshold that ``share`` of class 1 reach; None without both classes."""
    if not classes.any() or classes.all():
        return None
    return float((scores[~classes] < keeping_threshold(scores[classes], share)).mean())
