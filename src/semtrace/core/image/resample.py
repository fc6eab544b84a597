"""LANCZOS resampling of 8-bit grey images: Pillow 13, bit for bit, for every shape, several times faster.

Pillow (``libImaging/Resample.c``) works in two passes with weights rounded to 1/2^22 and **rounds to 8 bits
between the passes**, so the order of the passes shows. Integer sums have no order: the result is the same on
every machine.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numba import int32, njit
from numpy.typing import NDArray

_BITS = 22  # fractional bits of a weight: 32 minus 8 for the pixel minus 2 for over- and undershoot


def as_gray(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Check that ``image`` is a grey picture and give a C-contiguous, read-only view (a copy only if needed).

    Raises:
        ValueError: not uint8, not two-dimensional, or without pixels.
    """
    if image.dtype != np.uint8 or image.ndim != 2 or image.size == 0:
        raise ValueError(f"expected a grey image, uint8 (height, width), not empty: got {image.dtype} {image.shape}")
    # Read-only for everyone: numba compiles a kernel again for each mutability and layout it meets.
    view = np.ascontiguousarray(image).view()
    view.flags.writeable = False
    return view


def resize(gray: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Resize with the LANCZOS filter exactly as ``PIL.Image.resize((width, height), LANCZOS)`` of Pillow 13.

    Args:
        gray: image, shape (H, W), uint8.
        width: columns of the result, at least 1.
        height: rows of the result, at least 1.

    Returns:
        A new array, shape (height, width), uint8.

    Raises:
        ValueError: ``gray`` is no grey image, or a target below 1.
    """
    if width < 1 or height < 1:
        raise ValueError(f"cannot resize to {width} x {height}: both sides must be at least 1 pixel")
    image = as_gray(gray)
    rows, columns = image.shape
    # Pillow 13 runs the vertical pass first when the height loses more than twice the pixels the width does.
    if rows - height > max(0, 2 * (columns - width)):
        return _horizontal(_vertical(image, height), width).copy()
    return _vertical(_horizontal(image, width), height).copy()


def reduce(gray: NDArray[np.uint8], longest: int = 256) -> NDArray[np.uint8]:
    """Shrink until no side exceeds ``longest`` pixels, keeping the aspect ratio; never enlarge.

    The shorter side is rounded half up and is at least 1. Same contract as :func:`resize`.
    """
    if longest < 1:
        raise ValueError(f"cannot reduce to {longest} pixels: the longest side must be at least 1")
    image = as_gray(gray)
    height, width = image.shape
    side = max(height, width)
    if side <= longest:
        return image.copy()
    new_width, new_height = (max(1, (2 * n * longest + side) // (2 * side)) for n in (width, height))
    return resize(image, new_width, new_height)


def _horizontal(image: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    if width == image.shape[1]:
        return image
    out = np.empty((image.shape[0], width), np.uint8)
    _resample_rows(image, *_weights(image.shape[1], width), out)
    return as_gray(out)


def _vertical(image: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    if height == image.shape[0]:
        return image
    out = np.empty((height, image.shape[1]), np.uint8)
    _resample_columns(image, *_weights(image.shape[0], height), out)
    return as_gray(out)


@lru_cache(maxsize=64)
def _weights(n_in: int, n_out: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """First source pixel of each output pixel (n_out,) and its weights in 1/2^22 (n_out, taps)."""
    taps = min(2 * math.ceil(3.0 * max(n_in / n_out, 1.0)) + 1, n_in)
    starts = np.empty(n_out, np.int32)
    weights = np.zeros((n_out, taps), np.int32)
    _fill_weights(n_in, starts, weights)
    starts.flags.writeable = weights.flags.writeable = False
    return starts, weights


@njit(nogil=True, cache=True)
def _sinc(x: float) -> float:
    if x == 0.0:
        return 1.0
    x *= math.pi
    return math.sin(x) / x


@njit(nogil=True, cache=True)
def _fill_weights(n_in: int, starts: NDArray[np.int32], weights: NDArray[np.int32]) -> None:
    # Every operation comes in Pillow's order, so that a weight next to a rounding edge falls the same way.
    n_out, taps = weights.shape
    scale = n_in / n_out
    stretch = max(scale, 1.0)
    support = 3.0 * stretch
    inverse = 1.0 / stretch
    row = np.empty(taps)
    for i in range(n_out):
        centre = (i + 0.5) * scale
        first = max(int(centre - support + 0.5), 0)
        count = min(int(centre + support + 0.5), n_in) - first
        total = 0.0
        for j in range(count):
            t = (j + first - centre + 0.5) * inverse
            row[j] = _sinc(t) * _sinc(t / 3) if -3.0 <= t < 3.0 else 0.0
            total += row[j]
        # All windows get the same length; one that would leave the image is moved back and padded with zeros.
        shift = max(first + taps - n_in, 0)
        starts[i] = first - shift
        for j in range(count):
            weight = row[j] / total if total != 0.0 else row[j]
            weights[i, shift + j] = int(weight * (1 << _BITS) + (0.5 if weight >= 0 else -0.5))


@njit(nogil=True, cache=True)
def _clip(total: np.int32) -> np.int32:
    value = int32(total >> _BITS)
    if value < 0:
        return int32(0)
    return value if value < 255 else int32(255)


@njit(nogil=True, cache=True)
def _resample_rows(
    image: NDArray[np.uint8], starts: NDArray[np.int32], weights: NDArray[np.int32], out: NDArray[np.uint8]
) -> None:
    # Two rows per turn share the loads of the weights. int32() and sliced views keep the inner loop in SIMD:
    # numba would widen to int64 and test every index for wrap-around.
    last = image.shape[0] - 1
    n_out, taps = weights.shape
    for y in range(0, last + 1, 2):
        other = y + 1 if y < last else y
        for i in range(n_out):
            start = starts[i]
            weight = weights[i]
            above = image[y][start : start + taps]
            below = image[other][start : start + taps]
            a = b = int32(1 << (_BITS - 1))
            for j in range(taps):
                a = int32(a + int32(int32(above[j]) * weight[j]))
                b = int32(b + int32(int32(below[j]) * weight[j]))
            out[y, i] = _clip(a)
            out[other, i] = _clip(b)


@njit(nogil=True, cache=True)
def _resample_columns(
    image: NDArray[np.uint8], starts: NDArray[np.int32], weights: NDArray[np.int32], out: NDArray[np.uint8]
) -> None:
    n_out, taps = weights.shape
    width = image.shape[1]
    total = np.empty(width, np.int32)
    for i in range(n_out):
        total[:] = 1 << (_BITS - 1)
        window = image[starts[i] : starts[i] + taps]
        weight = weights[i]
        whole = taps - taps % 4
        for j in range(0, whole, 4):  # four rows per turn: a quarter of the traffic on total
            w0, w1, w2, w3 = weight[j], weight[j + 1], weight[j + 2], weight[j + 3]
            r0, r1, r2, r3 = window[j], window[j + 1], window[j + 2], window[j + 3]
            for x in range(width):
                left = int32(int32(int32(r0[x]) * w0) + int32(int32(r1[x]) * w1))
                right = int32(int32(int32(r2[x]) * w2) + int32(int32(r3[x]) * w3))
                total[x] = int32(total[x] + int32(left + right))
        for j in range(whole, taps):
            w0, r0 = weight[j], window[j]
            for x in range(width):
                total[x] = int32(total[x] + int32(int32(r0[x]) * w0))
        line = out[i]
        for x in range(width):
            line[x] = _clip(total[x])
