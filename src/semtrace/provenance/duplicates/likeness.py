"""Look at many pairs of images with near hashes: do they show one field? Each is decoded as rarely as it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.shift import Likeness, likeness, shrink
from semtrace.io.cache import Cache, Entry, Kind, reader
from semtrace.provenance.tracing.compare_pairs import files_of_task
from semtrace.provenance.tracing.pair_images import Image, Pairs, UnavailableError, pixels
from semtrace.stage.cached_map import worked_map
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure, Reject

_KIND = Kind("likeness", (__name__,))

ComparedFields = Likeness | Reject | None
"""The likeness of a pair; None where the two are not comparable; a reject, with the file as its path, where one cannot
be read (any more)."""


def compare_fields(tasks: Sequence[Pairs], executor: Executor) -> list[list[ComparedFields]]:
    """The likeness of each pair, task by task; kept in the side cache by the contents of both files."""
    results = worked_map(
        tasks,
        _compare,
        recall=_recall,
        executor=executor,
        what="compare",
        reads=files_of_task,
        chunk=4,
        prepare=_load_kernels,
    )
    return [
        [Reject.of(image.file, "", found) for _ in others] if isinstance(found, Failure) else found
        for (image, others), found in zip(tasks, results, strict=True)
    ]


def _load_kernels() -> None:
    ramp = np.add.outer(np.arange(300), np.arange(300)).astype(np.uint8)
    likeness(shrink(ramp), shrink(ramp))


def _key(image: Image, other: Image) -> str:
    return "-".join(sorted((image.md5, other.md5)))


def _recall(cache: Cache, tasks: Sequence[Pairs]) -> list[list[ComparedFields] | None]:
    """The likenesses of tasks of which the side cache has them all; None where a worker must look at pixels."""
    return [_recalled(cache, task) for task in tasks]


def _recalled(cache: Cache, task: Pairs) -> list[ComparedFields] | None:
    image, others = task
    known = [cache.get(_KIND, _key(image, other)) for other in others]
    return None if None in known else [Likeness(**one) if one else None for one in known]


def _compare(cache_file: str, task: Pairs) -> tuple[list[ComparedFields], list[Entry]]:
    image, others = task
    compared: list[ComparedFields] = []
    entries: list[Entry] = []
    cache = reader(cache_file)
    for other in others:
        key = _key(image, other)
        known = cache.get(_KIND, key)
        if known is not None:
            compared.append(Likeness(**known) if known else None)
            continue
        try:
            found = likeness(_shrunk(image, cache_file), _shrunk(other, cache_file))
        except UnavailableError as error:
            # Not stored: the file may be back in the next run.
            compared.append(Reject.of(error.file, "", error.failure))
            continue
        compared.append(found)
        entries.append((_KIND, key, asdict(found) if found else {}))
    return compared, entries


@lru_cache(maxsize=512)  # 50 kB each; images of neighbouring tasks overlap, as series do
def _shrunk(image: Image, cache_file: str) -> NDArray[np.uint8]:
    return shrink(pixels(image.file, image.md5, cache_file))
