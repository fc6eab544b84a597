"""Films_Coated_Surface: deposited layers, whole, cracked, buckled, scratched or in section."""

from __future__ import annotations

import itertools

import numpy as np

from semtrace.synthetic import fields
from semtrace.synthetic.electrons import levels, secondary_electrons
from semtrace.synthetic.fields import TextureField
from semtrace.synthetic.relief import Relief, blob, strand
from semtrace.synthetic.scenes.parts import Rng, Shape, dust, frame, raise_by, unit, wobble


def granular(rng: Rng, shape: Shape) -> TextureField:
    """A polycrystalline coating: close-packed grains of one size, with some outgrowths."""
    u = unit(shape)
    size = u * rng.uniform(9, 34)
    points = fields.jittered(rng, shape, size * 1.15, 0.42)
    near, second, index = fields.cells(points, shape)
    tall = rng.uniform(0, 1, len(points))
    relief = Relief.flat(shape)
    relief.z += 0.5 * np.sqrt(np.clip(size**2 - near**2, 0, None)) + 0.25 * size * tall[index]
    relief.z -= 0.35 * size * np.clip(1 - (second - near) / (0.25 * size), 0, 1)
    if rng.random() < 0.5:  # faceted grains: each has its own slope
        slope = rng.normal(0, rng.uniform(0.05, 0.35), (2, len(points)))
        x, y = frame(shape)
        relief.z += (x - points[index, 0] + shape[1] / 2) * slope[0][index]
        relief.z += (y - points[index, 1] + shape[0] / 2) * slope[1][index]
    relief.tone *= rng.normal(1, 0.06, len(points))[index]
    for _ in range(int(rng.integers(0, 22))):
        x0, y0 = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        blob(relief, x0, y0, size * rng.uniform(0.8, 2.2), size * 0.5, wobble=wobble(rng, 0.2), tone=1.15)
    signal = secondary_electrons(relief, edge=0.3, side=0.4, pits=0.6, reach=(2.5, size / 2))
    return levels(signal, rng.uniform(0.08, 0.3), rng.uniform(0.65, 0.95))


def cracked(rng: Rng, shape: Shape) -> TextureField:
    """A dried sol-gel layer: mud cracks between islands whose rims curl up."""
    u = unit(shape)
    spacing = u * rng.uniform(75, 260)
    points = fields.scattered(rng, shape, spacing * 0.7, margin=spacing)
    near, second, index = fields.cells(points, shape, coarse=2)
    gap = second - near + rng.uniform(1, 4) * u * fields.fractal(rng, shape, 25 * u, 1.4)
    width = u * rng.uniform(3, 16) * (1 + 0.3 * fields.smooth(rng, shape, 50 * u))
    relief = Relief.flat(shape, -22 * u, 0.5)
    relief.z += 0.8 * fields.fractal(rng, shape, 10 * u, 1.4)
    curl = rng.uniform(0, 16) * u * np.exp(-np.clip(gap - width, 0, None) / (18 * u))
    tilt = rng.uniform(-0.04, 0.04, len(points))[index] * near
    top = curl + tilt + rng.uniform(0.2, 0.8) * fields.fractal(rng, shape, 30 * u, 1.6)
    raise_by(relief, np.where(gap > width, top, -np.inf), rng.normal(1, 0.03, len(points))[index])
    dust(rng, relief, int(rng.integers(0, 25)), 5 * u)
    signal = secondary_electrons(relief, edge=0.3, side=0.35, pits=0.6, reach=(3.0, 10.0))
    return levels(signal, rng.uniform(0.03, 0.15), rng.uniform(0.6, 0.9), tail=0.3)


def cross_section(rng: Rng, shape: Shape) -> TextureField:
    """A cleaved edge: substrate, one to three layers, the top surface receding above it."""
    u = unit(shape)
    relief = Relief.flat(shape)
    x, y = frame(shape, rng.normal(0, 0.03))
    y = y + 3 * u * fields.smooth(rng, shape, 70 * u) + shape[0] / 2
    edge = shape[0] * rng.uniform(0.12, 0.4)
    bounds = edge + np.r_[0, np.cumsum(u * rng.uniform(40, 170, int(rng.integers(1, 4))))]
    top = y < edge
    size = u * rng.uniform(10, 24)
    points = fields.jittered(rng, shape, size * 1.1, 0.42)
    near, _second, index = fields.cells(points * (1, 0.55), shape)
    grain = np.sqrt(np.clip(size**2 - near**2, 0, None)) + rng.uniform(0, 0.5 * size, len(points))[index]
    relief.z = np.where(top, 0.3 * grain + (edge - y) * 0.3, -8.0 * u)
    relief.tone = np.where(top, 0.85, 1.0)
    columns = fields.smooth(rng, (4, shape[1]), rng.uniform(2, 8) * u)[1]
    wander = np.clip(x + shape[1] / 2 + 5 * u * fields.smooth(rng, shape, 25 * u), 0, shape[1] - 1)
    for number, (upper, lower) in enumerate(itertools.pairwise(bounds)):
        layer = (y >= upper) & (y < lower)
        relief.tone[layer] = rng.uniform(0.7, 1.5)
        if number % 2 == 0:
            shafts = columns[wander.astype(np.intp)]
            relief.z += np.where(layer, rng.uniform(0.6, 2.5) * shafts, 0.0)
        else:
            relief.z += np.where(layer, rng.uniform(0.3, 1.2) * fields.fractal(rng, shape, 10 * u, 1.3), 0.0)
    wafer = y >= bounds[-1]
    relief.tone[wafer] = rng.uniform(0.55, 0.9)
    river = np.sin((x + 0.35 * y) / (u * rng.uniform(25, 60)) + 2 * fields.smooth(rng, shape, 80 * u))
    relief.z += np.where(wafer, 2.5 * np.clip(river - 0.6, 0, None), 0.0)
    for bound in bounds:
        relief.tone *= 1 + 0.45 * np.exp(-(((y - bound) / (1.6 * u)) ** 2))
    signal = secondary_electrons(relief, edge=0.35, side=0.5, pits=0.35, reach=(2.5, 8.0))
    return levels(signal, rng.uniform(0.05, 0.2), rng.uniform(0.75, 0.95))


