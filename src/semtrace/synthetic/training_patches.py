"""Generated patches of 224 pixels that all show something: what the packaged classifier of patches has learned from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from semtrace.synthetic import em_volume
from semtrace.synthetic.electrons import expose, levels
from semtrace.synthetic.scenes import CATEGORIES, KINDS, scene

_SIDE = 224
_WIDTH, _HEIGHT = 768, 528


def training_patches(seed: int, *, exposures: int = 2, most: int | None = None) -> list[tuple[str, NDArray[np.uint8]]]:
    """What it shows (a category of scene, or tissue), and a patch, shape (224, 224), uint8, of every kind of scene.

    Args:
        seed: everything follows from it.
        exposures: of each scene, each with its own focus, dose and brightness, two patches each.
        most: only the first so many kinds of each category, and no more of the tissue; None: all.
    """
    found: list[tuple[str, NDArray[np.uint8]]] = []
    for number, category in enumerate(CATEGORIES):
        for kind in range(len(KINDS[category]))[:most]:
            random = np.random.default_rng([seed, number, kind])
            picture = scene(category, random, width=_WIDTH, height=_HEIGHT, kind=kind)
            for _ in range(exposures):
                signal = levels(picture, float(random.uniform(0, 0.15)), float(random.uniform(0.7, 1.0)))
                focus = float(random.uniform(0.5, 2.5))
                dose = float(np.exp(random.uniform(np.log(20), np.log(400))))
                gray = np.rint(expose(signal, random, dose=dose, focus=(focus, focus)) * 255).astype(np.uint8)
                for _ in range(2):
                    y, x = int(random.integers(_HEIGHT - _SIDE)), int(random.integers(_WIDTH - _SIDE))
                    found.append((category, gray[y : y + _SIDE, x : x + _SIDE]))
    for number, stretch in enumerate((1.0, 3.0, 10.0)[:most]):
        tissue = em_volume.make((24, 2 * _SIDE, 2 * _SIDE), seed + 50 + number, stretch=stretch, resin=0.0).gray
        for z in range(2, 24, 6):
            found += [
                (f"tissue {number}", tissue[z, y : y + _SIDE, x : x + _SIDE]) for y in (0, _SIDE) for x in (0, _SIDE)
            ]
    return [(name, np.ascontiguousarray(patch)) for name, patch in found]
