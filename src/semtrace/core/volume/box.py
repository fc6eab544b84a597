"""A box of voxels: half-open intervals along z, y and x."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Box(NamedTuple):
    """Voxels ``z0 <= z < z1``, ``y0 <= y < y1``, ``x0 <= x < x1``, counted from 0."""

    z0: int
    z1: int
    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Sides in voxels, in the order z, y, x."""
        return self.z1 - self.z0, self.y1 - self.y0, self.x1 - self.x0

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Index of the box in an array of shape (Z, Y, X)."""
        return slice(self.z0, self.z1), slice(self.y0, self.y1), slice(self.x0, self.x1)

    @property
    def origin(self) -> tuple[int, int, int]:
        """The first voxel: z, y, x."""
        return self.z0, self.y0, self.x0

    def moved(self, by: tuple[int, int, int]) -> Box:
        """The box moved by so many voxels along z, y and x."""
        return Box(*(end + by[i // 2] for i, end in enumerate(self)))


def whole_box(shape: tuple[int, int, int]) -> Box:
    """The box of a volume of that shape (Z, Y, X)."""
    return Box(0, shape[0], 0, shape[1], 0, shape[2])


def intersect(left: Box, right: Box) -> Box | None:
    """The voxels of both; None where they share none."""
    ends = [
        (max(left[i], right[i]), min(left[i + 1], right[i + 1]))
        for i in (0, 2, 4)
    ]  # fmt: skip
    if any(low >= high for low, high in ends):
        return None
    return Box(*(side for pair in ends for side in pair))


def slabs(shape: tuple[int, int, int], itemsize: int, memory: int) -> Iterator[Box]:
    """Cut a volume into slabs of whole sections, from the first to the last, each of at most ``memory`` bytes.

    A slab has at least one section, whatever its size.
    """
    depth = max(1, memory // max(1, shape[1] * shape[2] * itemsize))
    for start in range(0, shape[0], depth):
        yield Box(start, min(start + depth, shape[0]), 0, shape[1], 0, shape[2])
