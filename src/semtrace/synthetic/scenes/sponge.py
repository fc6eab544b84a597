"""Porous_Sponge: open matter."""

from __future__ import annotations

import numpy as np

from semtrace.synthetic import fields
from semtrace.synthetic.electrons import levels, secondary_electrons
from semtrace.synthetic.fields import TextureField
from semtrace.synthetic.relief import Relief
from semtrace.synthetic.scenes.parts import Rng, Shape, raise_by, unit


def foam(rng: Rng, shape: Shape) -> TextureField:
    """Struts between polyhedral cells, several layers deep, some cells closed by a film."""
    u = unit(shape)
    spacing = u * rng.uniform(50, 190)
    thick = spacing * rng.uniform(0.09, 0.2)
    relief = Relief.flat(shape, -spacing * 2.2, 0.5)
    for layer in range(3):
        points = fields.scattered(rng, shape, spacing * 0.8, margin=spacing)
        near, second, index = fields.cells(points, shape)
        depth, tone = layer * spacing * 0.7, 1.25 - 0.25 * layer
        wall = thick * rng.uniform(0.8, 1.2) + 3 * u * fields.smooth(rng, shape, 20 * u)
        strut = np.clip(1 - ((second - near) / np.maximum(wall, 2)) ** 2, 0, None)
        lean = rng.uniform(-0.07, 0.07, len(points))[index]
        raise_by(relief, np.where(strut > 0, np.sqrt(strut) * thick + near * lean - depth, -np.inf), tone)
        film = rng.random(len(points))[index] < (0.12 if layer else 0.05)
        raise_by(relief, np.where(film, -depth - 8, -np.inf), tone - 0.5)
    relief.z += 0.3 * fields.fractal(rng, shape, 6.0, 1.4)
    signal = secondary_electrons(relief, edge=0.4, side=0.3, pits=0.45, reach=(4.0, 16.0, spacing / 2))
    return levels(signal, rng.uniform(0.02, 0.1), rng.uniform(0.8, 1.0))


def spinodal(rng: Rng, shape: Shape) -> TextureField:
    """Winding ligaments: dealloyed gold, porous silicon, aerogel."""
    period = unit(shape) * rng.uniform(14, 64)
    relief = Relief.flat(shape, -3.0 * period, 0.6)
    fullness = rng.uniform(-0.3, 0.3)
    for layer in range(3):
        field = fields.labyrinth(rng, shape, period, rng.uniform(0.15, 0.35)) + fullness
        surface = 0.5 * period * (np.sqrt(np.clip(field, 0, 2.0)) - layer)
        raise_by(relief, np.where(field > 0, surface, -np.inf), 1.1 - 0.12 * layer)
    signal = secondary_electrons(relief, edge=0.35, side=0.2, pits=0.5, reach=(2.5, period / 3, period))
    return levels(signal, rng.uniform(0.04, 0.2), rng.uniform(0.7, 0.95))


def _carve(relief: Relief, x: float, y: float, radius: float, stretch: float) -> None:
    """Hollow out an ellipsoidal pore whose upper part is open."""
    where, dx, dy = relief.window(x, y, radius)
    inside = radius**2 - dx**2 - (dy / stretch) ** 2
    bowl = relief.base(x, y) + 0.25 * radius - 1.5 * np.sqrt(np.maximum(inside, 0.0))
    np.copyto(relief.z[where], bowl, where=(inside > 0) & (bowl < relief.z[where]))


def round_pores(rng: Rng, shape: Shape) -> TextureField:
    """A matrix with round pores of all sizes, and pores in the walls of pores."""
    u = unit(shape)
    relief = Relief.flat(shape)
    relief.z += rng.uniform(1, 9) * u * fields.fractal(rng, shape, 80 * u, 1.9)
    largest, count = u * rng.uniform(30, 130), int(rng.integers(140, 460))
    sizes = np.maximum(np.sort(largest * rng.power(rng.uniform(0.3, 0.9), count))[::-1], 3.0 * u)
    for radius in sizes:
        place = (rng.uniform(0, shape[1]), rng.uniform(0, shape[0]))
        _carve(relief, *place, radius, rng.uniform(0.75, 1.0))
    relief.z += rng.uniform(0.15, 0.6) * fields.fractal(rng, shape, 8.0, 1.5)
    signal = secondary_electrons(relief, edge=0.25, side=0.35, pits=0.55, reach=(3.0, 12.0, largest * 0.6))
    return levels(signal, rng.uniform(0.03, 0.12), rng.uniform(0.75, 0.95))