def wrinkled(rng: Rng, shape: Shape) -> TextureField:
    """A compressed layer that buckled: winding telephone-cord or parallel wrinkles, blisters."""
    u = unit(shape)
    relief = Relief.flat(shape)
    period = u * rng.uniform(26, 110)
    x, _ = frame(shape, rng.uniform(0, np.pi))
    if rng.random() < 0.5:
        phase = 2 * np.pi * x / period + rng.uniform(0.5, 2.2) * fields.smooth(rng, shape, 1.2 * period)
        folds = np.cos(phase) * np.clip(0.6 + 0.5 * fields.smooth(rng, shape, 2 * period), 0, 1.4)
    else:
        folds = fields.labyrinth(rng, shape, period, 0.12)
    relief.z += period * rng.uniform(0.06, 0.14) * np.maximum(folds, -0.4)
    for _ in range(int(rng.choice([0, 0, 3, 8]))):
        place = (rng.uniform(0, shape[1]), rng.uniform(0, shape[0]))
        radius = u * rng.uniform(20, 90)
        blob(relief, *place, radius, relief.base(*place), rise=0.3, wobble=wobble(rng, 0.05))
    relief.z += rng.uniform(0.1, 0.5) * fields.fractal(rng, shape, 10 * u, 1.4)
    dust(rng, relief, int(rng.integers(0, 14)), 4 * u)
    signal = secondary_electrons(
        relief, edge=0.3, side=0.6, direction=rng.uniform(0, 6), pits=0.5, reach=(4.0, period / 4)
    )
    return levels(signal, rng.uniform(0.1, 0.35), rng.uniform(0.6, 0.9))


def scratched(rng: Rng, shape: Shape) -> TextureField:
    """A smooth coating with scratches, pinholes, stains and specks."""
    u = unit(shape)
    relief = Relief.flat(shape)
    relief.z += rng.uniform(0.1, 0.5) * fields.smooth(rng, shape, rng.uniform(1.0, 2.5))
    relief.tone += rng.uniform(0.02, 0.08) * fields.fractal(rng, shape, 120 * u, 1.7)
    main = rng.uniform(0, np.pi)
    for _ in range(int(rng.integers(5, 60))):
        angle = main + rng.choice([0.06, 0.06, 1.0]) * rng.standard_normal()
        half, x, y = u * rng.uniform(80, 1500), rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        dx, dy = half * np.cos(angle), half * np.sin(angle)
        ridge, strength = u * rng.uniform(0.7, 3.0), rng.uniform(1.05, 1.3)
        strand(relief, (x - dx, y - dy), (x + dx, y + dy), ridge, (0.2, 0.2), rise=0.6, tone=strength)
        off = (-ridge * 1.5 * np.sin(angle), ridge * 1.5 * np.cos(angle))
        ends = ((x - dx + off[0], y - dy + off[1]), (x + dx + off[0], y + dy + off[1]))
        strand(relief, *ends, ridge, (0.0, 0.0), rise=0.3, tone=rng.uniform(0.6, 0.85))
    for _ in range(int(rng.integers(0, 90))):
        place = (rng.uniform(0, shape[1]), rng.uniform(0, shape[0]))
        where, dx0, dy0 = relief.window(*place, u * rng.uniform(2, 9))
        hole = dx0**2 + dy0**2 < (u * rng.uniform(1.5, 7)) ** 2
        relief.z[where][hole] -= 12 * u
    if rng.random() < 0.5:  # a patch that came off
        x0, _ = frame(shape, rng.uniform(0, np.pi))
        bare = x0 + 25 * u * fields.fractal(rng, shape, 70 * u, 1.6) > rng.uniform(0, 330) * u
        relief.z[bare] -= 9 * u
        relief.tone[bare] *= rng.uniform(0.55, 0.8)
    dust(rng, relief, int(rng.integers(2, 30)), 4 * u)
    signal = secondary_electrons(relief, edge=0.4, side=0.4, pits=0.6, reach=(3.0, 9.0))
    return levels(signal, rng.uniform(0.1, 0.35), rng.uniform(0.6, 0.9), tail=0.2)


def nodular(rng: Rng, shape: Shape) -> TextureField:
    """Cauliflower-like columns of a thick vapour-deposited layer, of mixed sizes."""
    u = unit(shape)
    relief = Relief.flat(shape)
    for size in u * np.array([70.0, 24.0, 9.0]) * rng.uniform(0.7, 1.4):
        points = fields.jittered(rng, shape, size * 1.1, 0.45)
        near, _second, _index = fields.cells(points, shape)
        relief.z += 0.55 * np.sqrt(np.clip((0.85 * size) ** 2 - near**2, 0, None))
    signal = secondary_electrons(relief, edge=0.2, side=0.35, pits=0.7, reach=(2.5, 8.0, 24 * u))
    return levels(signal, rng.uniform(0.05, 0.2), rng.uniform(0.7, 0.95))


KINDS = (granular, cracked, cross_section, wrinkled, scratched, nodular)
