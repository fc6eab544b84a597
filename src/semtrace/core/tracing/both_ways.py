"""From hashes alone: a published image and an original that are nearest to each other, seen from both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from semtrace.core.tracing.decision import Candidate, Criteria, Decision, decide


def nearest_both_ways(candidates: Mapping[int, Sequence[Candidate]], criteria: Criteria) -> dict[int, Decision]:
    """Match what lies near and leads on both sides: over other originals, and over other published images.

    A second frame of a series, whose original is missing, lies near the original of another published image, which
    lies nearer. So a small lead on both sides says more than a large one on one side.

    Args:
        candidates: by published image all originals nearer than ``criteria.hamming_threshold``. It lies beyond
            ``criteria.ssim_trigger`` by the lead, so that rivals are known.
        criteria: see ``semtrace.core.tracing.decision.decide``; ``min_hamming_margin`` is the lead on either side.

    Returns:
        By published image its match; ``margin`` is the smaller lead, None without a rival. No entry: no match.
    """
    claims: dict[str, list[tuple[int, int]]] = {}
    for j, found in candidates.items():
        for candidate in found:
            claims.setdefault(candidate.identity, []).append((candidate.hamming, j))
    result = {}
    for j, found in candidates.items():
        decision = decide(found, criteria, images=False)
        if decision.outcome != "matched" or decision.best is None or decision.evidence != "hamming":
            continue
        rivals = [bits for bits, other in claims[decision.best.identity] if other != j]
        leads = [float(min(rivals) - decision.best.hamming)] if rivals else []
        leads += [] if decision.margin is None else [decision.margin]
        if all(lead >= criteria.min_hamming_margin for lead in leads):
            result[j] = replace(decision, margin=min(leads, default=None), reason="nearest_both_ways")
    return result
