"""Which planes of a volume may be cut, and which sections of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from semtrace.core.volume.location import PLANES
from semtrace.core.volume.voxels import Sides

_IN_PLANE = {0: (1, 2), 1: (0, 2), 2: (0, 1)}
"""Axes (of z, y, x) along which the rows and columns of a section lie, by the axis that it is cut across."""


def in_plane(sides: Sequence[float | None], axis: int) -> tuple[float | None, float | None]:
    """Of values for z, y, x those down the rows and along the columns of a section cut across ``axis``."""
    down, along = _IN_PLANE[axis]
    return sides[down], sides[along]


def section_shape(shape: tuple[int, int, int], axis: int) -> tuple[int, int]:
    """Height and width of a section cut across ``axis`` of a volume of that shape."""
    down, along = _IN_PLANE[axis]
    return shape[down], shape[along]


def planes(ratio: Sides, max_ratio: float, *, always: bool = False) -> list[int]:
    """The axes that sections may be cut across.

    xy may always be cut. xz and yz may be where the two sides of a voxel in that plane differ by no more than
    ``max_ratio`` allows; where a side is unknown they may not.

    Args:
        ratio: sides of a voxel z, y, x in any one unit.
        max_ratio: longer over shorter side, at least 1.
        always: cut all three, whatever the sides are.
    """
    if always:
        return list(PLANES)
    found = [0]
    for axis in (1, 2):
        down, along = in_plane(ratio, axis)
        if down and along and max(down, along) <= max_ratio * min(down, along) * (1 + 1e-9):
            found.append(axis)
    return found


def section_indices(count: int, spacing: int, first: int) -> range:
    """Numbers of the sections to cut of ``count``: every ``spacing``-th from ``first`` on; the last can be reached."""
    return range(first, count, spacing)


def cut_section(volume: NDArray[np.uint8], axis: int, index: int) -> NDArray[np.uint8]:
    """A section of a volume (Z, Y, X), cut across ``axis``: a view, rows along z or y, columns along y or x."""
    section: NDArray[np.uint8] = np.moveaxis(volume, axis, 0)[index]
    return section
