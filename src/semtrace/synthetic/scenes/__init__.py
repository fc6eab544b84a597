"""Ten categories of scene, each with several kinds, as a microscope would see them without noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from semtrace.synthetic.fields import TextureField
from semtrace.synthetic.scenes import (
    biological,
    fibres,
    films,
    mems,
    nanowires,
    particles,
    patterned,
    powder,
    sponge,
    tips,
)

Painter = Callable[[np.random.Generator, tuple[int, int]], TextureField]

KINDS: dict[str, tuple[Painter, ...]] = {
    "Porous_Sponge": sponge.KINDS,
    "Patterned_surface": patterned.KINDS,
    "Particles": particles.KINDS,
    "Films_Coated_Surface": films.KINDS,
    "Powder": powder.KINDS,
    "Tips": tips.KINDS,
    "Nanowires": nanowires.KINDS,
    "Biological": biological.KINDS,
    "MEMS_devices_and_electrodes": mems.KINDS,
    "Fibres": fibres.KINDS,
}
CATEGORIES = tuple(KINDS)  # in the order of the published labels, L0 to L9


def scene(
    category: str, rng: np.random.Generator, width: int = 1024, height: int = 704, kind: int | None = None
) -> TextureField:
    """Paint one scene.

    Args:
        category: one of ``CATEGORIES``.
        rng: everything in the scene follows from it.
        width: of the picture in pixels; details scale with it.
        height: of the picture in pixels.
        kind: which of the category's kinds (counted round); drawn from ``rng`` when None.

    Returns:
        Noise-free grey values, float64, shape (height, width), nominally 0 (black) to 1 (white); a small fraction
        lies outside and is clipped by the detector. ``electrons.expose`` records it.

    Raises:
        ValueError: ``category`` is unknown, or the picture is smaller than 128 by 96.
    """
    if category not in KINDS:
        raise ValueError(f"no category {category!r}; there are {', '.join(CATEGORIES)}")
    if width < 128 or height < 96:
        raise ValueError(f"{width} x {height} pixels: a scene needs at least 128 x 96")
    kinds = KINDS[category]
    chosen = int(rng.integers(len(kinds))) if kind is None else kind % len(kinds)
    return kinds[chosen](rng, (height, width))
