"""Biological: cells, microbes, pollen, diatoms, tissue."""

from __future__ import annotations

import numpy as np

from semtrace.synthetic import fields
from semtrace.synthetic.electrons import levels, secondary_electrons
from semtrace.synthetic.fields import TextureField
from semtrace.synthetic.relief import Relief, blob, strand, tube
from semtrace.synthetic.scenes.parts import Rng, Shape, raise_by, support, unit, wobble


def blood_cells(rng: Rng, shape: Shape) -> TextureField:
    """Biconcave discs lying on each other (profile after Evans and Fung 1972), with a few spheres among them."""
    u = unit(shape)
    relief = support(rng, shape, rough=rng.uniform(0.2, 1.0), mottle=rng.uniform(0.02, 0.06))
    relief.tone *= 0.6
    size = u * rng.uniform(55, 125)
    for x, y in rng.uniform(-0.05, 1.05, (int(rng.uniform(25, 85) * (80 * u / size) ** 2) + 4, 2)):
        x, y = x * shape[1], y * shape[0]
        radius = size * rng.normal(1, 0.06)
        if rng.random() < 0.08:
            blob(relief, x, y, radius * 0.8, relief.rest(x, y, radius * 0.8), wobble=wobble(rng, 0.05))
            continue
        where, dx, dy = relief.window(x, y, radius)
        tilt, way = abs(rng.normal(0, 0.35)), rng.uniform(0, 2 * np.pi)
        a, b = dx * np.cos(way) + dy * np.sin(way), dy * np.cos(way) - dx * np.sin(way)
        rho2 = ((a / np.cos(tilt)) ** 2 + b**2) / radius**2
        inside = np.clip(1 - rho2, 0, None)
        thick = radius * np.sqrt(inside) * (0.207 + 2.0 * rho2 - 1.12 * rho2**2) * 0.8
        lift = relief.rest(x, y, radius * 0.5) - radius * 0.35
        relief.put(where, lift + thick + a * np.tan(tilt), rho2 < 1, rng.uniform(0.95, 1.1))
    relief.z += rng.uniform(0.2, 0.6) * fields.fractal(rng, shape, 10 * u, 1.4)
    signal = secondary_electrons(relief, edge=0.3, side=0.55, pits=0.5, reach=(3.0, 12.0, size / 3))
    return levels(signal, rng.uniform(0.03, 0.2), rng.uniform(0.75, 0.97))


def bacteria(rng: Rng, shape: Shape) -> TextureField:
    """Rods or cocci, dividing and in chains, on a filter with pores or in slime."""
    u = unit(shape)
    relief = support(rng, shape, rough=rng.uniform(0.2, 0.8), mottle=rng.uniform(0.02, 0.08))
    relief.tone *= rng.uniform(0.5, 0.8)
    if rng.random() < 0.6:
        for x, y in rng.uniform(0, 1, (int(rng.integers(10, 60)), 2)) * (shape[1], shape[0]):
            where, dx, dy = relief.window(x, y, 22 * u)
            hole = dx**2 + dy**2 < (u * rng.uniform(7, 18)) ** 2
            relief.z[where][hole], relief.tone[where][hole] = -40 * u, 0.3
    radius, rods = u * rng.uniform(9, 30), rng.random() < 0.65
    long = radius * rng.uniform(2.0, 4.5)
    for x, y in rng.uniform(0, 1, (int(np.clip(900 * u / radius, 14, 90)), 2)) * (shape[1], shape[0]):
        heading, base = rng.uniform(0, 2 * np.pi), relief.rest(x, y, radius) - 0.15 * radius
        for _ in range(int(rng.choice([1, 1, 2, 2, 4, 7]))):
            if rods:
                bend = heading + rng.normal(0, 0.25)
                mid = (x + long / 2 * np.cos(heading), y + long / 2 * np.sin(heading))
                end = (mid[0] + long / 2 * np.cos(bend), mid[1] + long / 2 * np.sin(bend))
                path = [(x, y, base), (*mid, base), (*end, base)]
                neck = radius * np.array([1.0, rng.choice([1.0, 0.82]), 1.0])
                tube(relief, path, neck, tone=rng.uniform(1.0, 1.15))
                step = long + 2 * radius
            else:
                blob(relief, x, y, radius * rng.normal(1, 0.04), base, tone=rng.uniform(1.0, 1.15))
                step = 1.75 * radius
            x, y = x + step * np.cos(heading), y + step * np.sin(heading)
            heading += rng.normal(0, 0.3 if rods else 0.7)
    for _ in range(int(rng.integers(0, 60))):  # threads of slime
        start = (rng.uniform(0, shape[1]), rng.uniform(0, shape[0]))
        end = (start[0] + rng.normal(0, 90) * u, start[1] + rng.normal(0, 90) * u)
        strand(relief, start, end, u * rng.uniform(0.8, 1.8), (radius, radius * 1.2), bow=rng.normal(0, 12) * u)
    relief.z += rng.uniform(0.3, 1.0) * fields.fractal(rng, shape, 9 * u, 1.3)
    signal = secondary_electrons(relief, edge=0.35, side=0.35, pits=0.5, reach=(3.0, 10.0, 1.5 * radius))
    return levels(signal, rng.uniform(0.03, 0.2), rng.uniform(0.75, 0.97))


