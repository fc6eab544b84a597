"""Grids of patches over a section, and the section put together again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Policy = Literal["overlap", "pad", "drop", "seed"]
Small = Literal["pad", "drop"]
POLICIES: tuple[Policy, ...] = ("overlap", "pad", "drop", "seed")


class Interval(NamedTuple):
    """One side of a patch: pixels ``start`` to ``stop`` (exclusive); those from ``valid`` on are invented."""

    start: int
    stop: int
    valid: int

    @property
    def real(self) -> int:
        """How many of its pixels are the section's own."""
        return self.valid - self.start


def patch_grid(
    side: int, size: int, stride: int, policy: Policy, small: Small = "pad", offset: int = 0
) -> list[Interval]:
    """Intervals of patches along one side of a section.

    ``overlap``: the last patch is moved inside, so every pixel is in a patch and none is invented. ``pad``: the last is
    filled up. ``drop``: the remainder is left out. ``seed``: as the published scripts do: round(side / size) patches
    that do not overlap, the last of them shorter than the others, or none of the remainder.

    Args:
        side: length of the side in pixels, at least 1.
        size: side of a patch.
        stride: from one patch to the next, 1 to ``size``.
        policy: what happens at the end of the side.
        small: what happens where the side is shorter than a patch (not for ``seed``, which takes what is there):
            ``pad`` fills one patch up, ``drop`` makes none.
        offset: where the grid begins, at most ``grid_room``. ``overlap`` and ``pad`` add a patch at 0 then.

    Raises:
        ValueError: a number is out of range.
    """
    if not 0 <= offset <= grid_room(side, size, stride) or (offset and policy == "seed"):
        raise ValueError(f"offset {offset}: must be 0 to {grid_room(side, size, stride)}, and 0 for the policy seed")
    if side < 1 or size < 1 or not 1 <= stride <= size:
        raise ValueError(f"side {side}, size {size}, stride {stride}: must be at least 1, stride at most size")
    if policy == "seed":
        count = max(1, round(side / size))
        ends = [(start, min(start + size, side)) for start in range(0, count * size, size)]
        return [Interval(start, stop, stop) for start, stop in ends]
    if side < size:
        return [Interval(0, size, side)] if small == "pad" else []
    last = side - size
    starts = list(range(offset, last + 1, stride))
    if offset and policy != "drop":
        starts.insert(0, 0)
    if starts[-1] != last:
        if policy == "overlap":
            starts.append(last)
        elif policy == "pad":
            starts.append(starts[-1] + stride)
    return [Interval(start, start + size, min(start + size, side)) for start in starts]


def grid_room(side: int, size: int, stride: int) -> int:
    """The largest offset that a grid along one side may have: below the stride, and a patch still fits."""
    return max(0, min(stride - 1, side - size))


def section_offsets(key: str, rooms: tuple[int, int]) -> tuple[int, int]:
    """Offsets of a grid down the rows and along the columns, drawn by ``key`` alone, each from 0 to its room."""
    digest = hashlib.md5(key.encode(), usedforsecurity=False).digest()
    down, along = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
    return down % (rooms[0] + 1), along % (rooms[1] + 1)


def lost(side: int, intervals: Sequence[Interval]) -> int:
    """How many pixels of a side lie in no patch."""
    covered = np.zeros(side, np.bool_)
    for one in intervals:
        covered[one.start : one.valid] = True
    return int(side - np.count_nonzero(covered))


def cut(section: NDArray[np.uint8], rows: Interval, columns: Interval) -> NDArray[np.uint8]:
    """A patch of a section, shape (rows, columns), contiguous; what lies outside is filled by reflection."""
    part = section[rows.start : rows.valid, columns.start : columns.valid]
    below, beside = rows.stop - rows.valid, columns.stop - columns.valid
    if below or beside:
        part = np.pad(part, ((0, below), (0, beside)), mode="reflect")
    return np.ascontiguousarray(part)


def assemble(
    shape: tuple[int, int], patches: Iterable[tuple[Interval, Interval, NDArray[np.uint8]]]
) -> NDArray[np.uint8]:
    """Put patches back in their places: the section that they were cut from, where the grid lost nothing.

    Args:
        shape: height and width of the section.
        patches: rows, columns and pixels of each.

    Returns:
        The section, uint8; pixels that no patch has are 0.
    """
    out = np.zeros(shape, np.uint8)
    for rows, columns, pixels in patches:
        out[rows.start : rows.valid, columns.start : columns.valid] = pixels[: rows.real, : columns.real]
    return out
