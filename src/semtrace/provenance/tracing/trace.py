"""The one algorithm of a match: look near, farther, for parts of originals; settle what several contend for.

``match`` runs it on images that are compared when they are asked for; calibrate and sweep run it at any thresholds on
pairs that were measured once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from semtrace.core.image.align import Comparison
from semtrace.core.image.placement import Rectangle, read_rectangle
from semtrace.core.tracing.both_ways import nearest_both_ways
from semtrace.core.tracing.decision import Candidate, Criteria, Decision, decide
from semtrace.provenance.tracing.crop_search import Cropped, similarity_of
from semtrace.provenance.tracing.evidence import PairEvidence
from semtrace.provenance.tracing.pair_images import AllCompared, Compared
from semtrace.provenance.tracing.sides import Pair
from semtrace.stage.rejects import Failure

DEGENERATE = Decision("unmatched", None, None, "", None, "degenerate_hash")
_OPEN = ("no_candidate", "beyond_ssim_trigger", "runner_up_too_close")
_STRIP = 0.25  # of a picture's height; a data bar is not taller
_RIM = 4  # pixels
Geometry = bool | Literal["full"]
"""Whether to look for other framings than the original's: not, for rectangles, or for any."""

_FRUITLESS = ("no_candidate", "beyond_ssim_trigger", "not_comparable", "correlation_too_low")
_UNLIKE = ("ssim_too_low", "neither_excellent")


@dataclass(frozen=True)
class Rules:
    """How to look and to decide; distances in bits of the hash in use.

    Attributes:
        criteria: what a match must satisfy.
        most: at most so many candidates are compared and judged.
        reach: where no candidate is alike, originals nearer than this are looked at too.
        geometry: also look for pictures that are a part of an original, and for pictures on pages; ``full``: for
            pictures in any other framing, too.
        one_to_one: every picture was published once, from an original of its own.
        hash_reach: from hashes alone: what leads on both sides may be this far away.
        min_mutual_margin: the smallest lead on either side.
    """

    criteria: Criteria
    most: int
    reach: float
    geometry: Geometry = False
    one_to_one: bool = False
    hash_reach: float = 0.0
    min_mutual_margin: float = 0.0

    @property
    def both_ways(self) -> Criteria:
        """What a match from hashes alone must satisfy where both sides are looked at: farther away, with less lead."""
        return replace(
            self.criteria,
            hamming_threshold=self.hash_reach + self.min_mutual_margin,
            ssim_trigger=self.hash_reach,
            min_hamming_margin=self.min_mutual_margin,
        )

    def compared(self, found: Sequence[Pair], trigger: float) -> list[Pair]:
        """The candidates to compare: the first ``most``, nearer than ``trigger`` bits."""
        return [pair for pair in found[: self.most] if pair.hamming < trigger]


@dataclass(frozen=True)
class Trace:
    """What is known of one published content, and what follows from it.

    Attributes:
        pairs: its candidates, nearest first.
        compared: its comparisons with the first of these, in their order.
        candidates: the measured candidates that the decision was made from.
        decision: the answer; a failure where the published image cannot be read.
        examined: pairs that were compared for it by hash, those of the farther look included.
        panels: of a page with several pictures, each of them with its place, traced by itself.
    """

    pairs: list[Pair]
    compared: list[Compared]
    candidates: list[Candidate]
    decision: Decision | Failure
    examined: int = 0
    panels: tuple[tuple[Rectangle, Trace], ...] = ()

    @property
    def fruitless(self) -> bool:
        """Whether no candidate was alike, so that other originals are worth a look."""
        decision = self.decision
        if isinstance(decision, Failure) or decision.outcome == "matched":
            return False
        other_framing = decision.best is not None and decision.best.agrees is False and not decision.best.proof
        return decision.reason in _FRUITLESS or other_framing

    @property
    def is_open(self) -> bool:
        """Whether no original is certain, and blocks agree with none: so that other framings are worth a look."""
        decision = self.decision
        if isinstance(decision, Failure) or decision.outcome == "matched":
            return False
        unlike = decision.reason in _UNLIKE and not (decision.best is not None and decision.best.agrees)
        return self.fruitless or unlike


