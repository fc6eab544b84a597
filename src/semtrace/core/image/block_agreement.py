"""In how much of the frame two pictures agree: tones matched, band-passed, correlated block by block.

Where most places of a frame agree perfectly and a few not at all, the few were painted over. Tone curves, blur and
noise leave the middle frequencies of a block alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from semtrace.core.image.displacement import displacement
from semtrace.core.image.resample import as_gray, reduce

BLOCK = 32  # pixels along a block's side
AGREES = 0.4  # of the frame: of different pictures at most 0.13 agrees, burnt-in text included

_SCALES = 512, 256  # pixels of the longest side; strong noise hides fine structure, marks cover coarse blocks
_MASKED_SCALES = 1024, 512, 256  # narrow stripes leave blocks between them
# pixels of the longest side; strong noise hides fine structure, marks cover coarse blocks
_FINE, _COARSE = 1.0, 6.0  # standard deviations of the two Gaussians, pixels
_CORRELATED = 0.8  # a block whose correlation is above that agrees
_FLAT = 0.15  # grey levels; a block whose band-pass deviates less is flat
_FEWEST = 12  # blocks with structure; fewer say nothing
_SHOWN = 0.5  # part of a block's pixels that must be valid
_ROOM = 0.4, 0.5  # pixels that a picture may seem displaced: at its original's size, and resized
_Band = NDArray[np.float32]


@dataclass(frozen=True)
class BlockAgreement:
    """Where and how two pictures agree.

    Attributes:
        share: part of the blocks with structure that agree, 0 to 1; at the second scale if too few do at the first.
        displacement: how far one lies beside the other, pixels of the pictures given.
    """

    share: float
    displacement: float

    def in_place(self, *, resized: bool) -> bool:
        """Whether the displacement is none: a publisher's resizing may move a picture by a part of a pixel."""
        return self.displacement <= _ROOM[resized]


def block_agreement(
    published: NDArray[np.uint8], original: NDArray[np.uint8], valid: NDArray[np.bool_] | None = None
) -> BlockAgreement | None:
    """Compare two pictures of one shape, whatever was done to tones, noise and sharpness, at 512 and 256 pixels.

    Args:
        published: uint8 (H, W).
        original: uint8 (H, W), laid on it.
        valid: which pixels show something in both, bool (H, W); others have no say, nor have
            blocks that hold more of them. None: all.

    Returns:
        Share rounded to 4 decimals, displacement to 2; None where too few blocks have structure at either scale, or
        the pictures are smaller than the second: other exposures of a place are as like there as the same one.

    Raises:
        ValueError: different shapes.
    """
    if published.shape != original.shape:
        raise ValueError(f"block_agreement needs pictures of one shape, got {published.shape} and {original.shape}")
    if valid is None and max(published.shape) < _SCALES[-1]:
        return None
    shares: list[float] = []
    shift = 0.0
    x, y = published, original
    shown = None if valid is None else np.asarray(valid * np.uint8(255))
    for position, scale in enumerate(_SCALES if valid is None else _MASKED_SCALES):
        x, y = reduce(x, scale), reduce(y, scale)
        shown = None if shown is None else reduce(shown, scale)
        inside = None if shown is None else shown == 255
        if inside is not None and not inside.any():
            break
        bands = _bands(x, y, inside)
        if position == 0:
            shift = hypot(*displacement(*bands)) * max(published.shape) / max(x.shape)
        known = block_correlations(*bands)
        if inside is not None:
            known[~_shown_blocks(inside)] = np.nan
        known = known[~np.isnan(known)]
        if known.size >= _FEWEST:
            shares.append(float((known > _CORRELATED).mean()))
        if shares and shares[-1] >= AGREES:
            break
    return BlockAgreement(round(max(shares), 4), round(shift, 2)) if shares else None


