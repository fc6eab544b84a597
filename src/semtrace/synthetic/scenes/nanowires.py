"""Nanowires: grown upright, fallen over, tangled, or one alone."""

from __future__ import annotations

import numpy as np

from semtrace.synthetic import fields
from semtrace.synthetic.electrons import levels, secondary_electrons
from semtrace.synthetic.fields import TextureField
from semtrace.synthetic.relief import Relief, blob, extrude, facet, strand, tube
from semtrace.synthetic.scenes.parts import Rng, Shape, frame, support, unit, wobble


def forest(rng: Rng, shape: Shape) -> TextureField:
    """Upright wires with a catalyst drop on top, looked at from an angle; the nearest are drawn last."""
    u = unit(shape)
    relief = support(rng, shape, rough=rng.uniform(0.2, 0.8), mottle=rng.uniform(0.01, 0.05))
    length, radius = u * rng.uniform(60, 220), u * rng.uniform(2.5, 9)
    lean, drop, taper = rng.uniform(0.45, 0.95), rng.uniform(0.9, 1.6), rng.uniform(0.5, 1.0)
    area = (shape[0] + 2 * length) * (shape[1] + 2 * length)
    gap = max(length * rng.uniform(0.16, 0.45), np.sqrt(area / 520))
    places = fields.scattered(rng, shape, gap, margin=length)
    far_edge = rng.uniform(0.1, 0.5) * shape[0] if rng.random() < 0.25 else -length  # where growth begins
    places = places[places[:, 1] > far_edge]
    for x, y in places[np.argsort(places[:, 1], kind="stable")]:
        long = length * rng.lognormal(0, rng.choice([0.06, 0.3]))
        dx, wide = long * rng.normal(0, 0.05), radius * rng.lognormal(0, 0.15)
        top = (x + dx, y - long * lean, long * 0.7 + wide)
        tube(relief, [(x, y, 0.0), top], (wide, wide * taper), tone=rng.uniform(1.3, 1.6))
        blob(relief, top[0], top[1], wide * drop, top[2], tone=1.9)
    signal = secondary_electrons(relief, edge=0.4, side=0.25, pits=0.35, reach=(3.0, 14.0, 40 * u))
    return levels(signal, rng.uniform(0.02, 0.15), rng.uniform(0.85, 1.0))


def scattered_wires(rng: Rng, shape: Shape) -> TextureField:
    """Wires transferred to a wafer, straight and thin, with markers or a contact pad."""
    u = unit(shape)
    relief = support(rng, shape, rough=rng.uniform(0.05, 0.3), mottle=rng.uniform(0.005, 0.03))
    across, along = frame(shape, rng.uniform(0, np.pi))
    if rng.random() < 0.6:  # a strip of metal or of etched oxide
        strip = np.abs(across - rng.uniform(-300, 300) * u) < rng.uniform(40, 110) * u
        if rng.random() < 0.5:
            strip &= along < rng.uniform(-100, 250) * u
        extrude(relief, strip, 3.0, tone=rng.choice([0.72, 1.25]))
    if rng.random() < 0.5:  # alignment dots
        pitch = rng.uniform(80, 160) * u
        dots = np.hypot((across + pitch / 2) % pitch - pitch / 2, (along + pitch / 2) % pitch - pitch / 2) < 2.6 * u
        extrude(relief, dots, 3.0, tone=1.4)
    length, radius = u * rng.uniform(60, 200), u * rng.uniform(1.6, 4.5)
    for _ in range(int(rng.integers(12, 80))):
        x, y = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
            angle, long = rng.uniform(0, np.pi), length * rng.lognormal(0, 0.25)
            dx, dy = long / 2 * np.cos(angle), long / 2 * np.sin(angle)
            x, y = x + rng.normal(0, 12) * u, y + rng.normal(0, 12) * u
            ends = np.array([[x - dx, y - dy, radius + 3], [x + dx, y + dy, radius + 3]])
            tube(relief, ends, (radius, radius * rng.uniform(0.5, 1)), rise=1.5, tone=rng.uniform(1.7, 2.2))
    signal = secondary_electrons(relief, edge=0.6, side=0.2, pits=0.4, reach=(3.0, 12.0))
    return levels(signal, rng.uniform(0.1, 0.35), rng.uniform(0.8, 1.0), tail=0.2)


