from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from semtrace.core.statistics.accuracy import (
    Accuracy,
    Distribution,
    accuracies,
    code_of,
    distribution,
    tier,
    trials_to_show,
    wilson,
)


def judged(outcomes: list[str], right: list[bool], present: list[bool]) -> Accuracy:
    codes = [[code_of(outcome, right=is_right)] for outcome, is_right in zip(outcomes, right, strict=True)]
    (accuracy,) = accuracies(np.array(codes, np.uint8).reshape(-1, 1), np.array(present, bool))
    return accuracy


@pytest.mark.parametrize(
    ("ssim", "name"),
    [
        (1.0, "excellent"), (0.951, "excellent"), (0.95, "good"), (0.85, "good"),
        (0.849, "acceptable"), (0.7, "acceptable"), (0.699, "problematic"), (-1.0, "problematic"),
    ],
)  # fmt: skip
def test_tier_bounds(ssim, name):
    assert tier(ssim) == name


def test_every_outcome_is_counted_once():
    outcomes = ["matched", "matched", "ambiguous", "unmatched", "unmatched", "ambiguous", "matched"]
    right = [True, False, False, False, False, False, False]
    present = [True, True, True, True, False, False, False]
    accuracy = judged(outcomes, right, present)
    assert (accuracy.found, accuracy.wrong_present, accuracy.wrong_absent, accuracy.wrong) == (1, 1, 1, 2)
    assert accuracy.precision == pytest.approx(1 / 3, abs=1e-6)
    assert accuracy.recall == pytest.approx(1 / 4)
    assert accuracy.accuracy == pytest.approx(2 / 7, abs=1e-6)


def test_nothing_known_gives_no_rate():
    accuracy = judged([], [], [])
    assert (accuracy.precision, accuracy.recall, accuracy.accuracy, accuracy.precision_interval) == (None,) * 4


def test_wilson_agrees_with_its_formula():
    n, k, z = 93, 93, 1.959963984540054
    p = k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert wilson(k, n) == pytest.approx((centre - half, centre + half), abs=1e-6)


@given(st.lists(st.tuples(st.sampled_from(["matched", "ambiguous", "unmatched"]), st.booleans(), st.booleans())))
def test_counts_sum_to_all(rows):
    # An original that is not there cannot be a right answer.
    a = judged([r[0] for r in rows], [r[1] and r[2] for r in rows], [r[2] for r in rows])
    parts = (a.found, a.wrong, a.missed_ambiguous, a.missed_unmatched, a.absent_unmatched, a.absent_ambiguous)
    assert sum(parts) == a.known == len(rows)


def test_distribution_of_nothing_and_of_something():
    assert distribution(np.array([])).mean is None
    assert distribution(np.array([1.0, 2.0, 6.0])).median == 2.0


@pytest.mark.parametrize("rate", [0.9, 0.95, 0.99, 0.995])
def test_so_many_successes_show_a_rate_and_one_fewer_does_not(rate):
    enough = trials_to_show(rate)
    assert wilson(enough, enough)[0] >= rate - 1e-6
    assert wilson(enough - 1, enough - 1)[0] < rate


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Distribution(0, None, None, None, None, None)),
        ([0.5], Distribution(1, 0.5, 0.5, 0.0, 0.5, 0.5)),
        ([1.0, 2.0, 6.0], Distribution(3, 3.0, 2.0, 2.160247, 1.0, 6.0)),
        ([1 / 3, 2 / 3], Distribution(2, 0.5, 0.5, 0.166667, 0.333333, 0.666667)),
    ],
)
def test_a_distribution_is_that_of_the_population_to_six_decimals(values, expected):
    assert distribution(np.array(values)) == expected


@pytest.mark.parametrize(
    ("outcome", "right", "code"),
    [
        ("unmatched", False, 0), ("unmatched", True, 0), ("ambiguous", False, 1), ("ambiguous", True, 1),
        ("matched", True, 2), ("matched", False, 3),
    ],
)  # fmt: skip
def test_what_a_decision_is_worth(outcome, right, code):
    assert code_of(outcome, right=right) == code


@pytest.mark.parametrize(
    ("outcome", "right", "code"),
    [("matched", False, 4), ("matched", True, 2), ("ambiguous", False, 1), ("unmatched", False, 0)],
)
def test_a_match_of_the_right_place_has_a_code_of_its_own_unless_its_original_is_right(outcome, right, code):
    assert code_of(outcome, right=right, right_place=True) == code


