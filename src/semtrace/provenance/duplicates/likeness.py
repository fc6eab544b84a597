"""Look at many pairs of images with near hashes: do they show one field? Each is decoded as rarely as it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.shift import Likeness, likeness, shrink
from semtrace.io.cache import Cache, Entry, Kind, reader
from semtrace.parallel.processes import Crashed
from semtrace.provenance.tracing.compare_pairs import files
from semtrace.provenance.tracing.pair_images import Image, Pairs, UnavailableError, pixels
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Reject

_KIND = Kind("likeness", (__name__,))

Seen = Likeness | Reject | None
"""What a pair looks like; None where the two are not comparable; a reject, with the file as its path, where one cannot
be read (any more)."""


def look_at(tasks: Sequence[Pairs], executor: Executor) -> list[list[Seen]]:
    """The likeness of each pair, task by task; kept in the side cache by the contents of both files."""
    seen: list[list[Seen]] = []
    with Cache(executor.cache) as cache, executor.known() as known:
        recalled = [_recall(cache, task) for task in tasks]
        todo = [task for task, found in zip(tasks, recalled, strict=True) if found is None]
        function = partial(_look, known)
        results = executor.map(function, todo, what="compare", sees=files, chunk=4, prepare=_load_kernels)
        for (image, others), found in zip(tasks, recalled, strict=True):
            if found is not None:
                seen.append(found)
                continue
            result = next(results)
            if isinstance(result, Crashed):
                seen.append([Reject(image.file, "", "decoder_crashed", result.detail) for _ in others])
            else:
                cache.put(result[1])
                seen.append(result[0])
    return seen


def _load_kernels() -> None:
    ramp = np.add.outer(np.arange(300), np.arange(300)).astype(np.uint8)
    likeness(shrink(ramp), shrink(ramp))


def _key(image: Image, other: Image) -> str:
    return "-".join(sorted((image.md5, other.md5)))


def _recall(cache: Cache, task: Pairs) -> list[Seen] | None:
    """The likenesses of a task where the side cache has them all; None where a worker must look at pixels."""
    image, others = task
    known = [cache.get(_KIND, _key(image, other)) for other in others]
    return None if None in known else [Likeness(**one) if one else None for one in known]


def _look(cache_file: str, task: Pairs) -> tuple[list[Seen], list[Entry]]:
    """The likenesses, and what to store in the cache."""
    image, others = task
    seen: list[Seen] = []
    entries: list[Entry] = []
    cache = reader(cache_file)
    for other in others:
        key = _key(image, other)
        known = cache.get(_KIND, key)
        if known is not None:
            seen.append(Likeness(**known) if known else None)
            continue
        try:
            found = likeness(_shrunk(image, cache_file), _shrunk(other, cache_file))
        except UnavailableError as error:
            seen.append(error.reject)  # not stored: the file may be back in the next run
            continue
        seen.append(found)
        entries.append((_KIND, key, asdict(found) if found else {}))
    return seen, entries


@lru_cache(maxsize=512)  # 50 kB each; images of neighbouring tasks overlap, as series do
def _shrunk(image: Image, cache_file: str) -> NDArray[np.uint8]:
    try:
        return shrink(pixels(image.file, image.md5, cache_file))
    except UnavailableError as error:
        raise UnavailableError(replace(error.reject, path=image.file)) from error
