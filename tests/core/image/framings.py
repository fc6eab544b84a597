"""Pictures in another framing, for tests."""

from __future__ import annotations

import numpy as np
from PIL import Image

from semtrace.core.image.transformation import Transformation


def turned(gray: np.ndarray, degrees: float) -> tuple[np.ndarray, Transformation]:
    """A picture turned counter-clockwise about its middle, corners black; and how."""
    published = np.asarray(Image.fromarray(gray).rotate(degrees, Image.Resampling.BICUBIC))
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, y = gray.shape[1] / 2, gray.shape[0] / 2
    return published, Transformation(cosine, sine, x - cosine * x - sine * y, -sine, cosine, y + sine * x - cosine * y)


def moved(place: np.ndarray, pixels: int, height: int, width: int) -> np.ndarray:
    """A frame of a larger place, so many pixels further down and right."""
    first = 12 + pixels
    return np.ascontiguousarray(place[first : first + height, first : first + width])
