"""Sets that are meant to be one-to-one: every picture was published once, from an original of its own.

What several published images contend for is settled for all of them at once, by the assignment with the largest sum
of similarities over the pairs that satisfy the criteria. The margin of a pair is what that sum loses when the pair is
forbidden, or its lead over a pair that does not satisfy them: of the same picture, or of the same original. So the
result is the same from both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from semtrace.core.tracing.decision import Candidate, Criteria, Decision, decide

LARGEST_BLOCK = 200  # published images; each costs one more assignment of the whole block


def settle_contention(
    candidates: Sequence[Sequence[Candidate]], decisions: Sequence[Decision], criteria: Criteria, *, images: bool
) -> list[Decision]:
    """Decide again where published images contend for originals.

    A proof stands: it is a fact about two files, whatever the set was meant to be. Its original is taken. The other
    pictures, with the originals left to them, fall into blocks (connected components). A block of one picture, and
    one whose pictures are matched to different originals already, needs no assignment.

    Args:
        candidates: per published image its candidates, all of different content.
        decisions: per published image what it is by itself.
        criteria: as in :func:`semtrace.core.tracing.decision.decide`.
        images: as there; False: similarity is the number of bits below the Hamming threshold.

    Returns:
        The decisions. New reasons: ``one_to_one`` (the assignment named another original, or ended an ambiguity),
        ``original_taken`` (another picture has the original), ``block_too_large`` (too many contend).

    """
    block = _Contest(criteria, images=images)
    settled = list(decisions)
    taken = {_identity(decision.best) for decision in decisions if _is_proven(decision)}
    reduced: set[int] = set()
    for j, decision in enumerate(decisions):
        if _is_proven(decision):
            continue
        left = [candidate for candidate in candidates[j] if _identity(candidate) not in taken]
        block.add(j, left)
        if len(left) < len(candidates[j]) and _contends(decision):
            reduced.add(j)
            if not block.fit.get(j):
                settled[j] = replace(decision, outcome="ambiguous", reason="original_taken")
    contending = {j: found for j, found in block.fit.items() if found and _contends(decisions[j])}
    for rows in _blocks(contending):
        matched = {_identity(decisions[j].best) for j in rows if decisions[j].outcome == "matched"}
        if reduced.isdisjoint(rows) and (len(rows) == 1 or len(matched) == len(rows)):
            again = [block.lead(j, decisions[j]) for j in rows]
        elif len(rows) <= LARGEST_BLOCK:
            again = block.assign(rows, decisions)
        else:
            again = [replace(decisions[j], outcome="ambiguous", reason="block_too_large") for j in rows]
        for j, decision in zip(rows, again, strict=True):
            settled[j] = decision
    return settled


def _is_proven(decision: Decision) -> bool:
    return decision.outcome == "matched" and decision.reason == "proven"


def _contends(decision: Decision) -> bool:
    return decision.outcome == "matched" or decision.reason in ("runner_up_too_close", "proven_for_several")


def _identity(candidate: Candidate | None) -> str:
    return candidate.identity if candidate else ""


class _Contest:
    """Published images (rows) and the originals (by identity) that they may be of.

    ``fit``: per row the pairs that satisfy the criteria; ``unfit``: the other ones that were measured.
    """

    def __init__(self, criteria: Criteria, *, images: bool) -> None:
        self.criteria, self.images = criteria, images
        self.fit: dict[int, dict[str, Candidate]] = {}
        self.unfit: list[tuple[int, str, float]] = []

    def value(self, candidate: Candidate) -> float:
        return (candidate.ssim or 0.0) if self.images else self.criteria.hamming_threshold - candidate.hamming

    def add(self, row: int, candidates: Iterable[Candidate]) -> None:
        self.fit[row] = {}
        for candidate in candidates:
            name, value = _identity(candidate), self.value(candidate)
            if decide([candidate], self.criteria, images=self.images).outcome != "matched":
                self.unfit.append((row, name, value))
            elif name not in self.fit[row] or value > self.value(self.fit[row][name]):
                self.fit[row][name] = candidate

    def lead(self, row: int, decision: Decision) -> Decision:
        """The decision, its margin lowered to the lead over pairs that do not satisfy the criteria."""
        if decision.outcome != "matched" or decision.best is None:
            return decision
        name, value = _identity(decision.best), self.value(decision.best)
        rivals = [other for r, n, other in self.unfit if (r == row) != (n == name) and other > 0]
        if rivals:
            lead = round(value - max(rivals), 6)
            decision = replace(decision, margin=lead if decision.margin is None else min(lead, decision.margin))
        needed = self.criteria.min_margin if self.images else self.criteria.min_hamming_margin
        if decision.margin is not None and decision.margin < needed:
            return replace(decision, outcome="ambiguous", reason="runner_up_too_close")
        return decision

    def assign(self, rows: list[int], decisions: Sequence[Decision]) -> list[Decision]:
        """Settle one block."""
        names = sorted({name for j in rows for name in self.fit[j]})
        gains = np.zeros((len(rows), len(names)))
        for r, j in enumerate(rows):
            for c, name in enumerate(names):
                if name in self.fit[j]:
                    gains[r, c] = max(self.value(self.fit[j][name]), 1e-9)
        chosen, total = _best(gains)
        result = []
        for r, j in enumerate(rows):
            before = decisions[j]
            if r not in chosen:
                result.append(replace(before, outcome="ambiguous", reason="original_taken"))
                continue
            best = self.fit[j][names[chosen[r]]]
            others = [candidate for candidate in self.fit[j].values() if candidate is not best]
            without = gains.copy()
            without[r, chosen[r]] = 0.0
            kept = before.outcome == "matched" and _identity(before.best) == _identity(best)
            decision = decide([best], self.criteria, images=self.images)
            decision = replace(
                decision,
                runner_up=max(others, key=lambda c: (self.value(c), c.path), default=None),
                margin=round(total - _best(without)[1], 6),
                reason=before.reason if kept else "one_to_one",
            )
            result.append(self.lead(j, decision))
        return result


def _blocks(fit: dict[int, dict[str, Candidate]]) -> list[list[int]]:
    """The connected components, each as its rows."""
    rows = sorted(fit)
    columns = {name: c for c, name in enumerate(sorted({name for found in fit.values() for name in found}))}
    if not columns:
        return []
    edges = np.array([(r, len(rows) + columns[name]) for r, j in enumerate(rows) for name in fit[j]]).T
    size = len(rows) + len(columns)
    graph = coo_array((np.ones(edges.shape[1]), (edges[0], edges[1])), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    members: dict[int, list[int]] = {}
    for r, j in enumerate(rows):
        members.setdefault(int(labels[r]), []).append(j)
    return list(members.values())


def _best(gains: NDArray[np.float64]) -> tuple[dict[int, int], float]:
    """The assignment with the largest sum, as row -> column, and that sum; a gain of 0 is no pair."""
    rows, columns = linear_sum_assignment(gains, maximize=True)
    pairs = {int(r): int(c) for r, c in zip(rows, columns, strict=True) if gains[r, c] > 0}
    return pairs, float(sum(gains[r, c] for r, c in pairs.items()))
