"""A block of tissue as a focused ion beam would show it: cells with membranes, organelles, and resin at one side.

Everything follows from the seed. The truth is known voxel by voxel: where there is tissue, and where only resin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom
from scipy.spatial import cKDTree

_RESIN, _CYTOPLASM, _MEMBRANE, _LUMEN = 178.0, 150.0, 62.0, 190.0
_COARSE = 2  # structures are made at half the resolution, and noise at the full one


class Tissue(NamedTuple):
    """Grey levels, uint8, and where there is tissue, bool; both of shape (Z, Y, X)."""

    gray: NDArray[np.uint8]
    tissue: NDArray[np.bool_]


def make(shape: tuple[int, int, int], seed: int, *, stretch: float = 1.0, resin: float = 0.25) -> Tissue:
    """Make a block of tissue.

    Args:
        shape: Z, Y, X in voxels, each at least 8.
        seed: everything follows from it.
        stretch: how many times thicker a section is than a pixel: structures are squeezed along z.
        resin: share of the block that is resin, 0 to 1.
    """
    random = np.random.default_rng(seed)
    coarse = tuple(-(-side // _COARSE) for side in shape)
    z, y, x = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in coarse), indexing="ij")
    z = z * np.float32(stretch)
    places = np.stack([z, y, x], -1)
    bent = places + np.stack([_waves(coarse, random, 9.0 / stretch, 9.0) * 5 for _ in range(3)], -1)
    size = np.array([coarse[0] * stretch, coarse[1], coarse[2]])
    gray, near = _cells(bent, size, random)
    inside = near > 2.5
    _nucleus(gray, bent, size, inside, random)
    _mitochondria(gray, places, size, inside, random)
    _vesicles(gray, places, size, inside, random)
    gray += _waves(coarse, random, 0.7, 0.7) * 9  # ribosomes and filaments
    border = places @ np.array([0.25, 0.35, 1.0]) + _waves(coarse, random, 6.0 / stretch, 6.0) * 3
    tissue = border < np.quantile(border, 1 - resin) if resin > 0 else np.ones(coarse, np.bool_)
    gray = np.where(tissue, gray, _RESIN)
    full = zoom(gray, _COARSE, order=1, grid_mode=True, mode="nearest")[: shape[0], : shape[1], : shape[2]]
    mask = tissue.repeat(_COARSE, 0).repeat(_COARSE, 1).repeat(_COARSE, 2)[: shape[0], : shape[1], : shape[2]]
    full = full + random.normal(0.0, 7.0, shape).astype(np.float32)
    return Tissue(np.clip(np.rint(full), 0, 255).astype(np.uint8), np.ascontiguousarray(mask))


def _waves(shape: tuple[int, ...], random: np.random.Generator, along_z: float, sigma: float) -> NDArray[np.float32]:
    """Smooth random numbers of mean 0 and deviation 1."""
    field = gaussian_filter(random.normal(size=shape).astype(np.float32), (along_z, sigma, sigma))
    return np.asarray(field / max(float(field.std()), 1e-6), np.float32)


def _cells(
    bent: NDArray[np.float32], size: NDArray[np.float64], random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cells as the neighbourhoods of random points; and the distance to the membrane between the nearest two."""
    count = max(4, int(np.prod(size) / 45.0**3))
    seeds = random.uniform(0, 1, (count, 3)) * size
    distance, owner = cKDTree(seeds).query(bent.reshape(-1, 3), k=2)
    near = ((distance[:, 1] - distance[:, 0]) / 2).reshape(bent.shape[:3]).astype(np.float32)
    shade = random.normal(0, 8, count)[owner[:, 0]].reshape(near.shape)
    gray = (_CYTOPLASM + shade).astype(np.float32)
    gap = near < 0.6
    gray[near < 1.6] = _MEMBRANE
    gray[gap] = _LUMEN
    return gray, near


def _nucleus(
    gray: NDArray[np.float32],
    bent: NDArray[np.float32],
    size: NDArray[np.float64],
    inside: NDArray[np.bool_],
    random: np.random.Generator,
) -> None:
    centre, radius = size * (0.5, 0.35, 0.35), 0.16 * float(size[1:].min())
    distance = np.sqrt(((bent - centre) ** 2).sum(-1))
    chromatin = _waves(gray.shape, random, 3.0, 3.0)
    body = (distance < radius) & inside
    gray[body] = (_CYTOPLASM - 12 + 22 * np.tanh(2 * chromatin))[body]
    gray[(np.abs(distance - radius) < 1.0) & inside] = _MEMBRANE


def _mitochondria(
    gray: NDArray[np.float32],
    places: NDArray[np.float32],
    size: NDArray[np.float64],
    inside: NDArray[np.bool_],
    random: np.random.Generator,
) -> None:
    for _ in range(max(3, int(np.prod(size) / 40.0**3))):
        centre, axes = random.uniform(0, 1, 3) * size, random.uniform(6, 11, 3) * (1, 1, 1.6)
        turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
        cut = _around(centre, float(axes.max()) + 2, places)
        if cut is None:
            continue
        local = (places[cut] - centre) @ turn
        radius = np.sqrt(((local / axes) ** 2).sum(-1))
        here = (radius < 1) & inside[cut]
        cristae = np.cos(local[..., 2] * 1.6 + 0.35 * local[..., 0])
        part = gray[cut]
        part[here] = np.where(cristae > 0.55, _MEMBRANE + 18, _CYTOPLASM - 40)[here]
        part[here & (radius > 0.84)] = _MEMBRANE


def _vesicles(
    gray: NDArray[np.float32],
    places: NDArray[np.float32],
    size: NDArray[np.float64],
    inside: NDArray[np.bool_],
    random: np.random.Generator,
) -> None:
    for _ in range(max(5, int(np.prod(size) / 18.0**3))):
        centre, radius = random.uniform(0, 1, 3) * size, random.uniform(1.6, 3.2)
        cut = _around(centre, radius + 1, places)
        if cut is None:
            continue
        distance = np.sqrt(((places[cut] - centre) ** 2).sum(-1))
        part, allowed = gray[cut], inside[cut]
        part[(distance < radius) & allowed] = _MEMBRANE
        part[(distance < radius - 1) & allowed] = _LUMEN - 12


def _around(
    centre: NDArray[np.float64], reach: float, places: NDArray[np.float32]
) -> tuple[slice, slice, slice] | None:
    """The part of the block within ``reach`` of a place; None where that is outside."""
    found = []
    for axis, steps in enumerate((places[:, 0, 0, 0], places[0, :, 0, 1], places[0, 0, :, 2])):
        low, high = np.searchsorted(steps, (centre[axis] - reach, centre[axis] + reach))
        if low >= high:
            return None
        found.append(slice(int(low), int(high)))
    return found[0], found[1], found[2]
