"""Fibres: mats, bundles, fabrics."""

from __future__ import annotations

import numpy as np

from semtrace.synthetic import fields
from semtrace.synthetic.electrons import levels, secondary_electrons
from semtrace.synthetic.fields import TextureField
from semtrace.synthetic.relief import Relief, blob, strand
from semtrace.synthetic.scenes.parts import Rng, Shape, frame, raise_by, unit, wobble


def _across(rng: Rng, shape: Shape, angle: float) -> tuple[tuple[float, float], tuple[float, float], float]:
    """Ends, outside the picture, of a random line in direction ``angle``, and its length."""
    half = float(np.hypot(*shape)) * 1.1
    x, y = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
    dx, dy = half * np.cos(angle), half * np.sin(angle)
    return (x - dx, y - dy), (x + dx, y + dy), 2 * half


def _mat(rng: Rng, shape: Shape, radius: float, count: int, bend: float, swell: float, aligned: float) -> Relief:
    """Layers of long fibres at random angles, or around one direction when ``aligned`` is small."""
    u = unit(shape)
    relief = Relief.flat(shape, -5.0 * radius - 40 * u, 0.35)
    main = rng.uniform(0, np.pi)
    for index in range(count):
        start, end, long = _across(rng, shape, main + aligned * rng.standard_normal())
        depth = (index / count - 1) * (4 * radius + 40 * u)
        waves = [(rng.uniform(1, 4), long * 0.012 * bend * rng.normal(), rng.uniform(0, 6)) for _ in range(2)]
        beads = [(rng.uniform(4, 14), swell * rng.uniform(0.5, 1), rng.uniform(0, 6)) for _ in range(2)]
        strand(
            relief, start, end, radius * rng.lognormal(0, 0.25),
            (depth + rng.normal(0, 1.5) * radius, depth + rng.normal(0, 1.5) * radius),
            bow=long * bend * rng.normal(0, 0.08), ripple=waves, swell=beads, tone=0.75 + 0.4 * index / count,
        )  # fmt: skip
    return relief


def electrospun(rng: Rng, shape: Shape) -> TextureField:
    """A non-woven mat of smooth polymer fibres."""
    u = unit(shape)
    radius = u * rng.uniform(2.2, 13)
    relief = _mat(rng, shape, radius, int(np.clip(1500 * u / radius, 70, 330)), rng.uniform(0, 1.5), 0.04, 3.0)
    relief.z += 0.12 * fields.smooth(rng, shape, 1.2)
    signal = secondary_electrons(relief, edge=0.35, side=0.2, pits=0.5, reach=(3.0, 10.0, 3 * radius + 12 * u))
    return levels(signal, rng.uniform(0.02, 0.12), rng.uniform(0.8, 1.0))


def beaded(rng: Rng, shape: Shape) -> TextureField:
    """Thin fibres with spindle-shaped beads: a jet that broke up."""
    u = unit(shape)
    radius = u * rng.uniform(1.5, 3.5)
    relief = _mat(rng, shape, radius, int(rng.integers(90, 200)), 0.6, 0.1, rng.choice([0.3, 3.0]))
    for _ in range(int(rng.integers(30, 110))):
        size = u * rng.uniform(9, 30)
        place = (rng.uniform(0, shape[1]), rng.uniform(0, shape[0]))
        aspect = rng.uniform(1.3, 3.2)
        blob(
            relief, *place, size, rng.uniform(-30, 0) * u, rise=0.9, aspect=aspect, angle=rng.uniform(0, np.pi),
            wobble=wobble(rng, 0.1), power=1.7, tone=rng.uniform(1.0, 1.3),
        )  # fmt: skip
    signal = secondary_electrons(relief, edge=0.35, side=0.25, pits=0.45, reach=(3.0, 12.0))
    return levels(signal, rng.uniform(0.02, 0.15), rng.uniform(0.8, 1.0))


def hair(rng: Rng, shape: Shape) -> TextureField:
    """A few thick natural fibres with the scales of wool or hair."""
    u = unit(shape)
    relief = Relief.flat(shape, -260 * u, 0.4)
    relief.z += 1.5 * fields.fractal(rng, shape, 30 * u, 1.5)
    radius, main = u * rng.uniform(38, 120), rng.uniform(0, np.pi)
    pitch = radius * rng.uniform(0.35, 0.7)
    waviness = fields.smooth(rng, shape, 10 * u)
    for index in range(int(rng.integers(3, 9))):
        angle = main + rng.choice([0.2, 0.9]) * rng.standard_normal()
        start, end, long = _across(rng, shape, angle)
        before = relief.z.copy()
        depth = (index - 8) * 26 * u
        strand(
            relief, start, end, radius * rng.lognormal(0, 0.12), (depth, depth + rng.normal(0, 40) * u),
            bow=long * rng.normal(0, 0.03), tone=rng.uniform(0.9, 1.1),
        )  # fmt: skip
        fresh = relief.z > before
        along, across = frame(shape, angle)
        phase = along / pitch + 0.9 * waviness + 0.5 * np.cos(across / (radius * 0.8))
        scale = phase % 1.0
        relief.z += np.where(fresh, 0.06 * pitch * scale, 0.0)
        relief.tone *= np.where(fresh, 0.9 + 0.9 * scale**14 - 0.25 * (1 - scale) ** 14, 1.0)
    relief.z += 0.3 * fields.fractal(rng, shape, 6.0, 1.3)
    signal = secondary_electrons(relief, edge=0.3, side=0.3, pits=0.6, reach=(3.0, 10.0, radius))
    return levels(signal, rng.uniform(0.02, 0.1), rng.uniform(0.75, 0.95))


