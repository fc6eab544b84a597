"""Which originals a published image may be a rectangular part of: template matching over all of them.

Brute force on small pictures. Both sides are brought to *texture*, a band-pass at equal local contrast, so neither
text, nor a box burnt into the picture, nor brightness or gamma weighs more than any other place. The published
picture is tried at every size and place at which it shows enough of an original.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from semtrace.core.hashing.phash import equalize
from semtrace.core.image.resample import as_gray, resize

SHOWN = 0.4  # least part of an original's area that is looked for

_FINE, _COARSE = 64, 32  # pixels of an original's longest side: of its thumbnail, and where everything is tried
_FINE_RIM, _COARSE_RIM = 2, 1  # pixels left out along the edges of a template: what lay beyond them shows there
_BAR_RIM = 4  # rows left out above a data bar, which shows there in a published image
_PROMISING = 0.45  # least score of what is looked at again
_ALIKE = 0.5  # least score of what is worth placing exactly
_STARTS, _NEARLY = 4, 0.15  # as many sizes are looked at again, with scores no further below the best
_REACH = 3  # pixels around a place that are looked at again
_LEVELS = 63  # texture is a whole number up to this: 64 x 64 products sum up exactly in float32, in any order
_SMALLEST = 8  # pixels along a template's side
_ABOVE_BAR = 0.6  # least part of a template's rows that lies above the data bar
_BLOCK = 256  # queries worked on together


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A picture as the search sees it: equalized, and reduced to 64 pixels.

    Attributes:
        picture: the rows above the data bar, uint8 (h, w).
        rows: rows of the whole frame at that scale, data bar included.
    """

    picture: NDArray[np.uint8]
    rows: int


@dataclass(frozen=True)
class Hit:
    """An original that a published image may be a part of.

    Attributes:
        original: its index.
        score: correlation of the textures there, -1 to 1.
        rectangle: left, top, width and height, in parts of the original's width and height.
    """

    original: int
    score: float
    rectangle: tuple[float, float, float, float]


def thumbnail(gray: NDArray[np.uint8], bar_top: int) -> Thumbnail:
    """Reduce a picture, uint8 (H, W), whose data bar begins at row ``bar_top`` (H: it has none)."""
    return _reduced(Thumbnail(equalize(gray[:bar_top]), as_gray(gray).shape[0]), _FINE)


def _reduced(this: Thumbnail, longest: int) -> Thumbnail:
    height, width = this.picture.shape
    scale = min(longest / max(this.rows, width), 1.0)
    above, columns, rows = (max(1, round(n * scale)) for n in (height, width, this.rows))
    return Thumbnail(resize(this.picture, columns, above), rows)


