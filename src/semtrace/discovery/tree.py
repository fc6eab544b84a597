"""The upper part of a dendrogram as a tree of proposed sub-categories: nodes known by the digest of their members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semtrace.core.grouping.agglomerative import Merges, cut_tree
from semtrace.core.grouping.neighbours import Points
from semtrace.core.statistics.agreement import jaccard
from semtrace.io.digests import md5

NodeRows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Node:
    """One cluster of the tree.

    Attributes:
        id: first 12 digits of the digest of its members' md5, whatever their order.
        parent: id of the node that it is a part of; empty for the root.
        depth: 0 for the root.
        rows: points in it, ascending.
        height: at which its parts were merged, in the unit of the method; 0 for one point.
        children: ids, the larger first; none for a leaf.
        clusters: of how many clusters it is one, where it first appears from above.

    """

    id: str
    parent: str
    depth: int
    rows: NodeRows
    height: float
    children: tuple[str, ...]
    clusters: int


def node_id(members: Sequence[str]) -> str:
    """Identity of a set of contents."""
    return md5("\n".join(sorted(members)).encode())[:12]


def nodes(
    merged: Merges, md5s: Sequence[str], leaves: int, split: Callable[[str], bool] = lambda _: False
) -> list[Node]:
    """All nodes above and at a cut into ``leaves`` clusters, root first, parents before children.

    Args:
        merged: of N points.
        md5s: of each point.
        leaves: 1 to N.
        split: whether a person wants a leaf, by its id, divided once more.

    """
    count = len(merged) + 1
    rows_of = _Members(merged)
    found: list[Node] = []

    def visit(number: int, parent: str, depth: int, clusters: int) -> str:
        rows = rows_of(number)
        own = node_id([md5s[row] for row in rows])
        step = number - count
        is_open = number >= count and (count - step - 1 < leaves or split(own))
        place = len(found)
        found.append(Node(own, parent, depth, rows, 0.0, (), 0))
        below: tuple[str, ...] = ()
        if is_open:
            parts = sorted((int(part) for part in merged[step, :2]), key=lambda part: (-len(rows_of(part)), part))
            below = tuple(visit(part, own, depth + 1, count - step) for part in parts)
        height = float(merged[step, 2]) if number >= count else 0.0
        found[place] = Node(own, parent, depth, rows, height, below, clusters)
        return own

    visit(2 * count - 2, "", 0, 1)
    return found


class _Members:
    """Points of any cluster of a dendrogram: each is a stretch of one order of the points."""

    def __init__(self, merged: Merges) -> None:
        count = len(merged) + 1
        self._size = np.concatenate([np.ones(count, np.int64), merged[:, 3].astype(np.int64)])
        self._start = np.zeros(2 * count - 1, np.int64)
        for row in range(len(merged) - 1, -1, -1):
            left, right = int(merged[row, 0]), int(merged[row, 1])
            self._start[left] = self._start[count + row]
            self._start[right] = self._start[count + row] + self._size[left]
        self._order = np.empty(count, np.int64)
        self._order[self._start[:count]] = np.arange(count)

    def __call__(self, number: int) -> NodeRows:
        start = self._start[number]
        return np.sort(self._order[start : start + self._size[number]])


def stability(
    found: Sequence[Node], points: Points, cluster: Callable[[Points], Merges], samples: int, seed: int
) -> dict[str, float]:
    """Mean Jaccard index of every node with its like in trees of seeded subsamples of 80 % of the points; by id.

    The subsample's tree is cut into as many clusters as the whole tree had when the node was one of them. The most
    similar of these clusters is the like of the node.

    Args:
        found: the nodes.
        points: of the whole tree, shape (N, D), float64.
        cluster: merges of any points.
        samples: subsamples, 0 or more.
        seed: of the subsamples.

    Returns:
        0 to 1 each; a node that no subsample speaks of has no entry.

    """
    keep = round(0.8 * len(points))
    scores: dict[str, list[float]] = {node.id: [] for node in found}
    rng = np.random.default_rng(seed)
    for _ in range(samples if keep >= 2 else 0):
        rows = np.sort(rng.permutation(len(points))[:keep])
        merged = cluster(points[rows])
        cuts: dict[int, NDArray[np.int64]] = {}
        for node in found:
            inside = np.flatnonzero(np.isin(rows, node.rows, assume_unique=True))
            if len(inside) == 0 or node.clusters > keep:
                continue
            if node.clusters not in cuts:
                cuts[node.clusters] = cut_tree(merged, node.clusters)
            labels = cuts[node.clusters]
            best = max(
                jaccard(inside, np.flatnonzero(labels == cluster_number))
                for cluster_number in np.unique(labels[inside])
            )
            scores[node.id].append(best)
    return {name: float(np.mean(values)) for name, values in scores.items() if values}
