"""The whole match at any parameters from pictures that were measured once: the very tables that ``match`` writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from semtrace.core.errors import InputError
from semtrace.parallel.processes import available_cores
from semtrace.provenance.match import Settings
from semtrace.provenance.tracing.crop_search import Cropped, find_crops
from semtrace.provenance.tracing.evidence import Knowledge
from semtrace.provenance.tracing.results import Results, Sides, sides
from semtrace.provenance.tracing.sides import load_side
from semtrace.stage.executor import Executor
from semtrace.stage.settings import REFERENCE_BITS
from semtrace.tuning.measure import Measurements, measure


@dataclass(frozen=True)
class Replay:
    """Two sides, measured with one hash and one setting of ``geometry``.

    Attributes:
        measured: with the loosest of the settings that will be asked for.
        both: the sides, with their nearest neighbours.
        roots: folders of archive and published set.
        executor: where published parts are searched for.
        parts: what was found so far of published contents that may be parts of originals; None: searched in vain.
    """

    measured: Measurements
    both: Sides
    roots: tuple[Path, Path]
    executor: Executor
    parts: dict[int, Cropped | None] = field(default_factory=dict)

    def at(self, settings: Settings) -> tuple[Results, int]:
        """What ``match`` finds with ``settings``, and the number of pairs that it compares for that."""
        bits = self.both.originals.bits
        criteria, reach = settings.criteria(bits), settings.reach * bits / REFERENCE_BITS
        measured = replace(self.measured, most=settings.max_candidates)
        looks = [measured.look(j, criteria, reach) for j in range(len(measured.published.contents))]
        results = Results(
            [look.pairs for look in looks],
            [look.compared for look in looks],
            [look.weighed for look in looks],
            [look.result for look in looks],
        )
        if settings.geometry:
            results.place_parts(self._parts(results.fruitless()), criteria)
        if settings.one_to_one:
            results.one_to_one(criteria, images=True)
        return results, sum(look.examined for look in looks)

    def _parts(self, wanted: Sequence[int]) -> dict[int, Cropped]:
        if new := [j for j in wanted if j not in self.parts]:
            found = find_crops(new, self.both.originals, self.both.published, self.roots, self.executor)
            self.parts.update({j: found.get(j) for j in new})
        return {j: part for j in wanted if (part := self.parts[j]) is not None}


def prepare(
    hashes: tuple[Path, Path],
    roots: tuple[Path, Path],
    asked: Sequence[Settings],
    knowledge: Knowledge,
    executor: Executor,
) -> Replay:
    """Measure two hash tables, of archive and published set, for all settings that will be asked for.

    Args:
        hashes: the tables, with hashes of one length.
        roots: folders of the images.
        asked: settings, all with one ``geometry``.
        knowledge: of conversions, and a person's verdicts.
        executor: where to work.

    Raises:
        InputError: a table is empty.
    """
    originals, published = (load_side([file]) for file in hashes)
    geometry = {one.geometry for one in asked}
    if len(geometry) != 1:
        raise InputError(f"one measurement is for one geometry, not {sorted(geometry)}")
    radius = max(max(one.hamming_threshold, one.reach) for one in asked) * originals.bits / REFERENCE_BITS
    measured = measure(
        originals, published, roots, dict.fromkeys(range(len(published.contents)), frozenset()), radius,
        max(one.max_candidates for one in asked), knowledge, executor, geometry=geometry == {True},
    )  # fmt: skip
    both = sides(originals, published, executor.workers or available_cores())
    return Replay(measured, both, roots, executor)
