"""Where exactly a published image lies in its original: from a rough guess to the pixel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from semtrace.core.hashing.phash import equalize
from semtrace.core.image.align import SMALLEST, Aligned
from semtrace.core.image.resample import as_gray, resize
from semtrace.core.image.template_search import correlations, templates, texture

_RESOLUTIONS = 128, 256, 512  # pixels of the original's longest side, one after the other
_TILES = 5  # along a side
_SMALLEST = 16  # pixels along a tile's side
_RIM = 2  # pixels of the published image left out: what lay beyond its edges shows there
_REACH = 3  # pixels that a tile may lie away from where it is expected
_TEXTURED = 0.3  # least correlation of a tile that is believed
_FEWEST = 4  # tiles to be believed
_STIFFNESS = 0.3  # how strongly both axes are held to one scale: publishers round each size to whole pixels
_UNRESIZED = 1.5  # pixels by which the size of a picture that was not resized may seem to have changed

_Vector = NDArray[np.float64]  # (2,): down, across


@dataclass(frozen=True)
class Rectangle:
    """Part of a picture: ``height`` rows from row ``y`` on, ``width`` columns from column ``x`` on."""

    x: int
    y: int
    width: int
    height: int

    def of(self, gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """These pixels of ``gray``, shape (height, width)."""
        return gray[self.y : self.y + self.height, self.x : self.x + self.width]

    def __str__(self) -> str:
        """As ``<width>x<height>+<left>+<top>``."""
        return f"{self.width}x{self.height}+{self.x}+{self.y}"


def read_rectangle(text: str) -> Rectangle | None:
    """The rectangle that was written as ``<width>x<height>+<left>+<top>``; None for an empty text."""
    if not text:
        return None
    width, height, left, top = (int(number) for number in text.replace("x", "+").split("+"))
    return Rectangle(left, top, width, height)


def lay(
    published: NDArray[np.uint8], original: NDArray[np.uint8], bar_top: int, rectangle: Rectangle
) -> Aligned | None:
    """A published image and the part of an original that it shows, at one size, rows of the data bar left out.

    Args:
        published: uint8 (h, w).
        original: uint8 (H, W).
        bar_top: first row of the original's data bar; H where there is none.
        rectangle: the part.

    Returns:
        The two, ``rows`` more than 0 where neither was resized; None where next to nothing is left.
    """
    part = rectangle.of(original)
    rows = min(bar_top - rectangle.y, rectangle.height)  # of the part, above the data bar
    unresized = part.shape == published.shape
    if part.shape[1] > published.shape[1]:
        rows = round(rows * published.shape[0] / part.shape[0])
        part = resize(part, published.shape[1], published.shape[0])
    elif not unresized:
        published = resize(published, part.shape[1], part.shape[0])
    left, right = np.ascontiguousarray(published[:rows]), np.ascontiguousarray(part[:rows])
    if min(left.shape) < SMALLEST:
        return None
    return Aligned(left, right, whole=False, rows=rows if unresized else 0)


def locate(
    published: NDArray[np.uint8],
    original: NDArray[np.uint8],
    bar_top: int,
    guess: tuple[float, float, float, float],
) -> Rectangle | None:
    """Find the part of an original that a published image shows, starting near to it.

    The published image, scaled as guessed, is cut into tiles. Each is looked for a few pixels around its place, to
    a fraction of a pixel; a shift and a scale for each axis are fitted to what the tiles say. This is repeated at
    rising resolution.

    Args:
        published: uint8 (h, w).
        original: uint8 (H, W).
        bar_top: first row of the original's data bar; H where there is none.
        guess: left, top, width and height, in parts of W and H; a few per cent off at most.

    Returns:
        The rectangle, inside the original; None where the tiles do not agree on one.
    """
    height, width = as_gray(original).shape
    shape = np.array(published.shape)
    left, top, across, down = guess
    middle = np.array([(top + down / 2) * height, (left + across / 2) * width])
    scale = np.array([down * height, across * width]) / shape  # pixels of the original for one of the published
    query, picture = equalize(published), equalize(original[:bar_top])
    for resolution in _RESOLUTIONS:
        reduction = min(resolution / max(height, width), 1.0, 1 / float(scale.max()))
        fitted = _refined(query, picture, middle, scale, reduction)
        if fitted is None:
            return None
        middle, scale = fitted
    if (np.abs(scale - 1) * shape).max() <= _UNRESIZED:
        scale = np.ones(2)
    rows, columns = np.rint(shape * scale).astype(int)
    y, x = np.rint(middle - np.array([rows, columns]) / 2).astype(int)
    # A pixel beyond the edge is rounding.
    y, x = (0 if -1 <= first < 0 else int(first) for first in (y, x))
    rows, columns = (n - 1 if first + n == end + 1 else n for n, first, end in ((rows, y, height), (columns, x, width)))
    inside = x >= 0 and y >= 0 and x + columns <= width and y + rows <= height
    return Rectangle(x, y, int(columns), int(rows)) if inside and min(rows, columns) > 0 else None


def _refined(
    query: NDArray[np.uint8], picture: NDArray[np.uint8], middle: _Vector, scale: _Vector, reduction: float
) -> tuple[_Vector, _Vector] | None:
    """Better ``middle`` and ``scale``, from both pictures reduced so that one pixel is one."""
    shape = np.array(picture.shape)
    small = np.maximum(np.rint(shape * reduction), 1).astype(int)
    ratio = small / shape
    still = texture(resize(picture, small[1], small[0]))
    for _ in range(2):
        size = np.maximum(np.rint(query.shape * scale * ratio), 1).astype(int)
        moving = texture(resize(query, size[1], size[0]))
        corner = np.rint(middle * ratio - size / 2).astype(int)
        tiles = np.array(list(_tiles(moving, still, corner)))
        if len(tiles) < _FEWEST:
            return None
        shift, growth = _fit(tiles[:, :2] - size / 2, tiles[:, 2:4], tiles[:, 4])
        middle = (corner + size / 2 + shift) / ratio
        scale = (1 + growth) * size / ratio / query.shape
        if not (scale.min() > 0.1 and scale.max() < 10):
            return None
    return middle, scale


def _tiles(
    moving: NDArray[np.float32], still: NDArray[np.float32], corner: NDArray[np.intp]
) -> Iterator[tuple[float, float, float, float, float]]:
    """Of each tile of ``moving``, laid over ``still`` at ``corner``: its middle, how far it is off, and correlation."""
    bounds = np.array(moving.shape)
    edges = [np.linspace(0, n, min(_TILES, max(n // _SMALLEST, 2)) + 1).astype(int) for n in moving.shape]
    for top, bottom in pairwise(edges[0]):
        for left, right in pairwise(edges[1]):
            begin = np.maximum([top, left], np.maximum(_RIM, _REACH - corner))
            end = np.minimum([bottom, right], np.minimum(bounds - _RIM, still.shape - corner - _REACH))
            if (end - begin).min() < _SMALLEST // 2:
                continue
            first, last = begin + corner - _REACH, end + corner + _REACH
            around = still[first[0] : last[0], first[1] : last[1]]
            tile = moving[begin[0] : end[0], begin[1] : end[1]]
            surface = correlations(templates(tile[None]), around, len(around))[0]
            y, x = np.unravel_index(surface.argmax(), surface.shape)
            if surface[y, x] < _TEXTURED or min(y, x) == 0 or max(y, x) == 2 * _REACH:
                continue
            down, across = _vertex(surface[y - 1 : y + 2, x]), _vertex(surface[y, x - 1 : x + 2])
            yield *((begin + end) / 2), y - _REACH + down, x - _REACH + across, surface[y, x]


def _vertex(values: NDArray[np.float32]) -> float:
    """Where the parabola through three values, the middle one the largest, has its vertex: -0.5 to 0.5."""
    left, middle, right = (float(value) for value in values)
    bend = left - 2 * middle + right
    return 0.5 * (left - right) / bend if bend < 0 else 0.0


def _fit(at: _Vector, off: _Vector, weight: NDArray[np.float64]) -> tuple[_Vector, _Vector]:
    """Shift and growth, off = shift + growth * at, along each axis; outliers count little (Cauchy weights).

    Args:
        at: middles of n tiles, float64 (n, 2).
        off: how far they are off, float64 (n, 2).
        weight: float64 (n,).
    """
    count = len(at)
    system = np.zeros((2 * count + 1, 4))  # unknown: both shifts, the growth, and how much more it is down than across
    system[:count, 0] = system[count:-1, 1] = 1
    system[:-1, 2] = at.T.ravel()
    system[:-1, 3] = np.concatenate([at[:, 0], -at[:, 1]])
    system[-1, 3] = _STIFFNESS * np.abs(at).max()
    target = np.append(off.T.ravel(), 0)
    trust = weight
    for _ in range(6):
        root = np.sqrt(np.append(np.tile(trust, 2), 1))
        solution = np.linalg.lstsq(system * root[:, None], target * root, rcond=None)[0]
        error = np.hypot(*(target - system @ solution)[:-1].reshape(2, count))
        trust = weight / (1 + (error / max(0.2, float(np.median(error)))) ** 2)
    return solution[:2], solution[2] + np.array([solution[3], -solution[3]])
