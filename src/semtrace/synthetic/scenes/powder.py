"""Powder: heaps that fill the field of view."""

from __future__ import annotations

import numpy as np

from semtrace.synthetic import fields
from semtrace.synthetic.electrons import levels, secondary_electrons
from semtrace.synthetic.fields import TextureField
from semtrace.synthetic.relief import Relief, blob, crystal, facet
from semtrace.synthetic.scenes.parts import Rng, Shape, fracture, raise_by, unit, wobble


def _dropped(rng: Rng, shape: Shape, largest: float, smallest: float, steepness: float, count: int) -> TextureField:
    """Rows (x, y, radius) of grains let fall one after the other; small ones are more frequent."""
    places = rng.uniform(-0.04, 1.04, (count, 2)) * (shape[1], shape[0])
    return np.column_stack([places, np.maximum(smallest, largest * rng.power(steepness, count))])


def _enough(shape: Shape, largest: float) -> int:
    """How many grains cover the picture a few times; bounded, so that fine powder does not take long."""
    return int(min(2.6 * shape[0] * shape[1] / largest**2 + 150, 620))


def crushed(rng: Rng, shape: Shape) -> TextureField:
    """Broken grains of broad size with flat fracture faces."""
    u = unit(shape)
    relief = Relief.flat(shape, 0.0, 0.75)
    largest = u * rng.uniform(38, 120)
    for x, y, radius in _dropped(rng, shape, largest, 5 * u, rng.uniform(0.5, 0.9), _enough(shape, largest)):
        height = relief.rest(x, y, radius * 0.8) - radius * rng.uniform(0.2, 0.5)
        planes = fracture(rng, int(rng.integers(5, 11)), 0.3)
        crystal(relief, x, y, radius, height - radius * 0.4, planes, tone=rng.uniform(0.9, 1.2))
    relief.z += fields.fractal(rng, shape, 12.0, 1.6) * rng.uniform(0.2, 0.7)
    signal = secondary_electrons(
        relief, edge=0.35, side=0.6, direction=rng.uniform(0, 6), pits=0.6, reach=(3.0, 12.0, largest / 2)
    )
    return levels(signal, rng.uniform(0.03, 0.12), rng.uniform(0.8, 0.98))


def agglomerates(rng: Rng, shape: Shape) -> TextureField:
    """Fine grains caked into lumps, like cauliflower."""
    u = unit(shape)
    lump, size = u * rng.uniform(55, 140), u * rng.uniform(4.5, 12)
    relief = Relief.flat(shape, -lump)
    for x, y in fields.scattered(rng, shape, lump * 1.1, margin=lump):
        height = rng.uniform(-0.9, 0.1) * lump
        blob(relief, x, y, lump * rng.uniform(0.7, 1.1), height, wobble=wobble(rng, 0.3), rise=0.8)
    for spacing in (size * 3.2, size * 1.35):  # coarse knobs, then the grains themselves
        points = fields.jittered(rng, shape, spacing, 0.45)
        near, _second, index = fields.cells(points, shape, coarse=1 if spacing < 8 else 2)
        dome = np.sqrt(np.clip((0.75 * spacing) ** 2 - near**2, 0, None))
        relief.z += dome + rng.uniform(0, spacing * 0.7, len(points))[index]
        relief.tone *= rng.uniform(0.93, 1.07, len(points))[index]
    signal = secondary_electrons(relief, edge=0.2, side=0.35, pits=0.7, reach=(2.5, 8.0, lump / 2))
    return levels(signal, rng.uniform(0.03, 0.15), rng.uniform(0.8, 0.98))


