"""Whether two pictures show one field of the specimen: high-pass correlation that allows for drift.

A frame of the same field taken a minute later is displaced by some pixels; fine structure then correlates only
after it is brought back in place. So the best displacement within a small reach is found, and counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from semtrace.core.image.correlation import highpass
from semtrace.core.image.resample import as_gray, resize

_WIDTH = 256  # pixels that pictures are reduced to
_REACH = 8  # pixels of these that the stage may have crept, each way
_WITHOUT_BAR = 0.8  # the upper part of a frame, which no data bar reaches into
_MOST_ROWS = 1.25  # a frame may have this many times the rows of the other: with and without its data bar
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


def shrink(gray: NDArray[np.uint8], width: int = _WIDTH) -> NDArray[np.uint8]:
    """Reduce a picture, shape (H, W), uint8, to ``width`` columns, keeping its aspect; never enlarge it."""
    image = as_gray(gray)
    if image.shape[1] <= width:
        return image
    return resize(image, width, max(1, round(image.shape[0] * width / image.shape[1])))


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
    width = min(one.shape[1], other.shape[1])
    x, y = sorted((shrink(one, width), shrink(other, width)), key=len)
    fewer, more = x.shape[0], y.shape[0]
    rows = round(fewer * _WITHOUT_BAR)
    if min(rows, width) < _SMALLEST:
        return None
    squashed = y if more == fewer else resize(y, width, fewer)
    guesses = [squashed]
    if fewer + 1 < more <= fewer * _MOST_ROWS:  # one row more is one height, rounded in two ways
        guesses.insert(0, y)
    return max((_likeness(x[:rows], guess[:rows]) for guess in guesses), key=lambda found: found.correlation)


def _likeness(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Likeness:
    """Where two pictures of one shape lie best on each other, and how alike they are there."""
    rows, width = one.shape
    a, b = highpass(one), highpass(other)
    down, right = _displacement(a, b)
    # The part of either that the other shows too.
    first = a[max(down, 0) : rows + min(down, 0), max(right, 0) : width + min(right, 0)]
    second = b[max(-down, 0) : rows + min(-down, 0), max(-right, 0) : width + min(-right, 0)]
    first, second = first - first.mean(), second - second.mean()
    norm = np.sqrt((first * first).sum() * (second * second).sum())
    correlation = float((first * second).sum() / norm) if norm > 0 else 0.0
    return Likeness(round(correlation, 4), round(float(np.hypot(down, right)) / width, 4))


def _displacement(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[int, int]:
    """Rows and columns by which ``a`` lies further down and right than ``b``, each within the reach."""
    size = [fft.next_fast_len(n + _REACH, real=True) for n in a.shape]  # padded: no shift wraps into the picture
    products = fft.irfft2(fft.rfft2(a, size) * np.conj(fft.rfft2(b, size)), size)
    shifts = np.arange(-_REACH, _REACH + 1)
    within = products[np.ix_(shifts, shifts)]
    row, column = np.unravel_index(np.argmax(within), within.shape)
    return int(shifts[row]), int(shifts[column])
