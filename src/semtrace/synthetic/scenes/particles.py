"""Particles: separate grains on a smooth support."""

from __future__ import annotations

import numpy as np

from semtrace.synthetic import fields
from semtrace.synthetic.electrons import levels, secondary_electrons
from semtrace.synthetic.fields import TextureField
from semtrace.synthetic.relief import blob, crystal, tube
from semtrace.synthetic.scenes.parts import Rng, Shape, support, unit, wobble


def oxide_grains(rng: Rng, shape: Shape) -> TextureField:
    """Rounded grains that stuck together in chains and clusters while drying."""
    relief = support(rng, shape, rough=rng.uniform(0.02, 0.3), mottle=rng.uniform(0.005, 0.04))
    size = unit(shape) * rng.uniform(11, 32)
    for _ in range(int(rng.integers(6, 24))):
        walk = [(rng.uniform(0, shape[1]), rng.uniform(0, shape[0]))]
        for _ in range(int(rng.integers(0, 18))):
            x, y = walk[int(rng.integers(max(0, len(walk) - 4), len(walk)))]
            angle = rng.uniform(0, 2 * np.pi)
            walk.append((x + 1.6 * size * np.cos(angle), y + 1.6 * size * np.sin(angle)))
        for x, y in walk:
            radius = size * rng.lognormal(0, 0.22)
            blob(
                relief, x, y, radius, rng.uniform(0, size), rise=0.9, aspect=rng.uniform(1, 1.5),
                angle=rng.uniform(0, np.pi), wobble=wobble(rng, 0.12), power=rng.uniform(2, 3.2),
                tone=rng.uniform(1.5, 2.3),
            )  # fmt: skip
    signal = secondary_electrons(relief, edge=0.75, side=0.3, pits=0.5, reach=(3.0, size))
    return levels(signal, rng.uniform(0.08, 0.2), rng.uniform(0.8, 0.98))


def latex_spheres(rng: Rng, shape: Shape) -> TextureField:
    """Monodisperse spheres, alone or in hexagonal rafts of one layer."""
    relief = support(rng, shape, rough=rng.uniform(0.02, 0.2), mottle=rng.uniform(0.005, 0.05))
    size = unit(shape) * rng.uniform(12, 50)
    taken: list[tuple[float, float]] = []
    for _ in range(int(rng.integers(8, 26))):
        middle = rng.uniform(0, 1, 2) * (shape[1], shape[0])
        angle, members = rng.uniform(0, np.pi), int(rng.choice([1, 1, 1, 2, 3, 7, 12, 19]))
        i, j = (grid.ravel() for grid in np.meshgrid(np.arange(-3, 4), np.arange(-3, 4)))
        across, along = i + j / 2, j * np.sqrt(0.75)
        inner = np.argsort(across**2 + along**2 + 1.5 * rng.random(i.size), kind="stable")[:members]
        for a, b in zip(across[inner], along[inner], strict=True):
            x = middle[0] + 2.03 * size * (a * np.cos(angle) - b * np.sin(angle))
            y = middle[1] + 2.03 * size * (a * np.sin(angle) + b * np.cos(angle))
            if all((x - p) ** 2 + (y - q) ** 2 > (2 * size) ** 2 for p, q in taken):
                taken.append((x, y))
                blob(relief, x, y, size * rng.normal(0.985, 0.012), size, tone=rng.uniform(1.7, 2.1))
    signal = secondary_electrons(relief, edge=0.5, side=rng.uniform(0.1, 0.4), pits=0.25, reach=(4.0, size))
    return levels(signal, rng.uniform(0.12, 0.35), rng.uniform(0.85, 1.0))


def gold_rods(rng: Rng, shape: Shape) -> TextureField:
    """Rods and ellipsoids lying flat, aligned or at random."""
    relief = support(rng, shape, rough=rng.uniform(0.02, 0.3), mottle=rng.uniform(0.005, 0.04))
    size, slim = unit(shape) * rng.uniform(14, 42), rng.uniform(1.6, 4.0)
    lean, spread = rng.uniform(0, np.pi), rng.choice([0.25, 3.0])
    for x, y in fields.scattered(rng, shape, size * rng.uniform(1.7, 3.4), margin=size)[:260]:
        aspect = max(1.0, slim * rng.lognormal(0, 0.25))
        blob(
            relief, x, y, size * rng.lognormal(0, 0.2), 2.0, aspect=aspect,
            angle=lean + spread * rng.standard_normal(), power=2.8, tone=rng.uniform(1.6, 2.2),
        )  # fmt: skip
    signal = secondary_electrons(relief, edge=0.55, side=0.2, pits=0.5, reach=(3.0, 10.0))
    return levels(signal, rng.uniform(0.15, 0.4), rng.uniform(0.8, 0.95))


