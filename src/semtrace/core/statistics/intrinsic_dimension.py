"""Intrinsic dimension from the distances to nearest neighbours: 2-NN (fit, maximum likelihood) and Gride.

2-NN: Facco, d'Errico, Rodriguez, Laio, Scientific Reports 7, 12140 (2017). Gride: Denti, Doimo, Laio, Mira,
Scientific Reports 12, 20005 (2022). Equal and nearly equal points ruin both: merge them first (``distinct``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from semtrace.core.grouping.neighbours import Points, TooFewPointsError, nearest_points

NEARLY_EQUAL = 1e-5
"""Of the median distance to the nearest neighbour: points closer than that count as one."""

_LARGEST = 1e4  # dimensions; more is taken for infinite


@dataclass(frozen=True)
class Estimate:
    """An intrinsic dimension.

    Attributes:
        dimension: the estimate.
        error: its standard error, from the number of ratios alone.
        scale: median distance to the farther of the two neighbours, in the unit of the points.
        points: number of ratios it comes from.

    """

    dimension: float
    error: float
    scale: float
    points: int


def distinct_points(points: Points) -> NDArray[np.int64]:
    """Rows of points that are left when equal and nearly equal ones are merged: of each such set the first.

    Nearly equal is closer than ``NEARLY_EQUAL`` times the median distance to the nearest distinct neighbour. Chains
    of nearly equal points become one.

    Args:
        points: shape (N, D), float64.

    Returns:
        Ascending rows, int64; N minus their number were merged.

    """
    _, first = np.unique(points, axis=0, return_index=True)
    kept = np.sort(first).astype(np.int64)
    while len(kept) > 2:
        near = nearest_points(points[kept], 1)
        distance, other = near.distances[:, 0], near.indices[:, 0]
        # Of a pair that are each other's nearest the later row goes; of a chain this happens round by round.
        close = distance < NEARLY_EQUAL * np.median(distance)
        drop = close & ((other < np.arange(len(kept))) | ~close[other])
        if not drop.any():
            return kept
        kept = kept[~drop]
    return kept


def two_nn_line(first: Points, second: Points) -> tuple[Points, Points]:
    """The points through which 2-NN fits its line.

    Args:
        first: distance to the nearest neighbour, shape (N,), positive.
        second: distance to the second nearest, shape (N,).

    Returns:
        log mu ascending, and -log(1 - F) with F = rank / N and ranks from 1; the last is infinite.

    """
    ratios = np.sort(np.log(second / first))
    rank = np.arange(1, len(ratios) + 1) / len(ratios)
    with np.errstate(divide="ignore"):
        return ratios, -np.log(1.0 - rank)


def two_nn_fit(first: Points, second: Points, fraction: float = 0.9) -> Estimate:
    """2-NN: slope of the line through the origin.

    Args:
        first: as in ``two_nn_line``.
        second: as there.
        fraction: share of the points with the smallest ratios that is fitted, above 0 to 1. Of all points the last
            is left out, whose ordinate is infinite.

    Raises:
        TooFewPointsError: fewer than 3 points.

    """
    _check(first)
    x, y = two_nn_line(first, second)
    used = min(int(len(x) * fraction), len(x) - 1)
    if used < 1:
        raise TooFewPointsError(f"a fit through {fraction:g} of {len(x)} points has no point; take more")
    x, y = x[:used], y[:used]
    slope = float(x @ y / (x @ x)) if x @ x > 0 else float("inf")
    return Estimate(slope, slope / float(np.sqrt(used)), float(np.median(second)), used)


def two_nn_likelihood(first: Points, second: Points) -> Estimate:
    """2-NN by maximum likelihood without its bias: (N - 1) / sum of log mu."""
    _check(first)
    total = float(np.log(second / first).sum())
    dimension = (len(first) - 1) / total if total > 0 else float("inf")
    return Estimate(dimension, dimension / float(np.sqrt(len(first))), float(np.median(second)), len(first))


def gride(distances: Points, near: int) -> Estimate:
    """Gride: maximum likelihood from the ratios of the distances to neighbours ``near`` and twice ``near``.

    As in DADApy, ratios beyond 20 times the distance from the median to the 95th percentile are left out. The number
    of ratios counts one less, which makes it 2-NN without bias at rank 1.

    Args:
        distances: to the neighbours, shape (N, K), ascending, K at least twice ``near``.
        near: rank of the nearer neighbour, at least 1.

    Raises:
        TooFewPointsError: there are fewer than twice ``near`` neighbours.

    """
    if distances.shape[1] < 2 * near:
        raise TooFewPointsError(f"Gride at rank {near} needs {2 * near} neighbours, there are {distances.shape[1]}")
    inner, outer = distances[:, near - 1], distances[:, 2 * near - 1]
    _check(inner)
    ratios = outer / inner
    high, middle = np.percentile(ratios, [95, 50])
    logs = np.log(ratios[ratios < middle + 20 * (high - middle)]) if high > middle else np.log(ratios)
    logs = np.maximum(logs, 10 * np.finfo(np.float64).eps)  # of equally distant neighbours
    scale = float(np.median(outer))

    def slope(log_d: float) -> float:
        d = np.exp(log_d)
        inside = -np.expm1(-d * logs)
        return float((((1 - near) / inside + 2 * near - 1) * logs).sum() * d - (len(logs) - 1))

    low, top = np.log(1e-3), np.log(_LARGEST)
    if slope(low) > 0 or slope(top) < 0:
        return Estimate(float("inf"), float("inf"), scale, len(logs))
    best = float(brentq(slope, low, top, xtol=1e-12))
    curvature = (slope(best + 1e-4) - slope(best - 1e-4)) / 2e-4  # the likelihood's, over the logarithm
    dimension = float(np.exp(best))
    return Estimate(dimension, dimension / float(np.sqrt(curvature)), scale, len(logs))


def _check(first: Points) -> None:
    if len(first) < 3:
        raise TooFewPointsError(f"2-NN needs at least 3 different points, there are {len(first)}")
    if not (first > 0).all():
        raise ValueError("equal points have no ratio of distances; merge them first")


@dataclass(frozen=True)
class Plateau:
    """Where the curve of the dimension over the sample size is flat.

    Attributes:
        dimension: mean over the plateau.
        smallest: smallest sample size of it.
        largest: largest.

    """

    dimension: float
    smallest: int
    largest: int


def plateau(sizes: Sequence[int], dimensions: Sequence[float], tolerance: float = 0.05) -> Plateau | None:
    """The plateau of a decimation curve, or None: not every set has one.

    The rule: the longest run of successive sample sizes whose dimensions lie within ``tolerance`` of their mean, from
    the least to the greatest of them. It must have three sizes or more, and the largest must be four times the
    smallest or more. Of equally long runs the one with the larger samples is taken.

    Args:
        sizes: sample sizes, ascending.
        dimensions: mean dimension at each.
        tolerance: range over mean.

    """
    best: Plateau | None = None
    longest = 0
    for start in range(len(sizes)):
        for end in range(start + 3, len(sizes) + 1):
            run = np.asarray(dimensions[start:end])
            flat = np.isfinite(run).all() and np.ptp(run) <= tolerance * run.mean()
            if flat and sizes[end - 1] >= 4 * sizes[start] and end - start >= longest:
                best, longest = Plateau(float(run.mean()), sizes[start], sizes[end - 1]), end - start
    return best