def texture(gray: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Band-pass at equal local contrast: fine structure divided by its own strength in the neighbourhood.

    Args:
        gray: picture, shape (H, W), uint8.

    Returns:
        Whole numbers from -63 to 63, float32 (H, W); 0 where the picture is flat.
    """
    pixels = gray.astype(np.float32)
    detail = gaussian_filter(pixels, 0.7) - gaussian_filter(pixels, 3.0)
    contrast = np.sqrt(gaussian_filter(detail * detail, 4.0))
    return np.asarray(np.clip(np.rint(detail * 16 / (contrast + 4)), -_LEVELS, _LEVELS), np.float32)


@dataclass(frozen=True, eq=False)
class Templates:
    """Templates of one size, ready to be laid over many pictures.

    Attributes:
        pixels: float32 (n, h, w).
        weights: float32 (n, h + 1), one over the root of the sum of squares in the first 0, 1, ..., h rows (or 0).
    """

    pixels: NDArray[np.float32]
    weights: NDArray[np.float32]


def templates(pixels: NDArray[np.float32]) -> Templates:
    """Prepare templates, shape (n, h, w)."""
    energy = np.cumsum(np.einsum("nij,nij->ni", pixels, pixels), axis=1)
    return Templates(pixels, _inverse_root(np.pad(energy, ((0, 0), (1, 0)))))


def correlations(these: Templates, picture: NDArray[np.float32], above: int) -> NDArray[np.float32]:
    """Correlation of templates with a picture at every place where they lie inside it.

    It is the sum of the products over the root of the product of the sums of squares, all sums over the rows above
    the data bar. Whole numbers up to 63, and no more than 64 x 64 of them, are summed exactly, so the result is the
    same whatever is computed at once.

    Args:
        these: n templates of h x w pixels, no larger than the picture.
        picture: shape (H, W), zero from row ``above`` on.
        above: rows above the data bar; of a template's rows at least 60 % must lie there.

    Returns:
        Shape (n, H - h + 1, W - w + 1), -1 to 1; 0 where one of the two is zero everywhere; -1 where the bar forbids.
    """
    count, height, width = these.pixels.shape
    windows = sliding_window_view(picture, (height, width))
    down, across = windows.shape[:2]
    windows = windows.reshape(-1, height * width)
    products = these.pixels.reshape(count, -1) @ windows.T
    products *= _inverse_root(np.einsum("ij,ij->i", windows, windows))
    found = products.reshape(count, down, across)
    for row in range(down):
        visible = min(max(above - row, 0), height)
        if visible < _ABOVE_BAR * height:
            found[:, row] = -1
        else:
            found[:, row] *= these.weights[:, visible, None]
    return found


def best_places(
    these: Templates, picture: NDArray[np.float32], above: int
) -> tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]:
    """Best correlation of each template, and the row and column of the first place with it; shape (n,) each."""
    found = correlations(these, picture, above)
    flat = found.reshape(len(found), -1)
    best = flat.argmax(axis=1)
    return flat[np.arange(len(flat)), best], best // found.shape[2], best % found.shape[2]


def _inverse_root(squares: NDArray[np.float32]) -> NDArray[np.float32]:
    root = np.sqrt(squares)
    return np.divide(1, root, out=np.zeros_like(root), where=root > 0)


def search(
    queries: Sequence[NDArray[np.uint8]], originals: Sequence[Thumbnail], *, most: int, workers: int = 1
) -> list[list[Hit]]:
    """Find for every query the originals that it may be a part of, best first, at most ``most``.

    The ``most`` best at 32 pixels are looked at again at 64. So the work is bounded: for each query and original
    about ten template sizes (two hundred thousand products), and for each query ``most`` second looks.

    Args:
        queries: thumbnails of published images, uint8 (h, w) each.
        originals: thumbnails of all originals.
        most: hits wanted for a query, at least 1.
        workers: threads; the result does not depend on them.
    """
    coarse = [_canvas(_reduced(this, _COARSE), _COARSE_RIM) for this in originals]
    fine = [_canvas(this, _FINE_RIM) for this in originals]
    # Queries of one shape stand together: their templates have the same sizes, and are multiplied at once.
    order = sorted(range(len(queries)), key=lambda q: (queries[q].shape[1] / queries[q].shape[0], q))

    def work(block: list[int]) -> list[list[Hit]]:
        rough = _everywhere([queries[q] for q in block], coarse)
        return [_again(queries[q], found[:most], fine) for q, found in zip(block, rough, strict=True)]

    blocks = [order[start : start + _BLOCK] for start in range(0, len(order), _BLOCK)]
    with ThreadPoolExecutor(workers) as pool:
        found = dict(zip(order, (hits for part in pool.map(work, blocks) for hits in part), strict=True))
    return [found[q] for q in range(len(queries))]


@dataclass(frozen=True, eq=False)
class _Canvas:
    """Texture of an original without its rim, int8 (H, W), zero from row ``above`` on; and the size with it."""

    texture: NDArray[np.int8]
    above: int
    height: int
    width: int


@dataclass(frozen=True)
class _Promise:
    """An original of a promising score, and where to look again: longest side of the query, row and column."""

    score: float
    original: int
    starts: tuple[tuple[int, int, int], ...]


def _canvas(this: Thumbnail, rim: int) -> _Canvas:
    height, width = this.picture.shape
    bottom = rim if this.rows <= height else _BAR_RIM
    inner = texture(this.picture)[rim : max(height - bottom, rim), rim : max(width - rim, rim)]
    padding = max(this.rows - 2 * rim - len(inner), 0)
    return _Canvas(np.pad(inner.astype(np.int8), ((0, padding), (0, 0))), len(inner), this.rows, width)


def _template(query: NDArray[np.uint8], longest: int, rim: int) -> NDArray[np.float32]:
    """Texture of a query whose longest side is made ``longest``, without its rim."""
    height, width = query.shape
    columns, rows = (max(1, round(n * longest / max(query.shape))) for n in (width, height))
    return texture(resize(query, columns, rows))[rim : max(rows - rim, rim), rim : max(columns - rim, rim)]


def _everywhere(queries: list[NDArray[np.uint8]], originals: list[_Canvas]) -> list[list[_Promise]]:
    """The promising originals of each query, best first."""
    least = SHOWN * min((this.height * this.width for this in originals), default=0)
    sizes: dict[tuple[int, ...], list[tuple[int, int, NDArray[np.float32]]]] = defaultdict(list)
    for q, query in enumerate(queries):
        for longest in range(_SMALLEST, _COARSE + 1):
            template = _template(query, longest, _COARSE_RIM)
            if min(template.shape) >= _SMALLEST and _area(template.shape, _COARSE_RIM) >= least:
                sizes[template.shape].append((q, longest, template))
    stacks = []
    for shape, entries in sorted(sizes.items()):
        owners, longest_sides, pixels = zip(*entries, strict=True)
        stacks.append((shape, np.array(owners), np.array(longest_sides), templates(np.stack(pixels))))
    found: list[list[_Promise]] = [[] for _ in queries]
    for o, original in enumerate(originals):
        picture = original.texture.astype(np.float32)
        least = SHOWN * original.height * original.width
        best = np.full((3, len(queries), _COARSE + 1), -1, np.float32)
        for shape, rows, columns, these in stacks:
            if shape[0] <= picture.shape[0] and shape[1] <= picture.shape[1] and _area(shape, _COARSE_RIM) >= least:
                best[:, rows, columns] = best_places(these, picture, original.above)
        top = best[0].max(axis=1)
        for q in np.flatnonzero(top >= _PROMISING).tolist():
            ranked = np.argsort(-best[0, q], kind="stable")[:_STARTS]
            places = tuple(
                (int(n), int(best[1, q, n]), int(best[2, q, n])) for n in ranked if best[0, q, n] >= top[q] - _NEARLY
            )
            found[q].append(_Promise(float(top[q]), o, places))
    return [sorted(promises, key=lambda promise: (-promise.score, promise.original)) for promises in found]


def _area(size: tuple[int, ...], rim: int) -> int:
    return (size[0] + 2 * rim) * (size[1] + 2 * rim)


def _again(query: NDArray[np.uint8], promises: list[_Promise], originals: list[_Canvas]) -> list[Hit]:
    """Look again, at twice the resolution, near the places found."""
    made: dict[int, Templates] = {}

    def template(longest: int) -> Templates:
        if longest not in made:
            made[longest] = templates(_template(query, longest, _FINE_RIM)[None])
        return made[longest]

    hits = []
    for promise in promises:
        original = originals[promise.original]
        frame = max(original.height, original.width)
        ratio = frame / min(_COARSE, frame)
        tried: dict[tuple[float, int], tuple[int, int, int, int]] = {}
        for longest, *corner in promise.starts:
            # The middle of the query stays where it was found.
            middle = ratio * (np.array(corner) + longest / max(query.shape) * np.array(query.shape) / 2)
            for n in range(round(ratio * longest) - 2, round(ratio * longest) + 3):
                seen = _near(template(n), original, middle)
                if seen is not None:
                    tried[seen[0], n] = seen[1]
        if tried and max(tried)[0] >= _ALIKE:
            x, y, width, height = tried[max(tried)]
            rectangle = x / original.width, y / original.height, width / original.width, height / original.height
            hits.append(Hit(promise.original, round(max(tried)[0], 4), rectangle))
    return sorted(hits, key=lambda hit: (-hit.score, hit.original))


def _near(
    these: Templates, original: _Canvas, middle: NDArray[np.float64]
) -> tuple[float, tuple[int, int, int, int]] | None:
    """Best correlation of one template around a place, and left, top, width and height there, its rim included."""
    picture = original.texture.astype(np.float32)
    size = np.array(these.pixels.shape[1:])
    space = picture.shape - size
    if space.min() < 0 or size.min() < _SMALLEST:
        return None
    whole = size + 2 * _FINE_RIM
    corner = np.rint(middle - whole / 2).astype(int) - _FINE_RIM
    first, last = np.clip(corner - _REACH, 0, space), np.clip(corner + _REACH, 0, space)
    window = picture[first[0] : last[0] + size[0], first[1] : last[1] + size[1]]
    score, row, column = best_places(these, window, original.above - int(first[0]))
    return float(score[0]), (int(first[1] + column[0]), int(first[0] + row[0]), int(whole[1]), int(whole[0]))
