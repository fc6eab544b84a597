"""Whether a camera frame is empty: nothing in it but slow shading and noise.

No perceptual hash can tell: the hashes of two empty frames are the hashes of two noise patterns. A mean over a small
square can: in pure noise it stays within a few standard errors of the background.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

LARGE, SMALL = 8, 3
"""Sides in pixels of the squares that are averaged."""

MOST_LARGE, MOST_SMALL = 10.0, 8.0
"""Standard errors by which their mean may differ from the background in an empty frame. Measured: empty frames reach
4.9 and 5.5 at most, faint particles at least 42 and 24."""

_QUANTUM = 12**-0.5  # grey levels: the error of rounding, the least noise that a frame of whole numbers has
_ROUNDS = 5  # of fitting the background again without the blocks that stand out
_OUTLIER = 3.0  # standard deviations


@dataclass(frozen=True)
class Content:
    """How far a frame rises above its noise.

    Attributes:
        noise: standard deviation of the noise from pixel to pixel, in the frame's own grey levels.
        large: largest deviation of an 8 x 8 mean from the background, in standard errors.
        small: the same of a 3 x 3 mean.
        measurable: False where the frame is too small to tell (a side below 32 pixels).

    """

    noise: float
    large: float
    small: float
    measurable: bool

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in the frame."""
        return self.measurable and self.large <= MOST_LARGE and self.small <= MOST_SMALL


def content(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> Content:
    """Measure what a frame shows above a quadratic background that leaves out what stands out.

    The noise is taken from differences of neighbouring pixels. Where neighbours' noise is alike (a blurred or a
    compressed frame) it comes out too small, and the frame is rather not called empty.

    Args:
        pixels: frame, shape (H, W), uint8 or uint16.

    Raises:
        ValueError: no such frame.
    """
    if pixels.ndim != 2 or pixels.dtype not in (np.uint8, np.uint16) or pixels.size == 0:
        raise ValueError(f"expected a frame, uint8 or uint16 (H, W), not empty: got {pixels.dtype} {pixels.shape}")
    frame: NDArray[Any] = np.ascontiguousarray(pixels).view()
    frame.flags.writeable = False
    noise = noise_level(frame)
    if min(frame.shape) < 4 * LARGE:
        return Content(noise, 0.0, 0.0, False)
    means = _block_means(frame, LARGE)
    background = _fit(means, frame.shape)
    rough = np.abs(means - _blocks_of(background, means.shape, frame.shape)).max()
    if rough > MOST_LARGE * noise / LARGE:  # the common case, seen without looking at every place
        return Content(noise, float(rough * LARGE / noise), 0.0, True)
    large = _largest(frame, background, LARGE) * LARGE / noise
    return Content(noise, float(large), float(_largest(frame, background, SMALL) * SMALL / noise), True)


def noise_level(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> float:
    """Standard deviation of the noise from pixel to pixel, in grey levels, at least that of rounding (0.29).

    From the median size of ``a - b - c + d`` over all squares of four pixels, in which planes cancel.
    """
    if min(pixels.shape) < 2:
        return _QUANTUM
    frame: NDArray[Any] = pixels
    counts = np.cumsum(_difference_counts(frame))
    half = counts[-1] / 2
    level = int(np.searchsorted(counts, half))
    below = counts[level - 1] if level else 0
    inside = (half - below) / (counts[level] - below)
    median = inside / 2 if level == 0 else level - 0.5 + inside  # whole numbers stand for what was rounded to them
    return float(max(1.4826 * median / 2, _QUANTUM))


def _fit(means: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Coefficients of 1, y, x, y², xy, x² (coordinates -1 to 1) of the background without what stands out."""
    y, x = _centres(means.shape, shape)
    terms = np.stack([np.ones(means.size), y, x, y * y, x * y, x * x], 1)
    values = means.ravel()
    used = np.ones(means.size, np.bool_)
    fitted: NDArray[np.float64] = np.zeros(6)
    for _ in range(_ROUNDS):
        chosen = terms[used]  # well conditioned: the coordinates are from -1 to 1
        fitted = np.linalg.lstsq(chosen.T @ chosen, chosen.T @ values[used], rcond=None)[0]
        apart = np.abs(values - terms @ fitted)
        inside = apart <= max(_OUTLIER * 1.4826 * float(np.median(apart)), 1e-6)
        if inside.sum() < 12 or np.array_equal(inside, used):
            break
        used = inside
    return np.ascontiguousarray(fitted)


def _centres(grid: tuple[int, ...], shape: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, columns = np.indices(grid) * LARGE + (LARGE - 1) / 2
    return 2 * rows.ravel() / shape[0] - 1, 2 * columns.ravel() / shape[1] - 1


def _blocks_of(fitted: NDArray[np.float64], grid: tuple[int, ...], shape: tuple[int, ...]) -> NDArray[np.float64]:
    y, x = _centres(grid, shape)
    c = fitted
    return np.asarray(c[0] + c[1] * y + c[2] * x + c[3] * y * y + c[4] * x * y + c[5] * x * x).reshape(grid)


@njit(nogil=True, cache=True)
def _difference_counts(pixels: NDArray[np.uint16]) -> NDArray[np.int64]:
    counts = np.zeros(131072, np.int64)
    for y in range(pixels.shape[0] - 1):
        above, below = pixels[y], pixels[y + 1]
        for x in range(above.size - 1):
            d = np.int64(above[x]) - np.int64(above[x + 1]) - np.int64(below[x]) + np.int64(below[x + 1])
            counts[abs(d)] += 1
    return counts


@njit(nogil=True, cache=True)
def _block_means(pixels: NDArray[np.uint16], side: int) -> NDArray[np.float64]:
    """Means of the whole squares of ``side`` pixels that tile the frame from its upper left corner."""
    rows, columns = pixels.shape[0] // side, pixels.shape[1] // side
    means = np.zeros((rows, columns))
    for y in range(rows * side):
        line = pixels[y]
        for j in range(columns):
            total = 0
            for x in range(j * side, (j + 1) * side):
                total += int(line[x])
            means[y // side, j] += total
    return means / (side * side)


@njit(nogil=True, cache=True)
def _largest(pixels: NDArray[np.uint16], c: NDArray[np.float64], side: int) -> float:
    """Largest absolute mean over any square of ``side`` pixels of the frame minus its background."""
    height, width = pixels.shape
    apart = np.zeros((side, width))  # the last rows, minus background
    columns = np.zeros(width)
    largest = 0.0
    for row in range(height):
        y = 2.0 * row / height - 1.0
        place = row % side
        line, oldest = pixels[row], apart[place]
        constant, slope = c[0] + c[1] * y + c[3] * y * y, c[2] + c[4] * y
        for column in range(width):
            x = 2.0 * column / width - 1.0
            value = line[column] - (constant + (slope + c[5] * x) * x)
            columns[column] += value - oldest[column]
            oldest[column] = value
        if row >= side - 1:
            total = 0.0
            for column in range(width):
                total += columns[column]
                if column >= side:
                    total -= columns[column - side]
                if column >= side - 1:
                    largest = max(largest, abs(total))
    return largest / (side * side)
