from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semtrace.core.statistics.accuracy import (
    Accuracy,
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
