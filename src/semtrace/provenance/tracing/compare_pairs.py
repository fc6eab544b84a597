"""Compare many published images with their candidates, each image decoded as rarely as it can be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.align import Aligned, align, correlation, similarity
from semtrace.io.cache import Cache, Entry, reader
from semtrace.provenance.tracing.pair_images import (
    SIMILARITY,
    AllCompared,
    Compared,
    PairImages,
    Pairs,
    UnavailableError,
    UnknownError,
    key_of,
)
from semtrace.stage.cached_map import worked_map
from semtrace.stage.executor import Executor


def compare_pairs(tasks: Sequence[Pairs], executor: Executor, *, thorough: bool = False) -> list[AllCompared]:
    """For every task the comparisons with its originals; ``thorough`` ones have every proof and every correlation.

    What is kept in the side cache (SSIM, correlation, proof) is kept pair by pair, by the contents of both files, and
    depends on nothing else; so the answers do not depend on what was compared before.
    """
    return list(
        worked_map(
            tasks, partial(_compare, thorough), recall=partial(_recall, thorough), executor=executor,
            what="compare", reads=files_of_task, chunk=4, prepare=load_kernels,
        )
    )  # fmt: skip


def files_of_task(task: Pairs) -> list[str]:
    """The published image and one of its originals: they lie in different folders."""
    return [image.file for image in (task[0], *task[1][:1])]


def _recall(thorough: bool, cache: Cache, tasks: Sequence[Pairs]) -> list[list[Compared] | None]:
    """The comparisons of tasks of which the side cache has them all; None where a worker must look at pixels."""
    return [_recalled(thorough, cache, task) for task in tasks]


def _recalled(thorough: bool, cache: Cache, task: Pairs) -> list[Compared] | None:
    pictures = PairImages(task[0], "", cache, recalling=True)
    try:
        return (pictures.measure if thorough else pictures.compare)(task[1])
    except UnknownError:
        return None


def load_kernels() -> None:
    """Load what workers then inherit."""
    ramp = np.add.outer(np.arange(300), np.arange(300)).astype(np.uint8)
    pair = align(ramp, ramp, 300)
    if pair is not None:
        similarity(pair), correlation(pair)


def _compare(thorough: bool, cache_file: str, task: Pairs) -> tuple[AllCompared, list[Entry]]:
    pictures = PairImages(task[0], cache_file, reader(cache_file))
    try:
        return (pictures.measure if thorough else pictures.compare)(task[1]), pictures.entries
    except UnavailableError as error:
        return error.failure, []


def compare_held(task: Pairs, data: bytes, gray: NDArray[np.uint8], cache_file: str) -> list[Entry]:
    """What ``compare_pairs`` will find in the side cache about a task whose published image is at hand.

    Args:
        task: the published image and its candidates.
        data: its file.
        gray: its pixels.
        cache_file: the side cache, for looking up.
    """
    pictures = PairImages(task[0], cache_file, reader(cache_file))
    pictures.data, pictures.gray = data, gray
    pictures.compare(task[1])
    return pictures.entries


def has_similarities(task: Pairs, cache: Cache) -> bool:
    """Whether the side cache has the SSIM of every pair of a task."""
    return all(cache.get(SIMILARITY, key_of(task[0], original)) is not None for original in task[1])


def aligned_pairs(task: Pairs, cache_file: str) -> Iterator[tuple[str, Aligned]]:
    """The pairs of a task whose SSIM is not in the side cache, with the key it is to have there.

    What cannot be read or is not comparable is left out: the comparison of the pair will say so.
    """
    pictures = PairImages(task[0], cache_file, reader(cache_file))
    for original in task[1]:
        key = key_of(task[0], original)
        if pictures.cache.get(SIMILARITY, key) is None:
            with contextlib.suppress(UnavailableError):
                if (pair := pictures.aligned(original)) is not None:
                    yield key, pair
