"""Where the data bar of an SEM image starts: the strip at its bottom that the microscope writes on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# parts of the image's height
TALLEST = 0.25
SHORTEST = 0.02  # less is an empty edge
BELOW = 0.025  # what may follow under a bar: a frame, a rest of the picture
# parts of a row's pixels that have the bar's level
PLAIN = 0.9  # at least, between the lines of text
WRITTEN = 0.3  # at least, in the densest line of text
PICTURE = 0.5  # at most, in the row above the bar


def bar_top(gray: NDArray[np.uint8]) -> int:
    """Find the row at which the data bar at the bottom of an SEM image starts.

    In an original a bar is drawn, not recorded: its background is exactly one level over the full width, so
    the share of pixels at that level jumps from the picture's few per cent to nearly one from one row to the
    next. That jump and text below it are asked for. Black, white and grey bars are found, with frames,
    rulers, cells and logos.

    A miss is preferred to a false bar. Nothing is found for a box or text inside the picture; an empty edge;
    a bar below which the picture goes on for more than 2.5 % of the height (on some Zeiss instruments it is
    10 %); a bar under a picture that is itself clipped to the bar's level in most pixels of its lowest row; a
    bar without text; and after lossy compression, which blurs the level: run it on originals.

    Args:
        gray: the image, shape (H, W).

    Returns:
        The first row of the bar (of its frame, if it has one), or H when there is no bar.
    """
    height, width = len(gray), gray.shape[1]
    if min(height, width) < 64:
        return height
    first = height - int(height * TALLEST)
    band = gray[first:]
    level = int(np.bincount(band[-max(height // 20, 8) :].ravel(), minlength=256).argmax())
    share = np.count_nonzero(band == level, axis=1) / width
    plain = np.flatnonzero(share >= PLAIN)
    if len(plain) == 0 or len(band) - 1 - plain[-1] > height * BELOW:
        return height
    last = int(plain[-1])
    top = last
    while top > 0 and (share[top - 1] >= WRITTEN or _is_line(band[top - 1])):
        top -= 1
    for row in range(max(top, 1), last + 1):
        if share[row - 1] <= PICTURE and (share[row] >= PLAIN or _is_line(band[row])):
            return first + row if _is_bar(band, share, row, last, level, height) else height
    return height


def _is_line(row: NDArray[np.uint8]) -> bool:
    """Whether nearly all of a row is one level, as in a frame."""
    return bool(np.count_nonzero(row == row[len(row) // 2]) >= 0.95 * len(row))


def _is_bar(band: NDArray[np.uint8], share: NDArray[np.float64], top: int, last: int, level: int, height: int) -> bool:
    """Whether the rows from ``top`` to ``last`` are a bar: tall enough, text on it, a picture above it."""
    tall = last + 1 - top
    if tall < height * SHORTEST or np.any(share[max(top - tall, 0) : top] >= PLAIN):
        return False
    bar = band[top : last + 1][share[top : last + 1] >= WRITTEN]  # without the lines of a frame
    ink = np.count_nonzero(bar != level) / bar.size
    text = np.count_nonzero(np.abs(bar.astype(np.int16) - level) >= 64) / bar.size
    begins = share[top : top + tall // 2 + 1].min() < 0.98  # text is not confined to the lower half
    return bool(ink <= 0.5 and text >= max(0.005, ink / 2) and begins)
