"""Tips: probes for microscopy, needles, emitters, electrodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from semtrace.synthetic import fields
from semtrace.synthetic.electrons import levels, secondary_electrons
from semtrace.synthetic.fields import TextureField
from semtrace.synthetic.relief import Relief, blob, facet, tube
from semtrace.synthetic.scenes.parts import Rng, Shape, dust, frame, unit


def _view(points: ArrayLike, spin: float, tilt: float) -> TextureField:
    """Rows (x, y, z) turned by ``spin`` about z and then tilted towards the viewer; rows (x right, y down, depth)."""
    p = np.asarray(points, dtype=np.float64)
    x, y = p[:, 0] * np.cos(spin) - p[:, 1] * np.sin(spin), p[:, 0] * np.sin(spin) + p[:, 1] * np.cos(spin)
    return np.stack([x, y * np.cos(tilt) - p[:, 2] * np.sin(tilt), y * np.sin(tilt) + p[:, 2] * np.cos(tilt)], axis=1)


def _background(rng: Rng, shape: Shape) -> Relief:
    """Far below and out of focus: nearly black, with a soft gradient."""
    relief = Relief.flat(shape, -900.0, rng.uniform(0.08, 0.3))
    x, _ = frame(shape, rng.uniform(0, 2 * np.pi))
    relief.tone *= 1 + 0.25 * x / shape[1] + 0.1 * fields.smooth(rng, shape, 90.0)
    return relief


def cantilever(rng: Rng, shape: Shape) -> TextureField:
    """A scanning-probe cantilever with its pyramid, seen from an angle."""
    u = unit(shape)
    relief = _background(rng, shape)
    spin, tilt = rng.uniform(0, 2 * np.pi), rng.uniform(0.45, 1.15)
    base, long, half = u * rng.uniform(75, 190), u * rng.uniform(700, 1400), u * rng.uniform(120, 260)
    thick, nose = u * rng.uniform(20, 45), rng.uniform(0.2, 1.1)
    outline = np.array([[half * nose + base, 0.0], [base, half], [-long, half], [-long, -half], [base, -half]])
    middle = np.array([shape[1] * rng.uniform(0.35, 0.65), shape[0] * rng.uniform(0.5, 0.72), 0.0])
    top = np.column_stack([outline, np.zeros(5)])
    low = np.column_stack([outline, np.full(5, -thick)])
    for i in range(5):
        wall = np.stack([top[i], top[(i + 1) % 5], low[(i + 1) % 5], low[i]])
        facet(relief, _view(wall, spin, tilt) + middle, tone=0.9)
    facet(relief, _view(top, spin, tilt) + middle, tone=0.7)
    sides = int(rng.choice([3, 4, 4, 8]))
    height, lag = base * rng.uniform(1.2, 2.1), rng.uniform(-0.5, 0.5)
    around = np.linspace(0, 2 * np.pi, sides + 1)[:-1] + np.pi / sides
    ring = np.stack([base * np.cos(around), base * np.sin(around), np.zeros(sides)], axis=1)
    shelf = ring * 0.42 + np.array([lag * base * 0.58, 0, height * rng.uniform(0.5, 0.7)])
    apex = np.array([[lag * base, 0.0, height]])
    for i in range(sides):
        j = (i + 1) % sides
        facet(relief, _view(np.stack([ring[i], ring[j], shelf[j], shelf[i]]), spin, tilt) + middle, tone=1.1)
        facet(relief, _view(np.concatenate([shelf[[i, j]], apex]), spin, tilt) + middle, tone=1.25)
    if rng.random() < 0.3:  # a needle grown on the apex by the electron beam
        spike = np.concatenate([apex, apex + np.array([[0.0, 0.0, height * rng.uniform(0.3, 0.7)]])])
        tube(relief, _view(spike, spin, tilt) + middle, (7 * u, 3 * u), tone=1.6)
    solid = relief.z > -800
    relief.z += np.where(solid, rng.uniform(0.1, 0.4) * fields.fractal(rng, shape, 8.0, 1.4), 0.0)
    if rng.random() < 0.5:
        dust(rng, relief, int(rng.integers(2, 9)), 7 * u)
    signal = secondary_electrons(relief, edge=0.3, side=0.5, direction=rng.uniform(0, 6), pits=0.05, reach=(4.0,))
    return levels(signal, rng.uniform(0.01, 0.08), rng.uniform(0.75, 0.97))


def needle(rng: Rng, shape: Shape) -> TextureField:
    """An etched metal wire, tapering to an apex; drawing striae run along it."""
    u = unit(shape)
    relief = _background(rng, shape)
    angle = rng.choice([0.0, np.pi / 2, np.pi, -np.pi / 2]) + rng.normal(0, 0.3)
    apex = np.array([shape[1], shape[0]]) / 2 + rng.uniform(-90, 90, 2) * u
    long, root, end = u * rng.uniform(500, 900), u * rng.uniform(90, 330), u * rng.uniform(1.5, 45)
    t = np.linspace(0, 1, 90)
    radii = end + (root - end) * t ** rng.uniform(0.8, 2.6) + 2 * u * np.sin(9 * t + rng.uniform(0, 6))
    bend = rng.normal(0, 40) * u * t**2
    points = np.stack(
        [
            apex[0] + long * t * np.cos(angle) - bend * np.sin(angle),
            apex[1] + long * t * np.sin(angle) + bend * np.cos(angle),
            np.zeros(90),
        ],
        axis=1,
    )
    tube(relief, points, np.maximum(radii, 1.0), tone=1.0)
    _, across = frame(shape, angle)
    solid = relief.z > -800
    grooves = np.sin(across / (u * rng.uniform(2, 7)) + 3 * fields.smooth(rng, shape, 60 * u))
    relief.z += np.where(solid, rng.uniform(0, 0.8) * grooves + 0.7 * fields.fractal(rng, shape, 16 * u, 1.6), 0.0)
    for _ in range(int(rng.integers(0, 26))):  # oxide specks
        k = int(rng.integers(3, 90))
        x, y = points[k, :2] + rng.normal(0, 0.4, 2) * radii[k]
        if relief.base(x, y) > -800:
            blob(relief, x, y, u * rng.uniform(2, 9), relief.base(x, y), tone=1.4)
    signal = secondary_electrons(relief, edge=0.45, side=0.3, pits=0.05, reach=(4.0,))
    return levels(signal, rng.uniform(0.01, 0.08), rng.uniform(0.75, 0.97))


def emitters(rng: Rng, shape: Shape) -> TextureField:
    """An array of sharp cones or pyramids seen from an angle."""
    u = unit(shape)
    pitch = u * rng.uniform(80, 240)
    tilt, spin = rng.uniform(0.6, 1.2), rng.uniform(0, np.pi)
    root, height = pitch * rng.uniform(0.2, 0.38), pitch * rng.uniform(0.6, 1.6)
    relief = Relief.flat(shape)
    relief.tone += 0.04 * fields.fractal(rng, shape, 80.0, 1.5)
    reach = int(2 * np.hypot(*shape) / pitch / np.cos(tilt)) + 2
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(-reach, reach), np.arange(-reach, reach)))
    ground = _view(np.stack([i * pitch, j * pitch, np.zeros(i.size)], axis=1), spin, tilt)
    ground += (shape[1] / 2, shape[0] / 2, 0)
    near = (np.abs(ground[:, 0] - shape[1] / 2) < shape[1] / 2 + pitch) & (ground[:, 1] > -2 * pitch)
    ground = ground[near & (ground[:, 1] < shape[0] + 2 * pitch + height)]
    slope, blunt = np.tan(tilt), u * rng.uniform(0.8, 5)
    relief.z += (np.arange(shape[0])[:, None] - shape[0] / 2) * slope
    pyramid, wells, taper = rng.random() < 0.4, rng.random() < 0.4, rng.uniform(0.8, 1.15)
    for x, y, z in ground[np.argsort(ground[:, 1], kind="stable")]:
        if rng.random() < 0.02:
            continue
        if wells:
            where, dx, dy = relief.window(x, y, root * 1.6)
            hole = dx**2 + (dy / np.cos(tilt)) ** 2 < (1.5 * root) ** 2
            relief.tone[where][hole] = 0.35
        if pyramid:
            square = np.array([[1, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0]]) * root
            corners = np.concatenate([square, [[0, 0, height]]])
            seen = _view(corners, spin, tilt) + np.array([x, y, z])
            for k in range(4):
                facet(relief, seen[[k, (k + 1) % 4, 4]], tone=1.15)
        else:
            t = np.linspace(0, 1, 20)
            axis = _view(np.stack([0 * t, 0 * t, height * t], axis=1), 0.0, tilt) + np.array([x, y, z])
            tube(relief, axis, root * (1 - t) ** taper + blunt, tone=1.15)
    relief.z += 0.2 * fields.fractal(rng, shape, 8.0, 1.4)
    signal = secondary_electrons(
        relief, edge=0.14, side=0.5, direction=rng.choice([0.3, 2.8]), pits=0.25, reach=(3.0, 9.0)
    )
    return levels(signal, rng.uniform(0.05, 0.25), rng.uniform(0.8, 0.98))


def pipette(rng: Rng, shape: Shape) -> TextureField:
    """The open end of a pulled glass capillary, charging at its rim."""
    u = unit(shape)
    relief = _background(rng, shape)
    angle = rng.uniform(0, 2 * np.pi)
    way = np.array([np.cos(angle), np.sin(angle)])
    mouth = np.array([shape[1], shape[0]]) / 2 - way * u * rng.uniform(0, 220)
    end, long = u * rng.uniform(22, 110), u * 1100
    flare = end * rng.uniform(0.5, 3.0)
    t = np.linspace(0, 1, 60)
    points = np.column_stack([mouth[None, :] + way * long * t[:, None], -long * 0.4 * t])
    x, y = np.arange(shape[1])[None, :] - mouth[0], np.arange(shape[0])[:, None] - mouth[1]
    along, across = x * way[0] + y * way[1], y * way[0] - x * way[1]
    open_end = rng.uniform(0.45, 0.75)  # how much of the opening is turned to the viewer
    behind = t * long > (1 - open_end) * end  # keeps the round cap of the tube behind the opening
    tube(relief, points[behind], (end + flare * t**1.4)[behind], tone=0.9)
    ring = np.hypot(along / open_end, across) / end
    wall = rng.uniform(0.14, 0.4)
    lid = ring < 1.0
    relief.z[lid], relief.tone[lid] = end + along[lid] / open_end, 1.15
    bore = ring < 1.0 - wall
    relief.z[bore], relief.tone[bore] = -0.5 * end + along[bore], 0.25
    solid = relief.z > -800
    relief.z += np.where(solid, 0.4 * fields.fractal(rng, shape, 20 * u, 1.6), 0.0)
    signal = secondary_electrons(relief, edge=0.5, side=0.25, pits=0.15, reach=(4.0,))
    signal = signal + 0.25 * fields.blur(np.where(ring < 1.1, 1.0, 0.0), 30 * u)
    return levels(signal, rng.uniform(0.01, 0.1), rng.uniform(0.75, 0.97))


KINDS = (cantilever, needle, emitters, pipette)
