"""Candidates measured once, with loose limits: what ``match`` decides at any thresholds follows without an image."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

from semtrace.core.image.align import Comparison
from semtrace.core.tracing.decision import Criteria, Decision
from semtrace.parallel.processes import available_cores
from semtrace.provenance.tracing.evidence import (
    Knowledge,
    Scope,
    Weighed,
    apply_verdicts,
    collect_evidence,
    compare_candidates,
    is_alike,
    is_without_match,
    named_originals,
    trace,
)
from semtrace.provenance.tracing.pair_images import AllCompared, Compared, prove_and_correlate
from semtrace.provenance.tracing.sides import Pair, Side, candidate_pairs
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure


@dataclass(frozen=True)
class Look:
    """What ``match`` sees and decides of one published content.

    Attributes:
        pairs: its candidates.
        compared: its comparisons with those that are near enough, in their order.
        weighed: both put together.
        result: the decision, or why there is none.
        examined: pairs that ``match`` compares for it, those of the farther look included.
    """

    pairs: list[Pair]
    compared: AllCompared
    weighed: Weighed | Failure
    result: Decision | Failure
    examined: int


@dataclass(frozen=True)
class Measurements:
    """Published contents and all that a decision about them may need.

    Attributes:
        originals: the archive.
        published: the published set.
        pairs: per published content the originals within the loose radius, nearest first; none where not measured.
        compared: per published content the thorough comparisons with the first of these.
        knowledge: of conversions, and a person's verdicts.
        most: at most so many candidates are compared for a decision.
        named: published contents whose originals a person named: they are candidates at any distance.
    """

    originals: Side
    published: Side
    pairs: list[list[Pair]]
    compared: list[AllCompared]
    knowledge: Knowledge
    most: int
    named: frozenset[int] = frozenset()

    def decide(
        self, j: int, criteria: Criteria, reach: float, *, without: Set[int] = frozenset(), proofs: bool = True
    ) -> Decision | Failure:
        """What ``match`` decides about published content ``j``; see ``look``."""
        return self.look(j, criteria, reach, without=without, proofs=proofs).result

    def look(
        self, j: int, criteria: Criteria, reach: float, *, without: Set[int] = frozenset(), proofs: bool = True
    ) -> Look:
        """The candidates of published content ``j`` and what ``match`` decides about them.

        Args:
            j: a measured content.
            criteria: within the loose radius of the measurement.
            reach: how far to look where no nearer candidate is alike, bits; within that radius too.
            without: originals taken out of the archive; at most those that the measurement was told of.
            proofs: False decides by similarity alone.
        """
        near = self._within(j, criteria.hamming_threshold, without)
        first = self._trace(j, near, criteria.ssim_trigger, criteria, proofs)
        if isinstance(first.result, Decision) and is_without_match(first.result):
            far = self._within(j, reach, without)
            second = self._trace(j, far, reach, criteria, proofs)
            # Both looks begin with the nearest, so the longer one has all that was compared.
            examined = max(first.examined, second.examined)
            found = isinstance(second.result, Decision) and is_alike(second.result, criteria)
            return replace(second if found else first, examined=examined)
        return first

    def _within(self, j: int, radius: float, without: Set[int]) -> list[Pair]:
        near = radius if j not in self.named else inf
        return [pair for pair in self.pairs[j] if pair.hamming < near and pair.original not in without]

    def _trace(self, j: int, found: list[Pair], trigger: float, criteria: Criteria, proofs: bool) -> Look:
        content, comparisons = self.published.contents[j], self.compared[j]
        near = [pair.original for pair in found[: self.most] if pair.hamming < trigger]
        if not near:
            comparisons = []  # match reads no picture without need, so an unreadable one goes unnoticed
        elif not isinstance(comparisons, Failure):
            seen = {pair.original: comparison for pair, comparison in zip(self.pairs[j], comparisons, strict=False)}
            comparisons = self._settled(j, [seen[original] for original in near], near, proofs)
        examined = 0 if isinstance(comparisons, Failure) else len(comparisons)
        weighed = collect_evidence(
            content, found, comparisons, self.originals, self.knowledge, criteria, most=self.most, proofs=proofs
        )
        result = weighed if isinstance(weighed, Failure) else trace(weighed, criteria, images=True)
        return Look(found, comparisons, weighed, result, examined)

    def _settled(self, j: int, seen: list[Compared], near: list[int], proofs: bool) -> list[Compared]:
        measured = {i: comparison for i, comparison in enumerate(seen) if isinstance(comparison, Comparison)}
        if not proofs:
            return [replace(one, proven=False) if isinstance(one, Comparison) else one for one in seen]
        content = self.published.contents[j]
        return prove_and_correlate(
            [replace(one, proven=False, correlation=None) if isinstance(one, Comparison) else one for one in seen],
            [self.knowledge.converted(content, self.originals.contents[t]) for t in near],
            lambda i: measured[i].proven,
            lambda i: measured[i].correlation or 0.0,
        )


def measure(
    originals: Side,
    published: Side,
    roots: tuple[Path, Path],
    answers: Mapping[int, Set[int]],
    radius: float,
    most: int,
    knowledge: Knowledge,
    executor: Executor,
    *,
    geometry: bool = False,
) -> Measurements:
    """Measure every pair that a decision may rest on.

    Args:
        originals: the archive.
        published: the published set.
        roots: folders of the two.
        answers: the published contents to measure, each with the originals that decisions will be asked without.
        radius: the loosest Hamming threshold or reach that decisions will be asked at, bits of the hash in use.
        most: at most so many candidates are compared for a decision.
        knowledge: of conversions, and a person's verdicts where they are to have a part in decisions.
        executor: where to work.
        geometry: also look for pictures published turned or mirrored.
    """
    workers = executor.workers or available_cores()
    pairs = candidate_pairs(originals, published, radius, workers, geometry=geometry)
    pairs = apply_verdicts(pairs, originals, published, knowledge)
    pairs = [found if j in answers else [] for j, found in enumerate(pairs)]
    named = frozenset(named_originals(originals, published, knowledge))
    scope = Scope(originals, roots, (max((len(found) for found in pairs), default=0), inf), knowledge)
    asked = [found[: most + len(answers.get(j, ()))] for j, found in enumerate(pairs)]
    compared = compare_candidates(asked, published, scope, executor, thorough=True)
    return Measurements(originals, published, pairs, compared, knowledge, most, named)
