"""Subvolumes around patches: a few sections around each, or blocks where many sections have a patch worth having."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from semtrace.core.volume.box import Box, intersect


class Run(NamedTuple):
    """Sections ``low`` to ``high`` (exclusive), and the share of them that has a patch."""

    low: int
    high: int
    share: float


def sections_around(index: int, count: int, side: int) -> tuple[int, int] | None:
    """``count`` sections around one, moved inside a volume of ``side`` sections; and by how many they were moved.

    Returns:
        The first of them and the shift (negative: towards 0); None where the volume has too few.
    """
    if side < count:
        return None
    wanted = index - count // 2
    low = min(max(wanted, 0), side - count)
    return low, low - wanted


def rich_runs(indices: NDArray[np.int64], count: int, side: int, least: float) -> list[Run]:
    """Runs of ``count`` sections that begin at one with a patch and have patches in at least a share of them.

    Args:
        indices: numbers of the sections that have a patch, rising, shape (n,).
        count: sections of a run, at least 1.
        side: sections of the volume; a run is moved inside.
        least: share of the sections of a run, 0 to 1.
    """
    if side < count:
        return []
    lows = np.unique(np.minimum(indices, side - count))
    inside = np.searchsorted(indices, lows + count) - np.searchsorted(indices, lows)
    shares = inside / count
    return [
        Run(int(low), int(low) + count, float(share)) for low, share in zip(lows, shares, strict=True) if share >= least
    ]


def overlap_share(left: Box, right: Box) -> float:
    """Voxels of both over voxels of either, 0 to 1."""
    shared = intersect(left, right)
    if shared is None:
        return 0.0
    common = int(np.prod(shared.shape))
    return common / (int(np.prod(left.shape)) + int(np.prod(right.shape)) - common)


def pick_apart(boxes: Sequence[Box], order: Iterable[int], most: float) -> list[int]:
    """Of boxes in an order those that share at most ``most`` (``overlap_share``) with each that was taken before."""
    taken: list[int] = []
    for at in order:
        if all(overlap_share(boxes[at], boxes[other]) <= most for other in taken):
            taken.append(at)
    return taken