def tangle(rng: Rng, shape: Shape) -> TextureField:
    """A dense mat of long, bent wires: silver, zinc oxide or carbon nanotubes."""
    u = unit(shape)
    relief = Relief.flat(shape, -60 * u, 0.45)
    radius, bend = u * rng.uniform(1.5, 4.5), rng.uniform(0.0, 0.35)
    diagonal, count = float(np.hypot(*shape)), int(rng.integers(160, 420))
    for index in range(count):
        angle, long = rng.uniform(0, np.pi), diagonal * rng.uniform(0.25, 0.9)
        x, y = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        dx, dy = long / 2 * np.cos(angle), long / 2 * np.sin(angle)
        depth = (index / count - 1) * 60 * u
        ripple = [(rng.uniform(0.6, 2.5), long * 0.03 * bend * rng.normal(), rng.uniform(0, 6)) for _ in range(2)]
        strand(
            relief, (x - dx, y - dy), (x + dx, y + dy), radius * rng.lognormal(0, 0.2),
            (depth + rng.normal(0, 12) * u, depth + rng.normal(0, 12) * u),
            bow=long * bend * rng.normal(0, 0.4), ripple=ripple, tone=1.0 + 0.4 * index / count,
        )  # fmt: skip
    signal = secondary_electrons(relief, edge=0.45, side=0.2, pits=0.45, reach=(3.0, 14.0))
    return levels(signal, rng.uniform(0.02, 0.15), rng.uniform(0.85, 1.0))


def tapered(rng: Rng, shape: Shape) -> TextureField:
    """Short spindles and tapered wires on a granular film, some long and kinked."""
    u = unit(shape)
    relief = support(rng, shape, rough=rng.uniform(0.5, 1.1), mottle=rng.uniform(0.02, 0.06))
    relief.tone *= 0.75
    way = rng.normal(np.pi / 2, 0.15) if rng.random() < 0.6 else rng.uniform(0, np.pi)
    wide, spread = u * rng.uniform(4, 12), rng.choice([0.15, 0.15, 1.2])
    for x, y in fields.scattered(rng, shape, wide * rng.uniform(4.5, 9), margin=40 * u)[:330]:
        steps = int(rng.choice([3, 3, 3, 3, 6, 11]))
        heading = way + spread * rng.standard_normal() + np.cumsum(rng.normal(0, 0.12, steps))
        step = wide * rng.uniform(1.4, 2.6)
        points = np.zeros((steps + 1, 3))
        points[1:, 0], points[1:, 1] = np.cumsum(step * np.cos(heading)), np.cumsum(step * np.sin(heading))
        points[:, 0] += x
        points[:, 1] += y
        points[:, 2] = wide + np.linspace(0, wide, steps + 1)
        profile = np.sin(np.linspace(0.35, np.pi - rng.uniform(0.15, 1.1), steps + 1)) ** 0.7
        tube(relief, points, wide * rng.lognormal(0, 0.15) * profile, tone=rng.uniform(1.5, 1.85))
        if rng.random() < 0.15:
            blob(
                relief,
                points[0, 0],
                points[0, 1],
                wide * rng.uniform(1.0, 1.7),
                2 * wide,
                wobble=wobble(rng, 0.2),
                tone=1.9,
            )
    signal = secondary_electrons(relief, edge=0.45, side=0.3, pits=0.4, reach=(3.0, wide))
    return levels(signal, rng.uniform(0.05, 0.2), rng.uniform(0.75, 0.98))


def single_wire(rng: Rng, shape: Shape) -> TextureField:
    """One or two hexagonal wires at high magnification, with growth steps and a catalyst ball."""
    u = unit(shape)
    relief = support(rng, shape, rough=rng.uniform(0.2, 0.9), mottle=rng.uniform(0.01, 0.07))
    relief.tone *= rng.uniform(0.5, 0.9)
    for _ in range(int(rng.integers(1, 4))):
        wide, angle = u * rng.uniform(26, 75), rng.uniform(-0.6, 0.6) + np.pi / 2 * (rng.random() < 0.5)
        x0, y0 = rng.uniform(0.15, 0.6) * shape[1], rng.uniform(0.2, 0.8) * shape[0]
        long, shrink = u * rng.uniform(300, 1000), rng.uniform(0.75, 1.0)
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        start, end = np.array([x0, y0]) - along * long * 0.4, np.array([x0, y0]) + along * long * 0.6
        for edge, far in ((-1.0, -0.5), (-0.5, 0.5), (0.5, 1.0)):  # three visible side faces
            lift = {1.0: 0.0, 0.5: 0.866}
            ring = [
                (*(start + across * wide * edge), wide * (1 + lift[abs(edge)])),
                (*(end + across * wide * shrink * edge), wide * (1 + shrink * lift[abs(edge)])),
                (*(end + across * wide * shrink * far), wide * (1 + shrink * lift[abs(far)])),
                (*(start + across * wide * far), wide * (1 + lift[abs(far)])),
            ]
            facet(relief, ring, tone=1.5)
        if rng.random() < 0.8:
            blob(relief, end[0], end[1], wide * rng.uniform(1.0, 1.25), wide * 1.2, wobble=wobble(rng, 0.08), tone=1.9)
    lengthwise, _ = frame(shape, rng.uniform(0, np.pi))
    relief.z += 0.6 * (relief.tone > 1.4) * np.sign(np.sin(lengthwise / (u * rng.uniform(4, 12))))
    signal = secondary_electrons(relief, edge=0.6, side=0.5, direction=rng.uniform(0, 6), pits=0.3, reach=(4.0, 30 * u))
    return levels(signal, rng.uniform(0.05, 0.25), rng.uniform(0.75, 0.95))


KINDS = (forest, scattered_wires, tangle, tapered, single_wire)
