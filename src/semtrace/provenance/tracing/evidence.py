"""From candidates to decisions: compare the images, collect proofs and verdicts, decide."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from semtrace.core.gpu.device import choose
from semtrace.core.image.align import Comparison
from semtrace.core.image.symmetry import inverse
from semtrace.core.tracing.decision import Candidate, Criteria, Decision, Proof, decide
from semtrace.core.tracing.labels import parse_published
from semtrace.io import tables
from semtrace.io.files import safe_name
from semtrace.io.verdicts import Verdicts, read_verdicts
from semtrace.provenance.tables import CONVERTED
from semtrace.provenance.tracing import compare_on_gpu
from semtrace.provenance.tracing.compare_pairs import compare_pairs
from semtrace.provenance.tracing.pair_images import AllCompared, Image, Pairs
from semtrace.provenance.tracing.sides import Content, Pair, Side
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure

DEGENERATE = Decision("unmatched", None, None, "", None, "degenerate_hash")


@dataclass(frozen=True)
class Knowledge:
    """What is known beside the pixels.

    Attributes:
        conversions: md5 of the JPEG made of each original path.
        same: pairs of md5 that a person called one picture (verdicts.csv).
        different: pairs of md5 that a person called different.
    """

    conversions: dict[str, str] = field(default_factory=dict)
    same: frozenset[frozenset[str]] = frozenset()
    different: frozenset[frozenset[str]] = frozenset()

    def made_of(self, original: Content) -> set[str]:
        """The md5 of the JPEGs that the convert stage made of an original."""
        return {self.conversions[path] for path in original.paths if path in self.conversions}

    def converted(self, published: Content, original: Content) -> bool:
        """Whether a published picture is byte for byte what the convert stage made of an original."""
        return not published.digests.isdisjoint(self.made_of(original))


def read_knowledge(converted: Path | None, verdicts: Path | None) -> Knowledge:
    """Read ``converted.csv`` and ``verdicts.csv``, where they are.

    Raises:
        TableError: see ``known.read_verdicts``.
    """
    conversions = {}
    if converted is not None and converted.is_file():
        conversions = {row["path"]: row["jpeg_md5"] for row in tables.read(converted, CONVERTED)}
    said = read_verdicts(verdicts) if verdicts is not None and verdicts.is_file() else Verdicts()
    return Knowledge(conversions, said.same, said.different)


def apply_verdicts(pairs: list[list[Pair]], originals: Side, jpegs: Side, knowledge: Knowledge) -> list[list[Pair]]:
    """Drop the pairs a person called different; where one was called the same, it is the only candidate left."""
    if not knowledge.same and not knowledge.different:
        return pairs
    by_digest = {digest: t for t, content in enumerate(originals.contents) for digest in content.digests}
    named = named_originals(originals, jpegs, knowledge)
    result = []
    for j, found in enumerate(pairs):
        mine = jpegs.contents[j].digests
        known = {pair.original: pair for pair in found}
        if j in named:
            result.append([known.get(t, Pair(t, originals.distance(t, jpegs, j))) for t in named[j]])
        else:
            refused = {by_digest.get(digest) for pair in knowledge.different if pair & mine for digest in pair - mine}
            result.append([pair for pair in found if pair.original not in refused])
    return result


def named_originals(originals: Side, jpegs: Side, knowledge: Knowledge) -> dict[int, list[int]]:
    """The original contents that a person called the same as a published one, where there are any."""
    by_digest = {digest: t for t, content in enumerate(originals.contents) for digest in content.digests}
    named = {}
    for j, content in enumerate(jpegs.contents):
        partners = [pair - content.digests for pair in knowledge.same if pair & content.digests]
        found = sorted({by_digest[digest] for rest in partners for digest in rest if digest in by_digest})
        if found:
            named[j] = found
    return named


@dataclass(frozen=True)
class Scope:
    """What published contents are compared with.

    Attributes:
        originals: the archive.
        roots: folders of the archive and of the published set.
        limits: at most this many candidates each, and only those nearer than so many bits.
        knowledge: of conversions; a published picture that is one needs no further proof.
    """

    originals: Side
    roots: tuple[Path, Path]
    limits: tuple[int, float]
    knowledge: Knowledge

    def __post_init__(self) -> None:
        # Below the roots no link is followed; they may be links themselves.
        object.__setattr__(self, "roots", (self.roots[0].resolve(), self.roots[1].resolve()))

    def task(self, published: Content, found: list[Pair]) -> Pairs:
        """One published content beside its nearest candidates, in their order."""
        most, trigger = self.limits
        near = tuple(self._original(pair, published) for pair in found[:most] if pair.hamming < trigger)
        return Image(safe_name(self.roots[1], published.paths[0]), published.md5), near

    def _original(self, pair: Pair, published: Content) -> Image:
        content = self.originals.contents[pair.original]
        known = self.knowledge.converted(published, content)
        file = safe_name(self.roots[0], content.paths[0])
        return Image(file, content.md5, content.bar_top, known, pair.symmetry)


def compare_candidates(
    pairs: list[list[Pair]], jpegs: Side, scope: Scope, executor: Executor, *, thorough: bool = False
) -> list[AllCompared]:
    """Compare each published content with its nearest candidates, in their order.

    Args:
        pairs: candidates per published content, nearest first.
        jpegs: the published set.
        scope: what with.
        executor: where to work.
        thorough: every proof and every correlation, whether a decision needs it or not.
    """
    tasks = [scope.task(content, found) for content, found in zip(jpegs.contents, pairs, strict=True)]
    # Tasks with the same nearest original stand together: its pixels are then still decoded.
    order = sorted((j for j, (_, near) in enumerate(tasks) if near), key=lambda j: (pairs[j][0].original, j))
    compared: list[AllCompared] = [[] for _ in pairs]
    wanted = [tasks[j] for j in order]
    if choose(executor.device) == "cuda":
        compare_on_gpu.fill(wanted, executor, "cuda")
    done = compare_pairs(wanted, executor, thorough=thorough)
    for j, result in zip(order, done, strict=True):
        compared[j] = result
    return compared


@dataclass(frozen=True)
class Weighed:
    """One published content's candidates, measured.

    Attributes:
        candidates: the nearest of them, in order.
        complete: whether these are all.
        unreadable: whether the original of one of them could not be read.
        healthy: False for a degenerate hash.
    """

    candidates: list[Candidate]
    complete: bool
    unreadable: bool
    healthy: bool


def weigh(
    content: Content,
    found: list[Pair],
    comparisons: AllCompared,
    originals: Side,
    knowledge: Knowledge,
    criteria: Criteria,
    *,
    most: int,
    proofs: bool = True,
) -> Weighed | Failure:
    """What is known of a published content's first ``most`` candidates; a picture that cannot be read is a reject.

    Without ``proofs`` by similarity alone, as if nothing were proven.
    """
    if isinstance(comparisons, Failure):
        return comparisons
    kept = found[:most]
    candidates, unreadable = [], False
    for position, pair in enumerate(kept):
        seen = comparisons[position] if position < len(comparisons) else None
        unreadable |= isinstance(seen, Failure)
        comparison = seen if isinstance(seen, Comparison) else None
        original = originals.contents[pair.original]
        candidates.append(
            Candidate(
                path=original.paths[0],
                hamming=pair.hamming,
                ssim=comparison.ssim if comparison else None,
                correlation=comparison.correlation if comparison else None,
                whole=bool(comparison and comparison.whole),
                picture=original.picture,
                symmetry=inverse(pair.symmetry),
                proof=_proof(content, original, pair, comparison, knowledge, criteria) if proofs else "",
            )
        )
    return Weighed(candidates, len(found) == len(kept), unreadable, content.healthy)


def trace(weighed: Weighed, criteria: Criteria, *, images: bool) -> Decision:
    """Decide about one published content."""
    if not weighed.healthy and not weighed.candidates:  # a verdict names a candidate all the same
        return DEGENERATE
    decision = decide(weighed.candidates, criteria, images=images, complete=weighed.complete)
    if weighed.unreadable and not (decision.best and decision.best.proof):
        # The one that cannot be read may be the original: without a proof for another, nobody knows.
        return replace(decision, outcome="ambiguous", reason="original_unreadable")
    return decision


def is_fruitless(decision: Decision) -> bool:
    """Whether no candidate was alike, so that originals farther away by hash are worth a look."""
    fruitless = ("no_candidate", "beyond_ssim_trigger", "not_comparable", "correlation_too_low")
    return decision.outcome != "matched" and decision.reason in fruitless


def is_alike(decision: Decision, criteria: Criteria) -> bool:
    """Whether the best candidate shows the same fine structure, or is proven."""
    best = decision.best
    return best is not None and (bool(best.proof) or (best.correlation or 0.0) >= criteria.min_correlation)


def _proof(
    published: Content,
    original: Content,
    pair: Pair,
    comparison: Comparison | None,
    knowledge: Knowledge,
    criteria: Criteria,
) -> Proof:
    if any(frozenset((left, right)) in knowledge.same for left in published.digests for right in original.digests):
        return "verdict"
    made = knowledge.made_of(original)
    if published.digests & made:
        return "identical_bytes"
    # Digits in a name are a hint: different pictures share them in published sets, so the hashes must agree too.
    digits = {parse_published(path).digits for path in published.paths}
    alike = comparison is None or comparison.ssim >= criteria.min_ssim
    if digits & (made | original.digests) and pair.hamming < criteria.ssim_trigger and alike:
        return "name_digest"
    return "reencoded" if comparison and comparison.proven else ""
