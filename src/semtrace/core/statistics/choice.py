"""Of many operating points judged against truth, the one to use for a requested precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from semtrace.core.statistics.accuracy import RIGHT, WRONG, Accuracy, Codes, accuracies

Preference = tuple[float, ...]
"""Sorts points of equal recall and equally many wrong matches, the one to take first."""


@dataclass(frozen=True)
class Choice:
    """A chosen point, and what it was chosen from.

    Attributes:
        index: its position.
        observed: positions whose precision is at least the requested one.
        shown: those among them where the lower bound of its interval (95 %) reaches it.
        boldest: position of the point that would be chosen if the precision itself were enough.
        equal: positions that decide as well: same recall, wrong matches and accuracy; ``index`` among them.
    """

    index: int
    observed: list[int]
    shown: list[int]
    boldest: int
    equal: list[int]


def choose_point(judged: Sequence[Accuracy], precision: float, preferences: Sequence[Preference]) -> Choice | None:
    """The point with the highest recall among those of the requested precision, exactly: every point is asked.

    Points whose precision is shown go before those where it is only observed. Of equal recall: fewest wrong matches,
    then the first by ``preferences``, then the earlier one.

    Args:
        judged: the points' accuracies.
        precision: requested, above 0 and below 1.
        preferences: of the points.

    Returns:
        None where no point has that precision.
    """

    def rank(i: int) -> tuple[float, ...]:
        return -judged[i].found, judged[i].wrong, *preferences[i], i

    def worth(i: int) -> tuple[int, int, int]:
        return judged[i].found, judged[i].wrong, judged[i].absent_unmatched

    observed = [i for i, accuracy in enumerate(judged) if (accuracy.precision or 0) >= precision]
    if not observed:
        return None
    shown = [i for i in observed if (judged[i].precision_interval or (0, 0))[0] >= precision]
    index = min(shown or observed, key=rank)
    equal = [i for i in shown or observed if worth(i) == worth(index)]
    return Choice(index, observed, shown, min(observed, key=rank), equal)


def held_out(
    codes: Codes,
    present: NDArray[np.bool_],
    groups: Sequence[str],
    precision: float,
    preferences: Sequence[Preference],
) -> Accuracy | None:
    """Accuracy on pictures that had no part in the choice: chosen on one half, judged on the other, both ways.

    Args:
        codes: uint8 (pictures, points).
        present: (pictures,).
        groups: per picture its original: all versions of one are on the same side.
        precision: requested.
        preferences: of the points.

    Returns:
        The two halves together; None where no point of a half has the precision.
    """
    order = {name: position for position, name in enumerate(sorted(set(groups)))}
    side = np.array([order[name] % 2 for name in groups], dtype=bool)
    counts = np.zeros(len(fields(Accuracy)) - 1, dtype=int)
    for half in (side, ~side):
        choice = choose_point(accuracies(codes[~half], present[~half]), precision, preferences)
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
