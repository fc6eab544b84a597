"""What two datasets share: one volume deposited twice, a crop beside its whole, the same with contrast inverted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from semtrace.core.grouping.shared_hashes import SharedHashes, shared_hashes

_SHARE = 0.1


class Exemplars(NamedTuple):
    """Exemplars of some datasets, those of a dataset together.

    Attributes:
        names: of the patches, text of shape (n,).
        datasets: number of the dataset of each, ascending, shape (n,), int64.
        digests: md5 of the pixels of each as two words, shape (n, 2), uint64.
        hashes: shape (n,), uint64.
    """

    names: NDArray[Any]
    datasets: NDArray[np.int64]
    digests: NDArray[np.uint64]
    hashes: NDArray[np.uint64]


class SharedPatches(NamedTuple):
    """Pairs of exemplars of two datasets, and whether the pixels are the same, shape (pairs,)."""

    pairs: SharedHashes
    same_pixels: NDArray[np.bool_]


def shared_patches(found: Exemplars, distance: int, workers: int) -> SharedPatches:
    """Pairs of exemplars of two datasets that have the same pixels, or hashes at most ``distance`` bits apart.

    A picture with inverted contrast has the complement of the hash, so that is looked for too.
    """
    pairs = shared_hashes(found.hashes, found.datasets, distance, workers=workers)
    return SharedPatches(pairs, np.all(found.digests[pairs.ones] == found.digests[pairs.others], axis=1))


def shared_rows(found: Exemplars, shared: SharedPatches) -> Iterator[dict[str, Any]]:
    """The rows of across.csv; ``name_a`` belongs to the dataset that comes first."""
    columns = (found.names[shared.pairs.ones], found.names[shared.pairs.others], *shared.pairs[2:], shared.same_pixels)
    names = ("name_a", "name_b", "distance", "inverted", "same_pixels")
    for row in zip(*(column.tolist() for column in columns), strict=True):
        yield dict(zip(names, row, strict=True))


_NO_PARENT: Mapping[str, str] = {}


def groups(
    names: Sequence[str], found: Exemplars, shared: SharedPatches | None, parents: Mapping[str, str] = _NO_PARENT
) -> dict[str, str]:
    """Dataset -> its group: the first by name of all that are linked by shared patches, over any number of steps.

    Two datasets are linked where a patch of both has the same pixels, or where a tenth of the smaller one's exemplars
    have a partner in the other: among very many pairs a few hashes meet by chance.

    Args:
        names: of the datasets, sorted; ``found.datasets`` are numbers of this list.
        found: the exemplars of all.
        shared: what ``shared_patches`` found; None: nothing was looked for.
        parents: dataset -> the sampled volume that it is a cube of; cubes of one volume are linked.
    """
    leader = {name: name for name in names}
    linked = set()
    eldest: dict[str, str] = {}
    for name in names:
        if name in parents and (first := eldest.setdefault(parents[name], name)) != name:
            linked.add((first, name))
    if shared is not None:
        linked |= {(names[low], names[high]) for low, high in _linked(len(names), found, shared)}

    def find(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    for left, right in sorted(linked):
        low, high = sorted((find(left), find(right)))
        leader[high] = low
    return {name: find(name) for name in names}


def _linked(count: int, found: Exemplars, shared: SharedPatches) -> list[tuple[int, int]]:
    """Numbers of two datasets that share enough, of so many datasets."""
    sizes = np.bincount(found.datasets, minlength=count)
    ones, others = shared.pairs.ones, shared.pairs.others
    first, second = found.datasets[ones], found.datasets[others]
    both, of_first = _partners(first * count + second, ones)
    _, of_second = _partners(first * count + second, others)
    low, high = np.divmod(both, max(count, 1))
    partners = np.where(sizes[low] <= sizes[high], of_first, of_second)  # exemplars of the smaller one
    enough = partners >= _SHARE * np.minimum(sizes[low], sizes[high])
    enough |= np.isin(both, (first * count + second)[shared.same_pixels])
    return list(zip(low[enough].tolist(), high[enough].tolist(), strict=True))


def _partners(both: NDArray[np.int64], patches: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two datasets as one number, and how many different patches of one of them have a partner in the other."""
    order = np.lexsort((patches, both))
    both, patches = both[order], patches[order]
    new = np.ones(len(both), np.bool_)
    new[1:] = (np.diff(both) != 0) | (np.diff(patches) != 0)
    return np.unique(both[new], return_counts=True)
