"""What is known of two sides beside their pixels: conversions that semtrace made, and a person's verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from semtrace.core.tracing.decision import Proof
from semtrace.core.tracing.labels import parse_published
from semtrace.io import tables
from semtrace.io.verdicts import Verdicts, read_verdicts
from semtrace.provenance.tables import CONVERTED
from semtrace.provenance.tracing.sides import Content, Pair, Side


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
        """Whether a published image is byte for byte what the convert stage made of an original."""
        return not published.digests.isdisjoint(self.made_of(original))

    def refuses(self, published: Content, original: Content) -> bool:
        """Whether a person called a published image and an original different."""
        return any(
            frozenset((left, right)) in self.different for left in published.digests for right in original.digests
        )

    def proof(self, published: Content, original: Content, *, alike: bool) -> Proof:
        """The proof that no pixel is needed for; ``alike``: whether hashes and images, where compared, agree."""
        if any(frozenset((left, right)) in self.same for left in published.digests for right in original.digests):
            return "verdict"
        made = self.made_of(original)
        if published.digests & made:
            return "identical_bytes"
        # Digits in a name are a hint: different pictures share them in published sets, so the hashes must agree too.
        digits = {parse_published(path).digits for path in published.paths}
        return "name_digest" if alike and digits & (made | original.digests) else ""


def read_knowledge(converted: Path | None, verdicts: Path | None) -> Knowledge:
    """Read ``converted.csv`` and ``verdicts.csv``, where they are.

    Raises:
        TableError: see ``io.verdicts.read_verdicts``.
    """
    conversions = {}
    if converted is not None and converted.is_file():
        conversions = {row["path"]: row["jpeg_md5"] for row in tables.read(converted, CONVERTED)}
    said = read_verdicts(verdicts) if verdicts is not None and verdicts.is_file() else Verdicts()
    return Knowledge(conversions, said.same, said.different)


def apply_verdicts(
    pairs: Mapping[int, list[Pair]], originals: Side, jpegs: Side, knowledge: Knowledge
) -> dict[int, list[Pair]]:
    """Drop the pairs a person called different; where one was called the same, it is the only candidate left."""
    if not knowledge.same and not knowledge.different:
        return dict(pairs)
    by_digest = {digest: t for t, content in enumerate(originals.contents) for digest in content.digests}
    named = named_originals(originals, jpegs, knowledge)
    result = {}
    for j, found in pairs.items():
        mine = jpegs.contents[j].digests
        known = {pair.original: pair for pair in found}
        if j in named:
            result[j] = [known.get(t, Pair(t, originals.distance(t, jpegs, j))) for t in named[j]]
        else:
            refused = {by_digest.get(digest) for pair in knowledge.different if pair & mine for digest in pair - mine}
            result[j] = [pair for pair in found if pair.original not in refused]
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
