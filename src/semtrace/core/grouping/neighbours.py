"""The k nearest neighbours of every point, exact in float64, with ties in the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from semtrace.core.errors import SemtraceError

Points = NDArray[np.float64]

_FEW = 8  # columns up to which a tree is quicker than all pairs
_SPARE = 6  # candidates beyond k: the search rounds, the distances below do not
_CHUNK = 1 << 22  # differences that are held at once


class TooFewPointsError(SemtraceError, ValueError):
    """There are not enough points for what was asked; the message has both numbers."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest neighbours of N points, the point itself left out.

    Attributes:
        distances: Euclidean, shape (N, k), float64, each row ascending.
        indices: rows of the points, shape (N, k), int64; of equally distant ones the lower row comes first.

    """

    distances: Points
    indices: NDArray[np.int64]

    @property
    def k(self) -> int:
        """How many there are of each point."""
        return int(self.indices.shape[1])


def nearest_points(points: Points, k: int) -> Neighbours:
    """Find the ``k`` nearest neighbours of every point.

    Candidates come from a tree or from all pairs, which may round. Their distances are then computed anew as the
    root of the sum of squared differences, so nearly equal points keep all digits.

    Args:
        points: shape (N, D), float64.
        k: 1 to N - 1.

    Raises:
        TooFewPointsError: there are not more than ``k`` points.

    """
    count = len(points)
    if k < 1:
        raise ValueError(f"{k} neighbours were asked for; there must be at least 1")
    if count <= k:
        raise TooFewPointsError(f"{k} neighbours were asked for, but there are only {count} points")
    wanted = min(count, k + 1 + _SPARE)
    if points.shape[1] <= _FEW:
        found = np.asarray(cKDTree(points).query(points, wanted)[1], dtype=np.int64).reshape(count, wanted)
    else:
        from sklearn.neighbors import NearestNeighbors  # slow to import, and rarely needed

        search = NearestNeighbors(n_neighbors=wanted, algorithm="brute").fit(points)
        found = np.asarray(search.kneighbors(points, return_distance=False), dtype=np.int64)
    distances = np.empty((count, k))
    indices = np.empty((count, k), np.int64)
    step = max(1, _CHUNK // (wanted * points.shape[1]))
    for start in range(0, count, step):
        rows = slice(start, min(start + step, count))
        candidates = np.sort(found[rows], axis=1)  # so that a stable sort leaves ties in the order of the rows
        squared = ((points[candidates] - points[rows, None, :]) ** 2).sum(axis=2)
        squared[candidates == np.arange(rows.start, rows.stop)[:, None]] = -1.0  # the point itself
        order = np.argsort(squared, axis=1, kind="stable")
        # Where many points are equal, the point itself may not be among its candidates: then none is left out.
        has_itself = np.take_along_axis(squared, order[:, :1], axis=1) < 0
        chosen = np.where(has_itself, order[:, 1 : k + 1], order[:, :k])
        indices[rows] = np.take_along_axis(candidates, chosen, axis=1)
        distances[rows] = np.sqrt(np.take_along_axis(squared, chosen, axis=1))
    return Neighbours(distances, indices)
