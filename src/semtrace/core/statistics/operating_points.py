"""Operating points: every combination of thresholds, and what becomes of a picture at each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from semtrace.core.statistics.accuracy import Codes


@dataclass(frozen=True)
class Point:
    """Thresholds of a match, as ``core.decision.Criteria`` has them; distances in bits of a 1024-bit hash."""

    hamming_threshold: int
    ssim_trigger: int
    min_ssim: float
    min_correlation: float
    min_margin: float

    def changes(self, other: Point) -> int:
        """How many thresholds differ; the two Hamming distances count as one."""
        mine, theirs = tuple(vars(self).values()), tuple(vars(other).values())
        return sum(map(bool, (mine[:2] != theirs[:2], *(a != b for a, b in zip(mine[2:], theirs[2:], strict=True)))))

    def preference(self, current: Point) -> tuple[float, ...]:
        """Sorts of equal points the one to take first: fewest changes to ``current``, then the strictest.

        Stricter are nearer candidates, then a higher correlation, SSIM, margin.
        """
        near = min(self.hamming_threshold, self.ssim_trigger)
        strict = near, self.hamming_threshold, -self.min_correlation, -self.min_ssim, -self.min_margin
        return self.changes(current), *strict


@dataclass(frozen=True)
class Grid:
    """All combinations of some values, the values rising.

    Attributes:
        hamming: pairs of Hamming threshold and SSIM trigger.
        min_ssim: values of that threshold; likewise the following.
    """

    hamming: tuple[tuple[int, int], ...]
    min_ssim: tuple[float, ...]
    min_correlation: tuple[float, ...]
    min_margin: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Number of values along each axis, in the order of the attributes."""
        return len(self.hamming), len(self.min_ssim), len(self.min_correlation), len(self.min_margin)

    def points(self) -> list[Point]:
        """All points, the last axis running fastest."""
        return [
            Point(threshold, trigger, ssim, correlation, margin)
            for (threshold, trigger), ssim, correlation, margin in product(
                self.hamming, self.min_ssim, self.min_correlation, self.min_margin
            )
        ]


def grid(
    current: Point,
    hamming: Sequence[int],
    min_ssim: Sequence[float],
    min_correlation: Sequence[float],
    min_margin: Sequence[float],
) -> Grid:
    """The grid over these values and those of ``current``.

    A candidate that is not compared cannot match, so threshold and trigger go together, except in ``current``.
    """
    return Grid(
        tuple(sorted({(h, h) for h in hamming} | {(current.hamming_threshold, current.ssim_trigger)})),
        tuple(sorted({*map(float, min_ssim), current.min_ssim})),
        tuple(sorted({*map(float, min_correlation), current.min_correlation})),
        tuple(sorted({*map(float, min_margin), current.min_margin})),
    )


def evaluate(
    grid: Grid,
    hamming: Sequence[float],
    ssim: Sequence[float],
    correlation: Sequence[float],
    outcome: Callable[[Point], int],
) -> Codes:
    """What becomes of one picture at every point of a grid.

    A decision compares thresholds with measured values and with differences of SSIM. So points between which no such
    value lies decide alike, and ``outcome`` is asked once for all of them.

    Args:
        grid: see there.
        hamming: of all its candidates, in bits of a 1024-bit hash.
        ssim: of those compared.
        correlation: of those compared.
        outcome: the code (``accuracy.UNMATCHED`` and so on) at a point.

    Returns:
        Codes, uint8, in the shape of the grid.
    """
    leads = [round(abs(a - b), 6) for i, a in enumerate(ssim) for b in ssim[:i]]
    below = np.array([np.searchsorted(np.unique(hamming), pair) for pair in grid.hamming])
    classes = [np.unique(below, axis=0, return_index=True, return_inverse=True)[1:]]
    for values, thresholds in ((ssim, grid.min_ssim), (correlation, grid.min_correlation), (leads, grid.min_margin)):
        # The number of values below a threshold is all that a comparison `value < threshold` can tell.
        below = np.searchsorted(np.unique(np.asarray(values, dtype=np.float64)), thresholds)
        classes.append(np.unique(below, return_index=True, return_inverse=True)[1:])
    firsts = [first for first, _ in classes]
    codes = []
    for h, s, c, m in product(*firsts):
        threshold, trigger = grid.hamming[h]
        codes.append(outcome(Point(threshold, trigger, grid.min_ssim[s], grid.min_correlation[c], grid.min_margin[m])))
    asked = np.array(codes, dtype=np.uint8).reshape([len(first) for first in firsts])
    return asked[np.ix_(*(inverse.ravel() for _, inverse in classes))]
