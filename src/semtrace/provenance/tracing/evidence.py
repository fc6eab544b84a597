"""Where candidates and comparisons come from: two sides, and their images where these are at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from semtrace.core.gpu.device import choose_device
from semtrace.io.files import safe_name
from semtrace.parallel.processes import available_cores
from semtrace.provenance.tracing import compare_on_gpu
from semtrace.provenance.tracing.compare_pairs import compare_pairs
from semtrace.provenance.tracing.crop_search import Cropped, find_crops
from semtrace.provenance.tracing.feature_search import find_overlays
from semtrace.provenance.tracing.knowledge import Knowledge, apply_verdicts
from semtrace.provenance.tracing.page_pictures import find_pictures
from semtrace.provenance.tracing.pair_images import AllCompared, Image, Pairs
from semtrace.provenance.tracing.sides import Content, Pair, Side, candidate_pairs
from semtrace.stage.executor import Executor


class PairEvidence(Protocol):
    """What a match asks about published contents; their indices are in ``wanted``.

    ``images`` is False where hash tables are all there is: then nothing is compared. ``proofs`` is False where
    decisions are to rest on similarity alone.
    """

    @property
    def originals(self) -> Side:
        """The archive."""

    @property
    def published(self) -> Side:
        """The published set."""

    @property
    def knowledge(self) -> Knowledge:
        """Of conversions, and a person's verdicts."""

    @property
    def images(self) -> bool:
        """See the class."""

    @property
    def proofs(self) -> bool:
        """See the class."""

    def near(self, wanted: Sequence[int], radius: float) -> Mapping[int, list[Pair]]:
        """The candidates nearer than ``radius`` bits, nearest first; those that a person named at any distance."""

    def compare(self, pairs: Mapping[int, list[Pair]]) -> Mapping[int, AllCompared]:
        """The comparisons of published contents with these originals, in their order."""

    def parts(self, wanted: Sequence[int]) -> Mapping[int, Cropped]:
        """The originals that each content may be a part of; none of those that were found nowhere."""

    def overlays(self, wanted: Sequence[int]) -> Mapping[int, Cropped]:
        """The originals that each content shows turned, scaled or skewed; none of those that were found nowhere."""

    def pages(self, wanted: Sequence[int]) -> tuple[PairEvidence, Mapping[int, list[int]]]:
        """Evidence of the pictures on published pages, and by page which of these stand on it."""


@dataclass(frozen=True)
class Scope:
    """What published contents are compared with.

    Attributes:
        originals: the archive.
        roots: folders of the archive and of the published set.
        knowledge: of conversions; a published image that is one needs no further proof.
    """

    originals: Side
    roots: tuple[Path, Path]
    knowledge: Knowledge

    def __post_init__(self) -> None:
        # Below the roots no link is followed; they may be links themselves.
        object.__setattr__(self, "roots", (self.roots[0].resolve(), self.roots[1].resolve()))

    def task(self, published: Content, near: Sequence[Pair]) -> Pairs:
        """One published content beside candidates, in their order."""
        shown = Image(safe_name(self.roots[1], published.paths[0]), published.md5, place=published.place)
        return shown, tuple(self._original(pair, published) for pair in near)

    def _original(self, pair: Pair, published: Content) -> Image:
        content = self.originals.contents[pair.original]
        known = self.knowledge.converted(published, content)
        file = safe_name(self.roots[0], content.paths[0])
        return Image(file, content.md5, content.bar_top, known, pair.symmetry, pair.negative, deep=content.deep)


def compare_candidates(
    pairs: Mapping[int, list[Pair]], jpegs: Side, scope: Scope, executor: Executor, *, thorough: bool = False
) -> dict[int, AllCompared]:
    """Compare published contents with candidates, in the order of these; who has no candidate has no comparison.

    Args:
        pairs: candidates by published content.
        jpegs: the published set.
        scope: what with.
        executor: where to work.
        thorough: every proof and every correlation, whether a decision needs it or not.
    """
    # Tasks with the same nearest original stand together: its pixels are then still decoded.
    order = sorted((j for j, near in pairs.items() if near), key=lambda j: (pairs[j][0].original, j))
    tasks = [scope.task(jpegs.contents[j], pairs[j]) for j in order]
    if choose_device(executor.device) == "cuda":
        compare_on_gpu.precompute_ssim(tasks, executor, "cuda")
    done = compare_pairs(tasks, executor, thorough=thorough)
    compared: dict[int, AllCompared] = {j: [] for j in pairs}
    return compared | dict(zip(order, done, strict=True))


@dataclass(frozen=True)
class FreshEvidence:
    """Evidence that is collected when it is asked for: ``match``'s.

    Attributes:
        originals: the archive.
        published: the published set.
        knowledge: of conversions, and a person's verdicts.
        roots: folders of the archive and of the published set; None where the images are absent.
        executor: where to work.
        geometry: also look for pictures published turned or mirrored.
    """

    originals: Side
    published: Side
    knowledge: Knowledge
    roots: tuple[Path, Path] | None
    executor: Executor
    geometry: bool
    proofs: bool = True

    @property
    def images(self) -> bool:
        """Whether the images are at hand."""
        return self.roots is not None

    def near(self, wanted: Sequence[int], radius: float) -> Mapping[int, list[Pair]]:
        """See ``PairEvidence``."""
        workers = self.executor.workers or available_cores()
        pairs = candidate_pairs(
            self.originals, self.published, radius, workers, geometry=self.geometry, only=wanted
        )  # fmt: skip
        return apply_verdicts(pairs, self.originals, self.published, self.knowledge)

    def compare(self, pairs: Mapping[int, list[Pair]]) -> Mapping[int, AllCompared]:
        """See ``PairEvidence``."""
        if self.roots is None:
            return {j: [] for j in pairs}
        scope = Scope(self.originals, self.roots, self.knowledge)
        return compare_candidates(pairs, self.published, scope, self.executor)

    def parts(self, wanted: Sequence[int]) -> Mapping[int, Cropped]:
        """See ``PairEvidence``."""
        return find_crops(wanted, self.originals, self.published, self.roots, self.executor) if self.roots else {}

    def overlays(self, wanted: Sequence[int]) -> Mapping[int, Cropped]:
        """See ``PairEvidence``."""
        return find_overlays(wanted, self.originals, self.published, self.roots, self.executor) if self.roots else {}

    def pages(self, wanted: Sequence[int]) -> tuple[PairEvidence, Mapping[int, list[int]]]:
        """See ``PairEvidence``; names and bytes of a page say nothing of one picture on it, a person's refusal does."""
        assert self.roots is not None  # noqa: S101  (for mypy: pages are looked at where images are)
        pictures, of_page = find_pictures(wanted, self.published, self.roots[1], self.executor)
        return replace(self, published=pictures, knowledge=Knowledge(different=self.knowledge.different)), of_page
