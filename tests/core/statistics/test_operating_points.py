from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.core.statistics.accuracy import judge
from semtrace.core.statistics.operating_points import (  # fmt: skip
    AMBIGUOUS,
    RIGHT,
    UNMATCHED,
    WRONG,
    Choice,
    Point,
    accuracies,
    by_group,
    choose_point,
    evaluate,
    grid,
    held_out,
)
from semtrace.core.tracing.decision import Candidate, Criteria, decide

NOW = Point(150, 120, 0.7, 0.7, 0.02)
GRID = grid(NOW, [40, 100, 200], [0.5, 0.9], [0.9], [0.05])
CODE = {"matched": RIGHT, "ambiguous": AMBIGUOUS, "unmatched": UNMATCHED}


def decided(candidates: list[Candidate], point: Point) -> int:
    """Candidates beyond the trigger are not compared, those beyond the threshold are none."""
    kept = [
        c if c.hamming < point.ssim_trigger else Candidate(c.path, c.hamming)
        for c in candidates
        if c.hamming < point.hamming_threshold
    ]
    return CODE[decide(kept, Criteria(**vars(point), min_hamming_margin=20)).outcome]


def test_the_current_thresholds_take_part_as_they_are():
    assert GRID.hamming == ((40, 40), (100, 100), (150, 120), (200, 200))
    assert GRID.min_ssim == (0.5, 0.7, 0.9)
    assert NOW in GRID.points()
    assert len(GRID.points()) == np.prod(GRID.shape) == 4 * 3 * 2 * 2


values = st.sampled_from([0.1, 0.5, 0.68, 0.7, 0.72, 0.75, 0.9, 0.91, 0.96])
candidates = st.lists(st.tuples(st.sampled_from([0, 40, 99, 100, 119, 120, 150, 199]), values, values), max_size=4)


@settings(max_examples=60, deadline=None)
@given(candidates)
def test_every_point_is_what_the_decision_says_there(measured):
    found = [Candidate(f"{i}.tif", *numbers) for i, numbers in enumerate(sorted(measured))]
    codes = evaluate(
        GRID,
        [c.hamming for c in found],
        [c.ssim for c in found],
        [c.correlation for c in found],
        lambda point: decided(found, point),
    )
    assert codes.shape == GRID.shape
    assert codes.ravel().tolist() == [decided(found, point) for point in GRID.points()]


def test_points_that_cannot_differ_are_asked_once():
    asked = []
    evaluate(GRID, [50], [0.8], [0.8], lambda point: asked.append(point) or 0)
    assert len(asked) == 2 * 2 * 2  # near enough or not, SSIM enough or not, correlation enough or not


def test_counts_are_those_of_judge():
    rng = np.random.default_rng(0)
    codes, present = rng.integers(0, 4, (60, 5)).astype(np.uint8), rng.random(60) < 0.5
    codes[~present] = np.where(codes[~present] == RIGHT, WRONG, codes[~present])
    words = {UNMATCHED: "unmatched", AMBIGUOUS: "ambiguous", RIGHT: "matched", WRONG: "matched"}
    for column, accuracy in zip(codes.T, accuracies(codes, present), strict=True):
        assert accuracy == judge([words[c] for c in column], [c == RIGHT for c in column], present.tolist())


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
    assert choose_point(points, judged, 0.99, NOW) == Choice(3, True, 3)
    assert choose_point(points, judged, 0.993, NOW) == Choice(2, True, 3)
    assert choose_point(points, judged, 0.995, NOW) == Choice(1, True, 3)
    assert choose_point(points, judged, 0.95, NOW) == Choice(3, True, 4)


def test_what_cannot_be_shown_is_chosen_as_observed_and_says_so():
    points, codes, present = points_with((100, 0), (120, 0), (130, 1))
    assert choose_point(points, accuracies(codes, present), 0.99, NOW) == Choice(2, False, 2)
    assert choose_point(points, accuracies(codes, present), 0.999, NOW) == Choice(1, False, 1)


def test_a_precision_out_of_reach_chooses_nothing():
    points, codes, present = points_with((100, 50), (200, 60))
    assert choose_point(points, accuracies(codes, present), 0.9, NOW) is None
    assert choose_point(points, accuracies(np.zeros((10, 2), np.uint8), np.ones(10, bool)), 0.9, NOW) is None
    assert held_out(points, codes, present, ["a", "b"] * 1000, 0.9, NOW) is None


def test_of_equal_points_the_least_changed_then_the_strictest_is_chosen():
    points = [
        Point(200, 200, 0.5, 0.5, 0.02),
        Point(200, 200, 0.7, 0.7, 0.02),  # one change to the current thresholds: both distances
        Point(180, 180, 0.7, 0.7, 0.02),  # so has this, and it is stricter
        Point(150, 120, 0.7, 0.6, 0.05),
    ]
    codes, present = np.full((500, 4), RIGHT, np.uint8), np.ones(500, bool)
    assert choose_point(points, accuracies(codes, present), 0.9, NOW).index == 2
    assert choose_point([*points, NOW], accuracies(np.full((500, 5), RIGHT, np.uint8), present), 0.9, NOW).index == 4
    codes[0, 2] = UNMATCHED  # recall goes before everything
    assert choose_point(points, accuracies(codes, present), 0.9, NOW).index == 1


@given(st.permutations(range(5)))
def test_the_order_of_the_points_does_not_matter(order):
    points, codes, present = points_with((700, 0), (900, 0), (900, 0), (960, 3), (990, 40))
    judged = accuracies(codes, present)
    chosen = choose_point([points[i] for i in order], [judged[i] for i in order], 0.995, NOW)
    assert points[order[chosen.index]] == points[1]


def test_held_out_pictures_had_no_part_in_the_choice():
    # Two originals, many versions. The looser point is right on the one and wrong on the other.
    points = [Point(100, 100, 0.5, 0.5, 0.02), Point(200, 200, 0.5, 0.5, 0.02)]
    groups = ["a"] * 500 + ["b"] * 500
    present = np.ones(1000, bool)
    codes = np.full((1000, 2), RIGHT, np.uint8)
    codes[:100, 0] = UNMATCHED
    codes[500:, 1] = WRONG
    judged = held_out(points, codes, present, groups, 0.99, NOW)
    # Chosen on a: the looser point, all wrong on b. Chosen on b: the stricter one, 400 of 500 right on a.
    assert (judged.known, judged.found, judged.wrong, judged.missed_unmatched) == (1000, 400, 500, 100)
    assert choose_point(points, accuracies(codes, present), 0.99, NOW) == Choice(0, True, 0)


def test_originals_are_counted_once():
    codes = np.array([RIGHT, RIGHT, WRONG, RIGHT, AMBIGUOUS, WRONG], np.uint8)
    assert by_group(codes, ["a", "a", "b", "b", "c", "d"]) == (1, 3)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 2, 4, 2)])
def test_points_stand_in_the_order_of_the_grid(shape):
    axes = [tuple(np.linspace(0.1, 0.9, n).round(3).tolist()) for n in shape[1:]]
    one = grid(Point(10, 10, axes[0][0], axes[1][0], axes[2][0]), [10, 20, 30][: shape[0]], *axes)
    assert one.shape == shape
    points = np.array(one.points(), dtype=object).reshape(shape)
    for h, s, c, m in product(*map(range, shape)):
        expected = Point(*one.hamming[h], one.min_ssim[s], one.min_correlation[c], one.min_margin[m])
        assert points[h, s, c, m] == expected
