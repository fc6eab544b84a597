"""Folders of numbered sections: one picture for each z, in the order of their numbers; gaps stay gaps."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from semtrace.core.volume.box import Box
from semtrace.core.volume.voxels import VoxelSize
from semtrace.io.volumes.pages import page_facts, read_page
from semtrace.io.volumes.volume import UnreadableVolume, Volume, check_shape

_NUMBER = re.compile(r"^(.*?)(\d+)(\D*)$", re.DOTALL)


class NumberedName(NamedTuple):
    """A file name apart: what stands before its last number, the number, and what follows."""

    before: str
    number: int
    after: str


def numbered(name: str) -> NumberedName | None:
    """Take the last number out of a file name without its suffix; None where it has none."""
    stem, dot, suffix = name.rpartition(".")
    found = _NUMBER.match(stem if dot else name)
    return NumberedName(found[1], int(found[2]), found[3] + "." + suffix.lower()) if found else None


def series(names: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Group the names of one folder that differ in their last number alone, each group by number: two or more."""
    groups: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for name in names:
        if (apart := numbered(name)) is not None:
            groups[apart.before, apart.after].append((apart.number, name))
    return {key: [name for _, name in sorted(group)] for key, group in sorted(groups.items()) if len(group) > 1}


def open_sections(folder: Path, names: Sequence[str]) -> list[Volume]:
    """The volume of the pictures ``names`` in ``folder``, ordered by number.

    A number that is left out is a section whose voxels are 0 and ``absent``.

    Raises:
        UnreadableVolume: sizes or types differ, two have one number, more than half are left out, or one is damaged.
    """
    numbers = [apart.number for name in names if (apart := numbered(name)) is not None]
    if len(set(numbers)) != len(names) or not names:
        raise UnreadableVolume("same_number", f"{len(names)} pictures with {len(set(numbers))} numbers")
    place = {number - min(numbers): name for number, name in zip(numbers, names, strict=True)}
    depth = max(numbers) - min(numbers) + 1
    if depth > 2 * len(names):
        raise UnreadableVolume("gaps", f"{depth - len(names)} of {depth} section numbers are left out")
    facts = None
    for _, name in sorted(place.items()):
        one = page_facts(folder / name)
        if one.pages > 1:
            raise UnreadableVolume("unsupported", f"{name} has {one.pages} pages: volumes do not stand among sections")
        if facts is not None and (one.height, one.width) != (facts.height, facts.width):
            sizes = f"{facts.height} x {facts.width} and {one.height} x {one.width}"
            raise UnreadableVolume("mixed_sizes", f"sections of {sizes} pixels ({name})")
        if facts is not None and one.dtype != facts.dtype:
            raise UnreadableVolume("mixed_types", f"sections of {facts.dtype} and {one.dtype} ({name})")
        facts = one
    assert facts is not None  # noqa: S101 (names is not empty)
    shape = depth, facts.height, facts.width
    check_shape(shape, facts.dtype.itemsize)
    left_out = [number for number in range(depth) if number not in place]
    notes: tuple[str, ...] = ()
    if left_out:
        shown = ", ".join(str(number + min(numbers)) for number in left_out[:10])
        notes = (f"{len(left_out)} section numbers are left out: {shown}{', …' if len(left_out) > 10 else ''}",)

    def load(box: Box) -> NDArray[Any]:
        out = np.zeros(box.shape, facts.dtype)
        for z in range(box.z0, box.z1):
            if z in place:
                page = read_page(folder / place[z])
                if page.shape != shape[1:] or page.dtype != facts.dtype:
                    raise UnreadableVolume("changed", f"{place[z]} is not the picture that it was")
                out[z - box.z0] = page[box.y0 : box.y1, box.x0 : box.x1]
        return out

    def absent(box: Box) -> list[Box]:
        return [box._replace(z0=z, z1=z + 1) for z in left_out if box.z0 <= z < box.z1]

    return [Volume("sections", shape, facts.dtype, VoxelSize(), load, notes=notes, absent=absent)]
