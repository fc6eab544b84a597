"""Patterned_surface: lithographic lattices, gratings and test fields."""

from __future__ import annotations

import numpy as np

from semtrace.synthetic import fields
from semtrace.synthetic.electrons import levels, secondary_electrons
from semtrace.synthetic.fields import TextureField
from semtrace.synthetic.relief import Relief, extrude
from semtrace.synthetic.scenes.parts import Rng, Shape, deeper, dust, frame, unit


def _finish(rng: Rng, relief: Relief, shape: Shape, specks: int) -> TextureField:
    """Cut to ``shape``; roughness, a few specks, and the exposure that flat wafers get."""
    relief, u = Relief(relief.z[: shape[0]].copy(), relief.tone[: shape[0]].copy()), unit(shape)
    relief.z += rng.uniform(0.05, 0.35) * fields.smooth(rng, shape, 1.5)
    relief.tone *= 1 + rng.uniform(0.01, 0.04) * fields.fractal(rng, shape, 150 * u, 1.7)
    dust(rng, relief, int(rng.integers(0, specks)), 5 * u)
    signal = secondary_electrons(relief, edge=0.4, side=0.25, pits=0.5, reach=(2.5, 8.0, 20 * u))
    return levels(signal, rng.uniform(0.05, 0.25), rng.uniform(0.7, 0.98), tail=0.3)


def _holes_or_dots(rng: Rng, shape: Shape, squeeze: float) -> tuple[TextureField, float]:
    """Signed distance (negative inside) to the motifs of a random square or hexagonal lattice, and its pitch."""
    u = unit(shape)
    pitch = u * rng.uniform(24, 130)
    x, y = frame(shape, rng.choice([0.0, 0.0, rng.uniform(0, np.pi)]), squeeze)
    row = np.floor(y / pitch)
    hexagonal = rng.random() < 0.5
    if hexagonal:
        y = y / np.sqrt(0.75)
        row = np.floor(y / pitch)
        x = x + (row % 2) * pitch / 2
    column = np.floor(x / pitch)
    across = x - (column + 0.5) * pitch
    along = (y - (row + 0.5) * pitch) * (np.sqrt(0.75) if hexagonal else 1.0)
    shape_of = rng.integers(4)
    if shape_of == 0:
        distance = np.hypot(across, along)
    elif shape_of == 1:
        distance = np.maximum(np.abs(across), np.abs(along))
    elif shape_of == 2:
        distance = (across**4 + along**4) ** 0.25
    else:
        distance = np.hypot(across, along * rng.uniform(0.45, 0.8))
    key = np.sin(column * 12.9898 + row * 78.233) * 43758.5453
    key = key - np.floor(key)  # one number per motif: a few are missing, all differ slightly
    half = pitch * rng.uniform(0.22, 0.4) * (1 + 0.05 * (key - 0.5))
    lost = key < rng.choice([0.0, 0.004, 0.02])
    return np.where(lost, pitch, distance - half), pitch


def holes(rng: Rng, shape: Shape) -> TextureField:
    """A lattice of etched holes, seen from above."""
    u = unit(shape)
    distance, pitch = _holes_or_dots(rng, shape, 1.0)
    distance = distance + 0.5 * u * fields.smooth(rng, shape, 5 * u)
    relief = Relief.flat(shape)
    inside = distance < 0
    relief.z[inside] = np.maximum(4 * distance[inside], -pitch * rng.uniform(0.2, 1.0))
    relief.tone[inside] = rng.uniform(0.35, 0.8)
    return _finish(rng, relief, shape, 12)


def pillars(rng: Rng, shape: Shape) -> TextureField:
    """A lattice of pillars, seen from an angle or from above."""
    squeeze = rng.choice([1.0, 0.71, 0.55])
    tall = deeper(shape)
    distance, pitch = _holes_or_dots(rng, tall, squeeze)
    relief = Relief.flat(tall, 0.0, 0.7)
    height, lean = pitch * rng.uniform(0.3, 1.3) * squeeze, np.sqrt(1 - squeeze**2) / squeeze
    extrude(relief, distance < 0, height, lean=lean, tone=rng.uniform(0.9, 1.3), wall=rng.uniform(1.0, 1.5))
    return _finish(rng, relief, shape, 10)


