"""Whether a published image is this very exposure, told from detail that its coding as a JPEG cannot explain.

Two exposures of one place differ in their noise. A publication holds no detail that its original lacks: where tones are
matched, each coefficient of the original's 8 x 8 blocks lies within half a quantisation step of the published one. A
second frame's noise does not. How far it would lie outside follows from the original's own noise. Where noise is too
weak, or the encoder erased it, the answer is that nobody can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

EXPLAINED = 0.15  # in parts of the detail that a second frame would add; less is this very frame

_ROWS = 96  # looked at for noise, evenly spread
_BLOCKS = 1024  # blocks looked at, evenly spread
_FEWEST = 64  # blocks; fewer say nothing
_COARSEST = 40  # quantisation step, grey levels; a coarser one erases any noise
_ROUNDING = 0.8  # grey levels; error of a coefficient whose pixels were rounded twice
_CLIPPED = 0.02  # part of a block's pixels at black or white; more, and the block is left out
_TELLS = 1.0  # grey levels; where a second frame would add less, it cannot be told
_GAINS = 0.4, 2.5  # local contrast of the published image; within these it is an edit of tones
_NOISE = 4.0  # grey levels; a second frame is taken to have no more noise than that
_NEAR = 12  # grey levels around the median of a level, over which its tone is averaged

_F = NDArray[np.float32]


def unexplained(published: NDArray[np.uint8], original: NDArray[np.uint8], steps: Sequence[int]) -> float | None:
    """Detail of a published image that its original does not explain, in parts of what a second frame would add.

    Args:
        published: the decoded JPEG, uint8 (H, W); its blocks of 8 x 8 begin at its first pixel.
        original: uint8 (H, W), aligned with it to the pixel.
        steps: the JPEG's quantisation table of the brightness, 64 steps in the order of the rows of a block.

    Returns:
        About 0 for the very frame, about 1 for a second one, rounded to 4 decimals. None where it cannot be told: too
        little noise in the original, too coarse steps, too few blocks that are not clipped.

    Raises:
        ValueError: different shapes.
    """
    if published.shape != original.shape:
        raise ValueError(f"evidence needs pictures of one shape, got {published.shape} and {original.shape}")
    table = np.array(steps, np.float32)
    fine = table <= _COARSEST
    fine[0] = False  # the mean of a block is its tone
    shown, meant = _blocks(published), _blocks(original)
    sound = ((shown <= 1) | (shown >= 254)).mean(axis=1) < _CLIPPED
    if sound.sum() < _FEWEST or not fine.any():
        return None
    shown, meant = shown[sound], meant[sound]
    noise = _noise(original)
    curve = _tone_curve(meant, shown, table)
    slope = _noise(original, curve) / noise if noise > 0 else 0.0
    here, there = _coefficients(shown.astype(np.float32)), _coefficients(curve[meant])
    # A gain for each block follows edits of local contrast. No gain explains a second frame's noise.
    products, squares = (here[:, 1:] * there[:, 1:]).sum(axis=1), (there[:, 1:] ** 2).sum(axis=1)
    gains = np.divide(products, squares, out=np.ones_like(products), where=squares > 0).clip(*_GAINS)[:, None]
    half, spread = (table[fine] / 2 + _ROUNDING).astype(np.float32), sqrt(2) * min(noise, _NOISE) * slope
    found = [_beyond(here[:, fine] - gain * there[:, fine], half, spread) for gain in (np.float32(1), gains)]
    told = [seen / added for seen, added in found if added >= _TELLS]
    return round(min(told), 4) if told else None


def _tone_curve(original: NDArray[np.uint8], published: NDArray[np.uint8], table: NDArray[np.float32]) -> _F:
    """The tone that each grey level of the original's blocks has in the published ones, float32 (256,).

    Coding takes noise away, so that published tones seem to vary less with the original's. The original is coded the
    same way before the curve is drawn anew.
    """
    curve = _mean_tones(original, published)
    steps = np.rint(_coefficients(curve[original]) / table) * table
    coded = idctn(steps.reshape(-1, 8, 8), axes=(1, 2), norm="ortho").reshape(-1, 64)
    again = _mean_tones(np.clip(np.rint(coded), 0, 255).astype(np.uint8), published)
    return np.asarray(np.interp(curve, np.arange(256), again), np.float32)


def _mean_tones(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> _F:
    """Mean level of ``second`` where ``first`` has a level, over levels near the median: burnt-in marks have no say."""
    pairs = first.astype(np.intp) * 256 + second
    counts = np.bincount(pairs.ravel(), minlength=65536).reshape(256, 256)
    below, levels = counts.cumsum(axis=1), np.arange(256)
    median = (below * 2 < below[:, -1:]).sum(axis=1)
    near = np.where(np.abs(levels - median[:, None]) <= _NEAR, counts, 0)
    weight = near.sum(axis=1)
    known = weight > 0
    return np.asarray(np.interp(levels, levels[known], (near @ levels)[known] / weight[known]), np.float32)


def _blocks(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Evenly spread blocks of 8 x 8 pixels, shape (n, 64)."""
    rows, columns = image.shape[0] // 8, image.shape[1] // 8
    every = max(1, -(-rows * columns // _BLOCKS))
    tiled = image[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(tiled.reshape(-1, 64)[::every])


def _coefficients(blocks: _F) -> _F:
    return np.asarray(dctn(blocks.reshape(-1, 8, 8), axes=(1, 2), norm="ortho").reshape(-1, 64))


def _noise(image: NDArray[np.uint8], curve: _F | None = None) -> float:
    """Standard deviation of white noise, from second differences along both axes (Immerkaer 1996), robustly.

    Rows are evenly spread ones with the two below each. ``curve``: tones of the grey levels; None: the levels.
    """
    first = np.arange(0, len(image) - 2, max(1, len(image) // _ROWS))
    above, here, below = (image[first + k] for k in range(3))
    lines = [(row if curve is None else curve[row]).astype(np.float32) for row in (above, here, below)]
    one, two, three = (row[:, :-2] - 2 * row[:, 1:-1] + row[:, 2:] for row in lines)
    return float(np.median(np.abs(one - 2 * two + three))) / (6 * 0.6745)


def _beyond(error: _F, half: _F, spread: float) -> tuple[float, float]:
    """How far errors lie beyond half a step, and how far they would with noise of this spread; medians over blocks."""
    size = np.abs(error)
    now = np.square(np.maximum(size - half, 0)).mean(axis=1)
    # The mean over noise, by the three points of the Gauss-Hermite rule.
    shift = np.float32(sqrt(3) * spread)
    more, less = (np.square(np.maximum(np.abs(size + s) - half, 0)).mean(axis=1) for s in (shift, -shift))
    return float(np.sqrt(np.median(now))), float(np.sqrt(np.median(now * 2 / 3 + (more + less) / 6)))
