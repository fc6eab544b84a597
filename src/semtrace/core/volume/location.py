"""Where a patch lies: in which dataset, on which plane, in which section, in which rectangle; as a name and back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from semtrace.core.volume.box import Box

MARK = "-LOC-"
PLANES = {0: "xy", 1: "xz", 2: "yz"}
"""Axis that a section is cut across (of z, y, x), and the plane that it shows."""

_NAME = re.compile(
    r"(?P<dataset>.*)-LOC-(?P<axis>[012]|2d)_(?P<index>\d+)_(?P<y0>\d+)-(?P<y1>\d+)_(?P<x0>\d+)-(?P<x1>\d+)",
    re.DOTALL | re.ASCII,
)
_OLD_NAME = re.compile(
    r"(?P<dataset>.*)-LOC-(?P<axis>[012]|2d)_(?P<index>\d+)_(?P<y0>\d+)_(?P<x0>\d+)", re.DOTALL | re.ASCII
)


class Digits(NamedTuple):
    """How many digits the numbers of a dataset's names have, so that names sort as numbers do."""

    section: int
    pixel: int


@dataclass(frozen=True, order=True)
class Location:
    """A rectangle of a section, or of a 2D image.

    Attributes:
        dataset: name of the dataset.
        axis: axis that the section is cut across: 0 (xy), 1 (xz), 2 (yz); None for a 2D image.
        index: number of the section along the axis, or of the image in its dataset, from 0.
        y0: first row; rows run along z in xz and yz sections, along y in others.
        y1: row behind the last.
        x0: first column; columns run along y in yz sections, along x in others.
        x1: column behind the last.
    """

    dataset: str
    axis: int | None
    index: int
    y0: int
    y1: int
    x0: int
    x1: int

    def __post_init__(self) -> None:
        if self.axis not in (0, 1, 2, None):
            raise ValueError(f"axis {self.axis}: must be 0, 1, 2, or None for a 2D image")
        if self.index < 0 or not 0 <= self.y0 < self.y1 or not 0 <= self.x0 < self.x1:
            raise ValueError(f"section {self.index}, rows {self.y0}-{self.y1}, columns {self.x0}-{self.x1}: no patch")

    def name(self, digits: Digits = Digits(1, 1)) -> str:  # noqa: B008 (a constant)
        """The patch's name; ``parse`` is its exact inverse, whatever the dataset is called and however many digits."""
        axis = "2d" if self.axis is None else str(self.axis)
        rows, columns = (
            f"{start:0{digits.pixel}}-{stop:0{digits.pixel}}"
            for start, stop in ((self.y0, self.y1), (self.x0, self.x1))
        )
        return f"{self.dataset}{MARK}{axis}_{self.index:0{digits.section}}_{rows}_{columns}"

    def moved(self, dataset: str, origin: tuple[int, int, int]) -> Location:
        """The same patch in a volume ``dataset`` that holds this one with its first voxel at ``origin`` (z, y, x)."""
        if self.axis is None:
            raise ValueError(f"{self.name()} lies in a 2D image")
        down, along = (side for axis, side in enumerate(origin) if axis != self.axis)
        index = self.index + origin[self.axis]
        rows, columns = (self.y0 + down, self.y1 + down), (self.x0 + along, self.x1 + along)
        return Location(dataset, self.axis, index, *rows, *columns)

    def box(self) -> Box:
        """The voxels of a section's patch.

        Raises:
            ValueError: it lies in a 2D image.
        """
        if self.axis == 0:
            return Box(self.index, self.index + 1, self.y0, self.y1, self.x0, self.x1)
        if self.axis == 1:
            return Box(self.y0, self.y1, self.index, self.index + 1, self.x0, self.x1)
        if self.axis == 2:
            return Box(self.y0, self.y1, self.x0, self.x1, self.index, self.index + 1)
        raise ValueError(f"{self.name()} lies in a 2D image")


def parse_location(name: str, *, size: int | None = None) -> Location:
    """The location of a name, read from the right, so that a dataset may have any name.

    Args:
        name: as ``Location.name`` writes it.
        size: side of a patch in pixels; with it the older form ``…_<y>_<x>``, which has no ends, is understood too.

    Raises:
        ValueError: it is no patch's name.
    """
    if found := _NAME.fullmatch(name):
        ends = [int(found[key]) for key in ("y0", "y1", "x0", "x1")]
    elif size is not None and (found := _OLD_NAME.fullmatch(name)):
        row, column = int(found["y0"]), int(found["x0"])
        ends = [row, row + size, column, column + size]
    else:
        raise ValueError(f"{name!r} is not the name of a patch: <dataset>{MARK}<axis>_<index>_<y0>-<y1>_<x0>-<x1>")
    axis = None if found["axis"] == "2d" else int(found["axis"])
    return Location(found["dataset"], axis, int(found["index"]), *ends)


def digits_for(sections: int, side: int) -> Digits:
    """Digits for a dataset that has so many sections (on its longest axis) and so long a side in pixels."""
    return Digits(len(str(max(sections - 1, 0))), len(str(side)))
