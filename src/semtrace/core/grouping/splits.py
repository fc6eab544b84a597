"""Train, validation and test parts of a dataset, without a group on two sides.

Systematic sampling (Cochran, Sampling Techniques, 3rd ed. 1977, chapter 8) within each stratum: its groups in an order
that looks random but follows from their names, cut where the ratios say. So the parts have the asked sizes, and
a picture that comes or goes moves only what lies next to a cut.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from math import ceil


def assign(groups: Sequence[str], categories: Sequence[str], ratios: Mapping[str, float], seed: int) -> list[str]:
    """Say of each image which part it belongs to.

    Groups whose images carry the same categories form a stratum, and each stratum is cut on its own: the size of
    a part in it is right to within its largest group. Strata begin at different points of the cycle of the parts,
    so many small ones, of one group each, still come out right together.

    Args:
        groups: the group of each image; a name that depends on its content alone makes a split that does not change
            when files are renamed.
        categories: the category of each image; ``""`` where it has none.
        ratios: size of each part, above 0, together 1.
        seed: another one makes another split.

    Returns:
        The part of each image: one of the keys of ``ratios``. It does not depend on the order of the images.

    Raises:
        ValueError: ratios that are not above 0, or do not sum to 1.
    """
    exact = {name: Fraction(str(ratio)) for name, ratio in ratios.items()}
    if not exact or min(exact.values()) <= 0 or sum(exact.values()) != 1:
        raise ValueError(f"the parts of a split must be above 0 and sum to 1, got {dict(ratios)}")
    carried: dict[str, set[str]] = {}
    sizes: dict[str, int] = {}
    for name, category in zip(groups, categories, strict=True):
        carried.setdefault(name, set()).update({category} - {""})
        sizes[name] = sizes.get(name, 0) + 1
    strata: dict[tuple[str, ...], list[str]] = {}
    for name, found in carried.items():
        strata.setdefault(tuple(sorted(found)), []).append(name)
    part: dict[str, str] = {}
    for stratum, names in strata.items():
        total, before = sum(sizes[name] for name in names), 0
        # In whole numbers: places are counted in parts of the unit interval, so many as make all of them exact.
        whole = 2**64 * 2 * total
        start = _draw(seed, "stratum", *stratum) * 2 * total
        ends = {name: ceil(end * whole) for name, end in zip(exact, accumulate(exact.values()), strict=True)}
        for name in sorted(names, key=lambda name: (_draw(seed, "group", name), name)):
            middle = (2 * before + sizes[name]) * 2**64
            part[name] = _at((start + middle) % whole, ends)
            before += sizes[name]
    return [part[name] for name in groups]


def _draw(seed: int, *words: str) -> int:
    """A number from 0 to 2^64 - 1 that looks random and follows from its arguments."""
    text = "\0".join([str(seed), *words]).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def _at(place: int, ends: Mapping[str, int]) -> str:
    """The part that holds a place, given where each ends."""
    return next(name for name, end in ends.items() if place < end)
