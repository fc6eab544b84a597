"""What several scenes share: random outlines, supports, walks, dust."""

from __future__ import annotations

import numpy as np

from semtrace.synthetic import fields
from semtrace.synthetic.fields import TextureField
from semtrace.synthetic.relief import Relief, blob, crystal

Rng = np.random.Generator
Shape = tuple[int, int]


def unit(shape: Shape) -> float:
    """Length in pixels of 1/1024 of the picture's width: scenes are laid out in it, so they scale."""
    return shape[1] / 1024


def wobble(rng: Rng, amplitude: float) -> TextureField:
    """A random outline for ``relief.blob``: orders 2 to 5 with falling amplitude."""
    orders = np.arange(2, 6)
    return np.stack([orders, amplitude * rng.random(4) * 2 / orders, rng.uniform(0, 2 * np.pi, 4)], axis=1)


def fracture(rng: Rng, planes: int, spread: float) -> TextureField:
    """Random planes for ``relief.crystal``: a crushed grain."""
    normals = rng.standard_normal((planes, 3))
    normals[:, 2] = np.abs(normals[:, 2])
    normals /= np.sqrt((normals**2).sum(axis=1, keepdims=True))
    sides = np.linspace(0, 2 * np.pi, 7)[:-1] + rng.uniform(0, 1, 6)  # closes the outline
    around = np.stack([np.cos(sides), np.sin(sides), np.zeros(6)], axis=1)
    both = np.concatenate([normals, around])
    return np.column_stack([both, 1.0 + spread * rng.uniform(-1, 1, len(both))])


def support(rng: Rng, shape: Shape, *, rough: float, mottle: float) -> Relief:
    """A wafer or a membrane: nearly flat, with fine roughness (pixels) and patches of another yield (fraction)."""
    relief = Relief.flat(shape)
    relief.z += rough * fields.smooth(rng, shape, rng.uniform(1.2, 3.0))
    relief.tone += mottle * fields.fractal(rng, shape, 60.0, 1.5)
    return relief


def turn(x: TextureField, y: TextureField, angle: float) -> tuple[TextureField, TextureField]:
    """Coordinates (x, y) in axes turned by ``angle`` radians."""
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def frame(shape: Shape, angle: float = 0.0, squeeze: float = 1.0) -> tuple[TextureField, TextureField]:
    """Pixel coordinates from the middle of the picture in turned axes; ``squeeze`` is the cosine of a tilt."""
    x = np.arange(shape[1])[None, :] - shape[1] / 2
    y = (np.arange(shape[0])[:, None] - shape[0] / 2) / squeeze
    return turn(np.broadcast_to(x, shape).astype(np.float64), np.broadcast_to(y, shape).astype(np.float64), angle)


def deeper(shape: Shape) -> Shape:
    """The shape with a strip more at the bottom: what stands there leans up into the picture when it is tilted."""
    return shape[0] + round(150 * unit(shape)), shape[1]


def dust(rng: Rng, relief: Relief, count: int, size: float) -> None:
    """Specks that settled on a sample: a few crushed or round grains of about ``size`` pixels."""
    height, width = relief.z.shape
    for _ in range(count):
        x, y, radius = rng.uniform(0, width), rng.uniform(0, height), size * rng.lognormal(0, 0.5)
        base = relief.base(x, y)
        if rng.random() < 0.5:
            crystal(relief, x, y, radius, base, fracture(rng, 8, 0.3), tone=rng.uniform(1.2, 1.6))
        else:
            blob(relief, x, y, radius, base, wobble=wobble(rng, 0.3), rise=0.7, tone=rng.uniform(1.2, 1.6))


def raise_by(relief: Relief, z: TextureField, tone: float | TextureField = 1.0) -> None:
    """Show a whole-picture surface ``z`` wherever it lies above what is there."""
    seen = z > relief.z
    np.copyto(relief.z, z, where=seen)
    np.copyto(relief.tone, tone, where=seen)