def trace_all(evidence: PairEvidence, rules: Rules, wanted: Sequence[int] | None = None) -> dict[int, Trace]:
    """Trace published contents to their originals.

    Args:
        evidence: of both sides.
        rules: how to look and to decide.
        wanted: indices of published contents; all of them by default, which ``one_to_one`` needs.

    Returns:
        By index, in the order of ``wanted``.
    """
    if rules.one_to_one and not evidence.images:
        rules = replace(rules, criteria=rules.both_ways)  # the assignment weighs both sides
    criteria = rules.criteria
    wanted = range(len(evidence.published.contents)) if wanted is None else wanted
    traces = _look(evidence, rules, wanted, criteria.hamming_threshold, criteria.ssim_trigger)
    if evidence.images:
        # Where nothing near is alike, look farther: strong compression of a flat picture moves its hash. The images
        # decide then, by the same criteria.
        far = _look(evidence, rules, [j for j in wanted if traces[j].fruitless], rules.reach, rules.reach)
        for j, trace in far.items():
            kept = trace if _is_alike(trace.decision, criteria) else traces[j]
            # Both looks begin with the nearest, so the longer one has all that was compared.
            traces[j] = replace(kept, examined=max(trace.examined, traces[j].examined))
    if evidence.images and rules.geometry:
        traces |= _cut_out(evidence, rules, {j: traces[j] for j in wanted})
        traces |= _placed_on_pages(evidence, rules, traces)
        if rules.geometry == "full":
            traces |= _overlaid(evidence, rules, traces)
    if not evidence.images and not rules.one_to_one:
        traces |= _nearest_both_ways(evidence, rules, traces)
    if rules.one_to_one:
        # scipy.optimize takes longer to import than most matches take
        from semtrace.core.tracing.assignment import settle_contention

        decided = {j: trace.decision for j, trace in traces.items() if isinstance(trace.decision, Decision)}
        candidates = [traces[j].candidates for j in decided]
        settled = settle_contention(candidates, list(decided.values()), criteria, images=evidence.images)
        for j, decision in zip(decided, settled, strict=True):
            traces[j] = replace(traces[j], decision=decision)
    return traces


def _nearest_both_ways(evidence: PairEvidence, rules: Rules, traces: Mapping[int, Trace]) -> dict[int, Trace]:
    """What hashes alone leave open, and both sides settle."""
    farther = replace(rules, criteria=rules.both_ways, most=len(evidence.originals.contents))
    far = _look(evidence, farther, list(traces), rules.both_ways.hamming_threshold, 0.0)
    found = nearest_both_ways({j: trace.candidates for j, trace in far.items()}, rules.both_ways)
    settled = {}
    for j, decision in found.items():
        before = traces[j].decision
        if isinstance(before, Decision) and before.outcome != "matched" and before.reason in _OPEN:
            settled[j] = replace(far[j], decision=decision, examined=traces[j].examined)
    return settled


def _cut_out(evidence: PairEvidence, rules: Rules, traces: Mapping[int, Trace]) -> dict[int, Trace]:
    """What is traced to nothing as a whole, and is a part of an original."""
    result = {}
    for j, part in _allowed(evidence, evidence.parts([j for j, one in traces.items() if one.fruitless])).items():
        decision = decide(part.candidates, rules.criteria, complete=part.complete)
        if _is_alike(decision, rules.criteria):
            result[j] = Trace(part.pairs, [*part.comparisons], part.candidates, decision, traces[j].examined)
    return result


def _placed_on_pages(evidence: PairEvidence, rules: Rules, traces: Mapping[int, Trace]) -> dict[int, Trace]:
    """What stands on pages that are traced to nothing: the one picture there, or that there are several."""
    pictures, of_page = evidence.pages([j for j, trace in traces.items() if trace.fruitless])
    found = _look(pictures, rules, [i for several in of_page.values() for i in several], rules.reach, rules.reach)
    # A panel may be cut, and the dark rim of a picture goes with black paper.
    found |= _cut_out(pictures, rules, found)
    result = {}
    for j, several in of_page.items():
        alike = [i for i in several if _is_alike(found[i].decision, rules.criteria)]
        if not alike:
            continue
        first = min(alike, key=lambda i: (_surety(found[i].decision), i))
        best, places = found[first], {i: pictures.published.contents[i].place for i in several}
        several = [i for i in several if i in alike or not _is_strip(places[i], places[first])]
        panels: tuple[tuple[Rectangle, Trace], ...] = ()
        if len(several) > 1 and isinstance(best.decision, Decision):
            best = replace(best, decision=replace(best.decision, outcome="ambiguous", reason="panels"))
            panels = tuple((place, found[i]) for i in several if (place := places[i]))
        result[j] = replace(best, examined=traces[j].examined, panels=panels)
    return result


def _overlaid(evidence: PairEvidence, rules: Rules, traces: Mapping[int, Trace]) -> dict[int, Trace]:
    """What is still open, and shows an original in another framing; or several originals, each in its place."""
    result = {}
    for j, found in _allowed(evidence, evidence.overlays([j for j, one in traces.items() if one.is_open])).items():
        decision = decide(found.candidates, rules.criteria, complete=found.complete)
        if not _is_alike(decision, rules.criteria):
            continue
        panels: tuple[tuple[Rectangle, Trace], ...] = ()
        if several := _side_by_side(found, decision):
            panels = tuple((place, _alone(found, contending, rules.criteria)) for place, contending in several)
            decision = replace(decision, outcome="ambiguous", reason="panels")
        result[j] = Trace(
            found.pairs, [*found.comparisons], found.candidates, decision, traces[j].examined, panels=panels
        )
    return result