def adherent_cell(rng: Rng, shape: Shape) -> TextureField:
    """Spread cells on glass: a mound with ruffles and microvilli, thin filopodia reaching out."""
    u = unit(shape)
    relief = support(rng, shape, rough=rng.uniform(0.1, 0.4), mottle=rng.uniform(0.02, 0.06))
    relief.tone *= rng.uniform(0.5, 0.8)
    skin = fields.fractal(rng, shape, 14 * u, 1.4)
    folds = np.clip(fields.labyrinth(rng, shape, 24 * u, 0.4) - 0.9, 0, 1) * 9 * u
    for _ in range(int(rng.integers(1, 4))):
        middle = np.array([rng.uniform(0.2, 0.8) * shape[1], rng.uniform(0.2, 0.8) * shape[0]])
        size, stretch, angle = u * rng.uniform(110, 260), rng.uniform(1, 2.6), rng.uniform(0, np.pi)
        x, y = np.arange(shape[1])[None, :] - middle[0], np.arange(shape[0])[:, None] - middle[1]
        a, b = x * np.cos(angle) + y * np.sin(angle), (y * np.cos(angle) - x * np.sin(angle)) * stretch
        around, far = np.arctan2(b, a), np.hypot(a, b)
        waves = sum(rng.normal(0, 0.5 / k) * np.cos(k * around + rng.uniform(0, 6)) for k in range(2, 9))
        edge = size * np.exp(0.35 * waves)
        rho = far / edge + 0.015 * skin
        lamella = 9 * u * np.clip(1 - rho, 0, None) ** 0.35
        body = u * rng.uniform(35, 80) * np.exp(-((rho / 0.42) ** 2))
        nucleus = u * 18 * np.exp(-((np.hypot(a - 0.1 * size, b) / (0.22 * size)) ** 4))
        cell = lamella + body + nucleus + (1.0 + body * 0.012) * skin + folds * (rho > 0.5)
        raise_by(relief, np.where(rho < 1, cell + 2, -np.inf), 1.0)
        for _ in range(int(rng.integers(14, 60))):
            way = rng.uniform(0, 2 * np.pi)
            spoke = np.array([np.cos(way), np.sin(way) / stretch])
            spoke = np.array([spoke[0] * np.cos(angle) - spoke[1] * np.sin(angle),
                              spoke[0] * np.sin(angle) + spoke[1] * np.cos(angle)])  # fmt: skip
            start, end = middle + spoke * size * 0.5, middle + spoke * size * rng.uniform(1.0, 1.9)
            strand(
                relief, tuple(start), tuple(end), u * rng.uniform(1.2, 3.0), (3.0, 2.0), bow=rng.normal(0, 18) * u,
                swell=[(3.0, 0.3, 1.0)], tone=1.1,
            )  # fmt: skip
        for _ in range(int(rng.integers(0, 200))):  # microvilli
            px, py = middle + rng.normal(0, 0.22, 2) * size
            blob(relief, px, py, u * rng.uniform(1.8, 4.5), relief.base(px, py), rise=1.3, tone=1.15)
    signal = secondary_electrons(relief, edge=0.4, side=0.4, pits=0.45, reach=(3.0, 10.0, 30 * u))
    return levels(signal, rng.uniform(0.05, 0.25), rng.uniform(0.75, 0.97))