def _bands(x: NDArray[np.uint8], y: NDArray[np.uint8], inside: NDArray[np.bool_] | None) -> tuple[_Band, _Band]:
    """Band-passed pictures, the second in the tones of the first; 0 beyond ``inside``, from where nothing leaks in."""
    if inside is None:
        return band(x), band(specified(y, x))
    weight = inside.astype(np.float32)
    around = [np.maximum(gaussian_filter(weight, sigma, truncate=3), 1e-6) for sigma in (_FINE, _COARSE)]
    first, second = (
        weight
        * (
            gaussian_filter(image * weight, _FINE, truncate=3) / around[0]
            - gaussian_filter(image * weight, _COARSE, truncate=3) / around[1]
        )
        for image in (x, specified(y, x, inside))
    )
    return first, second


def _shown_blocks(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which blocks lie inside for the most part, shape (H // 32, W // 32)."""
    rows, columns = inside.shape[0] // BLOCK, inside.shape[1] // BLOCK
    cut = inside[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return np.asarray(cut.mean(axis=(1, 3)) >= _SHOWN)


def specified(
    gray: NDArray[np.uint8], wanted: NDArray[np.uint8], inside: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """Map the levels of a picture so that its histogram becomes that of another (histogram specification).

    Args:
        gray: uint8 (H, W).
        wanted: uint8 (H', W').
        inside: which pixels of both are looked at, bool (H, W), where they have one shape; None: all.

    Returns:
        uint8 (H, W): each level became the one below which as large a part of ``wanted`` lies.
    """
    seen = [as_gray(image) if inside is None else as_gray(image)[inside] for image in (gray, wanted)]
    here, there = (np.bincount(levels.ravel(), minlength=256) for levels in seen)
    # The middle of each level, so that equal histograms map every level to itself.
    middle = (np.cumsum(here) - here / 2) / here.sum()
    table = np.searchsorted(np.cumsum(there) / there.sum(), middle)
    return np.asarray(np.minimum(table, 255).astype(np.uint8)[gray])


def band(gray: NDArray[np.uint8]) -> _Band:
    """Band-pass of a picture, uint8 (H, W): Gaussian of 1 pixel minus Gaussian of 6 pixels; float32 (H, W)."""
    pixels = as_gray(gray).astype(np.float32)
    return np.asarray(gaussian_filter(pixels, _FINE, truncate=3) - _coarse(pixels))


def _coarse(pixels: _Band) -> _Band:
    """Gaussian of 6 pixels, from means of 2 x 2 pixels, between which it is linear: four times as fast."""
    padded = np.pad(pixels, [(0, n % 2) for n in pixels.shape], mode="edge")
    means = (padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]) / 4
    blurred = gaussian_filter(means, _COARSE / 2, truncate=3)
    for axis in (0, 1):
        edges = [(1, 1) if k == axis else (0, 0) for k in (0, 1)]
        wide = np.moveaxis(np.pad(blurred, edges, mode="edge"), axis, 0)
        between = np.empty((2 * (len(wide) - 2), wide.shape[1]), np.float32)
        between[::2] = 0.75 * wide[1:-1] + 0.25 * wide[:-2]
        between[1::2] = 0.75 * wide[1:-1] + 0.25 * wide[2:]
        blurred = np.moveaxis(between, 0, axis)
    return np.asarray(blurred[: pixels.shape[0], : pixels.shape[1]])


def block_correlations(x: _Band, y: _Band) -> NDArray[np.float32]:
    """Pearson's correlation of each 32 x 32 block of two band-passed pictures of one shape (H, W).

    Returns:
        float32 (H // 32, W // 32), -1 to 1: 0 where one of the two is flat; NaN where both are, which says nothing.
    """
    rows, columns = x.shape[0] // BLOCK, x.shape[1] // BLOCK
    cut = [image[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK) for image in (x, y)]
    a, b = (blocks - blocks.mean(axis=(1, 3), keepdims=True) for blocks in cut)
    one, other = ((blocks * blocks).sum(axis=(1, 3)) for blocks in (a, b))
    products, norm = (a * b).sum(axis=(1, 3)), np.sqrt(one * other)
    found = np.divide(products, norm, out=np.zeros_like(products), where=norm > 0)
    first, second = (squares < BLOCK * BLOCK * _FLAT**2 for squares in (one, other))
    found[first | second] = 0
    found[first & second] = np.nan
    return np.asarray(found, np.float32)
