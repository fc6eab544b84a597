"""Where the data bar of an SEM image starts: the strip at its bottom that the microscope writes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# parts of the image's height
TALLEST = 0.25
SHORTEST = 0.02  # less is an empty edge
BELOW = 0.025  # what may follow under a bar: a frame, a rest of the picture
# parts of a row's pixels that have the bar's level
PLAIN = 0.9  # at least, between the lines of text
WRITTEN_SHARE = 0.3  # at least, in the densest line of text
PICTURE = 0.5  # at most, in the row above the bar
CODED = 16  # grey levels by which JPEG coding moves the pixels of a bar's background


def bar_top(gray: NDArray[Any]) -> int:
    """Find the row at which the data bar at the bottom of an SEM image starts.

    In an original a bar is drawn, not recorded: its background is exactly one level over the full width, so
    the share of pixels at that level jumps from the picture's few per cent to nearly one from one row to the
    next. That jump and text below it are asked for. Black, white and grey bars are found, with frames,
    rulers, cells and logos.

    A miss is preferred to a false bar. Nothing is found for a box or text inside the picture; an empty edge;
    a bar below which the picture goes on for more than 2.5 % of the height (on some Zeiss instruments it is
    10 %); a bar under a picture that is itself clipped to the bar's level in most pixels of its lowest row; a
    bar without text. An original that was a JPEG once has its bar blurred; so where no bar is found in 8 bits, levels
    near to it are taken for it. Strong compression (quality 50 and below) can hide a bar all the same.

    Args:
        gray: the image, shape (H, W): 8-bit grey, or the numbers of any other real dtype before any range is chosen,
            since a bar's level is exact in them too, whatever it does to their range.

    Returns:
        The first row of the bar (of its frame, if it has one), or H when there is no bar.
    """
    height = len(gray)
    if min(gray.shape) < 64:
        return height
    first = height - int(height * TALLEST)
    band = gray[first:]
    level = _usual(band[-max(height // 20, 8) :])
    if not np.isfinite(level):
        return height

    def contrast() -> float:  # asked for where rows are plain at all
        return 64.0 if gray.dtype == np.uint8 else _range(gray) / 4

    top = _top(band, level, height, contrast)
    if top is None and gray.dtype == np.uint8:
        near = np.abs(band.astype(np.int16) - int(level)) <= CODED
        top = _top(np.where(near, np.uint8(level), band), level, height, contrast)
    return height if top is None else first + top


def _top(band: NDArray[Any], level: int | float, height: int, contrast: Callable[[], float]) -> int | None:
    """The row of the band at which a bar of this level starts."""
    share = np.count_nonzero(band == level, axis=1) / band.shape[1]
    plain = np.flatnonzero(share >= PLAIN)
    if len(plain) == 0 or len(band) - 1 - plain[-1] > height * BELOW:
        return None
    last = int(plain[-1])
    top = last
    while top > 0 and (share[top - 1] >= WRITTEN_SHARE or _is_line(band[top - 1])):
        top -= 1
    for row in range(max(top, 1), last + 1):
        if share[row - 1] <= PICTURE and (share[row] >= PLAIN or _is_line(band[row])):
            return row if _is_bar(band, share, (row, last), level, height, contrast()) else None
    return None


def _usual(rows: NDArray[Any]) -> int | float:
    """The most frequent value, the smallest of several."""
    if rows.dtype in (np.uint8, np.uint16):
        return int(np.bincount(rows.ravel()).argmax())
    values, counts = np.unique(rows, return_counts=True)
    return float(values[counts.argmax()]) if rows.dtype.kind == "f" else int(values[counts.argmax()])


def _range(array: NDArray[Any]) -> float:
    """From the value that 0.1 % of the finite pixels lie below to the one that 0.1 % lie above."""
    known = array[np.isfinite(array)] if array.dtype.kind == "f" else array.ravel()
    cut = (known.size - 1) // 1000
    low, high = np.partition(known, [cut, known.size - 1 - cut])[[cut, known.size - 1 - cut]].tolist()
    return float(high) - float(low)


def _is_line(row: NDArray[Any]) -> bool:
    """Whether nearly all of a row is one level, as in a frame."""
    return bool(np.count_nonzero(row == row[len(row) // 2]) >= 0.95 * len(row))


def _is_bar(
    band: NDArray[Any],
    share: NDArray[np.float64],
    rows: tuple[int, int],
    level: int | float,
    height: int,
    contrast: float,
) -> bool:
    """Whether the first to the last of ``rows`` are a bar: tall enough, text on it, a picture above it."""
    top, last = rows
    tall = last + 1 - top
    if tall < height * SHORTEST or np.any(share[max(top - tall, 0) : top] >= PLAIN):
        return False
    bar = band[top : last + 1][share[top : last + 1] >= WRITTEN_SHARE]  # without the lines of a frame
    ink = np.count_nonzero(bar != level) / bar.size
    text = np.count_nonzero(_distance(bar, level) >= contrast) / bar.size
    begins = share[top : top + tall // 2 + 1].min() < 0.98  # text is not confined to the lower half
    return bool(ink <= 0.5 and text >= max(0.005, ink / 2) and begins)


def _distance(bar: NDArray[Any], level: int | float) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        if bar.dtype == np.uint8:
            return np.abs(bar.astype(np.int16) - int(level))
        return np.abs(bar.astype(np.float64) - float(level))
