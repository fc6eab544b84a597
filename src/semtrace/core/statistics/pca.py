"""Principal components: directions, the scree curve and its elbows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semtrace.core.grouping.neighbours import Points


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components of N points with D columns.

    Attributes:
        mean: shape (D,).
        directions: unit vectors in rows, shape (min(N, D), D), by falling variance; the largest entry is positive.
        variance: along each, in squared units of the points.

    """

    mean: Points
    directions: Points
    variance: Points

    @property
    def share(self) -> Points:
        """Variance of each over the total; 0 where nothing varies."""
        total = self.variance.sum()
        return self.variance / total if total > 0 else np.zeros_like(self.variance)

    def project(self, points: Points, count: int) -> Points:
        """Coordinates along the first ``count`` directions, shape (N, count)."""
        return np.asarray((points - self.mean) @ self.directions[:count].T, dtype=np.float64)

    def error(self, points: Points, count: int) -> float:
        """Mean squared error per entry of points rebuilt from the first ``count`` directions."""
        rebuilt = self.project(points, count) @ self.directions[:count] + self.mean
        return float(((points - rebuilt) ** 2).mean())


def components(points: Points) -> Components:
    """Principal components by singular values; each direction has one sign, so equal points give equal bytes."""
    mean = points.mean(axis=0)
    _, singular, directions = np.linalg.svd(points - mean, full_matrices=False)
    sign = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])
    sign[sign == 0] = 1
    return Components(mean, directions * sign[:, None], singular**2 / max(len(points) - 1, 1))


def elbows(variance: Points, count: int = 2) -> NDArray[np.int64]:
    """Numbers of components at the sharpest bends of the scree curve, at most ``count``, ascending.

    A bend is where log variance falls more before than behind: its second difference is large and positive.
    """
    positive = variance[variance > variance[0] * 1e-12] if len(variance) else variance
    if len(positive) < 3:
        return np.empty(0, np.int64)
    logs = np.log(positive[:60])
    bend = logs[:-2] - 2 * logs[1:-1] + logs[2:]
    best = np.argsort(-bend, kind="stable")[:count]
    return np.sort(best[bend[best] > 0] + 1).astype(np.int64)
