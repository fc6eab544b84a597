"""Sets that are meant to be one-to-one."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semtrace.core.tracing import assignment
from semtrace.core.tracing.assignment import settle
from semtrace.core.tracing.decision import Candidate, Criteria, Decision, decide
from tests.core.tracing.test_decision import CRITERIA, seen


def settled(
    candidates: list[list[Candidate]], criteria: Criteria = CRITERIA, *, images: bool = True
) -> list[tuple[str, str | None, str]]:
    decisions = [decide(found, criteria, images=images) for found in candidates]
    again = settle(candidates, decisions, criteria, images=images)
    return [(d.outcome, d.best.path if d.best else None, d.reason) for d in again]


def test_without_contention_nothing_changes():
    candidates = [[seen("a", 4, 0.99), seen("b", 30, 0.5)], [seen("b", 3, 0.98), seen("a", 30, 0.5)], []]
    decisions = [decide(found, CRITERIA) for found in candidates]
    assert settle(candidates, decisions, CRITERIA, images=True) == decisions


def test_two_frames_of_one_field_are_told_apart_together():
    # The first is nearer to the wrong frame by a hair, and sure of neither; the second leaves only one way.
    first = [seen("a", 4, 0.95), seen("b", 4, 0.96)]
    second = [seen("a", 9, 0.80), seen("b", 4, 0.97)]
    assert [decide(found, CRITERIA).outcome for found in (first, second)] == ["ambiguous", "matched"]
    assert settled([first, second]) == [("matched", "a", "one_to_one"), ("matched", "b", "ssim")]


def test_what_the_assignment_cannot_tell_either_stays_ambiguous():
    both = [seen("a", 4, 0.95), seen("b", 4, 0.95)]
    assert {d[0] for d in settled([both, both])} == {"ambiguous"}


def test_a_proof_takes_its_original_and_stands():
    proven = [replace(seen("a", 0, 0.99), proof="reencoded")]
    other = [seen("a", 4, 0.99)]
    assert settled([proven, other]) == [("matched", "a", "proven"), ("ambiguous", "a", "original_taken")]
    # Two proofs for one original contradict the intention, not each other.
    assert {d[0] for d in settled([proven, proven])} == {"matched"}


def test_an_original_that_is_taken_is_no_rival():
    proven = [replace(seen("a", 0, 0.99), proof="identical_bytes")]
    unsure = [seen("a", 4, 0.90), seen("b", 4, 0.895)]
    assert settled([proven, unsure])[1] == ("matched", "b", "one_to_one")
    # But what is left must satisfy the criteria by itself.
    unlike = [seen("a", 4, 0.71), seen("b", 4, 0.70, correlation=0.3)]
    assert settled([proven, unlike])[1][0] != "matched"


def test_an_original_kept_with_and_without_its_bar_is_one(monkeypatch):
    twice = [replace(seen("a", 4, 0.95), picture="p"), replace(seen("a without bar", 4, 0.95), picture="p")]
    other = [*twice, seen("c", 4, 0.5)]
    outcomes = settled([twice, other])
    assert outcomes[0][0] == "ambiguous"  # both want the one picture, alike
    monkeypatch.setattr(assignment, "LARGEST_BLOCK", 1)
    assert {d[2] for d in settled([twice, other])} == {"block_too_large"}


@st.composite
def blocks(draw: st.DrawFn) -> np.ndarray:
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    bits = draw(st.lists(st.integers(0, 140), min_size=rows * columns, max_size=rows * columns))
    missing = draw(st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns))
    return np.where(missing, 150, bits).reshape(rows, columns)


def traced(bits: np.ndarray) -> set[tuple[int, int]]:
    """Pairs matched from distances alone (150 and more: no candidate)."""
    rows = [
        sorted((Candidate(str(c), int(d)) for c, d in enumerate(row) if d < 150), key=lambda c: c.hamming)
        for row in bits
    ]
    decisions: list[Decision] = [decide(found, CRITERIA, images=False) for found in rows]
    again = settle(rows, decisions, CRITERIA, images=False)
    return {(r, int(d.best.path)) for r, d in enumerate(again) if d.outcome == "matched" and d.best}


@given(blocks())
def test_no_original_is_given_twice_and_each_pair_is_needed_for_the_best_sum(bits):
    pairs = traced(bits)
    assert len({c for _, c in pairs}) == len(pairs)
    gains = np.maximum(150 - bits, 0)

    def total(allowed: np.ndarray) -> int:
        size = max(allowed.shape)
        padded = np.zeros((size, size), dtype=int)
        padded[: allowed.shape[0], : allowed.shape[1]] = allowed
        return max(sum(padded[r, c] for r, c in enumerate(p)) for p in itertools.permutations(range(size)))

    gains[bits >= CRITERIA.ssim_trigger] = 0
    for r, c in pairs:
        without = gains.copy()
        without[r, c] = 0
        assert total(gains) - total(without) >= CRITERIA.min_hamming_margin
        assert bits[r, c] < CRITERIA.ssim_trigger


@given(blocks())
def test_swapping_the_two_sets_transposes_the_result(bits):
    assert traced(bits) == {(r, c) for c, r in traced(bits.T)}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_of_the_pictures_changes_nothing(order):
    found = [
        [seen("a", 4, 0.95), seen("b", 4, 0.94)],
        [seen("a", 4, 0.80), seen("b", 4, 0.93)],
        [seen("c", 4, 0.93), seen("b", 4, 0.92)],
    ]
    straight = settled(found)
    assert [straight[k] for k in order] == settled([found[k] for k in order])
