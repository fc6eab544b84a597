"""Operating points: every combination of thresholds judged against truth, and one chosen for a requested precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from semtrace.core.statistics.accuracy import Accuracy

UNMATCHED, AMBIGUOUS, RIGHT, WRONG = range(4)
"""What became of a published picture; the last two are matches."""

Codes = NDArray[np.uint8]


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

    def strictness(self) -> tuple[float, ...]:
        """Sorts stricter points first: nearer candidates, then correlation, SSIM, margin."""
        near = min(self.hamming_threshold, self.ssim_trigger)
        return near, self.hamming_threshold, -self.min_correlation, -self.min_ssim, -self.min_margin


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
        outcome: the code (``UNMATCHED`` and so on) at a point.

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


def accuracies(codes: Codes, present: NDArray[np.bool_]) -> list[Accuracy]:
    """Counts of pictures at every point.

    Args:
        codes: uint8 (pictures, points).
        present: (pictures,), whether the original is in the archive.
    """

    def count(code: int, among: NDArray[np.bool_]) -> list[int]:
        return [int(n) for n in np.count_nonzero(codes[among] == code, axis=0)]

    absent = ~present
    columns = (
        count(RIGHT, present), count(WRONG, present), count(AMBIGUOUS, present), count(UNMATCHED, present),
        count(UNMATCHED, absent), count(AMBIGUOUS, absent), count(WRONG, absent),
    )  # fmt: skip
    return [Accuracy(len(codes), *counts) for counts in zip(*columns, strict=True)]


@dataclass(frozen=True)
class Choice:
    """A chosen point.

    Attributes:
        index: its position.
        shown: whether the lower bound of its precision (95 %) reaches what was requested, or only the precision itself.
        boldest: position of the point that would be chosen if the precision itself were enough.
    """

    index: int
    shown: bool
    boldest: int


def choose_point(
    points: Sequence[Point], judged: Sequence[Accuracy], precision: float, current: Point
) -> Choice | None:
    """The point with the highest recall among those of the requested precision; None where there is none.

    Points whose precision is shown (the lower bound of its 95 % interval reaches it) go before those where it is only
    observed. Of equal recall: fewer wrong matches, then fewer changes to ``current``, then the stricter one.
    """

    def rank(index: int) -> tuple[float, ...]:
        point, accuracy = points[index], judged[index]
        return -accuracy.found, accuracy.wrong, point.changes(current), *point.strictness()

    observed, shown = eligible(judged, precision)
    if not observed:
        return None
    return Choice(min(shown or observed, key=rank), bool(shown), min(observed, key=rank))


def eligible(judged: Sequence[Accuracy], precision: float) -> tuple[list[int], list[int]]:
    """Positions whose precision is at least ``precision``, and those among them where the lower bound of it is."""
    observed = [i for i, accuracy in enumerate(judged) if (accuracy.precision or 0) >= precision]
    return observed, [i for i in observed if (judged[i].precision_interval or (0, 0))[0] >= precision]


def held_out(
    points: Sequence[Point],
    codes: Codes,
    present: NDArray[np.bool_],
    groups: Sequence[str],
    precision: float,
    current: Point,
) -> Accuracy | None:
    """Accuracy on pictures that had no part in the choice: chosen on one half, judged on the other, both ways.

    Args:
        points: of the grid.
        codes: uint8 (pictures, points).
        present: (pictures,).
        groups: per picture its original: all versions of one are on the same side.
        precision: requested.
        current: see ``choose``.

    Returns:
        The two halves together; None where no point of a half has the precision.
    """
    order = {name: position for position, name in enumerate(sorted(set(groups)))}
    side = np.array([order[name] % 2 for name in groups], dtype=bool)
    counts = np.zeros(7, dtype=int)
    for half in (side, ~side):
        choice = choose_point(points, accuracies(codes[~half], present[~half]), precision, current)
        if choice is None:
            return None
        [judged] = accuracies(codes[half][:, [choice.index]], present[half])
        counts += np.array(list(vars(judged).values())[1:])
    return Accuracy(len(codes), *counts.tolist())


def by_group(codes: Codes, groups: Sequence[str]) -> tuple[int, int]:
    """Originals without a wrong match among all originals with a match, of one point.

    Versions of one original are not independent of each other; their originals nearly are.

    Args:
        codes: uint8 (pictures,).
        groups: per picture its original.
    """
    matched = {group for group, code in zip(groups, codes, strict=True) if code in (RIGHT, WRONG)}
    wrong = {group for group, code in zip(groups, codes, strict=True) if code == WRONG}
    return len(matched - wrong), len(matched)
