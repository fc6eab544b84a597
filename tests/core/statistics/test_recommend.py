from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from semtrace.core.statistics.accuracy import Accuracy
from semtrace.core.statistics.recommend import RatedPoint, recommend


def trial(found: int, wrong: int, absent: int = 0, changes: tuple[int, float] = (0, 0.0), cost: int = 0) -> RatedPoint:
    """Of 100 pictures whose original is there and 10 whose is not."""
    return RatedPoint(Accuracy(110, found, wrong, 100 - found - wrong, 0, absent, 10 - absent, 0), changes, cost)


def index(*trials: RatedPoint, precision: float = 0.9) -> int | None:
    found = recommend(trials, precision)
    return found.index if found else None


def test_the_highest_recall_of_the_requested_precision():
    assert index(trial(50, 0), trial(90, 1), trial(95, 5), trial(80, 20)) == 1  # 0.989 shown, 0.95 only observed


def test_where_none_is_shown_what_is_observed_and_it_says_so():
    few = [RatedPoint(Accuracy(4, found, 0, 4 - found, 0, 0, 0, 0), (0, 0.0), 0) for found in (2, 4, 3)]
    found = recommend(few, 0.9)
    assert (found.index, found.shown, found.observed) == (1, [], [0, 1, 2])


def test_none_where_no_point_has_the_precision():
    assert index(trial(50, 50), trial(0, 0), trial(0, 10)) is None


def test_of_equals_the_nearest_to_what_is_in_force_then_the_cheapest():
    assert index(trial(90, 0, absent=9), trial(90, 0, absent=10)) == 1
    assert index(trial(90, 0, changes=(2, 0.1)), trial(90, 0, changes=(1, 5.0)), trial(90, 0, changes=(1, 2.0))) == 2
    assert index(trial(90, 0, cost=8), trial(90, 0, cost=7), trial(90, 0, cost=7)) == 1


trials = st.builds(
    lambda found, wrong, absent, changes, cost: trial(found, min(wrong, 100 - found), absent, (changes, 0.0), cost),
    *(st.integers(0, most) for most in (100, 100, 10, 3, 50)),
)


@given(st.lists(trials, min_size=1, max_size=20), st.floats(0.01, 0.99))
def test_no_eligible_point_finds_more(points, precision):
    found = recommend(points, precision)
    if found is None:
        assert all((one.accuracy.precision or 0) < precision for one in points)
        return
    best = points[found.index].accuracy
    assert best.precision >= precision
    for i in found.shown or found.observed:
        assert points[i].accuracy.found <= best.found
    assert found.index in found.equal
    assert {points[i].accuracy.found for i in found.equal} == {best.found}
