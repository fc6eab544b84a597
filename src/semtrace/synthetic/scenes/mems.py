"""MEMS_devices_and_electrodes: micromachined parts and metal on insulators, seen from above or from an angle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from semtrace.synthetic import fields
from semtrace.synthetic.electrons import levels, secondary_electrons
from semtrace.synthetic.fields import TextureField
from semtrace.synthetic.relief import Relief, extrude, tube
from semtrace.synthetic.scenes.parts import Rng, Shape, deeper, dust, frame, unit

Mask = NDArray[np.bool_]


class Layout:
    """A drawing board in micrometre-like units: x to the right, y down, origin in the middle of the picture."""

    def __init__(self, rng: Rng, shape: Shape) -> None:
        self.shape, self.unit = shape, unit(shape)
        self.squeeze = float(rng.choice([1.0, 0.8, 0.62]))
        angle = float(rng.choice([0.0, 0.0, np.pi / 4, rng.uniform(-0.5, 0.5)]))
        x, y = frame(shape, angle, self.squeeze)
        self.x, self.y = x / self.unit, y / self.unit
        self.lean = float(np.sqrt(1 - self.squeeze**2) / self.squeeze)

    def empty(self) -> Mask:
        """Nothing drawn."""
        return np.zeros(self.shape, dtype=bool)

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Mask:
        """A rectangle."""
        return (self.x >= x0) & (self.x <= x1) & (self.y >= y0) & (self.y <= y1)

    def disc(self, x: float, y: float, radius: float) -> Mask:
        """A circle."""
        return np.asarray((self.x - x) ** 2 + (self.y - y) ** 2 <= radius**2)

    def raise_(self, relief: Relief, mask: Mask, height: float, tone: float, wall: float = 1.35) -> None:
        """Extrude ``mask`` by ``height`` units."""
        extrude(relief, mask, height * self.unit * self.squeeze, lean=self.lean, tone=tone, wall=wall)


def _finish(rng: Rng, relief: Relief, shape: Shape, specks: int, shadow: float = 0.45) -> TextureField:
    """Cut to ``shape``; roughness, specks, exposure."""
    relief, u = Relief(relief.z[: shape[0]].copy(), relief.tone[: shape[0]].copy()), unit(shape)
    relief.z += rng.uniform(0.05, 0.3) * fields.smooth(rng, shape, 1.4)
    relief.tone *= 1 + 0.02 * fields.fractal(rng, shape, 120 * u, 1.7)
    dust(rng, relief, int(rng.integers(0, specks)), 5 * u)
    signal = secondary_electrons(relief, edge=0.35, side=0.3, pits=shadow, reach=(2.5, 8.0, 24 * u))
    return levels(signal, rng.uniform(0.04, 0.2), rng.uniform(0.75, 0.98), tail=0.3)


def comb_drive(rng: Rng, shape: Shape) -> TextureField:
    """Interdigitated fingers between two bus bars: a comb drive or an electrode pair."""
    board, relief = Layout(rng, deeper(shape)), Relief.flat(deeper(shape), 0.0, rng.uniform(0.4, 0.75))
    pitch, long, gap = rng.uniform(18, 70), rng.uniform(150, 330), rng.uniform(10, 60)
    fill, top = rng.uniform(0.28, 0.42), rng.uniform(0.9, 1.3)
    x, y = board.x + rng.uniform(-pitch, pitch), board.y + rng.uniform(-90, 90)
    wide = rng.uniform(200, 560)
    number = np.floor(x / pitch)
    finger = (np.abs(x - (number + 0.5) * pitch) < fill * pitch / 1.0) & (np.abs(x) < wide)
    up = (number % 2 == 0) & (y > -long / 2 - 5) & (y < long / 2 - gap)
    down = (number % 2 != 0) & (y > -long / 2 + gap) & (y < long / 2 + 5)
    bus = (np.abs(np.abs(y) - long / 2 - 30) < 32) & (np.abs(x) < wide + pitch)
    mask = (finger & (up | down)) | bus
    mask |= (np.abs(x) < rng.uniform(30, 90)) & (np.abs(y) > long / 2 + 20)
    if rng.random() < 0.5:  # release holes
        mask &= ~((np.hypot((x % 36) - 18, ((y - long / 2 - 30) % 36) - 18) < 6) & bus)
    board.raise_(relief, mask, rng.uniform(4, 30), top)
    return _finish(rng, relief, shape, 9)


def cantilevers(rng: Rng, shape: Shape) -> TextureField:
    """A row of free beams of growing length over an etched trench."""
    board, relief = Layout(rng, deeper(shape)), Relief.flat(deeper(shape), 0.0, 0.85)
    wide, gap, count = rng.uniform(24, 75), rng.uniform(22, 80), int(rng.integers(3, 10))
    left = -count * (wide + gap) / 2
    shore, deep = rng.uniform(-200, -90), rng.uniform(30, 70)
    longest = rng.uniform(200, 420)
    trench = board.box(left - 70, shore, -left + 70, shore + longest + 90)
    relief.z[trench] = -deep * board.unit
    relief.tone[trench] = 0.4 + 0.03 * fields.fractal(rng, board.shape, 30.0, 1.5)[trench]
    beams = board.empty()
    for index in range(count):
        x = left + index * (wide + gap) + gap / 2
        long = longest * (0.35 + 0.65 * (index + 1) / count)
        beams |= board.box(x, shore - 20, x + wide, shore + long)
        if wide > 40:
            beams |= board.disc(x + wide / 2, shore + long, wide / 2)
    if rng.random() < 0.4:
        beams &= ~((np.hypot((board.x % 30) - 15, (board.y % 30) - 15) < 4) & (board.y > shore + 20))
    shadow = fields.blur(beams.astype(np.float64), 14 * board.unit)
    relief.tone *= np.where(trench & ~beams, 1 - 0.5 * shadow, 1.0)
    relief.z[beams], relief.tone[beams] = 0.0, rng.uniform(1.0, 1.3)
    rim = fields.blur(beams.astype(np.float64), 1.5) * (~beams)
    relief.tone += 0.9 * rim * trench
    if rng.random() < 0.6:
        pads = board.box(left - 60, -460, -left + 60, shore - 40) & (np.abs((board.x % 90) - 45) < 36)
        board.raise_(relief, pads, 4, 1.35)
    return _finish(rng, relief, shape, 10, shadow=0.3)


def electrode_array(rng: Rng, shape: Shape) -> TextureField:
    """Contact pads whose leads fan in to the sites of a sensor."""
    board, relief = Layout(rng, deeper(shape)), Relief.flat(deeper(shape), 0.0, rng.uniform(0.5, 0.85))
    count, metal = int(rng.integers(4, 10)), board.empty()
    inner, lead = rng.uniform(60, 170), rng.uniform(3, 9)
    site = 2.2 * inner / count * rng.uniform(0.28, 0.42)  # they do not touch
    for side in (-1.0, 1.0):
        for index in range(count):
            start = (index - (count - 1) / 2) * 2.2 * inner / count
            pad = (index - (count - 1) / 2) * 900 / count
            half = 900 / count * 0.36
            pad_y, near_y = side * 330, side * inner * 0.35
            metal |= board.box(pad - half, min(pad_y - half, pad_y + half), pad + half, pad_y + half)
            t = (board.y - near_y) / (pad_y - near_y)
            track = np.abs(board.x - (start + (pad - start) * np.clip(t, 0, 1))) < lead
            metal |= track & (t > 0) & (t < 1)
            metal |= board.disc(start, near_y, site)
    board.raise_(relief, metal, rng.uniform(2, 7), rng.uniform(1.2, 1.6))
    if rng.random() < 0.5:  # passivation opened over the sites
        window = board.disc(0, 0, inner * 1.5)
        relief.z[window] -= 2 * board.unit
        relief.tone[window] *= 1.15
    if rng.random() < 0.45:  # bond wires
        t = np.linspace(0, 1, 60)
        for _ in range(int(rng.integers(2, 6))):
            x, y = shape[1] / 2 + rng.uniform(-400, 400) * board.unit, shape[0] * rng.choice([0.22, 0.8])
            far, out = rng.uniform(-160, 160) * board.unit, (1 if y > shape[0] / 2 else -1) * 0.45 * shape[0]
            path = np.stack([x + far * t, y + out * t, board.unit * (10 + 60 * np.sin(2 * t))], axis=1)
            tube(relief, path, 10 * board.unit, tone=1.3)
            tube(relief, [(x, y, 2.0), (x + 1, y, 2.0)], 24 * board.unit, rise=0.6, tone=1.3)
    return _finish(rng, relief, shape, 12)


def meander(rng: Rng, shape: Shape) -> TextureField:
    """A heater or strain gauge: a serpentine track on a membrane with corner suspensions."""
    board, relief = Layout(rng, deeper(shape)), Relief.flat(deeper(shape), 0.0, 0.7)
    half, turns = rng.uniform(150, 260), int(rng.integers(4, 12))
    if rng.random() < 0.6:  # a membrane hung on four arms over a pit
        pit = board.box(-half - 90, -half - 90, half + 90, half + 90)
        arms = (np.abs(np.abs(board.x) - np.abs(board.y)) < 24) & pit
        plate = board.box(-half, -half, half, half)
        relief.z[pit & ~plate & ~arms] = -60 * board.unit
        relief.tone[pit & ~plate & ~arms] = 0.35
    pitch = 1.7 * half / turns
    track, gauge = board.empty(), pitch * rng.uniform(0.18, 0.3)
    low, high = -0.75 * half, 0.75 * half
    for index in range(turns + 1):
        x = -0.85 * half + index * pitch
        track |= board.box(x - gauge, low, x + gauge, high)
        if index < turns:
            end = high if index % 2 == 0 else low
            track |= board.box(x - gauge, end - gauge, x + pitch + gauge, end + gauge)
    track |= board.box(-0.85 * half - gauge, -600, -0.85 * half + gauge, low)
    last = -0.85 * half + turns * pitch
    exit_y = (-600.0, low) if turns % 2 else (high, 600.0)
    track |= board.box(last - gauge, exit_y[0], last + gauge, exit_y[1])
    board.raise_(relief, track, rng.uniform(2, 8), rng.uniform(1.2, 1.6))
    return _finish(rng, relief, shape, 10)


def gear(rng: Rng, shape: Shape) -> TextureField:
    """Surface-micromachined wheels with teeth, hub and spokes."""
    board, relief = Layout(rng, deeper(shape)), Relief.flat(deeper(shape), 0.0, 0.55)
    relief.z += 0.4 * fields.fractal(rng, board.shape, 20.0, 1.4)
    teeth, module = int(rng.integers(14, 34)), rng.uniform(12, 20)
    radius, tall = teeth * module / 2, rng.uniform(14, 34)
    x0, y0 = rng.uniform(-260, -60), rng.uniform(-80, 80)
    way = rng.uniform(-0.7, 0.7)
    second = int(rng.integers(10, 26))
    far = radius + second * module / 2 + module * 0.25
    wheels = [(x0, y0, teeth, 0.0), (x0 + far * np.cos(way), y0 + far * np.sin(way), second, np.pi / second)]
    for cx, cy, count, phase in wheels:
        x, y = board.x - cx, board.y - cy
        r, around = np.hypot(x, y), np.arctan2(y, x) + phase
        size = count * module / 2
        flank = np.clip(2.2 * np.sin(around * count), -1, 1)
        body = r < size + 0.42 * module * flank
        web = (r > size * 0.35) & (r < size * 0.72) & (np.abs(np.sin(around * rng.integers(2, 4))) > 0.35)
        hole = r < size * 0.1
        board.raise_(relief, body & ~web & ~hole, tall, rng.uniform(0.9, 1.15))
        board.raise_(relief, (r < size * 0.22) & ~hole, tall * 0.4, 1.15)
    return _finish(rng, relief, shape, 10)


def hall_bar(rng: Rng, shape: Shape) -> TextureField:
    """A mesa with several arms and metal contacts, at the centre of a chip."""
    board, relief = Layout(rng, deeper(shape)), Relief.flat(deeper(shape), 0.0, rng.uniform(0.6, 0.9))
    wide, arms, step = rng.uniform(14, 50), int(rng.integers(2, 6)), rng.uniform(80, 190)
    mesa = board.box(-520, -wide, 520, wide)
    for index in range(arms):
        x = (index - (arms - 1) / 2) * step
        mesa |= board.box(x - wide / 3, -600, x + wide / 3, 600)
    board.raise_(relief, mesa, rng.uniform(2, 10), rng.uniform(0.75, 1.0))
    metal = board.empty()
    for index in range(arms):
        x = (index - (arms - 1) / 2) * step
        for side in (-1, 1):
            y = side * rng.uniform(110, 230)
            end = side * 600
            metal |= board.box(x - step * 0.32, min(y, end), x + step * 0.32, max(y, end))
    metal |= board.box(-600, -90, -rng.uniform(300, 420), 90) | board.box(rng.uniform(300, 420), -90, 600, 90)
    board.raise_(relief, metal, rng.uniform(3, 8), rng.uniform(1.3, 1.6))
    if rng.random() < 0.5:
        gate = board.box(-rng.uniform(8, 60), -600, rng.uniform(8, 60), wide * 1.8)
        board.raise_(relief, gate, 4, 1.25)
    return _finish(rng, relief, shape, 12)


KINDS = (comb_drive, cantilevers, electrode_array, meander, gear, hall_bar)
