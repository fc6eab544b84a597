"""Compare many published pictures with their candidates, each image decoded as rarely as it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semtrace.core.compare import Aligned, Comparison, align, correlation, similarity
from semtrace.core.dihedral import Symmetry, apply, inverse
from semtrace.io.cache import Cache
from semtrace.io.images import UnreadableImage, decode
from semtrace.io.jpeg import encode_again, luma_table
from semtrace.parallel import Crashed, map_images
from semtrace.provenance.common import Executor, Reject, read_file

_MAY_BE_PROVEN = 0.5  # SSIM; strong compression of a noisy picture stays above it
_TRIES = 3


@dataclass(frozen=True)
class Image:
    """An image file and the md5 it must still have.

    Attributes:
        file: where it is.
        md5: of its bytes.
        bar_top: first row of its data bar, or -1.
        known: of an original: whether the published picture is proven to be its very conversion already.
        symmetry: of an original: what brings the published picture into its orientation.
    """

    file: str
    md5: str
    bar_top: int = -1
    known: bool = False
    symmetry: Symmetry = Symmetry.IDENTITY


class UnavailableError(Exception):
    """An image cannot be had any more, though its hash is in the table."""

    def __init__(self, reject: Reject) -> None:
        super().__init__(reject.detail)
        self.reject = reject


Pairs = tuple[Image, tuple[Image, ...]]
"""A published picture and the originals to compare it with."""


Compared = list[Comparison | None] | Reject
"""A published picture's comparisons, None where the two are not comparable; a reject where it cannot be read."""


def compare_pairs(tasks: Sequence[Pairs], executor: Executor) -> list[Compared]:
    """For every task the comparisons with its originals, in order; None where the two are not comparable.

    A published picture that cannot be read (any more) gives a reject; an original that cannot is not comparable.
    Results are kept in the side cache by the contents of both files.
    """
    found: list[Compared] = []
    with Cache(executor.cache) as cache:
        function = partial(_compare, str(executor.cache))
        results = map_images(function, tasks, workers=executor.workers, what="compare", chunk=4, prepare=_load_kernels)
        for task, result in zip(tasks, results, strict=True):
            if isinstance(result, Crashed | Reject):
                found.append(
                    Reject("", "", "decoder_crashed", result.detail) if isinstance(result, Crashed) else result
                )
                continue
            comparisons, fresh = result
            cache.put(("pair", _key(task[0], task[1][i]), asdict(c) if c else {}) for i, c in fresh)
            found.append(comparisons)
    return found


def _load_kernels() -> None:
    ramp = np.add.outer(np.arange(300), np.arange(300)).astype(np.uint8)
    pair = align(ramp, ramp, 300)
    if pair is not None:
        similarity(pair), correlation(pair)


def _key(published: Image, original: Image) -> str:
    return f"{published.md5}-{original.md5}-{original.bar_top}-{original.known}-{original.symmetry}"


def _compare(
    cache_file: str, task: Pairs
) -> tuple[list[Comparison | None], list[tuple[int, Comparison | None]]] | Reject:
    published, originals = task
    comparisons: list[Comparison | None] = [None] * len(originals)
    missing = []
    with Cache(Path(cache_file), readonly=True) as cache:
        for index, original in enumerate(originals):
            known = cache.get("pair", _key(published, original))
            if known is None:
                missing.append(index)
            elif known:
                comparisons[index] = Comparison(**known)
    if not missing:
        return comparisons, []
    try:
        data = _read(published.file, published.md5, cache_file)
        picture = _decode(data)
    except UnavailableError as error:
        return error.reject
    aligned: dict[int, Aligned] = {}
    fresh: list[int] = []
    for index in missing:
        original = originals[index]
        try:
            pixels = _original_pixels(original.file, original.md5, cache_file)
        except UnavailableError:
            continue  # not kept in the cache: the file may be back in the next run
        fresh.append(index)
        pair = align(
            apply(picture, original.symmetry), pixels, original.bar_top if original.bar_top >= 0 else pixels.shape[0]
        )
        if pair is not None:
            aligned[index] = pair
            comparisons[index] = Comparison(similarity(pair), None, pair.whole, pair.rows)
    if not any(original.known for original in originals):
        _prove(data, picture, originals, comparisons, cache_file)
    # What is stored of a pair must not depend on the other candidates: each that is not proven gets its correlation.
    for index, pair in aligned.items():
        comparison = comparisons[index]
        if comparison is not None and not comparison.proven and not originals[index].known:
            comparisons[index] = replace(comparison, correlation=correlation(pair))
    return comparisons, [(index, comparisons[index]) for index in fresh]


def _prove(
    data: bytes,
    picture: NDArray[np.uint8],
    originals: tuple[Image, ...],
    comparisons: list[Comparison | None],
    cache_file: str,
) -> None:
    """Mark the comparison whose original, encoded as the published picture was, gives its very pixels.

    Tried where it can pay, for an encoding costs several SSIMs: same size, alike, the most alike first, at most three.
    """
    # Of an original kept with and without its data bar the one with the published frame comes first.
    alike = [(-c.ssim, not c.whole, i) for i, c in enumerate(comparisons) if c and c.rows and c.ssim >= _MAY_BE_PROVEN]
    table = luma_table(data) if alike else None
    for *_, index in sorted(alike)[:_TRIES]:
        comparison = comparisons[index]
        if table is None or comparison is None:
            return
        original = originals[index]
        rows = _original_pixels(original.file, original.md5, cache_file)[: comparison.rows]
        if np.array_equal(encode_again(apply(rows, inverse(original.symmetry)), table), picture):
            comparisons[index] = replace(comparison, proven=True)
            return


def _read(file: str, digest: str, cache_file: str) -> bytes:
    data = read_file(file, digest, cache_file)
    if isinstance(data, Reject):
        raise UnavailableError(data)
    return data


def _decode(data: bytes) -> NDArray[np.uint8]:
    try:
        return decode(data).gray
    except UnreadableImage as error:
        raise UnavailableError(Reject("", "", error.reason, error.detail)) from error


def _pixels(file: str, digest: str, cache_file: str) -> NDArray[np.uint8]:
    return _decode(_read(file, digest, cache_file))


# Candidates of neighbouring tasks overlap (series, copies): a few originals stay decoded, 16 x 1 MB as a rule.
_original_pixels = lru_cache(maxsize=16)(_pixels)
