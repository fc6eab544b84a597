"""Cubes that stand for a volume too large to be cut whole: where they may lie, which are worth it, and their names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.volume.box import Box

CUBE_SIDE = 256  # voxels
COARSE = 8  # every how manieth voxel of a side is looked at
LEAST_UNPADDED = 0.7
"""Share of a cube's coarse voxels that must not lie in its most frequent level."""
_MARK = "-ROI-"
_PLACE = re.compile(r"(\d+)-(\d+)_(\d+)-(\d+)_(\d+)-(\d+)", re.ASCII)


def cubes_in_turn(shape: tuple[int, int, int], key: str, side: int = CUBE_SIDE) -> Iterator[Box]:
    """Cubes of a volume that share no voxel, in an order and from a first corner that ``key`` alone decides.

    Args:
        shape: of the volume, z, y, x.
        key: what the draw depends on.
        side: of a cube; a side of the volume that is shorter is taken whole.
    """
    digest = hashlib.md5(key.encode(), usedforsecurity=False).digest()
    random = np.random.default_rng(int.from_bytes(digest, "little"))
    sides = [min(side, one) for one in shape]
    counts = [one // size for one, size in zip(shape, sides, strict=True)]
    corner = [int(random.integers(0, one % size + 1)) for one, size in zip(shape, sides, strict=True)]
    for number in random.permutation(int(np.prod(counts))):
        place = np.unravel_index(int(number), counts)
        starts = [corner[i] + int(place[i]) * sides[i] for i in range(3)]
        yield Box(*(end for i in range(3) for end in (starts[i], starts[i] + sides[i])))


def is_unpadded(voxels: NDArray[Any]) -> bool:
    """Whether enough of a cube is more than padding, which has one level: every eighth voxel along each axis counts."""
    _, counts = np.unique(voxels[::COARSE, ::COARSE, ::COARSE], return_counts=True)
    return bool(counts.max() <= (1 - LEAST_UNPADDED) * counts.sum())


def roi_text(box: Box) -> str:
    """A box as the end of a dataset's name: ``z0-z1_y0-y1_x0-x1``."""
    return "_".join(f"{box[i]}-{box[i + 1]}" for i in (0, 2, 4))


def parse_roi(text: str) -> Box:
    """The box of a text that ``roi_text`` wrote.

    Raises:
        ValueError: it is none.
    """
    found = _PLACE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no place of a cube: z0-z1_y0-y1_x0-x1")
    return Box(*(int(end) for end in found.groups()))


def roi_name(parent: str, text: str) -> str:
    """Name of the cube of a dataset at a place in words; of the dataset itself where that is empty."""
    return f"{parent}{_MARK}{text}" if text else parent


def parent_name(name: str, text: str) -> str:
    """Name of the dataset that a cube at a place in words was taken from; the name itself where that is empty."""
    return name.removesuffix(f"{_MARK}{text}") if text else name
