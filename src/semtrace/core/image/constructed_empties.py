"""Patches that show nothing, made of patches that show something: what a classifier learns emptiness from.

Each recipe is something that happens to real sections: embedding resin, a lost focus, a saturated detector, padding at
a border, contrast below the noise, noise alone, stripes of charge, a border of the sample.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_Patch = NDArray[np.uint8]
_Real = NDArray[np.float64]


def construct_empty(patch: NDArray[np.uint8], recipe: str, seed: int) -> NDArray[np.uint8]:
    """Make an empty patch with the grey and the noise of a patch that is not.

    Args:
        patch: shape (H, W), uint8.
        recipe: one of ``RECIPES``.
        seed: everything follows from it and the patch.

    Raises:
        KeyError: no such recipe.
    """
    random = np.random.default_rng([seed, list(RECIPES).index(recipe)])
    made = RECIPES[recipe](patch.astype(np.float64), random)
    return np.clip(np.rint(made), 0, 255).astype(np.uint8)


def _blurred(values: _Real, width: float) -> _Real:
    from scipy.ndimage import gaussian_filter  # who only reads the names of recipes starts without it

    return np.asarray(gaussian_filter(values, width))


def _noise(patch: _Real) -> float:
    apart = patch[1:, 1:] - patch[1:, :-1] - patch[:-1, 1:] + patch[:-1, :-1]
    return max(float(np.sqrt(np.mean(apart**2)) / 2), 0.5)


def _grain(patch: _Real, random: np.random.Generator, most: float = 12.0) -> _Real:
    """Noise as strong as the patch's own, sometimes as coarse as a blurred or enlarged picture's."""
    sigma = min(_noise(patch), most) * float(random.uniform(0.5, 1.5))
    grain = random.normal(0.0, 1.0, patch.shape)
    width = float(random.choice([0.0, 0.0, 0.5, 0.8, 1.2, 2.0]))
    if width:
        grain = _blurred(grain, width)
        grain /= grain.std()
    return np.asarray(sigma * grain)


def _shading(patch: _Real, random: np.random.Generator, most: float) -> _Real:
    """A slow quadratic change of grey, up to ``most`` levels each way."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in patch.shape), indexing="ij")
    a, b, c, d, e = random.normal(0.0, 0.5, 5)
    field = a * y + b * x + 0.6 * (c * y * y + d * x * x + e * x * y)
    return np.asarray(field * random.uniform(0, most))


def _resin(patch: _Real, random: np.random.Generator) -> _Real:
    level = float(np.percentile(patch, random.choice([10, 50, 75, 90])))
    return level + _shading(patch, random, 15.0) + _grain(patch, random)


def _blur(patch: _Real, random: np.random.Generator) -> _Real:
    return _blurred(patch, float(random.uniform(7.0, 16.0))) + _grain(patch, random)


def _saturated(patch: _Real, random: np.random.Generator) -> _Real:
    end, share = (
        (255.0, 1 - 0.01 * random.uniform(2, 30)) if random.random() < 0.5 else (0.0, random.uniform(0.7, 0.98))
    )
    edge = np.quantile(patch, 1 - share if end else share)
    return np.where(patch > edge, 255.0, patch) if end else np.where(patch < edge, 0.0, patch)


def _padded(patch: _Real, random: np.random.Generator) -> _Real:
    made = patch.copy()
    side = int(random.integers(2))
    start = round(patch.shape[side] * float(random.uniform(0.02, 0.35)))
    part: list[slice] = [slice(None), slice(None)]
    part[side] = slice(start, None) if random.random() < 0.5 else slice(None, patch.shape[side] - start)
    made[tuple(part)] = random.choice([0.0, 0.0, 255.0, 128.0])
    return made


def _low_contrast(patch: _Real, random: np.random.Generator) -> _Real:
    smooth = _blurred(patch, 1.5)
    smooth = (smooth - smooth.mean()) / max(float(smooth.std()), 1e-6)
    grain = _grain(patch, random)
    return np.asarray(patch.mean() + smooth * float(grain.std()) * random.uniform(0.05, 0.3) + grain)


def _pure_noise(patch: _Real, random: np.random.Generator) -> _Real:
    return np.asarray(random.uniform(40, 215) + _grain(patch, random, 60.0) * random.uniform(1.0, 3.0))


def _charging(patch: _Real, random: np.random.Generator) -> _Real:
    height, width = patch.shape
    if random.random() < 0.5:
        from scipy.ndimage import gaussian_filter1d

        lines = gaussian_filter1d(
            random.normal(0.0, 1.0, (height, 1)), float(random.choice([0.4, 1.0, 3.0, 6.0])), axis=0
        )
    else:
        period = float(random.uniform(3, 24))
        lines = (np.arange(height)[:, None] % period < period * random.uniform(0.3, 0.7)).astype(np.float64)
    lines = lines - lines.mean()
    lines /= max(float(lines.std()), 1e-6)
    wave = 2 * np.pi * np.arange(width) / random.uniform(20, 200)
    along = 1.0 + random.uniform(0, 1) * np.sin(wave + random.uniform(0, 6.3))
    level, strength = float(random.uniform(90, 220)), float(random.uniform(8, 45))
    return np.asarray(level + strength * lines * along[None]) + (
        _grain(patch, random) if random.random() < 0.7 else 0.0
    )


def _border(patch: _Real, random: np.random.Generator) -> _Real:
    """Resin over three quarters and more: what is left of the sample is too little."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in patch.shape), indexing="ij")
    turn = float(random.uniform(0, 2 * np.pi))
    edge = np.cos(turn) * y + np.sin(turn) * x + 0.1 * np.sin(random.uniform(2, 6) * x + random.uniform(0, 6))
    share = float(random.uniform(0.74, 0.99))
    return np.where(edge < np.quantile(edge, share), _resin(patch, random), patch)


RECIPES: dict[str, Callable[[_Real, np.random.Generator], _Real]] = {
    "resin": _resin, "blur": _blur, "saturated": _saturated, "padded": _padded, "low_contrast": _low_contrast,
    "noise": _pure_noise, "charging": _charging, "border": _border,
}  # fmt: skip
"""Name -> how it is made."""