def cubes_and_octahedra(rng: Rng, shape: Shape) -> TextureField:
    """Crystals with {100} and {111} faces, lying on any of them."""
    relief = support(rng, shape, rough=rng.uniform(0.02, 0.3), mottle=rng.uniform(0.005, 0.04))
    size = unit(shape) * rng.uniform(20, 64)
    face = np.concatenate([np.eye(3), -np.eye(3)])
    corner = np.array([[a, b, c] for a in (1, -1) for b in (1, -1) for c in (1, -1)]) / np.sqrt(3)
    faces = np.concatenate([face, corner])
    cut = rng.choice([0.75, 1.0, 1.25])  # below 1 the corners are cut off, above they are sharp
    reach = np.r_[np.full(6, 0.9), np.full(8, 1.05 * cut)]
    for x, y in fields.scattered(rng, shape, size * rng.uniform(1.9, 3.6), margin=size)[:140]:
        a, b = rng.uniform(0, np.pi), rng.choice([0.0, 0.0, 0.5, 0.95]) * rng.choice([-1, 1])
        spin = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
        roll = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
        normals = faces @ roll.T @ spin.T
        upper = normals[:, 2] > -0.05
        radius = size * rng.lognormal(0, 0.22)
        planes = np.column_stack([normals, reach])[upper]
        crystal(relief, x, y, radius, radius * 0.8, planes, tone=rng.uniform(1.5, 1.9))
    signal = secondary_electrons(
        relief, edge=0.5, side=0.8, direction=rng.uniform(0, 6), pits=0.45, reach=(3.0, size / 2)
    )
    return levels(signal, rng.uniform(0.1, 0.3), rng.uniform(0.85, 1.0))


def raspberries(rng: Rng, shape: Shape) -> TextureField:
    """A few large spheres with a granular skin."""
    relief = support(rng, shape, rough=rng.uniform(0.02, 0.4), mottle=rng.uniform(0.01, 0.06))
    size = unit(shape) * rng.uniform(50, 170)
    grain = rng.uniform(0.045, 0.11)
    for x, y in fields.scattered(rng, shape, size * rng.uniform(1.6, 3.0), margin=size / 2)[:14]:
        radius = size * rng.uniform(0.6, 1.05)
        centre = relief.rest(x, y, radius * 0.9)
        blob(relief, x, y, radius, centre, wobble=wobble(rng, 0.03), tone=1.6)
        count = int(min(420, 2.2 / grain**2))
        around, out = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.random(count)) * radius
        for angle, r in zip(around, out, strict=True):
            place = (x + r * np.cos(angle), y + r * np.sin(angle))
            shell = centre + np.sqrt(radius**2 - r * r) * 0.98
            blob(relief, *place, radius * grain * rng.uniform(0.7, 1.3), shell, rise=1.2, tone=1.7)
    signal = secondary_electrons(relief, edge=0.35, side=0.3, pits=0.6, reach=(2.5, 8.0, size / 2))
    return levels(signal, rng.uniform(0.08, 0.25), rng.uniform(0.85, 1.0))


def island_dots(rng: Rng, shape: Shape) -> TextureField:
    """Many small islands with a halo, as dewetted metal or quantum dots show them, some with a tail."""
    relief = support(rng, shape, rough=rng.uniform(0.2, 0.6), mottle=rng.uniform(0.02, 0.06))
    size = unit(shape) * rng.uniform(5, 15)
    lean, tails = rng.uniform(0, 2 * np.pi), rng.random() < 0.5
    for x, y in fields.scattered(rng, shape, size * rng.uniform(2.3, 5.0))[:700]:
        radius = size * rng.lognormal(0, 0.35)
        tone = rng.uniform(1.5, 2.0)
        if tails and rng.random() < 0.5:
            length, angle = radius * rng.uniform(1.5, 5), lean + 0.5 * rng.standard_normal()
            path = [(x, y, radius), (x + length * np.cos(angle), y + length * np.sin(angle), radius)]
            tube(relief, path, (radius * 0.9, radius * 0.45), tone=tone)
        blob(relief, x, y, radius, radius * 0.4, wobble=wobble(rng, 0.15), tone=tone)
    signal = secondary_electrons(relief, edge=0.5, side=0.3, pits=0.5, reach=(3.0, size * 1.5))
    return levels(signal, rng.uniform(0.06, 0.2), rng.uniform(0.8, 1.0), tail=0.2)


KINDS = (oxide_grains, latex_spheres, gold_rods, cubes_and_octahedra, raspberries, island_dots)
