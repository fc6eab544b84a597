"""High-pass correlation of two grey images: whether they show the same fine structure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from semtrace.core.image.resample import as_gray

_SIGMA = 2.0  # pixels; meant for pictures reduced to 256 pixels
_LIMIT = 3.0  # typical strengths of a picture's detail; more is a mark that was burnt in
_ROUNDING = 1e-6  # of the root of the mean square of the detail; weaker detail is none


def highpass(gray: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Fine structure of a picture: itself minus its Gaussian blur (sigma 2 pixels), zero mean, unit norm.

    The sum of the products of two such arrays is :func:`highpass_correlation` of their pictures, so a picture
    that is compared many times needs this once.

    Args:
        gray: image, shape (H, W), uint8, reduced to 256 pixels or fewer (``resample.reduce``).

    Returns:
        Shape (H, W), float64; all zeros for a constant picture, which has no structure.

    Raises:
        ValueError: ``gray`` is no grey image.
    """
    image = as_gray(gray)
    if image.min() == image.max():  # the blur would leave rounding errors, and these correlate
        return np.zeros(image.shape)
    pixels = image.astype(np.float64)
    detail = pixels - gaussian_filter(pixels, _SIGMA)
    detail -= detail.mean()
    return np.asarray(detail / np.sqrt((detail * detail).sum()))


def highpass_correlation(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> float:
    """Normalized cross-correlation (Pearson) of two pictures after the high-pass of :func:`highpass`.

    Brightness, contrast and slow shading drop out; what is left is the texture that identifies a picture.
    A box of text burnt into both pictures correlates too, so the data bar must be left out before.

    Args:
        x: image, shape (H, W), uint8, reduced to 256 pixels or fewer.
        y: image of the same shape.

    Returns:
        Correlation in [-1, 1]; 0.0 if either picture is constant.

    Raises:
        ValueError: no grey images, or different shapes.
    """
    if x.shape != y.shape:
        raise ValueError(f"correlation needs pictures of one shape, got {x.shape} and {y.shape}: resize one")
    return float(np.clip((highpass(x) * highpass(y)).sum(), -1.0, 1.0))


def limited_correlation(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> float:
    """Measure the same where no place outweighs others: strong detail counts as three times the typical strength.

    The typical strength is the standard deviation that the median of the absolute values stands for. A letter that was
    burnt into an even picture has more power than all of its texture. Here it has the power of its area.

    Args:
        x: image, shape (H, W), uint8, reduced to 256 pixels or fewer.
        y: image of the same shape.

    Returns:
        Correlation in [-1, 1]; 0.0 if half or more of either picture is without detail.

    Raises:
        ValueError: no grey images, or different shapes.
    """
    if x.shape != y.shape:
        raise ValueError(f"correlation needs pictures of one shape, got {x.shape} and {y.shape}: resize one")
    return float(np.clip((_limited(highpass(x)) * _limited(highpass(y))).sum(), -1.0, 1.0))


def _limited(detail: NDArray[np.float64]) -> NDArray[np.float64]:
    """Zero mean and unit norm; zeros where there is no typical strength."""
    around = detail - np.median(detail)
    most = _LIMIT * float(np.median(np.abs(around))) / 0.6745
    if most <= _ROUNDING / np.sqrt(detail.size):
        return np.zeros(detail.shape)
    cut = np.clip(around, -most, most)
    cut -= cut.mean()
    return np.asarray(cut / np.sqrt((cut * cut).sum()))