def _allowed(evidence: PairEvidence, found: Mapping[int, Cropped]) -> dict[int, Cropped]:
    """What was found, without the originals that a person refused."""
    result = {}
    for j, several in found.items():
        published = evidence.published.contents[j]
        contents = [evidence.originals.contents[pair.original] for pair in several.pairs]
        kept = [i for i, original in enumerate(contents) if not evidence.knowledge.refuses(published, original)]
        if kept:
            result[j] = replace(
                several,
                pairs=[several.pairs[i] for i in kept],
                comparisons=[several.comparisons[i] for i in kept],
                candidates=[several.candidates[i] for i in kept],
            )
    return result


def _side_by_side(found: Cropped, decision: Decision) -> list[tuple[Rectangle, list[int]]]:
    """The places of a page in which originals agree, each with all that were laid there; nothing for one place.

    Several originals may be laid on one place: frames that show a part of one another. All of them contend for it.
    """
    places = [read_rectangle(candidate.place) for candidate in found.candidates]
    agreeing = [i for i in range(len(places)) if found.candidates[i].agrees]
    agreeing.sort(key=lambda i: found.candidates[i] is not decision.best)
    apart: list[Rectangle] = []
    for i in agreeing:
        place = places[i]
        if place is not None and not any(_overlap(place, other) for other in apart):
            apart.append(place)
    if len(apart) <= 1:
        return []
    # What is laid on the whole page contends for every place.
    contending = [[i for i, other in enumerate(places) if other is None or _overlap(place, other)] for place in apart]
    return sorted(zip(apart, contending, strict=True), key=lambda one: (one[0].y, one[0].x))


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    """Whether two pictures on a page share more than a rim."""
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return across > _RIM and down > _RIM


def _alone(found: Cropped, contending: Sequence[int], criteria: Criteria) -> Trace:
    """The trace of one of several pictures on a page, from the originals that were laid on its place."""
    candidates = [found.candidates[i] for i in contending]
    pairs, comparisons = [found.pairs[i] for i in contending], [found.comparisons[i] for i in contending]
    return Trace(pairs, [*comparisons], candidates, decide(candidates, criteria, complete=found.complete))


def _is_strip(one: Rectangle | None, picture: Rectangle | None) -> bool:
    """Whether a piece of a page is no picture, but a strip as wide as the picture beside it: its data bar."""
    if one is None or picture is None:
        return False
    same = abs(one.x - picture.x) <= _RIM and abs(one.width - picture.width) <= 2 * _RIM
    return same and one.height <= _STRIP * picture.height


def _surety(decision: Decision | Failure) -> int:
    return 3 if isinstance(decision, Failure) else ("matched", "ambiguous", "unmatched").index(decision.outcome)


def _look(
    evidence: PairEvidence, rules: Rules, wanted: Sequence[int], radius: float, trigger: float
) -> dict[int, Trace]:
    """Collect and judge the candidates nearer than ``radius`` bits, the images of those nearer than ``trigger``."""
    pairs = evidence.near(wanted, radius)
    compared = evidence.compare({j: rules.compared(pairs[j], trigger) for j in wanted})
    return {j: _judged(evidence, rules, j, pairs[j], compared[j]) for j in wanted}


def _judged(evidence: PairEvidence, rules: Rules, j: int, found: list[Pair], compared: AllCompared) -> Trace:
    if isinstance(compared, Failure):
        return Trace(found, [], [], compared)
    published, candidates = evidence.published.contents[j], []
    for position, pair in enumerate(found[: rules.most]):
        seen = compared[position] if position < len(compared) else None
        candidates.append(_candidate(evidence, rules.criteria, j, pair, seen if isinstance(seen, Comparison) else None))
    if not candidates and not published.healthy:  # a verdict names a candidate all the same
        return Trace(found, compared, candidates, DEGENERATE, len(compared))
    complete = len(found) <= rules.most
    decision = decide(candidates, rules.criteria, images=evidence.images, complete=complete)
    if any(isinstance(seen, Failure) for seen in compared) and not (decision.best and decision.best.proof):
        # The one that cannot be read may be the original: without a proof for another, nobody knows.
        decision = replace(decision, outcome="ambiguous", reason="original_unreadable")
    return Trace(found, compared, candidates, decision, len(compared))


def _candidate(evidence: PairEvidence, criteria: Criteria, j: int, pair: Pair, seen: Comparison | None) -> Candidate:
    published, original = evidence.published.contents[j], evidence.originals.contents[pair.original]
    alike = pair.hamming < criteria.ssim_trigger and (seen is None or seen.ssim >= criteria.min_ssim)
    known = evidence.knowledge.proof(published, original, alike=alike) if evidence.proofs else ""
    return Candidate(
        original.paths[0],
        pair.hamming,
        picture=original.picture,
        symmetry=pair.done_before,
        place=str(published.place) if published.place else "",
        proof=known or ("reencoded" if evidence.proofs and seen and seen.proven else ""),
        **similarity_of(seen),
    )


def _is_alike(decision: Decision | Failure, criteria: Criteria) -> bool:
    """Whether the best candidate shows the same fine structure, or is proven."""
    best = decision.best if isinstance(decision, Decision) else None
    if best is None:
        return False
    return bool(best.proof or best.agrees) or (best.correlation or 0.0) >= criteria.min_correlation
