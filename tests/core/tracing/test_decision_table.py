"""Both sides of every boundary that ``decide`` has."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from semtrace.core.tracing.decision import Candidate, Criteria, Decision, decide, rank

CRITERIA = Criteria(
    hamming_threshold=150, ssim_trigger=120, min_ssim=0.7, min_correlation=0.6, min_margin=0.125, min_hamming_margin=20
)


def seen(path: str = "a", ssim: float = 0.96, correlation: float = 0.97, hamming: int = 8, **more) -> Candidate:
    return Candidate(path, hamming, ssim, correlation, **more)


def told(decision: Decision) -> tuple[str, str]:
    return decision.outcome, decision.reason


def below(value: float) -> float:
    return math.nextafter(value, -math.inf)


def above(value: float) -> float:
    return math.nextafter(value, math.inf)


TOO_LOW = ("unmatched", "correlation_too_low")
CORRELATION = ("ambiguous", "correlation_too_low")
SSIM = ("ambiguous", "ssim_too_low")
NEITHER = ("ambiguous", "neither_excellent")
MATCHED = ("matched", "ssim")


@pytest.mark.parametrize(
    ("ssim", "correlation", "expected"),
    [
        (below(0.7), below(0.6), TOO_LOW),
        (0.7, below(0.6), CORRELATION),
        (1.0, below(0.6), CORRELATION),
        (1.0, -1.0, CORRELATION),
        (-1.0, -1.0, TOO_LOW),
        (0.0, 0.0, TOO_LOW),
        (below(0.7), 0.6, SSIM),
        (below(0.7), 1.0, SSIM),
        (0.0, 1.0, SSIM),
        (0.7, 0.6, NEITHER),
        (0.7, below(0.95), NEITHER),
        (0.7, 0.95, MATCHED),
        (0.95, 0.6, NEITHER),
        (0.95, below(0.95), NEITHER),
        (0.95, 0.95, MATCHED),
        (above(0.95), 0.6, MATCHED),
        (1.0, 1.0, MATCHED),
    ],
)
def test_ssim_and_correlation_of_one_candidate(ssim, correlation, expected):
    decision = decide([seen("a", ssim, correlation)], CRITERIA)
    assert told(decision) == expected
    assert (decision.best.path, decision.runner_up, decision.evidence, decision.margin) == ("a", None, "ssim", None)


@pytest.mark.parametrize(
    ("other", "margin", "expected"),
    [
        (0.875, 0.125, "matched"),
        (above(0.875), 0.125, "matched"),  # a margin is said, and compared, with six decimals
        (0.876, 0.124, "ambiguous"),
        (1.0, 0.0, "ambiguous"),
        (0.5, 0.5, "matched"),
        (-1.0, 2.0, "matched"),
        (0.0, 1.0, "matched"),
        (0.3333333, 0.666667, "matched"),
    ],
)
def test_the_lead_over_a_runner_up(other, margin, expected):
    decision = decide([seen("b", other, 1.0), seen("a", 1.0, 1.0)], CRITERIA)
    assert (decision.outcome, decision.best.path, decision.runner_up.path) == (expected, "a", "b")
    assert decision.margin == margin
    assert decision.reason == ("ssim" if expected == "matched" else "runner_up_too_close")


@pytest.mark.parametrize(("other", "matched"), [(0.97, True), (above(0.97), False), (1.0, False), (-1.0, True)])
@pytest.mark.parametrize("agrees", [None, True])
def test_a_rival_that_correlates_better_leaves_no_match(other, matched, agrees):
    """Of two exposures of one place SSIM prefers that of like brightness, not the one that was published."""
    best, rival = seen("a", 0.9, 0.97, agrees=agrees), seen("b", 0.7, other, agrees=agrees)
    middle = seen("c", 0.75, 0.96, agrees=agrees)
    decision = decide([rival, best, middle], CRITERIA)
    assert told(decision) == (MATCHED if matched else ("ambiguous", "runner_up_too_close"))
    assert (decision.best.path, decision.runner_up.path) == ("a", "c" if matched else "b")
    assert decision.margin == (0.15 if matched else 0.2)


@pytest.mark.parametrize(
    ("best", "rival"),
    [
        ({"proof": "reencoded"}, {}),
        ({"picture": "p"}, {"picture": "p"}),
        ({"agrees": True}, {"agrees": False}),
        ({"agrees": True, "same_frame": True}, {"agrees": True}),
    ],
)
def test_who_is_no_rival_may_correlate_better(best, rival):
    decision = decide([seen("a", 0.9, 0.97, **best), seen("b", 0.7, 1.0, **rival)], CRITERIA)
    assert (decision.outcome, decision.best.path) == ("matched", "a")


def test_a_runner_up_that_was_not_compared_gives_no_margin():
    decision = decide([seen("a"), Candidate("b", 0)], CRITERIA)
    assert told(decision) == MATCHED
    assert (decision.runner_up.path, decision.margin) == ("b", None)


@pytest.mark.parametrize(
    ("best", "other", "rival"),
    [("", "", True), ("p", "", True), ("", "p", True), ("p", "q", True), ("q", "p", True), ("p", "p", False)],
)
def test_a_candidate_of_the_same_picture_is_no_rival(best, other, rival):
    decision = decide([seen("a", 1.0, picture=best), seen("b", 0.99, picture=other)], CRITERIA)
    assert told(decision) == (("ambiguous", "runner_up_too_close") if rival else MATCHED)
    assert (decision.runner_up is not None) == rival
    third = decide([seen("a", 1.0, picture=best), seen("b", 0.99, picture=other), seen("c", 0.98)], CRITERIA)
    assert third.runner_up.path == ("b" if rival else "c")


@pytest.mark.parametrize(("complete", "ssim", "expected"), [
    (True, 0.95, MATCHED), (True, above(0.95), MATCHED), (True, 0.7, MATCHED),
    (False, 0.7, ("ambiguous", "candidates_cut")), (False, 0.95, ("ambiguous", "candidates_cut")),
    (False, above(0.95), MATCHED),
])  # fmt: skip
def test_a_list_that_was_cut_needs_an_excellent_ssim(complete, ssim, expected):
    assert told(decide([seen("a", ssim, 0.97)], CRITERIA, complete=complete)) == expected


def test_a_list_is_whole_unless_it_is_said_to_be_cut_and_pictures_are_at_hand_unless_not():
    assert told(decide([seen("a", 0.9, 0.97)], CRITERIA)) == MATCHED
    assert told(decide([Candidate("a", 0)], CRITERIA)) == ("ambiguous", "not_comparable")


@pytest.mark.parametrize(
    ("images", "hamming", "expected"),
    [
        (True, 0, ("ambiguous", "not_comparable")),
        (True, 119, ("ambiguous", "not_comparable")),
        (True, 120, ("ambiguous", "beyond_ssim_trigger")),
        (True, 121, ("ambiguous", "beyond_ssim_trigger")),
        (False, 0, ("matched", "hamming_only")),
        (False, 119, ("matched", "hamming_only")),
        (False, 120, ("ambiguous", "beyond_ssim_trigger")),
        (False, 121, ("ambiguous", "beyond_ssim_trigger")),
    ],
)
def test_a_distance_is_all_the_evidence(images, hamming, expected):
    decision = decide([Candidate("a", hamming)], CRITERIA, images=images)
    assert told(decision) == expected
    assert (decision.evidence, decision.margin, decision.runner_up) == ("hamming", None, None)


@pytest.mark.parametrize(
    ("bits", "other", "expected"),
    [
        (6, 25, ("ambiguous", "runner_up_too_close")),
        (6, 26, ("matched", "hamming_only")),
        (6, 27, ("matched", "hamming_only")),
        (6, 6, ("ambiguous", "runner_up_too_close")),
        (120, 149, ("ambiguous", "beyond_ssim_trigger")),
    ],
)
def test_the_lead_in_bits_where_there_are_only_hashes(bits, other, expected):
    decision = decide([Candidate("b", other), Candidate("a", bits)], CRITERIA, images=False)
    assert told(decision) == expected
    assert (decision.best.path, decision.runner_up.path, decision.margin) == ("a", "b", float(other - bits))


def test_nothing_to_choose_from():
    assert decide([], CRITERIA) == Decision("unmatched", None, None, "", None, "no_candidate")


PROOFS = ["verdict", "identical_bytes", "name_digest", "reencoded"]


@pytest.mark.parametrize("proof", PROOFS)
def test_a_proof_decides_whatever_was_measured(proof):
    alone = decide([replace(seen("a", -1.0, -1.0, 149), proof=proof)], CRITERIA, complete=False)
    assert (*told(alone), alone.evidence, alone.margin) == ("matched", "proven", proof, None)
    beside = decide([seen("b", 1.0, 1.0, 0), replace(seen("a", 0.25), proof=proof)], CRITERIA)
    assert (*told(beside), beside.best.path, beside.runner_up.path) == ("matched", "proven", "a", "b")
    assert beside.margin == -0.75


@pytest.mark.parametrize(("one", "other", "margin"), [
    (0.5, 0.25, 0.25), (1 / 3, 0.0, 0.333333), (None, 0.25, None), (0.5, None, None), (None, None, None),
])  # fmt: skip
def test_two_proven_ones_are_ambiguous_and_the_margin_is_said_where_both_were_compared(one, other, margin):
    best = Candidate("a", 0, one, one, proof="verdict")
    decision = decide([Candidate("b", 0, other, other, proof="reencoded"), best], CRITERIA)
    assert (*told(decision), decision.evidence) == ("ambiguous", "proven_for_several", "verdict")
    assert (decision.best, decision.runner_up.path, decision.margin) == (best, "b", margin)


def test_a_proven_one_of_the_same_picture_is_no_rival():
    decision = decide([seen("a", picture="p", proof="verdict"), seen("b", picture="p", proof="verdict")], CRITERIA)
    assert (*told(decision), decision.runner_up) == ("matched", "proven", None)


ORDER = [
    Candidate("z", 149, proof="verdict"),
    Candidate("z", 149, -1.0, -1.0, proof="identical_bytes"),
    Candidate("y", 149, proof="identical_bytes"),
    Candidate("x", 149, proof="name_digest"),
    Candidate("z", 149, proof="reencoded"),
    seen("z", 1.0, -1.0, 149),
    seen("z", 0.5, hamming=149, whole=True),
    seen("y", 0.5, hamming=8),
    seen("x", 0.5, hamming=9),
    seen("y", 0.5, hamming=9),
    seen("c", 0.0, whole=True),
    seen("c", 0.0),
    seen("a", -0.5, hamming=0, whole=True),
    Candidate("z", 149, whole=True),
    Candidate("z", 0),
    Candidate("a", 1),
    Candidate("b", 1),
]
"""Best first: each stands before the next by another criterion."""


@pytest.mark.parametrize("place", range(len(ORDER) - 1))
def test_the_order_of_two_candidates(place):
    better, worse = ORDER[place], ORDER[place + 1]
    assert rank([worse, better]) == rank([better, worse]) == [better, worse]


@pytest.mark.parametrize(("better", "worse"), list(pairwise([*PROOFS, ""])))
def test_the_order_of_proofs(better, worse):
    pair = [Candidate("z", 149, proof=better), Candidate("a", 0, proof=worse)]
    assert rank(pair[::-1]) == rank(pair) == pair


def test_the_order_of_all():
    assert rank(ORDER[::-1]) == ORDER


def test_a_candidate_of_which_only_the_hash_is_known_has_neither_a_picture_nor_a_proof():
    plain = Candidate("a", 3)
    assert (plain.agreement, plain.agrees, plain.same_frame, plain.place) == (None, None, False, "")
    assert (plain.ssim, plain.correlation, plain.whole, plain.picture, plain.symmetry, plain.crop, plain.proof) == (
        None, None, False, "", "identity", "", "",
    )  # fmt: skip


# --- agreement place by place, and of the exposure

OWN = {"agreement": 0.9, "agrees": True, "same_frame": True}
PLACE = {"agreement": 0.9, "agrees": True}
OTHER = {"agreement": 0.1, "agrees": False}
BLOCKS = ("matched", "blocks_agree")


@pytest.mark.parametrize(
    ("ssim", "correlation", "alone"),
    [(0.1, 0.1, TOO_LOW), (0.7, 0.1, CORRELATION), (0.1, 1.0, SSIM), (0.7, 0.7, NEITHER), (1.0, 1.0, MATCHED)],
)
@pytest.mark.parametrize("looked", [{}, OTHER, PLACE, OWN])
def test_what_agreement_makes_of_the_answer_of_ssim_and_correlation(ssim, correlation, alone, looked):
    decision = decide([seen("a", ssim, correlation, **looked)], CRITERIA)
    agrees, matched = looked.get("agrees"), alone == MATCHED
    expected = alone if agrees is None or matched else BLOCKS if agrees else alone
    if agrees is False and matched:
        expected = ("ambiguous", "another_framing")
    assert told(decision) == expected
    assert decision.evidence == ("blocks" if expected == BLOCKS else "ssim")
    assert decision.level == ("" if expected[0] != "matched" else "frame" if looked == OWN else "field")


@pytest.mark.parametrize(
    ("best", "other", "rival"),
    [
        (PLACE, {}, True), (PLACE, PLACE, True), (PLACE, OTHER, False), (PLACE, None, False),
        (OWN, OWN, True), (OWN, PLACE, False), (OWN, {}, False), (OWN, OTHER, False), (OWN, None, False),
        ({}, {}, True), (OTHER, OTHER, True), ({}, OTHER, True),
    ],
)  # fmt: skip
def test_what_contends_with_the_best_one(best, other, rival):
    """``None``: not compared. Beside what agrees that is no rival; otherwise the runner-up is the next in order."""
    second = Candidate("b", 8) if other is None else seen("b", 0.98, 1.0, **other)
    decision = decide([second, seen("a", 0.99, 1.0, **best)], CRITERIA)
    assert (decision.best.path, decision.runner_up and decision.runner_up.path) == ("a", "b" if rival else None)
    assert decision.margin == (0.01 if rival else None)


@pytest.mark.parametrize(
    ("best", "other", "rival"), [("p", "p", False), ("p", "q", True), ("q", "p", True), ("", "", True), ("", "p", True)]
)
def test_the_same_picture_is_no_rival_of_what_agrees_either(best, other, rival):
    decision = decide([seen("a", 0.99, 1.0, picture=best, **PLACE), seen("b", 0.98, picture=other, **PLACE)], CRITERIA)
    assert (decision.runner_up is not None) == rival


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (0.25, BLOCKS),
        (0.375, BLOCKS),
        (0.376, ("ambiguous", "runner_up_too_close")),
        (0.5, ("ambiguous", "runner_up_too_close")),
    ],
)
def test_the_lead_where_blocks_decide(other, expected):
    decision = decide([seen("a", 0.5, 0.1, **PLACE), seen("b", other, 0.1, **PLACE)], CRITERIA)
    assert (*told(decision), decision.evidence) == (*expected, "blocks")


@pytest.mark.parametrize(
    ("looked", "complete", "expected"),
    [
        (PLACE, True, BLOCKS), (OWN, True, BLOCKS), (OWN, False, BLOCKS),
        (PLACE, False, ("ambiguous", "candidates_cut")),
    ],
)  # fmt: skip
def test_a_cut_list_where_blocks_decide_needs_the_exposure(looked, complete, expected):
    assert told(decide([seen("a", 0.5, 0.1, **looked)], CRITERIA, complete=complete)) == expected


@pytest.mark.parametrize(
    ("candidate", "images", "level"),
    [
        (Candidate("a", 1), False, "field"),
        (Candidate("a", 1), True, ""),
        (Candidate("a", 1, proof="name_digest"), True, "frame"),
        (seen("a", **PLACE, proof="verdict"), True, "frame"),
        (seen("a", 0.1, 0.1, same_frame=True), True, ""),
    ],
)
def test_the_level_of_an_answer(candidate, images, level):
    assert decide([candidate], CRITERIA, images=images).level == level
    assert decide([], CRITERIA).level == ""


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (seen("z", -1.0, hamming=149, same_frame=True), seen("a", 1.0, hamming=0, agrees=True, whole=True)),
        (seen("z", -1.0, hamming=149, agrees=True), seen("a", 1.0, hamming=0, agrees=False, whole=True)),
        (seen("z", -1.0, hamming=149, agrees=True), seen("a", 1.0, hamming=0, whole=True)),
        (seen("z", 0.6, hamming=149, agrees=False), seen("a", 0.5, hamming=0, whole=True)),
        (seen("z", 0.6, hamming=149), seen("a", 0.5, hamming=0, agrees=False, whole=True)),
        (seen("z", -1.0, hamming=149), Candidate("a", 0, whole=True, agrees=True, same_frame=True)),
        (Candidate("z", 149, proof="reencoded"), seen("a", 1.0, **OWN)),
    ],
)
def test_the_order_of_two_by_what_agrees(better, worse):
    assert rank([worse, better]) == rank([better, worse]) == [better, worse]
