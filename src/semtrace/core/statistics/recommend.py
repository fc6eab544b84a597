"""Of many operating points judged against truth, the one to use for a requested precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from semtrace.core.statistics.accuracy import Accuracy
from semtrace.core.statistics.operating_points import eligible


@dataclass(frozen=True)
class RatedPoint:
    """One operating point.

    Attributes:
        accuracy: of its decisions.
        changes: how many parameters differ from those in force, and how much in all.
        cost: pairs of images compared.
    """

    accuracy: Accuracy
    changes: tuple[int, float]
    cost: int


@dataclass(frozen=True)
class Recommendation:
    """A point and what it was chosen from.

    Attributes:
        index: its position.
        observed: positions with the requested precision.
        shown: those among them where the lower bound of its interval (95 %) reaches it.
        equal: the positions that decide as well: same recall, wrong matches and accuracy; ``index`` among them.
    """

    index: int
    observed: list[int]
    shown: list[int]
    equal: list[int]


def recommend(trials: Sequence[RatedPoint], precision: float) -> Recommendation | None:
    """The highest recall among the points of a requested precision, exactly: every point is asked.

    Points whose precision is shown go before those where it is only observed. Of equal recall: fewest wrong matches,
    highest accuracy; of what decides as well: fewest and smallest changes, fewest comparisons, the earlier one.

    Args:
        trials: in the order of the grid.
        precision: requested, above 0 and below 1.

    Returns:
        None where no point has that precision.
    """
    observed, shown = eligible([trial.accuracy for trial in trials], precision)
    if not observed:
        return None

    def worth(i: int) -> tuple[int, int, int]:
        one = trials[i].accuracy
        return -one.found, one.wrong, -(one.found + one.absent_unmatched)

    best = min(worth(i) for i in shown or observed)
    equal = [i for i in shown or observed if worth(i) == best]
    return Recommendation(min(equal, key=lambda i: (trials[i].changes, trials[i].cost, i)), observed, shown, equal)
