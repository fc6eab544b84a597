"""Random fields with a prescribed spectrum, and cellular patterns: the raw matter of textured surfaces."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray
from scipy.spatial import cKDTree

TextureField = NDArray[np.float64]


def _filtered(
    rng: np.random.Generator, shape: tuple[int, int], gain: Callable[[TextureField], TextureField], coarse: int = 1
) -> TextureField:
    """White Gaussian noise times ``gain(squared frequency, cycles per pixel)``, with mean 0 and variance 1.

    With ``coarse`` above 1 it is made on every ``coarse``-th pixel and interpolated: what has no fine detail
    need not be computed in fine detail.
    """
    size = (shape[0] // coarse + 2, shape[1] // coarse + 2) if coarse > 1 else shape
    rows = np.fft.fftfreq(size[0], coarse)[:, None]
    columns = np.fft.rfftfreq(size[1], coarse)[None, :]
    white = rng.standard_normal((size[0], 2 * columns.size)).view(np.complex128)
    spectrum = gain(rows * rows + columns * columns) * white
    spectrum[0, 0] = 0
    field: TextureField = scipy.fft.irfft2(spectrum, s=size, overwrite_x=True)
    deviation = float(field.std())
    if deviation > 0:
        field /= deviation
    return enlarge(field, coarse, shape) if coarse > 1 else field


def smooth(rng: np.random.Generator, shape: tuple[int, int], size: float) -> TextureField:
    """Gaussian-correlated noise; ``size`` is the standard deviation of its features in pixels."""
    return _filtered(rng, shape, lambda f2: np.exp(-2 * (np.pi * size) ** 2 * f2), max(1, min(int(size), 16)))


def fractal(rng: np.random.Generator, shape: tuple[int, int], size: float, slope: float = 1.8) -> TextureField:
    """Self-affine noise: amplitude falls as frequency to the power ``-slope`` below features of ``size`` pixels.

    Of large features the finest detail is left out; it would drown in the detector's noise.
    """
    coarse = 1 if size < 12 else 2 if size < 45 else 4
    return _filtered(rng, shape, lambda f2: (f2 + (0.16 / size) ** 2) ** (-slope / 2), coarse)


def labyrinth(rng: np.random.Generator, shape: tuple[int, int], period: float, spread: float = 0.22) -> TextureField:
    """Band-passed noise: level sets are the winding, spinodal pattern of dealloyed or phase-separated matter."""
    coarse = max(1, int(period / 10))
    return _filtered(rng, shape, lambda f2: np.exp(-(((np.sqrt(f2) * period - 1) / spread) ** 2) / 2), coarse)


def scattered(
    rng: np.random.Generator, shape: tuple[int, int], spacing: float, *, margin: float = 0.0, tries: int = 12
) -> TextureField:
    """Points at least ``spacing`` pixels apart, as rows of ``(x, y)``, also up to ``margin`` outside the picture.

    Dart throwing in a fixed number of rounds: the number of points follows from the random numbers alone.
    """
    height, width = shape[0] + 2 * margin, shape[1] + 2 * margin
    wanted = max(1, int(height * width / spacing**2))
    points = np.empty((0, 2))
    for _ in range(tries):
        darts = rng.uniform(0, 1, (wanted, 2)) * (width, height)
        pool = np.concatenate([points, darts])
        clash = cKDTree(pool).query_pairs(spacing, output_type="ndarray")
        keep = np.ones(len(pool), dtype=bool)
        for first, second in clash[np.lexsort((clash[:, 0], clash[:, 1]))]:
            if keep[first]:
                keep[second] = False
        points = pool[keep]
    return points - margin


def jittered(rng: np.random.Generator, shape: tuple[int, int], spacing: float, jitter: float = 0.33) -> TextureField:
    """Points of a hexagonal lattice, each moved by up to ``jitter`` spacings, as rows of ``(x, y)``, with a margin."""
    rows = np.arange(-2, int(shape[0] / spacing / 0.866) + 3)
    columns = np.arange(-2, int(shape[1] / spacing) + 3)
    y, x = (grid.ravel().astype(np.float64) for grid in np.meshgrid(rows, columns, indexing="ij"))
    points = np.stack([(x + 0.5 * (y % 2)) * spacing, y * 0.866 * spacing], axis=1)
    return points + rng.uniform(-jitter, jitter, points.shape) * spacing


def cells(
    points: TextureField, shape: tuple[int, int], coarse: int = 2
) -> tuple[TextureField, TextureField, NDArray[np.intp]]:
    """Distance in pixels to the nearest and the second nearest of ``points``, and the index of the nearest.

    Evaluated on every ``coarse``-th pixel and interpolated (the index is repeated), for speed.
    """
    rows = np.arange(0, shape[0] + coarse, coarse)
    columns = np.arange(0, shape[1] + coarse, coarse)
    grid = np.stack(np.broadcast_arrays(columns[None, :], rows[:, None]), axis=-1).reshape(-1, 2)
    distance, index = cKDTree(points).query(grid, k=2)
    size = (rows.size, columns.size)
    at_row, at_column = np.arange(shape[0]) // coarse, np.arange(shape[1]) // coarse
    return (
        enlarge(distance[:, 0].reshape(size), coarse, shape),
        enlarge(distance[:, 1].reshape(size), coarse, shape),
        index[:, 0].reshape(size)[at_row[:, None], at_column[None, :]],
    )


def enlarge(field: TextureField, factor: int, shape: tuple[int, int]) -> TextureField:
    """Linear interpolation of ``field``, whose samples lie ``factor`` pixels apart, cut to ``shape``."""
    rows = -(-shape[0] // factor)
    tall = np.empty((rows * factor, field.shape[1]))
    for step in range(factor):
        part = step / factor
        tall[step::factor] = field[:rows] * (1 - part) + field[1 : rows + 1] * part
    columns = -(-shape[1] // factor)
    low, high = tall[: shape[0], :columns], tall[: shape[0], 1 : columns + 1]
    wide = np.empty((shape[0], columns * factor))
    for step in range(factor):
        part = step / factor
        wide[:, step::factor] = low * (1 - part) + high * part
    return wide[:, : shape[1]]


def blur(field: TextureField, sigma: float) -> TextureField:
    """Gaussian blur; wide ones are computed on a picture reduced by averaging, to within a tenth."""
    factor = int(sigma + 0.5)
    factor -= 1 - factor % 2  # odd, so that a block has a middle pixel
    if factor < 3:
        return np.asarray(scipy.ndimage.gaussian_filter(field, sigma, truncate=3.0), dtype=np.float64)
    height, width = field.shape
    padded = np.pad(field, ((0, -height % factor), (0, -width % factor)), mode="edge")
    rows, columns = padded.shape[0] // factor, padded.shape[1] // factor
    small = padded.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
    rest = np.sqrt(sigma**2 - (factor**2 - 1) / 4) / factor  # averaging and interpolating blur, too
    small = np.pad(scipy.ndimage.gaussian_filter(small, rest, truncate=3.0), 1, mode="edge")
    start = factor - factor // 2  # where the first pixel of the picture lies among the samples
    whole = enlarge(small, factor, (height + start, width + start))
    return whole[start:, start:]
