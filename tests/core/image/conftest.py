"""A picture of structure and noise, and what becomes of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter


def scene(seed: int, shape: tuple[int, int] = (384, 512)) -> np.ndarray:
    """Structure of several sizes, float64, around 120 grey levels with a deviation of 28."""
    rng = np.random.default_rng(seed)
    layers = sum(gaussian_filter(rng.normal(size=shape), sigma) * sigma for sigma in (3, 6, 20))
    return 120 + 28 * layers / layers.std()


def exposed(field: np.ndarray, seed: int, noise: float = 6.0) -> np.ndarray:
    """One exposure of a field, uint8."""
    return np.clip(np.rint(field + np.random.default_rng(seed).normal(0, noise, field.shape)), 0, 255).astype(np.uint8)


def coded(gray: np.ndarray, quality: int) -> tuple[np.ndarray, list[int]]:
    """What a JPEG of a picture shows, and its quantisation table."""
    data = io.BytesIO()
    Image.fromarray(gray).save(data, "JPEG", quality=quality)
    opened = Image.open(data)
    return np.asarray(opened), list(opened.quantization[0])


@pytest.fixture(scope="session")
def field() -> np.ndarray:
    return scene(1)


@pytest.fixture(scope="session")
def frame(field) -> np.ndarray:
    return exposed(field, 10)