def inverse_opal(rng: Rng, shape: Shape) -> TextureField:
    """A close-packed shell of pores, each with windows to the layer below, in grains of different direction."""
    u = unit(shape)
    spacing = u * rng.uniform(30, 85)
    reach = int(np.hypot(*shape) / spacing) + 4
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(-reach, reach), np.arange(-reach, reach)))
    seeds = rng.uniform(0, 1, (int(rng.integers(1, 4)), 2)) * (shape[1], shape[0])
    rows = []
    for grain in range(len(seeds)):
        angle = rng.uniform(0, np.pi / 3)
        x, y = (i + j / 2) * spacing, j * spacing * np.sqrt(0.75)
        lattice = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=1)
        lattice += (shape[1] / 2, shape[0] / 2) + spacing * 0.04 * rng.standard_normal(lattice.shape)
        distance = ((lattice[:, None, :] - seeds[None, :, :]) ** 2).sum(axis=2)
        own = (np.argmin(distance, axis=1) == grain) & (rng.random(len(lattice)) > 0.03)
        own &= np.all((lattice > -2 * spacing) & (lattice < np.array(shape[::-1]) + 2 * spacing), axis=1)
        rows.append(np.column_stack([lattice[own], np.full(int(own.sum()), angle)]))
    pores = np.concatenate(rows)
    near, _second, _index = fields.cells(pores[:, :2], shape)
    radius = spacing * rng.uniform(0.42, 0.5)
    relief = Relief.flat(shape)
    relief.z += 2 * u * fields.fractal(rng, shape, 40 * u, 1.6)
    relief.z -= 1.6 * np.sqrt(np.clip(radius**2 - near**2, 0, None))
    opening = rng.uniform(0.14, 0.26)
    for x, y, angle in pores:
        for window in range(3):
            way = angle + window * 2.0944 + 0.5236
            where, dx, dy = relief.window(x + radius * 0.5 * np.cos(way), y + radius * 0.5 * np.sin(way), radius * 0.4)
            hole = dx**2 + dy**2 < (radius * opening * rng.uniform(0.7, 1.2)) ** 2
            relief.z[where][hole] -= radius * 1.5
            relief.tone[where][hole] *= 0.45
    signal = secondary_electrons(relief, edge=0.3, side=0.2, pits=0.5, reach=(3.0, spacing / 4, spacing))
    return levels(signal, rng.uniform(0.03, 0.12), rng.uniform(0.75, 0.95))


def collapsed_sponge(rng: Rng, shape: Shape) -> TextureField:
    """A freeze-dried polymer: thin, crumpled sheets around flattened pores of one direction."""
    u = unit(shape)
    relief = Relief.flat(shape, -120 * u, 0.5)
    long, angle = rng.uniform(1.5, 3.5), rng.uniform(0, np.pi)
    crumple = fields.fractal(rng, shape, 28 * u, 1.55)
    for layer in range(3):
        spacing = u * rng.uniform(38, 75)
        big = (int(np.hypot(*shape)) + 2, int(np.hypot(*shape)) + 2)
        points = fields.scattered(rng, big, spacing, margin=spacing) - np.array(big[::-1]) / 2
        points[:, 0] *= long
        points = np.stack(
            [
                points[:, 0] * np.cos(angle) - points[:, 1] * np.sin(angle) + shape[1] / 2,
                points[:, 0] * np.sin(angle) + points[:, 1] * np.cos(angle) + shape[0] / 2,
            ],
            axis=1,
        )
        near, second, index = fields.cells(points, shape)
        thin = np.abs(second - near) + 2.5 * u * crumple
        height = rng.uniform(-25, 25, len(points))[index] * u - layer * 40 * u
        wall = np.clip(1 - (thin / (u * rng.uniform(6, 11))) ** 2, 0, None)
        raise_by(
            relief, np.where(wall > 0, fields.blur(height, 5 * u) + 14 * u * np.sqrt(wall), -np.inf), 1.2 - 0.2 * layer
        )
        web = rng.random(len(points))[index] < 0.3
        sheet = height - 18 * u + 8 * u * crumple[::-1]
        raise_by(relief, np.where(web, sheet, -np.inf), 0.9 - 0.15 * layer)
    relief.z += 0.3 * fields.fractal(rng, shape, 8.0, 1.5)
    signal = secondary_electrons(relief, edge=0.25, side=0.3, pits=0.5, reach=(3.0, 12.0, 45 * u))
    return levels(signal, rng.uniform(0.03, 0.1), rng.uniform(0.75, 0.98))


KINDS = (foam, spinodal, round_pores, inverse_opal, collapsed_sponge)
