from __future__ import annotations

from dataclasses import replace

import pytest

from semtrace.core.tracing.both_ways import nearest_both_ways
from semtrace.core.tracing.decision import Candidate
from tests.core.tracing.test_decision import CRITERIA

FAR = replace(CRITERIA, hamming_threshold=210, ssim_trigger=200, min_hamming_margin=10)


def settled(found: dict[int, list[Candidate]]) -> dict[int, tuple[str, float | None]]:
    return {j: (d.best.path, d.margin) for j, d in nearest_both_ways(found, FAR).items()}


@pytest.mark.parametrize(("bits", "matched"), [(199, True), (200, False)])
def test_the_distance(bits, matched):
    assert settled({0: [Candidate("a", bits)]}) == ({0: ("a", None)} if matched else {})


@pytest.mark.parametrize(("lead", "matched"), [(10, True), (9, False)])
def test_the_lead_over_another_original(lead, matched):
    found = settled({0: [Candidate("a", 150), Candidate("b", 150 + lead)]})
    assert found == ({0: ("a", lead)} if matched else {})


@pytest.mark.parametrize(("lead", "matched"), [(10, True), (9, False)])
def test_the_lead_over_another_published_picture(lead, matched):
    found = settled({0: [Candidate("a", 150)], 1: [Candidate("a", 150 + lead)]})
    assert found == ({0: ("a", lead)} if matched else {})


def test_an_original_that_another_picture_is_nearer_to_is_not_taken():
    assert settled({0: [Candidate("a", 30)], 1: [Candidate("a", 4)]}) == {1: ("a", 26)}


def test_with_and_without_its_data_bar_an_original_is_one():
    found = settled({0: [Candidate("a", 150, picture="x"), Candidate("b", 152, picture="x")], 1: []})
    assert found == {0: ("a", None)}
    rival = {0: [Candidate("a", 150, picture="x")], 1: [Candidate("b", 155, picture="x")]}
    assert settled(rival) == {}


def test_a_proof_is_not_settled_here():
    assert settled({0: [Candidate("a", 150, proof="verdict")]}) == {}