def grating(rng: Rng, shape: Shape) -> TextureField:
    """Lines and spaces with rough edges, some collapsed or ending in the field."""
    u = unit(shape)
    tall = deeper(shape)
    squeeze = rng.choice([1.0, 1.0, 0.7])
    pitch = u * rng.uniform(16, 90)
    x, y = frame(tall, rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)]), squeeze)
    rough = u * rng.uniform(0.3, 1.6) * fields.fractal(rng, tall, 12 * u, 1.2)
    number = np.floor(x / pitch)
    off = np.abs(x - (number + 0.5) * pitch) + rough
    lines = off < pitch * rng.uniform(0.17, 0.36)
    if rng.random() < 0.4:  # the pattern ends here
        lines &= y < u * rng.uniform(0, 260)
    if rng.random() < 0.35:  # every so often a pad crosses
        lines |= np.abs((y % (u * 420)) - 60 * u) < 14 * u
    relief = Relief.flat(tall, 0.0, rng.uniform(0.5, 0.8))
    extrude(
        relief, lines, pitch * rng.uniform(0.2, 0.9), lean=0.0 if squeeze == 1 else 0.9, tone=1.1,
        wall=rng.uniform(1.0, 1.6),
    )  # fmt: skip
    return _finish(rng, relief, shape, 10)


def zone_plate(rng: Rng, shape: Shape) -> TextureField:
    """Rings that get finer outwards, as X-ray lenses have them, with buttresses."""
    u = unit(shape)
    x, y = frame(shape, rng.uniform(0, np.pi))
    x, y = x + u * rng.uniform(-420, 420), y + u * rng.uniform(-300, 300)
    radius = np.hypot(x, y)
    first = u * rng.uniform(50, 110)
    zone = (radius / first) ** 2
    outer = u * rng.uniform(330, 700)
    finest = first**2 / (2 * outer)
    limit = outer if finest > 3 * u else first**2 / (6 * u)  # zones finer than the pixels are not written
    rings = (np.floor(zone + rng.random()) % 2 == 0) & (radius < limit)
    angle = np.arctan2(y, x)
    if rng.random() < 0.6:
        rings &= np.abs(np.sin(angle * rng.integers(2, 6) + np.floor(zone / 6))) > 0.06
    if rng.random() < 0.5:
        rings |= (radius > limit * 1.02) & (radius < limit * 1.2)
    relief = Relief.flat(shape, 0.0, 0.65)
    extrude(relief, rings, 8 * u, tone=1.3)
    return _finish(rng, relief, shape, 8)


def fields_of_dose(rng: Rng, shape: Shape) -> TextureField:
    """Square write fields, each with another motif or dose, between marker crosses."""
    u = unit(shape)
    x, y = frame(shape, rng.normal(0, 0.05))
    x, y = x + 4000 * u, y + 4000 * u
    pitch = u * rng.uniform(150, 330)
    column, row = np.floor(x / pitch), np.floor(y / pitch)
    inner_x, inner_y = x - column * pitch, y - row * pitch
    dose = (column * 0.37 + row * 0.71) % 1.0
    fine = u * rng.uniform(9, 22)
    motif = (column + 2 * row) % 3
    dots = np.hypot((inner_x % fine) - fine / 2, (inner_y % fine) - fine / 2) < fine * (0.15 + 0.25 * dose)
    lines = np.abs((inner_x % fine) - fine / 2) < fine * (0.1 + 0.28 * dose)
    checks = (np.floor(inner_x / fine) + np.floor(inner_y / fine)) % 2 == 0
    pattern = np.where(motif == 0, dots, np.where(motif == 1, lines, checks))
    margin = pitch * rng.uniform(0.1, 0.2)
    inside = (inner_x > margin) & (inner_x < pitch - margin) & (inner_y > margin) & (inner_y < pitch - margin)
    arm = np.minimum(inner_x, pitch - inner_x), np.minimum(inner_y, pitch - inner_y)
    cross = (np.minimum(*arm) < 2.5 * u) & (np.maximum(*arm) < 0.6 * margin)
    relief = Relief.flat(shape, 0.0, rng.uniform(0.6, 0.9))
    extrude(relief, (pattern & inside) | cross, rng.uniform(3, 10) * u, tone=rng.uniform(1.0, 1.4))
    return _finish(rng, relief, shape, 14)


KINDS = (holes, pillars, grating, zone_plate, fields_of_dose)
