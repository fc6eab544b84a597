"""A published image beside an original that was turned, scaled or skewed to fit: compared where it shows it."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.align import SMALLEST
from semtrace.core.image.block_agreement import BlockAgreement, block_agreement
from semtrace.core.image.correlation import highpass_correlation
from semtrace.core.image.outline import ends_with
from semtrace.core.image.painted import filled, painted
from semtrace.core.image.placement import Rectangle
from semtrace.core.image.resample import reduce
from semtrace.core.image.ssim import ssim
from semtrace.core.image.transformation import Transformation, brought, corners, refined

SURE = 0.65  # of what is shown agrees: other frames of a place, warped to fit, reach 0.6

_SMALLEST = 48  # pixels along a side of what is shown
_ROOM = 0.5, 0.0006  # pixels, and parts of the longest side, that it may seem displaced
_ENLARGED = 1.2  # from here on, it must not show finer detail than the original has
_NOISE = 3.0, 2.0  # grey levels of detail that coding adds, and times that of the enlarged original
_ROUNDING = 1.0  # pixels along an edge that are nothing


@dataclass(frozen=True)
class Overlay:
    """What a published image and an original have in common where one lies on the other.

    Attributes:
        transformation: from the original to the published image.
        agreement: part of what is shown that agrees, 0 to 1 (``block_agreement``).
        in_place: whether both have one framing: they lie on each other, enough of it agrees, and the published
            picture does not go on where the original ends.
        ssim: of what is shown, -1 to 1.
        correlation: high-pass correlation of it, -1 to 1.
        place: where the original stands on the published image; None: all over it.
        crop: the part of the original that is shown; None: all.
    """

    transformation: Transformation
    agreement: float
    in_place: bool
    ssim: float
    correlation: float
    place: Rectangle | None
    crop: Rectangle | None


def overlay(
    published: NDArray[np.uint8], original: NDArray[np.uint8], bar_top: int, first: Transformation
) -> Overlay | None:
    """Lay an original on a published image and compare.

    Where they do not agree, they are compared again without what was painted over the published image.

    Args:
        published: uint8 (h, w).
        original: uint8 (H, W).
        bar_top: first row of the original's data bar; H where there is none.
        first: how it became the published image, a few pixels off at most.

    Returns:
        None where they have too little in common, or too little is shown.
    """
    found = _compared(published, original, bar_top, first, None)
    if found is not None and found.agreement >= SURE:
        return found
    cleared = filled(published)
    again = _compared(published, original, bar_top, first, published if cleared is None else cleared)
    known = [one for one in (found, again) if one is not None]
    return max(known, key=lambda one: (one.in_place, one.agreement), default=None)


def _compared(
    published: NDArray[np.uint8],
    original: NDArray[np.uint8],
    bar_top: int,
    first: Transformation,
    cleared: NDArray[np.uint8] | None,
) -> Overlay | None:
    """``cleared``: the published image without what was painted over it, which then has no say."""
    picture = original[:bar_top]
    if cleared is None:
        this = refined(first, published, picture)
    else:
        this = refined(first, cleared, picture, ~painted(published))
    if this is None:
        return None
    region = _region(this, picture.shape, published.shape)
    if min(region.width, region.height) < _SMALLEST:
        return None
    shown = np.ascontiguousarray(region.of(published))
    made, inside = brought(this.moved(region.x, region.y), picture, region.height, region.width)
    counted = inside if cleared is None else inside & ~painted(shown)
    agreed = block_agreement(shown, made, counted)
    if agreed is None:
        return None
    size = original.shape[1], original.shape[0]
    framed = _lies_on(agreed, shown) and ends_with(published, this, size, bar_top)
    in_place = framed and not _is_finer(this, shown, made, inside)
    # What lies beyond the original has no say: there, both show the published image.
    made = np.where(inside, made, shown)
    return Overlay(
        this,
        agreed.share,
        in_place and agreed.share >= SURE,
        round(_inner_ssim(shown, made, inside), 6),
        round(
            highpass_correlation(*(reduce(np.where(inside, one, _level(shown, inside))) for one in (shown, made))), 6
        ),
        _smaller(_region(this, original.shape, published.shape), published.shape),
        _smaller(_around(this.inverse.of(corners(*published.shape[::-1])), original.shape), original.shape),
    )


def _region(this: Transformation, original: tuple[int, ...], published: tuple[int, ...]) -> Rectangle:
    """The upright rectangle around a picture of the shape ``original``, as far as it is published."""
    return _around(this.of(corners(original[1], original[0])), published)


def _around(points: NDArray[np.float64], shape: tuple[int, ...]) -> Rectangle:
    """The upright rectangle around points, x and y, in a picture."""
    size = shape[1], shape[0]
    first = np.floor(np.clip(points.min(axis=0) + _ROUNDING / 2, 0, size)).astype(int)
    last = np.ceil(np.clip(points.max(axis=0) - _ROUNDING / 2, 0, size)).astype(int)
    return Rectangle(int(first[0]), int(first[1]), *(int(n) for n in np.maximum(last - first, 0)))


def _smaller(part: Rectangle, shape: tuple[int, ...]) -> Rectangle | None:
    """A part; None where it is the whole."""
    return None if (part.width, part.height) == (shape[1], shape[0]) else part


def _level(shown: NDArray[np.uint8], inside: NDArray[np.bool_]) -> np.uint8:
    return np.uint8(round(float(shown[inside].mean()))) if inside.any() else np.uint8(0)


def _inner_ssim(shown: NDArray[np.uint8], made: NDArray[np.uint8], inside: NDArray[np.bool_]) -> float:
    half = SMALLEST // 2
    centres = inside[half:-half, half:-half]
    return float(ssim(shown, made, inside)) if centres.any() else 0.0


def _lies_on(agreed: BlockAgreement, shown: NDArray[np.uint8]) -> bool:
    return bool(agreed.displacement <= max(_ROOM[0], _ROOM[1] * max(shown.shape)))


def _is_finer(
    this: Transformation, shown: NDArray[np.uint8], made: NDArray[np.uint8], inside: NDArray[np.bool_]
) -> bool:
    """Whether an enlarged picture has detail that its original has not: a frame at a higher magnification."""
    if min(hypot(this.a, this.d), hypot(this.b, this.e)) < _ENLARGED:
        return False
    here, there = (_detail(one, inside) for one in (shown, made))
    return bool(here > _NOISE[0] + _NOISE[1] * there)


def _detail(gray: NDArray[np.uint8], inside: NDArray[np.bool_]) -> float:
    """Strength of the finest detail, grey levels: second differences along both axes (Immerkaer 1996), robustly."""
    pixels = gray.astype(np.float32)
    once = pixels[:-2] - 2 * pixels[1:-1] + pixels[2:]
    twice = np.abs(once[:, :-2] - 2 * once[:, 1:-1] + once[:, 2:])[inside[1:-1, 1:-1]]
    return float(np.median(twice)) / (6 * 0.6745) if twice.size else 0.0
