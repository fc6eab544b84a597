"""Published pages with blank margins, or with several panels: the pictures on them, as a side of their own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import isqrt
from pathlib import Path

import numpy as np

from semtrace.core.hashing import phash
from semtrace.core.image.framing import pieces
from semtrace.core.image.placement import Rectangle
from semtrace.io.cache import Entry, Kind, reader
from semtrace.io.files import safe_name
from semtrace.provenance.tracing.pair_images import Image, UnavailableError, pixels
from semtrace.provenance.tracing.sides import Content, Side
from semtrace.stage.cached_map import worked_map
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure

PIECES = Kind("pieces", (__name__,))
_WHOLE = 0.98  # of a page's area; a picture that large is the page, and was traced as that

Piece = tuple[Rectangle, str]
"""Where a picture stands on a page, and the digits of its hash."""


def find_pictures(
    wanted: Sequence[int], published: Side, root: Path, executor: Executor
) -> tuple[Side, dict[int, list[int]]]:
    """The pictures on published pages; those that are one picture have none.

    Args:
        wanted: indices of published contents.
        published: the published set.
        root: its folder.
        executor: where to work.

    Returns:
        The pictures, each with its place, and by published content the indices of those on it.
    """
    size, root = isqrt(published.bits), root.resolve()
    asked = [Image(safe_name(root, published.contents[j].paths[0]), published.contents[j].md5) for j in wanted]
    results = worked_map(
        asked, partial(_pieces, size), recall=None, executor=executor, what="pages", reads=lambda image: [image.file]
    )
    contents: list[Content] = []
    digits: list[str] = []
    of_page: dict[int, list[int]] = {}
    for j, found in zip(wanted, results, strict=True):
        page = published.contents[j]
        for place, text in () if isinstance(found, Failure) else found:
            of_page.setdefault(j, []).append(len(contents))
            contents.append(Content(f"{page.key} {place}", page.paths, page.md5, page.digests, "", -1, True, place))
            digits.append(text)
    words = phash.from_hex_many(digits, size)
    healthy = phash.healthy(words).tolist()
    contents = [one if fine else _degenerate(one) for one, fine in zip(contents, healthy, strict=True)]
    return Side(contents, len(contents), published.bits, words, words[:0], np.empty(0, np.int64)), of_page


def _degenerate(one: Content) -> Content:
    return Content(one.key, one.paths, one.md5, one.digests, one.picture, one.bar_top, False, one.place)


def _pieces(size: int, cache_file: str, image: Image) -> tuple[list[Piece], list[Entry]]:
    """The pictures on a page that is not one picture."""
    key = f"{image.md5}-{size}"
    known = reader(cache_file).get(PIECES, key)
    entries: list[Entry] = []
    if known is None:
        try:
            page = pixels(image.file, image.md5, cache_file)
        except UnavailableError:
            return [], []
        places = pieces(page)
        if len(places) == 1 and places[0].width * places[0].height >= _WHOLE * page.size:
            places = []
        hashed = [(place, phash.to_hex(phash.phash(np.ascontiguousarray(place.of(page)), size))) for place in places]
        known = [[place.x, place.y, place.width, place.height, text] for place, text in hashed]
        entries = [(PIECES, key, known)]
    return [(Rectangle(*place), text) for *place, text in known], entries
