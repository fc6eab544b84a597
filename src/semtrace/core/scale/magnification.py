"""Pixel sizes from magnifications: the width that an instrument's magnification refers to, learnt from other images."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_LEAST = 5  # images
_LEAST_MAGNIFICATIONS = 3  # among bars alone
_CLOSE = 0.03
_MOST = 0.8  # of the images that must be this close to the median


class Sighting(NamedTuple):
    """A magnification beside a pixel size in metres.

    ``independent`` says that the pixel size comes from a tag or a printed length; else it is the scale bar's.
    """

    maker: str
    width: int
    folder: str
    magnification: float
    pixel_size: float
    independent: bool


class Constant(NamedTuple):
    """The width in metres that a magnification refers to: ``pixel size x columns x magnification``."""

    metres: float
    images: int
    folders: frozenset[str]
    independent: bool


def learn(sightings: Iterable[Sighting]) -> dict[tuple[str, int], Constant]:
    """Learn the constant of each maker and image width.

    Images with a tag or a printed length count first, at least five of them. Without them bars count, at least five
    with three magnifications or more: a bar that was measured wrong differs from those of the other images. Nothing is
    learnt where fewer than 80 % are within 3 % of the median: there is more than one instrument among them.
    """
    groups: dict[tuple[str, int], list[Sighting]] = defaultdict(list)
    for one in sightings:
        if one.maker:
            groups[one.maker, one.width].append(one)
    found = {key: _constant(group) for key, group in groups.items()}
    return {key: constant for key, constant in found.items() if constant is not None}


def pixel_size(
    constants: Mapping[tuple[str, int], Constant], maker: str, width: int, folder: str, magnification: float
) -> float | None:
    """The pixel size of an image; None without a constant, or where it was learnt in this image's folder alone."""
    constant = constants.get((maker, width))
    if constant is None or constant.folders == {folder}:
        return None
    return constant.metres / magnification / width


def _constant(group: list[Sighting]) -> Constant | None:
    for independent in (True, False):
        chosen = [one for one in group if one.independent] if independent else group
        if len(chosen) < _LEAST:
            continue
        if not independent and len({one.magnification for one in chosen}) < _LEAST_MAGNIFICATIONS:
            continue
        widths = [one.pixel_size * one.width * one.magnification for one in chosen]
        middle = statistics.median(widths)
        if sum(abs(width / middle - 1) <= _CLOSE for width in widths) >= _MOST * len(widths):
            return Constant(middle, len(chosen), frozenset(one.folder for one in chosen), independent)
    return None
