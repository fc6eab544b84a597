"""A volume apart into blocks of which each gives all its patches, so that one pass over the voxels cuts every plane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from semtrace.core.volume.box import Box
from semtrace.core.volume.patches import Interval, Policy, Small, grid


class Stretch(NamedTuple):
    """Part of a side of the volume: sections ``low`` to ``high`` (exclusive) are its own, and no other part's.

    ``interval`` is the place of the patches that lie along this side; None where there are none here.
    """

    low: int
    high: int
    interval: Interval | None


class Block(NamedTuple):
    """What is cut together: patches of every plane that lie in these stretches of z, y and x."""

    z: Stretch
    ys: tuple[Stretch, ...]
    xs: tuple[Stretch, ...]

    def box(self) -> Box:
        """The voxels that the block needs."""
        ends: list[int] = []
        for stretches in ((self.z,), self.ys, self.xs):
            starts = [one.low if one.interval is None else min(one.low, one.interval.start) for one in stretches]
            stops = [one.high if one.interval is None else max(one.high, one.interval.valid) for one in stretches]
            ends += [min(starts), max(stops)]
        return Box(*ends)


def stretches(side: int, size: int, stride: int, policy: Policy, small: Small) -> list[Stretch]:
    """Stretches of a side of the volume, in order; each section belongs to the first interval that has it."""
    found, low = [], 0
    for one in grid(side, size, stride, policy, small):
        if one.valid > low:
            found.append(Stretch(low, one.valid, one))
            low = one.valid
        elif one.valid == low:  # the same end, reached from two starts
            found.append(Stretch(low, low, one))
    if low < side:
        found.append(Stretch(low, side, None))
    return found


def slab_stretches(side: int, depth: int) -> list[Stretch]:
    """Stretches of at most ``depth`` sections along a side that no patch lies along."""
    return [Stretch(low, min(low + depth, side), None) for low in range(0, side, depth)]


def blocks(zs: Sequence[Stretch], ys: Sequence[Stretch], xs: Sequence[Stretch], memory: int) -> Iterator[Block]:
    """Blocks as thick as one stretch of z and as wide as ``memory`` bytes allow, one byte a voxel.

    A block has at least one stretch of each side. Every triple of stretches lies in exactly one block.
    """
    for z in zs:
        depth = Block(z, (ys[0],), (xs[0],)).box().shape[0]
        for xs_here in _runs(xs, memory // (depth * _width(ys[:1]))):
            width = _width(xs_here)
            for ys_here in _runs(ys, memory // (depth * width)):
                yield Block(z, tuple(ys_here), tuple(xs_here))


def _width(some: Sequence[Stretch]) -> int:
    box = Block(some[0], tuple(some), tuple(some)).box()
    return box.y1 - box.y0


def _runs(some: Sequence[Stretch], most: int) -> Iterator[Sequence[Stretch]]:
    """Cut a sequence into runs that are at most so many voxels wide, or have one stretch."""
    start = 0
    for stop in range(1, len(some) + 1):
        if stop == len(some) or _width(some[start : stop + 1]) > most:
            yield some[start:stop]
            start = stop