def pollen(rng: Rng, shape: Shape) -> TextureField:
    """Grains with spines or a net-like wall, on anther debris."""
    u = unit(shape)
    relief = Relief.flat(shape, 0.0, 0.5)
    relief.z += u * rng.uniform(3, 14) * fields.fractal(rng, shape, 70 * u, 1.8)
    size, spiny = u * rng.uniform(70, 235), rng.random() < 0.5
    net_points = fields.jittered(rng, shape, u * rng.uniform(15, 30), 0.4)
    near, second, _index = fields.cells(net_points, shape)
    mesh = np.clip(1 - (second - near) / (6 * u), 0, 1)
    for x, y in fields.scattered(rng, shape, size * rng.uniform(1.5, 2.6), margin=size / 2)[:12]:
        radius = size * rng.normal(0.92, 0.06)
        centre = relief.rest(x, y, radius) - 0.1 * radius
        before = relief.z.copy()
        blob(
            relief, x, y, radius, centre, aspect=rng.uniform(1, 1.25), angle=rng.uniform(0, np.pi),
            wobble=wobble(rng, 0.03), tone=1.0,
        )  # fmt: skip
        fresh = relief.z > before
        if not spiny:
            relief.z += np.where(fresh, 4.5 * u * mesh, 0.0)
            relief.tone *= np.where(fresh, 0.85 + 0.3 * mesh, 1.0)
            continue
        relief.z += np.where(fresh, 0.6 * fields.smooth(rng, shape, 1.5), 0.0)
        count, long = int(rng.integers(70, 170)), radius * rng.uniform(0.13, 0.26)
        k = np.arange(count)  # Fibonacci lattice over the upper half
        up, way = 1 - (k + 0.5) / count * 1.05, k * 2.399963 + rng.uniform(0, 6)
        flat = np.sqrt(np.clip(1 - up**2, 0, None))
        foot = np.stack([flat * np.cos(way), flat * np.sin(way), up], axis=1)
        for direction in foot:
            path = np.array([x, y, centre]) + direction * np.array(
                [[radius * 0.95], [radius + long * 0.5], [radius + long]]
            )
            tube(relief, path, np.array([0.3, 0.15, 0.05]) * long, tone=1.15)
    signal = secondary_electrons(relief, edge=0.35, side=0.35, pits=0.4, reach=(3.0, 9.0, size / 3))
    return levels(signal, rng.uniform(0.02, 0.12), rng.uniform(0.8, 0.98))


