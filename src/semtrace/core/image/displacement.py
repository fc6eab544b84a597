"""By how many pixels one picture lies beside another: phase correlation, to a fraction of a pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

_MIDDLE = 384  # pixels
_LEAST = 1e-3  # of the mean strength; weaker frequencies are not raised to full weight


def displacement(x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[float, float]:
    """Rows and columns by which the content of ``x`` lies further down and right than that of ``y``.

    Args:
        x: band-passed picture, float32 (H, W), as ``block_agreement.band`` makes it.
        y: another of the same shape.

    Returns:
        Each within half the side, pixels; (0, 0) where one is flat. Where the two have too little in common the place
        is chance.
    """
    x, y = _middle(x), _middle(y)
    window = np.multiply.outer(*(np.hanning(n).astype(np.float32) for n in x.shape))
    cross = fft.rfft2(x * window) * np.conj(fft.rfft2(y * window))
    strength = np.abs(cross)
    if not strength.any():
        return 0.0, 0.0
    down, across = fft.fftfreq(x.shape[0])[:, None], fft.rfftfreq(x.shape[1])
    squared = ((2 * np.pi) ** 2 * (down**2 + across**2)).astype(np.float32)
    passed = np.exp(-squared / 2) - np.exp(-18 * squared)  # Gaussians of 1 and 6 pixels, as in the band
    surface = fft.irfft2(cross / (strength + _LEAST * strength.mean()) * passed, x.shape)
    row, column = (int(n) for n in np.unravel_index(surface.argmax(), surface.shape))
    return _vertex(surface[:, column], row), _vertex(surface[row], column)


def _middle(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The middle of a picture, at most 384 pixels a side, of a length whose transform is fast."""
    cut = []
    for size in image.shape:
        length = fft.prev_fast_len(min(size, _MIDDLE), real=True)
        cut.append(slice((size - length) // 2, (size - length) // 2 + length))
    return image[tuple(cut)]


def _vertex(line: NDArray[np.float32], at: int) -> float:
    """Where the parabola through a periodic line's largest value and its neighbours has its vertex; signed."""
    size = len(line)
    before, here, after = (float(line[(at + k) % size]) for k in (-1, 0, 1))
    bend = before - 2 * here + after
    place = at + (0.5 * (before - after) / bend if bend < 0 else 0.0)
    return place - size if place > size / 2 else place
