from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from semtrace.core.statistics.accuracy import AMBIGUOUS, RIGHT, UNMATCHED, WRONG, Accuracy, accuracies
from semtrace.core.statistics.choice import Choice, by_group, choose_point, held_out
from semtrace.core.statistics.operating_points import Point

NOW = Point(150, 120, 0.7, 0.7, 0.02)


def preferences(points: list[Point]) -> list[tuple[float, ...]]:
    return [point.preference(NOW) for point in points]


def in_short(choice: Choice | None) -> tuple[int, bool, int]:
    return choice.index, bool(choice.shown), choice.boldest


def points_with(*outcomes: tuple[int, int]):
    """Points, loosest last, with so many right and wrong matches of 1000 present and 1000 absent pictures each."""
    points = [Point(100 + i, 100 + i, 0.5, 0.5, 0.02) for i in range(len(outcomes))]
    present = np.repeat([True, False], 1000)
    codes = np.zeros((2000, len(outcomes)), np.uint8)
    for column, (right, wrong) in enumerate(outcomes):
        codes[:right, column], codes[1000 : 1000 + wrong, column] = RIGHT, WRONG
    return points, codes, present


def test_the_best_point_is_the_one_known_to_be():
    points, codes, present = points_with((700, 0), (900, 0), (950, 1), (960, 3), (990, 40))
    judged = accuracies(codes, present)
    # Lower bounds: 900 of 900 shows 0.9957, 950 of 951 0.9940, 960 of 963 0.9908, 990 of 1030 0.9475.
    assert in_short(choose_point(judged, 0.99, preferences(points))) == (3, True, 3)
    assert in_short(choose_point(judged, 0.993, preferences(points))) == (2, True, 3)
    assert in_short(choose_point(judged, 0.995, preferences(points))) == (1, True, 3)
    assert in_short(choose_point(judged, 0.95, preferences(points))) == (3, True, 4)


def test_what_cannot_be_shown_is_chosen_as_observed_and_says_so():
    points, codes, present = points_with((100, 0), (120, 0), (130, 1))
    assert in_short(choose_point(accuracies(codes, present), 0.99, preferences(points))) == (2, False, 2)
    assert in_short(choose_point(accuracies(codes, present), 0.999, preferences(points))) == (1, False, 1)


def test_a_precision_out_of_reach_chooses_nothing():
    points, codes, present = points_with((100, 50), (200, 60))
    assert choose_point(accuracies(codes, present), 0.9, preferences(points)) is None
    assert choose_point(accuracies(np.zeros((10, 2), np.uint8), np.ones(10, bool)), 0.9, preferences(points)) is None
    assert held_out(codes, present, ["a", "b"] * 1000, 0.9, preferences(points)) is None


def test_of_equal_points_the_least_changed_then_the_strictest_is_chosen():
    points = [
        Point(200, 200, 0.5, 0.5, 0.02),
        Point(200, 200, 0.7, 0.7, 0.02),  # one change to the current thresholds: both distances
        Point(180, 180, 0.7, 0.7, 0.02),  # so has this, and it is stricter
        Point(150, 120, 0.7, 0.6, 0.05),
    ]
    codes, present = np.full((500, 4), RIGHT, np.uint8), np.ones(500, bool)
    assert choose_point(accuracies(codes, present), 0.9, preferences(points)).index == 2
    assert (
        choose_point(accuracies(np.full((500, 5), RIGHT, np.uint8), present), 0.9, preferences([*points, NOW])).index
        == 4
    )
    codes[0, 2] = UNMATCHED  # recall goes before everything
    assert choose_point(accuracies(codes, present), 0.9, preferences(points)).index == 1


@given(st.permutations(range(5)))
def test_the_order_of_the_points_does_not_matter(order):
    points, codes, present = points_with((700, 0), (900, 0), (900, 0), (960, 3), (990, 40))
    judged = accuracies(codes, present)
    chosen = choose_point([judged[i] for i in order], 0.995, preferences([points[i] for i in order]))
    assert points[order[chosen.index]] == points[1]


def test_held_out_pictures_had_no_part_in_the_choice():
    # Two originals, many versions. The looser point is right on the one and wrong on the other.
    points = [Point(100, 100, 0.5, 0.5, 0.02), Point(200, 200, 0.5, 0.5, 0.02)]
    groups = ["a"] * 500 + ["b"] * 500
    present = np.ones(1000, bool)
    codes = np.full((1000, 2), RIGHT, np.uint8)
    codes[:100, 0] = UNMATCHED
    codes[500:, 1] = WRONG
    judged = held_out(codes, present, groups, 0.99, preferences(points))
    # Chosen on a: the looser point, all wrong on b. Chosen on b: the stricter one, 400 of 500 right on a.
    assert (judged.known, judged.found, judged.wrong, judged.missed_unmatched) == (1000, 400, 500, 100)
    assert in_short(choose_point(accuracies(codes, present), 0.99, preferences(points))) == (0, True, 0)


def test_originals_are_counted_once():
    codes = np.array([RIGHT, RIGHT, WRONG, RIGHT, AMBIGUOUS, WRONG], np.uint8)
    assert by_group(codes, ["a", "a", "b", "b", "c", "d"]) == (1, 3)


def accuracy(found: int, wrong: int, absent: int = 0) -> Accuracy:
    """Of 100 pictures whose original is there and 10 whose is not."""
    return Accuracy(110, found, wrong, 100 - found - wrong, 0, absent, 10 - absent, 0)


def index(*judged: Accuracy, by: list[tuple[float, ...]] | None = None, precision: float = 0.9) -> int | None:
    found = choose_point(judged, precision, by or [()] * len(judged))
    return found.index if found else None


def test_the_highest_recall_of_the_requested_precision():
    assert index(accuracy(50, 0), accuracy(90, 1), accuracy(95, 5), accuracy(80, 20)) == 1  # 0.989 shown, 0.95 is not


def test_where_none_is_shown_what_is_observed_and_it_says_so():
    few = [Accuracy(4, found, 0, 4 - found, 0, 0, 0, 0) for found in (2, 4, 3)]
    found = choose_point(few, 0.9, [()] * 3)
    assert (found.index, found.shown, found.observed) == (1, [], [0, 1, 2])


def test_of_equals_the_preferred_one_then_the_earlier():
    same = [accuracy(90, 0), accuracy(90, 0), accuracy(90, 0)]
    assert index(*same, by=[(2, 0.1), (1, 5.0), (1, 2.0)]) == 2
    assert index(*same, by=[(8,), (7,), (7,)]) == 1
    assert choose_point([*same, accuracy(90, 0, absent=5)], 0.9, [()] * 4).equal == [0, 1, 2]


rated = st.builds(
    lambda found, wrong, absent: accuracy(found, min(wrong, 100 - found), absent),
    *(st.integers(0, most) for most in (100, 100, 10)),
)


@given(st.lists(rated, min_size=1, max_size=20), st.floats(0.01, 0.99))
def test_no_eligible_point_finds_more(judged, precision):
    found = choose_point(judged, precision, [()] * len(judged))
    if found is None:
        assert all((one.precision or 0) < precision for one in judged)
        return
    best = judged[found.index]
    assert best.precision >= precision
    for i in found.shown or found.observed:
        assert judged[i].found <= best.found
    assert found.index in found.equal
    assert {judged[i].found for i in found.equal} == {best.found}
