"""Pairs measured once, with loose limits: evidence for a trace at any thresholds, without another look at an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from semtrace.core.errors import InputError
from semtrace.core.image.align import Comparison
from semtrace.parallel.processes import available_cores
from semtrace.provenance.match import Settings
from semtrace.provenance.tracing.crop_search import Cropped, find_crops
from semtrace.provenance.tracing.evidence import FreshEvidence, PairEvidence, Scope, compare_candidates
from semtrace.provenance.tracing.feature_search import find_overlays
from semtrace.provenance.tracing.knowledge import Knowledge, apply_verdicts, named_originals
from semtrace.provenance.tracing.pair_images import AllCompared, Compared, prove_and_correlate
from semtrace.provenance.tracing.sides import Pair, Side, candidate_pairs
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure
from semtrace.stage.settings import REFERENCE_BITS


@dataclass(frozen=True)
class Measurements:
    """Published contents and all that a decision about them may need.

    Attributes:
        scope: the archive, the folders of both sides, and what is known beside the pixels.
        published: the published set.
        pairs: per measured content the originals within the loose radius, nearest first.
        compared: per measured content the thorough comparisons with the first of these.
        named: published contents whose originals a person named: they are candidates at any distance.
        executor: where published parts are searched for.
        places: what was found so far of contents that may be parts of originals; None: searched in vain.
        laid: the same of contents that may show originals in another framing.
        without: originals taken out of the archive; at most those that the measurement was told of.
        proofs: False decides by similarity alone.
    """

    scope: Scope
    published: Side
    pairs: Mapping[int, list[Pair]]
    compared: Mapping[int, AllCompared]
    named: frozenset[int]
    executor: Executor
    places: dict[int, Cropped | None] = field(default_factory=dict)
    laid: dict[int, Cropped | None] = field(default_factory=dict)
    without: Set[int] = frozenset()
    proofs: bool = True
    images: bool = True

    @property
    def originals(self) -> Side:
        """The archive."""
        return self.scope.originals

    @property
    def knowledge(self) -> Knowledge:
        """Of conversions, and a person's verdicts."""
        return self.scope.knowledge

    def near(self, wanted: Sequence[int], radius: float) -> Mapping[int, list[Pair]]:
        """See ``PairEvidence``; within the loose radius of the measurement."""
        return {
            j: [
                pair
                for pair in self.pairs[j]
                if (pair.hamming < radius or j in self.named) and pair.original not in self.without
            ]
            for j in wanted
        }

    def compare(self, pairs: Mapping[int, list[Pair]]) -> Mapping[int, AllCompared]:
        """See ``PairEvidence``."""
        return {j: self._compared(j, near) for j, near in pairs.items()}

    def _compared(self, j: int, near: list[Pair]) -> AllCompared:
        compared = self.compared[j]
        if not near:
            return []  # a match reads no picture without need, so an unreadable one goes unnoticed
        if isinstance(compared, Failure):
            return compared
        of_original = {pair.original: seen for pair, seen in zip(self.pairs[j], compared, strict=False)}
        found = [of_original[pair.original] for pair in near]
        if not self.proofs:
            return found
        measured = {i: seen for i, seen in enumerate(found) if isinstance(seen, Comparison)}
        published, originals = self.published.contents[j], self.originals.contents
        return prove_and_correlate(
            [_unproven(seen) for seen in found],
            [self.knowledge.converted(published, originals[pair.original]) for pair in near],
            [originals[pair.original].deep for pair in near],
            lambda i: measured[i].proven,
            lambda i: measured[i].correlation or 0.0,
            lambda i: measured[i].frames,
        )

    def parts(self, wanted: Sequence[int]) -> Mapping[int, Cropped]:
        """See ``PairEvidence``."""
        if new := [j for j in wanted if j not in self.places]:
            found = find_crops(new, self.originals, self.published, self.scope.roots, self.executor)
            self.places.update({j: found.get(j) for j in new})
        return {j: part for j in wanted if (part := self.places[j]) is not None}

    def overlays(self, wanted: Sequence[int]) -> Mapping[int, Cropped]:
        """See ``PairEvidence``."""
        if new := [j for j in wanted if j not in self.laid]:
            found = find_overlays(new, self.originals, self.published, self.scope.roots, self.executor)
            self.laid.update({j: found.get(j) for j in new})
        return {j: part for j in wanted if (part := self.laid[j]) is not None}

    def pages(self, wanted: Sequence[int]) -> tuple[PairEvidence, Mapping[int, list[int]]]:
        """See ``PairEvidence``; pages are few, so they are looked at anew, and the side cache knows them."""
        fresh = FreshEvidence(
            self.originals, self.published, self.knowledge, self.scope.roots, self.executor, geometry=True
        )  # fmt: skip
        return fresh.pages(wanted)


def _unproven(seen: Compared) -> Compared:
    return replace(seen, proven=False, correlation=None, frames=None) if isinstance(seen, Comparison) else seen


def measure(
    scope: Scope, published: Side, asked: Sequence[Settings], left_out: Mapping[int, Set[int]], executor: Executor
) -> Measurements:
    """Measure every pair that a decision may rest on.

    Args:
        scope: the archive, the folders, and what is known, verdicts where they are to have a part in decisions.
        published: the published set.
        asked: the settings that will be decided with, all with one ``geometry``; the loosest count.
        left_out: the published contents to measure, each with the originals that decisions will be asked without.
        executor: where to work.

    Raises:
        InputError: the settings differ in ``geometry``.
    """
    if len(geometry := {one.geometry for one in asked}) != 1:
        raise InputError(f"one measurement is for one geometry, not {sorted(geometry, key=str)}")
    originals, workers = scope.originals, executor.workers or available_cores()
    radius = max(max(one.hamming_threshold, one.reach) for one in asked) * originals.bits / REFERENCE_BITS
    most, wanted = max(one.max_candidates for one in asked), sorted(left_out)
    pairs = candidate_pairs(originals, published, radius, workers, geometry=bool(asked[0].geometry), only=wanted)
    pairs = apply_verdicts(pairs, originals, published, scope.knowledge)
    near = {j: found[: most + len(left_out[j])] for j, found in pairs.items()}
    compared = compare_candidates(near, published, scope, executor, thorough=True)
    named = frozenset(named_originals(originals, published, scope.knowledge))
    return Measurements(scope, published, pairs, compared, named, executor)
