"""Voxel sizes: nanometres where the unit is known, ratios where it is not, nothing where nothing is said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

Sides = tuple[float | None, float | None, float | None]

_NANOMETRES = {
    "m": 1e9, "metre": 1e9, "meter": 1e9,
    "cm": 1e7, "centimeter": 1e7, "centimetre": 1e7, "mm": 1e6, "millimeter": 1e6, "millimetre": 1e6,
    "um": 1e3, "µm": 1e3, "μm": 1e3, "micron": 1e3, "microns": 1e3, "micrometer": 1e3, "micrometre": 1e3,
    "nm": 1.0, "nanometer": 1.0, "nanometre": 1.0,
    "angstrom": 0.1, "ångström": 0.1, "å": 0.1, "a": 0.1, "pm": 1e-3, "picometer": 1e-3, "picometre": 1e-3,
}  # fmt: skip


@dataclass(frozen=True)
class VoxelSize:
    """Sides of a voxel in the order z, y, x.

    Attributes:
        nm: sides in nanometres; None where they are not known. Never zero or negative.
        ratio: sides in an unknown unit, only good for ratios; None where they are not known.
        source: header field or setting that they come from; empty: nothing says them.
        note: words about a side that was mended or left out.
    """

    nm: Sides = (None, None, None)
    ratio: Sides = (None, None, None)
    source: str = ""
    note: str = ""


def nanometres_per(unit: str | None) -> float | None:
    """Nanometres in a unit of length, by its name or sign in any case; None for an unknown unit."""
    text = (unit or "").strip().strip('"').replace("\\u00b5", "µ").replace("\\u00B5", "µ")
    return _NANOMETRES.get(text.lower()) or _NANOMETRES.get(text.lower().removesuffix("s"))


def voxel_size(sides: Sequence[float | None], units: Sequence[str | None], source: str, note: str = "") -> VoxelSize:
    """Make a voxel size of what a header says.

    Args:
        sides: z, y, x as stored. A negative side counts with its absolute value, which is noted. Zero, infinite or
            missing sides are unknown.
        units: unit of each; where it is missing or unknown the sides give ratios alone.
        source: name of the header field.
        note: words to begin the note with.
    """
    notes = [note] if note else []
    sizes: list[float | None] = []
    ratios: list[float | None] = []
    for axis, side, unit in zip("zyx", sides, units, strict=True):
        if side is None or not math.isfinite(side) or side == 0:
            sizes.append(None)
            ratios.append(None)
            continue
        if side < 0:
            notes.append(f"{axis}: {side:g} taken as {-side:g}")
        factor = nanometres_per(unit)
        if factor is None and unit and "unknown unit" not in " ".join(notes):
            notes.append(f"unknown unit {unit!r}")
        sizes.append(None if factor is None else float(f"{abs(side) * factor:.9g}"))
        ratios.append(abs(side))
    if any(size is None for size in sizes) and any(size is not None for size in sizes):
        ratios = sizes  # with mixed units only those in nanometres compare
    known = any(side is not None for side in ratios)
    return VoxelSize(_three(sizes), _three(ratios), source if known else "", "; ".join(notes))


def overridden(size: VoxelSize, nm: Sequence[float]) -> VoxelSize:
    """The sizes that a person has set, in nm, z, y, x, in place of those of the header.

    Raises:
        ValueError: not three numbers above zero.
    """
    sides = [float(side) for side in nm]
    if len(sides) != 3 or not all(math.isfinite(side) and side > 0 for side in sides):
        raise ValueError(f"voxel_nm {list(nm)}: must be three sizes above 0 in nm, in the order z, y, x")
    return replace(size, nm=_three(sides), ratio=_three(sides), source="import.voxel_nm")


def _three(sides: Sequence[float | None]) -> Sides:
    z, y, x = sides
    return z, y, x