def diatoms(rng: Rng, shape: Shape) -> TextureField:
    """Pennate or centric frustules with rows of pores."""
    u = unit(shape)
    relief = support(rng, shape, rough=rng.uniform(0.3, 1.2), mottle=rng.uniform(0.03, 0.1))
    relief.tone *= rng.uniform(0.4, 0.7)
    for _ in range(int(rng.integers(1, 8))):
        x, y = rng.uniform(0.05, 0.95) * shape[1], rng.uniform(0.05, 0.95) * shape[0]
        long, angle = u * rng.uniform(120, 400), rng.uniform(0, np.pi)
        where, dx, dy = relief.window(x, y, long)
        a, b = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
        pitch = u * rng.uniform(8, 17)
        base = relief.rest(x, y, u * 30) - 20 * u
        if rng.random() < 0.6:  # pennate: a boat with a slit along the middle
            slim, pointed = rng.uniform(3, 7), rng.uniform(1.5, 2.6)
            half = long / slim * np.clip(1 - np.abs(a / long) ** pointed, 0, None)
            inside = np.abs(b) < half
            dome = 0.6 * np.sqrt(np.clip(half**2 - b**2, 0, None))
            pores = np.hypot((a % pitch) - pitch / 2, (b % (0.7 * pitch)) - 0.35 * pitch) < 0.24 * pitch
            pores &= (np.abs(b) > 0.14 * long / slim) & (np.abs(b) < 0.86 * half)
            slit = np.abs(b) < 1.3 * u
        else:  # centric: a drum with radial rows
            radius = long * 0.55
            far, around = np.hypot(a, b), np.arctan2(b, a)
            inside = far < radius
            dome = 0.18 * radius * (1 - (far / radius) ** 2) + 6 * u * (far > 0.9 * radius)
            ring = np.floor(far / pitch)
            places = np.maximum(np.round(2 * np.pi * (ring + 0.5)), 1)
            off = (around / (2 * np.pi) * places + 0.5 * (ring % 2)) % 1.0 - 0.5
            pores = np.hypot(far - (ring + 0.5) * pitch, off * pitch) < 0.3 * pitch
            pores &= far < 0.88 * radius
            slit = far < 0.3 * pitch
        top = base + dome - np.where(pores | slit, 7 * u, 0.0)
        tone = np.where(pores | slit, 0.55, 1.05)
        relief.put(where, top + 12 * u, inside, tone)
    for _ in range(int(rng.integers(5, 45))):
        place = (rng.uniform(0, shape[1]), rng.uniform(0, shape[0]))
        blob(relief, *place, u * rng.uniform(3, 16), relief.base(*place), wobble=wobble(rng, 0.5), rise=0.8, tone=1.0)
    signal = secondary_electrons(relief, edge=0.35, side=0.4, pits=0.45, reach=(3.0, 9.0, 30 * u))
    return levels(signal, rng.uniform(0.02, 0.15), rng.uniform(0.8, 0.98))


def leaf(rng: Rng, shape: Shape) -> TextureField:
    """A leaf's skin: cushion-like cells with wavy walls, stomata, wax."""
    u = unit(shape)
    size = u * rng.uniform(48, 120)
    points = fields.scattered(rng, shape, size, margin=size)
    if rng.random() < 0.5:  # a grass: cells in rows
        points = points * (2.2, 1.0) - (0.6 * shape[1], 0)
    warp = rng.uniform(0.0, 0.16) * size
    near, second, index = fields.cells(points, shape)
    seam = second - near + warp * fields.smooth(rng, shape, 0.12 * size)
    relief = Relief.flat(shape)
    relief.z += 0.28 * size * np.sqrt(np.clip(seam / size, 0, 1)) + u * 6 * fields.fractal(rng, shape, 150 * u, 1.8)
    relief.z += rng.uniform(0, 0.06, len(points))[index] * size
    for cx, cy in fields.scattered(rng, shape, size * rng.uniform(2.2, 4.0))[:40]:
        angle, long = rng.normal(0, 0.5), size * rng.uniform(0.35, 0.5)
        base = relief.base(cx, cy)
        blob(relief, cx, cy, long * 1.25, base - 0.25 * long, aspect=1.35, angle=angle, rise=0.4)
        for side in (-1, 1):
            off = 0.33 * long * side
            blob(
                relief, cx - off * np.sin(angle), cy + off * np.cos(angle), long, base + 0.1 * long, aspect=2.6,
                angle=angle + 0.12 * side, rise=1.0, tone=1.1,
            )  # fmt: skip
        where, dx, dy = relief.window(cx, cy, long)
        a, b = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
        pore = (a / (0.62 * long)) ** 2 + (b / (0.12 * long)) ** 2 < 1
        relief.z[where][pore] = base - 0.6 * long
        relief.tone[where][pore] = 0.35
    wax = np.clip(fields.smooth(rng, shape, rng.uniform(1.4, 3.0) * u) - rng.uniform(0.2, 1.8), 0, None)
    relief.z += rng.uniform(0.5, 2.5) * wax
    signal = secondary_electrons(relief, edge=0.35, side=0.4, pits=0.5, reach=(3.0, 10.0, size / 3))
    return levels(signal, rng.uniform(0.03, 0.2), rng.uniform(0.75, 0.97))


KINDS = (blood_cells, bacteria, adherent_cell, pollen, diatoms, leaf)