def platelets(rng: Rng, shape: Shape) -> TextureField:
    """Thin plates at all angles: clay, hydroxides, graphite flakes."""
    u = unit(shape)
    relief = Relief.flat(shape, -70.0 * u, 0.6)
    size, corners, steep = u * rng.uniform(24, 85), int(rng.choice([5, 6, 6, 9])), rng.uniform(0.3, 0.9)
    for x, y in rng.uniform(-0.04, 1.04, (int(520 * (45 * u / size) ** 0.7), 2)) * (shape[1], shape[0]):
        radius = size * rng.lognormal(0, 0.35)
        tilt, spin = min(abs(rng.normal(0, steep)), 1.45), rng.uniform(0, 2 * np.pi)
        around = np.linspace(0, 2 * np.pi, corners + 1)[:-1] + rng.uniform(-0.2, 0.2, corners)
        a, b = radius * np.cos(around), radius * np.sin(around)
        flake = np.stack(
            [
                x + a * np.cos(spin) - b * np.cos(tilt) * np.sin(spin),
                y + a * np.sin(spin) + b * np.cos(tilt) * np.cos(spin),
                rng.uniform(-60, 30) * u + b * np.sin(tilt),
            ],
            axis=1,
        )
        facet(relief, flake, tone=rng.uniform(0.85, 1.2))
    relief.z += 0.25 * fields.fractal(rng, shape, 8.0, 1.5)
    signal = secondary_electrons(relief, edge=0.3, side=0.35, pits=0.7, rims=0.7, reach=(2.5, 12.0))
    return levels(signal, rng.uniform(0.03, 0.12), rng.uniform(0.8, 1.0))


def atomised_metal(rng: Rng, shape: Shape) -> TextureField:
    """Spheres of broad size with satellites and a dendritic skin."""
    u = unit(shape)
    relief = Relief.flat(shape, 0.0, 0.7)
    largest = u * rng.uniform(45, 130)
    for x, y, radius in _dropped(rng, shape, largest, 5 * u, rng.uniform(0.5, 0.9), _enough(shape, largest)):
        height = relief.rest(x, y, radius) - radius * 0.08
        tone, aspect = rng.uniform(0.9, 1.15), 1 + 0.25 * rng.random() ** 3
        blob(relief, x, y, radius, height, aspect=aspect, angle=rng.uniform(0, np.pi), tone=tone)
        for _ in range(int(rng.integers(0, 4)) if radius > 14 * u else 0):
            angle, out = rng.uniform(0, 2 * np.pi), radius * rng.uniform(0.3, 0.95)
            place = (x + out * np.cos(angle), y + out * np.sin(angle))
            blob(relief, *place, radius * rng.uniform(0.06, 0.2), height + np.sqrt(radius**2 - out**2))
    relief.z += fields.labyrinth(rng, shape, 9.0 * u, 0.4) * rng.uniform(0.05, 0.45)
    signal = secondary_electrons(relief, edge=0.35, side=0.4, pits=0.5, reach=(3.0, 14.0, largest / 2))
    return levels(signal, rng.uniform(0.03, 0.1), rng.uniform(0.85, 1.0))


def spray_dried(rng: Rng, shape: Shape) -> TextureField:
    """Granules with dents and wrinkles, as spray drying leaves them."""
    u = unit(shape)
    relief = Relief.flat(shape, 0.0, 0.6)
    largest = u * rng.uniform(50, 110)
    rough = fields.fractal(rng, shape, 14 * u, 1.5)
    for x, y, radius in _dropped(rng, shape, largest, 9 * u, 1.0, _enough(shape, largest)):
        height = relief.rest(x, y, radius * 0.95) - radius * 0.1
        body, dx, dy = relief.window(x, y, 1.3 * radius)
        under = relief.z[body].copy()
        blob(relief, x, y, radius, height, wobble=wobble(rng, 0.1), tone=rng.uniform(0.9, 1.15))
        if radius > 25 * u:  # dents
            sunk = np.zeros(under.shape)
            for _ in range(int(rng.integers(1, 4))):
                angle, out = rng.uniform(0, 2 * np.pi), radius * rng.uniform(0, 0.7)
                dent, far2 = (
                    radius * rng.uniform(0.25, 0.5),
                    (dx - out * np.cos(angle)) ** 2 + (dy - out * np.sin(angle)) ** 2,
                )
                sunk += dent * np.exp(-far2 / (1.28 * dent**2))
            fresh = relief.z[body] > under
            np.copyto(relief.z[body], np.maximum(relief.z[body] - sunk, under), where=fresh)
    raise_by(relief, np.full(shape, 0.0), 0.6)
    relief.z += rng.uniform(0.4, 1.2) * rough
    signal = secondary_electrons(relief, edge=0.35, side=0.4, pits=0.5, reach=(3.0, 14.0, largest / 2))
    return levels(signal, rng.uniform(0.03, 0.1), rng.uniform(0.85, 1.0))


KINDS = (crushed, agglomerates, platelets, atomised_metal, spray_dried)
