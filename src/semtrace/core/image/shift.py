"""Whether two pictures show one field of the specimen: high-pass correlation that allows for drift.

A frame of the same field taken a minute later is displaced by some pixels; fine structure then correlates only
after it is brought back in place. So the best displacement within a small reach is found, and counts.

A picture that is compared many times needs its spectrum once; comparing two spectra takes about 0.2 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from semtrace.core.image.correlation import highpass
from semtrace.core.image.resample import as_gray, resize

_WIDTH = 256  # pixels that pictures are reduced to
_REACH = 8  # pixels of these that the stage may have crept, each way
REACH_SHAPE = 2 * _REACH + 1, 2 * _REACH + 1
"""Displacements that are looked at, down and right."""

_WITHOUT_BAR = 0.8  # the upper part of a frame, which no data bar reaches into
_MOST_ROWS = 1.25  # a frame may have this many times the rows of the other: with and without its data bar
_LEAST = 1e-6  # part of a picture's structure; what holds less is as good as empty
_SMALLEST = 4 * _REACH  # pixels along a side; below, a displacement leaves too little in common


@dataclass(frozen=True)
class Likeness:
    """How alike two pictures are where they lie best on each other.

    Attributes:
        correlation: Pearson's, after a high-pass, of what both show; -1 to 1.
        drift: displacement of one against the other, in parts of the width.

    """

    correlation: float
    drift: float


@dataclass(frozen=True, eq=False)
class FieldSpectrum:
    """The fine structure of a picture, ready to be compared with that of others of the same common shape.

    Attributes:
        shape: rows and columns that the structure was taken from.
        waves: its Fourier transform, padded by zeros so that no displacement wraps around; complex64.
        sums: for each displacement, the sum over the part that overlaps; shape (17, 17), float64.
        squares: the same of squares.

    """

    shape: tuple[int, int]
    waves: NDArray[np.complex64]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]


def shrink(gray: NDArray[np.uint8], width: int = _WIDTH) -> NDArray[np.uint8]:
    """Reduce a picture, shape (H, W), uint8, to ``width`` columns, keeping its aspect; never enlarge it."""
    image = as_gray(gray)
    rows, columns = shrunk_shape(image.shape, width)
    return image if columns == image.shape[1] else resize(image, columns, rows)


def shrunk_shape(shape: tuple[int, ...], width: int = _WIDTH) -> tuple[int, int]:
    """The shape of what :func:`shrink` gives of a picture of ``shape``."""
    rows, columns = shape
    return (rows, columns) if columns <= width else (max(1, round(rows * width / columns)), width)


def common_shape(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, int] | None:
    """Rows and columns at which two pictures of these shapes, as :func:`shrink` gives them, are compared.

    None where they are not comparable: too small.
    """
    width = min(one[1], other[1])
    rows = min(shrunk_shape(one, width)[0], shrunk_shape(other, width)[0])
    return None if min(round(rows * _WITHOUT_BAR), width) < _SMALLEST else (rows, width)


def likeness(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Likeness | None:
    """Compare two pictures at one width, allowed to drift by 1/32 of it.

    Compared are the upper four fifths of the frame: data bars, which make different pictures of one instrument
    alike, lie below, and need not be found (in a JPEG they often cannot be). Of two aspects, one picture may lack the
    other's data bar, so that they agree from the top, or it may be squashed; the likeness is that of the better guess.
    Symmetric in its arguments.

    Args:
        one: picture, shape (H, W), uint8, as :func:`shrink` gives it.
        other: picture, shape (H', W').

    Returns:
        Both numbers rounded to 4 decimals; correlation 0.0 if either is constant. None where the two are not
        comparable: too small.

    Raises:
        ValueError: no grey images.
    """
    shape = common_shape(as_gray(one).shape, as_gray(other).shape)
    if shape is None:
        return None
    x, y = sorted((shrink(one, shape[1]), shrink(other, shape[1])), key=len)
    fewer, more = x.shape[0], y.shape[0]
    guesses = [y]
    if fewer + 1 < more <= fewer * _MOST_ROWS:  # one row more is one height, rounded in two ways
        guesses.insert(0, y[:fewer])
    here = field_spectrum(x, shape)
    found = [spectra_likeness(here, field_spectrum(guess, shape)) for guess in guesses]
    return max(found, key=lambda one: one.correlation)


def field_spectrum(gray: NDArray[np.uint8], shape: tuple[int, int]) -> FieldSpectrum:
    """The spectrum of a picture for comparisons at a common shape, to which it is squashed if its aspect is another.

    Args:
        gray: picture, shape (H, W), uint8, as :func:`shrink` gives it.
        shape: what :func:`common_shape` gives of it and another.

    Raises:
        ValueError: no grey image.
    """
    rows, width = shape
    picture = shrink(gray, width)
    if picture.shape[0] != rows:
        picture = resize(picture, width, rows)
    detail = highpass(picture[: round(rows * _WITHOUT_BAR)])
    waves = fft.rfft2(detail, _padded(detail.shape)).astype(np.complex64)
    height, width = detail.shape
    return FieldSpectrum((height, width), waves, _over_overlaps(detail), _over_overlaps(detail * detail))


def spectra_likeness(one: FieldSpectrum, other: FieldSpectrum) -> Likeness:
    """As :func:`likeness`, of two pictures whose spectra were taken at their common shape.

    Raises:
        ValueError: spectra of two shapes.
    """
    if one.shape != other.shape:
        raise ValueError(f"spectra of two shapes, {one.shape} and {other.shape}, cannot be compared")
    down_waves, right_waves = _waves(_padded(one.shape))
    products = ((down_waves @ (one.waves * np.conj(other.waves))) @ right_waves).real
    row, column = divmod(int(np.argmax(products)), products.shape[1])
    down, right = row - _REACH, column - _REACH
    # Both sums are over the part that the other shows too; it lies at the opposite displacement in the other.
    pixels = (one.shape[0] - abs(down)) * (one.shape[1] - abs(right))
    first, second = one.sums[row, column], other.sums[-1 - row, -1 - column]
    mine = one.squares[row, column] - first * first / pixels
    theirs = other.squares[-1 - row, -1 - column] - second * second / pixels
    correlation = 0.0
    if min(mine, theirs) > _LEAST:
        correlation = float((products[row, column] - first * second / pixels) / np.sqrt(mine * theirs))
    correlation = min(1.0, max(-1.0, correlation))
    return Likeness(round(correlation, 4), round(float(np.hypot(down, right)) / one.shape[1], 4))


def _padded(shape: tuple[int, ...]) -> tuple[int, int]:
    """A size for the Fourier transform at which no displacement wraps into the picture."""
    return fft.next_fast_len(shape[0] + _REACH, real=True), fft.next_fast_len(shape[1] + _REACH, real=True)


@lru_cache(maxsize=16)
def _waves(size: tuple[int, int]) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    """The inverse transform at the displacements within the reach alone: of rows (17, n), of columns (m, 17)."""
    rows, columns = size
    shifts, half = np.arange(-_REACH, _REACH + 1), np.arange(columns // 2 + 1)
    twice = np.where((half == 0) | (2 * half == columns), 1, 2)  # the other half of the spectrum mirrors this one
    down = np.exp(2j * np.pi * np.outer(shifts, np.arange(rows)) / rows) / rows
    right = twice[:, None] * np.exp(2j * np.pi * np.outer(half, shifts) / columns) / columns
    return down.astype(np.complex64), right.astype(np.complex64)


def _over_overlaps(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over what remains of an array that is displaced by -8 to 8 rows and columns, shape (17, 17)."""
    # Eight single lines, the middle, eight single lines.
    edges = [[*range(_REACH + 1), *range(n - _REACH, n)] for n in values.shape]
    parts = np.add.reduceat(np.add.reduceat(values, edges[0], axis=0), edges[1], axis=1)
    total = np.zeros((parts.shape[0] + 1, parts.shape[1] + 1))
    total[1:, 1:] = parts.cumsum(0).cumsum(1)
    shifts = np.arange(-_REACH, _REACH + 1)
    first, last = np.maximum(shifts, 0), parts.shape[0] + np.minimum(shifts, 0)
    upper, lower = total[first], total[last]
    return np.asarray(lower[:, last] - upper[:, last] - lower[:, first] + upper[:, first])
