"""What links two contents of an archive or a published set: known facts, and near hashes that are looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semtrace.core.grouping.groups import Evidence, Link, group, link_distances, near_hash_pairs
from semtrace.io.files import safe_name
from semtrace.parallel.processes import available_cores
from semtrace.provenance.duplicates.likeness import compare_fields
from semtrace.provenance.tracing.knowledge import Knowledge
from semtrace.provenance.tracing.pair_images import Image
from semtrace.provenance.tracing.sides import Content, Side
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Reject


@dataclass(frozen=True)
class Pool:
    """Contents of one or two sides in one list; a content is known by its index there.

    Attributes:
        contents: those of the first side, then those of the second.
        sides: the side of each.
        sets: the set of each; only contents of one set are linked.
        healthy: False where there is nothing to tell it by: empty or clipped, or so above its data bar.
        words: uint64 (n, bits / 64), one or two hashes of each content.
        owners: int64 (n,), ascending, the content of each hash.

    """

    contents: list[Content]
    sides: list[str]
    sets: list[str]
    healthy: list[bool]
    words: NDArray[np.uint64]
    owners: NDArray[np.int64]


@dataclass(frozen=True)
class Limits:
    """When two contents belong together.

    Attributes:
        radius: they are compared when their hashes are nearer than this, bits of the hash in use.
        radius_by_hash: nearer than this they belong together where there are no images to compare.
        most: most neighbours of one that are taken.
        min_correlation: compared, they belong together with at least this correlation.

    """

    radius: float
    radius_by_hash: float
    most: int
    min_correlation: float


def make_pool(sides: Mapping[str, Side], *, across: bool) -> Pool:
    """Put sides together, as one set (``across``) or each as its own."""
    names = [name for name, side in sides.items() for _ in side.contents]
    parts, start = [], 0
    for side in sides.values():
        parts += [(side.words, start + np.arange(len(side.contents))), (side.cropped_words, start + side.cropped_owner)]
        start += len(side.contents)
    words, owners = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.argsort(owners, kind="stable")
    contents = [content for side in sides.values() for content in side.contents]
    cropped = [set(side.cropped_owner.tolist()) for side in sides.values()]
    healthy = [
        content.healthy and (content.bar_top < 0 or i in known)
        for side, known in zip(sides.values(), cropped, strict=True)
        for i, content in enumerate(side.contents)
    ]
    return Pool(contents, names, [""] * len(names) if across else names, healthy, words[order], owners[order])


def known_links(pool: Pool, traced: Mapping[str, str], knowledge: Knowledge) -> list[Link]:
    """Links that need no look at the pixels.

    Args:
        pool: all contents.
        traced: original path of each published path that was matched.
        knowledge: of verdicts.

    """
    pixels, pictures, digests = (defaultdict[tuple[str, str], list[int]](list) for _ in range(3))
    place: dict[tuple[str, str], int] = {}
    for i, (content, side, name) in enumerate(zip(pool.contents, pool.sides, pool.sets, strict=True)):
        place.update(((side, path), i) for path in content.paths)
        for digest in content.digests:
            digests[name, digest].append(i)
        if content.picture:
            pixels[name, content.key].append(i)
            if pool.healthy[i]:  # one empty picture is like any other, whatever was recorded
                pictures[name, content.picture].append(i)
    found: list[tuple[int, int, Evidence]] = []
    for members in pictures.values():
        found += [(i, j, "same_picture") for i, j in pairwise(members)]
    for jpeg, tiff in sorted(traced.items()):
        original, published = place.get(("tiff", tiff)), place.get(("jpeg", jpeg))
        if original is not None and published is not None and pool.sets[original] == pool.sets[published]:
            found.append((original, published, "traced"))
    for left, right in sorted(sorted(pair) for pair in knowledge.same if len(pair) == 2):
        for name in sorted(set(pool.sets)):
            both = product(digests.get((name, left), ()), digests.get((name, right), ()))
            found += [(i, j, "verdict") for i, j in both if i != j]
    # Pixels are a fact, what else is known may be refused by a person.
    found = [(i, j, evidence) for i, j, evidence in found if not _refused(pool, i, j, knowledge)]
    for i, j in (pair for members in pixels.values() for pair in pairwise(members)):
        other_bytes = pool.contents[i].digests.isdisjoint(pool.contents[j].digests)
        found.append((i, j, "identical_pixels" if other_bytes else "identical_bytes"))
    ordered = [(min(i, j), max(i, j), evidence) for i, j, evidence in dict.fromkeys(found)]
    bits = link_distances(pool.words, pool.owners, [(i, j) for i, j, _ in ordered]).tolist()
    return [Link(*one, apart) for one, apart in zip(ordered, bits, strict=True)]


def near_links(
    pool: Pool,
    known: Sequence[Link],
    limits: Limits,
    roots: Mapping[str, Path] | None,
    knowledge: Knowledge,
    executor: Executor,
) -> tuple[list[Link], dict[int, Reject], int]:
    """Links between contents with near hashes, which are looked at where there are images.

    Args:
        pool: all contents.
        known: links that there are already; what they hold together is not looked at.
        limits: when two contents belong together.
        roots: folder of each side's images; None where there are hashes alone.
        knowledge: of verdicts.
        executor: where to work.

    Returns:
        The links, the contents that could not be read (any more), and how many lists of neighbours were cut.
    """
    together = _labels(pool, known)
    usable = np.array(pool.healthy)[pool.owners]
    sets = np.array(pool.sets)[pool.owners]
    links, cut = [], 0
    for name in sorted(set(pool.sets)):
        chosen = usable & (sets == name)
        near = near_hash_pairs(
            pool.words[chosen], pool.owners[chosen], limits.radius if roots else limits.radius_by_hash, limits.most,
            workers=executor.workers or available_cores(),
        )  # fmt: skip
        cut += near.cut
        links += [
            Link(i, j, "hamming", bits)
            for (i, j), bits in zip(near.pairs.tolist(), near.distances.tolist(), strict=True)
            if together[i] != together[j] and not _refused(pool, i, j, knowledge)
        ]
    if roots is None:
        return links, {}, cut
    return *_look(pool, links, limits.min_correlation, roots, executor), cut


def _look(
    pool: Pool, near: Sequence[Link], min_correlation: float, roots: Mapping[str, Path], executor: Executor
) -> tuple[list[Link], dict[int, Reject]]:
    roots = {side: root.resolve() for side, root in roots.items()}
    image = {
        i: Image(safe_name(roots[pool.sides[i]], pool.contents[i].paths[0]), pool.contents[i].md5)
        for i in sorted({i for link in near for i in (link.first, link.second)})
    }
    asked: dict[int, list[Link]] = defaultdict(list)
    for link in near:
        asked[link.first].append(link)
    # Contents that may be one group stand together: their pixels are then still at hand.
    place = _labels(pool, near)
    order = sorted(asked, key=lambda i: (place[i], i))
    tasks = [(image[i], tuple(image[link.second] for link in asked[i])) for i in order]
    links: list[Link] = []
    failed: dict[str, Reject] = {}
    for i, compared in zip(order, compare_fields(tasks, executor), strict=True):
        for link, like in zip(asked[i], compared, strict=True):
            if isinstance(like, Reject):
                failed[like.path] = like
            elif like is not None and like.correlation >= min_correlation:
                links.append(Link(link.first, link.second, "correlation", link.hamming, like.correlation, like.drift))
    return links, {i: failed[one.file] for i, one in image.items() if one.file in failed}


def _labels(pool: Pool, links: Sequence[Link]) -> dict[int, int]:
    """The first member of the group of each content."""
    return {member: members[0] for members in group(len(pool.contents), links) for member in members}


def _refused(pool: Pool, i: int, j: int, knowledge: Knowledge) -> bool:
    """Whether a person called the two different."""
    pairs = product(pool.contents[i].digests, pool.contents[j].digests)
    return bool(knowledge.different) and any(frozenset(pair) in knowledge.different for pair in pairs)