def test_matches_of_the_right_place_are_neither_right_nor_wrong_and_not_found():
    codes = np.array([[2], [4], [4], [3], [4], [0]], np.uint8)
    [accuracy] = accuracies(codes, np.array([True, True, True, True, False, False]))
    assert (accuracy.place_present, accuracy.place_absent, accuracy.place) == (2, 1, 3)
    assert (accuracy.found, accuracy.wrong, accuracy.known, accuracy.present) == (1, 1, 6, 4)
    rates = accuracy.rates()
    assert rates["place"] == 3
    for name, successes, trials in (("precision", 1, 2), ("recall", 1, 4), ("accuracy", 2, 6)):
        assert rates[name] == round(successes / trials, 6)
        assert (rates[f"{name}_low"], rates[f"{name}_high"]) == pytest.approx(interval(successes, trials), abs=1e-9)


def interval(successes: int, trials: int) -> tuple[float, float]:
    found = binomtest(successes, trials).proportion_ci(method="wilson")
    return round(found.low, 6), round(found.high, 6)


@pytest.mark.parametrize("trials", [1, 2, 10, 1466])
def test_wilson_is_scipys(trials):
    for successes in {0, 1, trials // 3, trials // 2, trials - 1, trials}:
        assert wilson(successes, trials) == pytest.approx(interval(successes, trials), abs=1e-9)
    assert wilson(0, trials)[0] == 0.0
    assert wilson(trials, trials)[1] == 1.0


def test_no_success_has_the_bound_zero_without_a_sign():
    """At 21 trials the formula gives a number below zero, by a rounding error."""
    assert [str(wilson(0, trials)[0]) for trials in (20, 21, 42)] == ["0.0"] * 3


def test_nothing_tried_has_no_interval():
    assert wilson(0, 0) is None


COUNTS = Accuracy(
    known=77, found=19, wrong_present=2, missed_ambiguous=3, missed_unmatched=5, absent_unmatched=23,
    absent_ambiguous=11, wrong_absent=14,
)  # fmt: skip


def test_every_rate_is_made_of_its_own_counts():
    rates = COUNTS.rates()
    assert (rates["wrong"], rates["known"], rates["absent_ambiguous"]) == (16, 77, 11)
    for name, successes, trials in (("precision", 19, 35), ("recall", 19, 29), ("accuracy", 42, 77)):
        assert rates[name] == round(successes / trials, 6)
        assert getattr(COUNTS, f"{name}_interval") == pytest.approx(interval(successes, trials), abs=1e-9)
        assert (rates[f"{name}_low"], rates[f"{name}_high"]) == getattr(COUNTS, f"{name}_interval")


@pytest.mark.parametrize(
    ("counts", "nothing"),
    [
        (Accuracy(0, 0, 0, 0, 0, 0, 0, 0), {"precision", "recall", "accuracy"}),
        (Accuracy(1, 0, 0, 0, 0, 1, 0, 0), {"precision", "recall"}),
        (Accuracy(1, 0, 0, 0, 0, 0, 0, 1), {"recall"}),
        (Accuracy(1, 0, 0, 1, 0, 0, 0, 0), {"precision"}),
        (Accuracy(1, 0, 0, 0, 1, 0, 0, 0), {"precision"}),
        (Accuracy(1, 0, 1, 0, 0, 0, 0, 0), set()),
        (Accuracy(1, 1, 0, 0, 0, 0, 0, 0), set()),
    ],
)
def test_a_rate_of_nothing_is_none_and_so_are_its_bounds(counts, nothing):
    rates = counts.rates()
    for end in ("", "_low", "_high"):
        names = ("precision", "recall", "accuracy")
        assert {name for name in names if rates[f"{name}{end}"] is None} == nothing


def test_each_operating_point_is_counted_on_its_own():
    """Three points; the original is there for the first five pictures of nine."""
    codes = np.array(
        [[2, 3, 2], [2, 1, 2], [3, 0, 2], [1, 2, 2], [0, 2, 2], [0, 1, 0], [0, 3, 1], [1, 3, 3], [3, 0, 3]]
    )
    present = np.array([True] * 5 + [False] * 4)
    assert accuracies(codes.astype(np.uint8), present) == [
        Accuracy(9, 2, 1, 1, 1, 2, 1, 1), Accuracy(9, 2, 1, 1, 1, 1, 1, 2), Accuracy(9, 5, 0, 0, 0, 1, 1, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(("rate", "trials"), [(0.0, 0), (0.5, 4), (0.9, 35), (0.95, 73), (0.99, 381)])
def test_how_many_successes_show_a_rate(rate, trials):
    assert trials_to_show(rate) == trials
