"""What is decided where several originals were laid on one published page: a decision table."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from semtrace.core.image.align import Comparison
from semtrace.core.tracing.decision import Candidate, Criteria
from semtrace.provenance.tracing.crop_search import Cropped
from semtrace.provenance.tracing.knowledge import Knowledge
from semtrace.provenance.tracing.sides import Content, Pair, Side
from semtrace.provenance.tracing.trace import Rules, Trace, trace_all

CRITERIA = Criteria(
    hamming_threshold=150, ssim_trigger=120, min_ssim=0.7, min_correlation=0.7, min_margin=0.02, min_hamming_margin=20
)
RULES = Rules(CRITERIA, most=32, reach=300, geometry="full")
LEFT, RIGHT = "300x400+10+10", "300x400+330+10"


def side(*names: str) -> Side:
    contents = [Content(name, (name,), "", frozenset(), "", -1, True) for name in names]
    empty = np.empty((len(contents), 16), np.uint64)
    return Side(contents, len(contents), 1024, empty, empty[:0], np.empty(0, np.int64))


def laid(path: str, place: str = "", ssim: float = 0.9, *, agrees: bool = True, **more) -> Candidate:
    return Candidate(path, 400, ssim, 0.9, place=place, agreement=0.9 if agrees else 0.5, agrees=agrees, **more)


def traced(*candidates: Candidate, complete: bool = True) -> Trace:
    """One page, on which these were laid."""
    pairs = [Pair(i, one.hamming) for i, one in enumerate(candidates)]
    found = Cropped(pairs, [Comparison(one.ssim, one.correlation, whole=False) for one in candidates], [], complete)
    found.candidates.extend(candidates)
    evidence = SimpleNamespace(
        images=True, proofs=False, originals=side(*(one.path for one in candidates)), published=side("page.jpg"),
        knowledge=Knowledge(), near=lambda wanted, _: {j: [] for j in wanted},
        compare=lambda pairs: {j: [] for j in pairs}, parts=lambda _: {}, overlays=lambda _: {0: found},
    )  # fmt: skip
    evidence.pages = lambda _: (evidence, {})
    return trace_all(evidence, RULES)[0]


def told(trace: Trace) -> tuple[str, str, str]:
    return trace.decision.outcome, trace.decision.reason, trace.decision.level


MATCHED = ("matched", "blocks_agree", "field")
CONTENDED = ("ambiguous", "runner_up_too_close", "")


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ([laid("a")], MATCHED),
        ([laid("a", LEFT)], MATCHED),
        ([laid("a", LEFT, 0.97, agrees=False)], ("ambiguous", "another_framing", "")),  # it overlaps the missing one
        ([laid("a", LEFT), laid("b", LEFT)], CONTENDED),
        ([laid("a", LEFT, 0.9), laid("b", LEFT, 0.88)], MATCHED),
        ([laid("a", LEFT, 0.9), laid("b", LEFT, 0.8801)], CONTENDED),
        ([laid("a", LEFT), laid("b", LEFT, agrees=False)], MATCHED),  # it shows a part of the field, and goes on
        ([laid("a", LEFT), laid("b", "200x200+50+50")], CONTENDED),
        ([laid("a", LEFT), laid("b")], CONTENDED),
        ([laid("a", LEFT, picture="p"), laid("b", LEFT, picture="p")], MATCHED),  # with and without its data bar
    ],
)
def test_one_place(candidates, expected):
    trace = traced(*candidates)
    assert told(trace) == expected
    assert trace.panels == ()
    if expected == MATCHED:
        assert trace.decision.best.path == "a"


def panels(*candidates: Candidate, complete: bool = True) -> dict[str, tuple[str, str, str, str]]:
    trace = traced(*candidates, complete=complete)
    assert told(trace)[:2] == ("ambiguous", "panels")
    return {str(place): (one.decision.best.path, *told(one)) for place, one in trace.panels}


def test_two_places():
    assert panels(laid("a", LEFT), laid("b", RIGHT)) == {LEFT: ("a", *MATCHED), RIGHT: ("b", *MATCHED)}


@pytest.mark.parametrize("ssim", [0.9, 0.8801])
def test_a_second_original_on_the_place_of_a_panel_contends_for_it(ssim):
    found = panels(laid("a", LEFT), laid("b", RIGHT, 0.95), laid("c", LEFT, ssim))
    assert found == {LEFT: ("a", *CONTENDED), RIGHT: ("b", *MATCHED)}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_so_does_one_that_overlaps_it_whatever_their_order(order):
    three = [laid("a", LEFT, 0.9), laid("b", RIGHT, 0.95), laid("c", "300x400+15+60", 0.9)]
    found = panels(*(three[i] for i in order))
    assert sorted(one[1] for one in found.values()) == ["ambiguous", "matched"]
    assert found[RIGHT] == ("b", *MATCHED)


@pytest.mark.parametrize(("x", "count"), [(306, 2), (305, 1)])
def test_a_rim_of_four_pixels_is_no_overlap(x, count):
    trace = traced(laid("a", LEFT), laid("b", f"300x400+{x}+10"))
    assert len(trace.panels) == (2 if count == 2 else 0)


def test_one_that_is_laid_on_the_whole_page_contends_for_every_panel():
    found = panels(laid("a", LEFT), laid("b", RIGHT), laid("c"))
    assert {one[1:] for one in found.values()} == {CONTENDED}


def test_where_the_list_was_cut_no_place_is_certain():
    assert told(traced(laid("a", LEFT), complete=False)) == ("ambiguous", "candidates_cut", "")
    found = panels(laid("a", LEFT), laid("b", RIGHT), complete=False)
    assert {one[1:] for one in found.values()} == {("ambiguous", "candidates_cut", "")}
