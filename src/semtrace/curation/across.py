"""What two datasets share: one volume deposited twice, a crop beside its whole, the same with contrast inverted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from semtrace.core.hashing.hamming import within
from semtrace.core.volume.location import parse_location

_SHARE = 0.1


class Exemplars(NamedTuple):
    """Exemplars of all datasets: names, datasets, md5s of pixels (text), and hashes, uint64; each of shape (n,)."""

    names: NDArray[Any]
    datasets: NDArray[Any]
    md5s: NDArray[Any]
    hashes: NDArray[np.uint64]


def shared_patches(found: Exemplars, distance: int, workers: int) -> list[dict[str, Any]]:
    """Pairs of exemplars of two datasets that have the same pixels, or hashes at most ``distance`` bits apart.

    A picture with inverted contrast has the complement of the hash, so that is looked for too. ``name_a`` belongs to
    the dataset that comes first by name.
    """
    pairs: dict[tuple[int, int], dict[str, Any]] = {}
    code = np.unique(found.datasets.astype(str), return_inverse=True)[1] if len(found.datasets) else np.empty(0, int)
    words = found.hashes[:, None]
    for inverted, queries in ((False, words), (True, ~words)):
        offsets, others, bits = within(queries, words, distance + 1, workers=workers)
        ones = np.repeat(np.arange(len(words)), np.diff(offsets))
        keep = code[ones] < code[others]
        for one, other, apart in zip(ones[keep].tolist(), others[keep].tolist(), bits[keep].tolist(), strict=True):
            pair = _pair(found, one, other, apart, inverted)
            known = pairs.get((one, other))
            if known is None or apart < known["distance"]:
                pairs[one, other] = pair
    return list(pairs.values())


def _pair(found: Exemplars, one: int, other: int, apart: int, inverted: bool) -> dict[str, Any]:
    return {
        "name_a": found.names[one], "name_b": found.names[other], "distance": apart, "inverted": inverted,
        "same_pixels": bool(found.md5s[one] == found.md5s[other]),
    }  # fmt: skip


_NO_PARENT: Mapping[str, str] = {}


def groups(
    exemplars: Mapping[str, int], pairs: Iterable[Mapping[str, Any]], parents: Mapping[str, str] = _NO_PARENT
) -> dict[str, str]:
    """Dataset -> its group: the first by name of all that are linked by shared patches, over any number of steps.

    Two datasets are linked where a patch of both has the same pixels, or where a tenth of the smaller one's exemplars
    have a partner in the other: among very many pairs a few hashes meet by chance.

    Args:
        exemplars: dataset -> how many it has.
        pairs: what ``shared_patches`` found.
        parents: dataset -> the sampled volume that it is a cube of; cubes of one volume are linked.
    """
    partners: dict[tuple[str, str], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    leader = {name: name for name in exemplars}
    linked = set()
    eldest: dict[str, str] = {}
    for name in sorted(exemplars):
        if name in parents and (first := eldest.setdefault(parents[name], name)) != name:
            linked.add((first, name))
    for pair in pairs:
        both = parse_location(pair["name_a"]).dataset, parse_location(pair["name_b"]).dataset
        for found, name in zip(partners[both], (pair["name_a"], pair["name_b"]), strict=True):
            found.add(name)
        if pair["same_pixels"]:
            linked.add(both)
    for both, names in partners.items():
        smaller = min((0, 1), key=lambda side: exemplars[both[side]])
        if len(names[smaller]) >= _SHARE * exemplars[both[smaller]]:
            linked.add(both)

    def find(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    for left, right in sorted(linked):
        low, high = sorted((find(left), find(right)))
        leader[high] = low
    return {name: find(name) for name in exemplars}
