"""All decisions of a match together: published parts, one-to-one sets, and the rows of its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from semtrace.core.tracing.decision import Criteria, Decision, decide
from semtrace.provenance.tracing.crop_search import Cropped
from semtrace.provenance.tracing.evidence import Weighed, is_alike, is_without_match
from semtrace.provenance.tracing.mapping import backward_rows, forward_rows
from semtrace.provenance.tracing.pair_images import AllCompared
from semtrace.provenance.tracing.sides import Pair, Side, nearest_full
from semtrace.stage.rejects import Failure, Reject


@dataclass(frozen=True)
class Sides:
    """Archive and published set, and how near each content's nearest on the other side is by full-frame hash.

    Attributes:
        originals: the archive.
        published: the published set.
        nearest_original: per published content ``(index, bits)``.
        nearest_published: per original content the same.
    """

    originals: Side
    published: Side
    nearest_original: list[tuple[int, int]]
    nearest_published: list[tuple[int, int]]


def sides(originals: Side, published: Side, workers: int) -> Sides:
    """Two sides with their nearest neighbours."""
    near = nearest_full(published, originals, workers), nearest_full(originals, published, workers)
    return Sides(originals, published, *near)


@dataclass(frozen=True)
class Results:
    """What is known of each published content; later steps replace what stands at a position.

    Attributes:
        pairs: its candidates.
        compared: its comparisons with the first of them.
        weighed: both put together.
        decisions: the answer, or why there is none.
    """

    pairs: list[list[Pair]]
    compared: list[AllCompared]
    weighed: list[Weighed | Failure]
    decisions: list[Decision | Failure]

    def fruitless(self) -> list[int]:
        """Published contents of which no candidate is alike."""
        return [
            j for j, result in enumerate(self.decisions) if isinstance(result, Decision) and is_without_match(result)
        ]

    def put(self, j: int, pairs: list[Pair], compared: AllCompared, weighed: Weighed, decision: Decision) -> None:
        """Replace what is known of content ``j``."""
        self.pairs[j], self.compared[j], self.weighed[j], self.decisions[j] = pairs, compared, weighed, decision

    def place_parts(self, crops: Mapping[int, Cropped], criteria: Criteria) -> None:
        """Take the parts of originals that were found for some contents, where they are alike."""
        for j, cropped in crops.items():
            decision = decide(cropped.candidates, criteria, complete=cropped.complete)
            if is_alike(decision, criteria):
                weighed = Weighed(cropped.candidates, cropped.complete, unreadable=False, healthy=True)
                self.put(j, cropped.pairs, list(cropped.comparisons), weighed, decision)

    def one_to_one(self, criteria: Criteria, *, images: bool) -> None:
        """Settle what several published pictures contend for."""
        from semtrace.core.tracing import (
            assignment as one_to_one,  # scipy.optimize takes longer to import than most matches take
        )

        candidates = [seen.candidates for seen in self.weighed if isinstance(seen, Weighed)]
        decided = [result for result in self.decisions if isinstance(result, Decision)]
        again = iter(one_to_one.settle_contention(candidates, decided, criteria, images=images))
        self.decisions[:] = [result if isinstance(result, Failure) else next(again) for result in self.decisions]

    def forward(self, both: Sides) -> list[dict[str, Any]]:
        """Rows of ``jpeg_to_tiff.csv``."""
        return forward_rows(both.originals, both.published, self.pairs, self.decisions, both.nearest_original)

    def backward(self, both: Sides, *, images: bool) -> list[dict[str, Any]]:
        """Rows of ``tiff_to_jpeg.csv``."""
        return backward_rows(
            both.originals, both.published, self.pairs, self.compared, self.decisions, both.nearest_published,
            images=images,
        )  # fmt: skip

    def rejects(self, both: Sides) -> list[Reject]:
        """Published files that could not be compared."""
        return [
            Reject.of(path, "match", result)
            for content, result in zip(both.published.contents, self.decisions, strict=True)
            if isinstance(result, Failure)
            for path in content.paths
        ]