def bundle(rng: Rng, shape: Shape) -> TextureField:
    """Parallel carbon or glass fibres with fine striae, some of them broken."""
    u = unit(shape)
    radius, main = u * rng.uniform(14, 46), rng.uniform(0, np.pi)
    relief = Relief.flat(shape, -4 * radius, 0.35)
    for index in range(int(np.clip(2600 * u / radius, 40, 170))):
        start, end, long = _across(rng, shape, main + 0.05 * rng.standard_normal())
        if rng.random() < 0.15:
            cut = rng.uniform(0.35, 0.65)
            end = (start[0] + (end[0] - start[0]) * cut, start[1] + (end[1] - start[1]) * cut)
        depth = (index / 60 - 3) * radius
        strand(
            relief, start, end, radius * rng.normal(1, 0.04), (depth, depth + rng.normal(0, 0.6) * radius),
            bow=long * rng.normal(0, 0.006), tone=rng.uniform(0.85, 1.1),
        )  # fmt: skip
    _, across = frame(shape, main)
    relief.z += 0.45 * np.sin(across / (u * rng.uniform(0.8, 2.0)) + 2 * fields.smooth(rng, shape, 30 * u))
    for _ in range(int(rng.integers(0, 40))):  # sizing and debris stuck to the fibres
        x, y = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        blob(relief, x, y, radius * rng.uniform(0.08, 0.3), relief.base(x, y), wobble=wobble(rng, 0.4), tone=1.2)
    signal = secondary_electrons(relief, edge=0.25, side=0.3, pits=0.5, reach=(3.0, radius / 2, 2 * radius))
    return levels(signal, rng.uniform(0.02, 0.12), rng.uniform(0.75, 0.95))


def fabric(rng: Rng, shape: Shape) -> TextureField:
    """A plain weave: yarns of many filaments going over and under each other."""
    u = unit(shape)
    pitch, angle = u * rng.uniform(95, 260), rng.uniform(0, np.pi)
    x, y = frame(shape, angle)
    x = x + 0.05 * pitch * fields.smooth(rng, shape, 0.5 * pitch)
    y = y + 0.05 * pitch * fields.smooth(rng, shape, 0.5 * pitch)
    relief = Relief.flat(shape, -0.6 * pitch, 0.3)
    filaments, filling = rng.integers(5, 12), rng.uniform(0.36, 0.47)
    for along, across, sign in ((x, y, 1.0), (y, x, -1.0)):
        yarn = np.floor(across / pitch)
        off = across - (yarn + 0.5) * pitch
        wave = sign * np.sin(np.pi * along / pitch) * np.where(yarn % 2 == 0, 1.0, -1.0)
        half = filling * pitch
        body = np.sqrt(np.clip(1 - (off / half) ** 2, 0, None))
        twist = off * filaments / half + 0.2 * along / pitch + 7 * np.sin(yarn * 12.9)
        fine = np.sqrt(np.clip(1 - (2 * (twist % 1.0) - 1) ** 2, 0, None)) * half / filaments
        surface = 0.22 * pitch * wave + 0.3 * half * body + fine
        raise_by(relief, np.where(np.abs(off) < half, surface, -np.inf), 0.9 + 0.2 * np.cos(17 * np.floor(twist)))
    for _ in range(int(rng.integers(2, 14))):  # loose filaments
        start, end, long = _across(rng, shape, rng.uniform(0, np.pi))
        strand(
            relief, start, end, filling * pitch / filaments * 0.6, (0.45 * pitch, 0.45 * pitch),
            bow=long * rng.normal(0, 0.1), ripple=[(2.2, 0.02 * long * rng.normal(), rng.uniform(0, 6))],
        )  # fmt: skip
    signal = secondary_electrons(relief, edge=0.25, side=0.3, pits=0.5, reach=(3.0, pitch / 12, pitch / 4))
    return levels(signal, rng.uniform(0.02, 0.12), rng.uniform(0.75, 0.95))


def paper(rng: Rng, shape: Shape) -> TextureField:
    """Flattened, twisted ribbons of cellulose with fibrils between them."""
    u = unit(shape)
    relief = Relief.flat(shape, -90 * u, 0.45)
    count = int(rng.integers(22, 55))
    width = u * rng.uniform(16, 44)
    for index in range(count):
        start, end, long = _across(rng, shape, rng.uniform(0, np.pi))
        depth = (index / count - 1) * 70 * u
        strand(
            relief, start, end, width * rng.lognormal(0, 0.3), (depth + rng.normal(0, 12) * u, depth),
            bow=long * rng.normal(0, 0.07), ripple=[(rng.uniform(1, 3), 0.02 * long * rng.normal(), 0.0)],
            swell=[(rng.uniform(2, 7), 0.35, rng.uniform(0, 6))], rise=0.22, tone=rng.uniform(0.85, 1.1),
        )  # fmt: skip
    for _ in range(int(rng.integers(40, 110))):
        start, end, long = _across(rng, shape, rng.uniform(0, np.pi))
        depth = rng.uniform(-70, 4) * u
        strand(
            relief, start, end, u * rng.uniform(0.9, 2.2), (depth, depth + rng.normal(0, 30) * u),
            bow=long * rng.normal(0, 0.1), ripple=[(rng.uniform(1, 5), 0.02 * long * rng.normal(), 1.0)],
        )  # fmt: skip
    relief.z += 1.1 * fields.fractal(rng, shape, 20 * u, 1.6)
    signal = secondary_electrons(relief, edge=0.35, side=0.4, pits=0.55, rims=0.6, reach=(3.0, 10.0, 30 * u))
    return levels(signal, rng.uniform(0.02, 0.12), rng.uniform(0.75, 0.98))


KINDS = (electrospun, beaded, hair, bundle, fabric, paper)
