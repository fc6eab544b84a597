"""SSIM of all pairs of a stage in batches on one torch device, where there is one that outruns the workers.

Workers read, decode and align; this process stacks pictures of one shape, uploads each once for a batch and asks for
all pairs of the batch at once. What comes out goes into the side cache, where the comparison of each pair finds it: so
everything else about a pair (proofs, correlation, errors) is the same on every device.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.align import Aligned
from semtrace.io.cache import Cache, Entry
from semtrace.parallel.processes import Crashed, map_images
from semtrace.provenance.tracing.compare_pairs import aligned_pairs, has_similarities
from semtrace.provenance.tracing.pair_images import SIMILARITY, Pairs
from semtrace.stage.executor import Executor


class Ready(NamedTuple):
    """A pair that waits for its SSIM: where the answer goes, the two, and the digest of the pixels of each."""

    key: str
    pair: Aligned
    digests: tuple[bytes, bytes]


def fill(tasks: Sequence[Pairs], executor: Executor, device: str) -> None:
    """Put the SSIM of every pair into the side cache that is not there yet.

    Args:
        tasks: published pictures, each with its candidates.
        executor: where to work; ``memory_mb`` bounds what a batch holds here, and what it needs on the device.
        device: torch's name of it.
    """
    with Cache(executor.cache) as cache:
        todo = [task for task in tasks if not has_similarities(task, cache)]
        align = partial(_align, str(executor.cache))
        waiting: list[Ready] = []
        held = 0
        for result in map_images(align, todo, workers=executor.workers, what=f"align for {device}", chunk=2):
            if isinstance(result, Crashed):
                continue  # the comparison will find and say it
            waiting += result
            held += sum(2 * one.pair.original.nbytes for one in result)
            if held > executor.memory_mb * 1_000_000:
                cache.put(_measured(waiting, device, executor.memory_mb))
                waiting, held = [], 0
        cache.put(_measured(waiting, device, executor.memory_mb))


def _align(cache_file: str, task: Pairs) -> list[Ready]:
    return [
        Ready(key, pair, (_digest(pair.published), _digest(pair.original)))
        for key, pair in aligned_pairs(task, cache_file)
    ]


def _digest(picture: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(picture.data).digest()


def _measured(waiting: Sequence[Ready], device: str, memory_mb: int) -> Iterator[Entry]:
    import torch  # takes a second

    from semtrace.core.gpu.ssim_torch import ssim_pairs

    by_shape: dict[tuple[int, ...], list[Ready]] = {}
    for one in waiting:
        by_shape.setdefault(one.pair.original.shape, []).append(one)
    for some in by_shape.values():
        place: dict[bytes, int] = {}
        pictures: list[NDArray[np.uint8]] = []
        for one in some:
            for digest, picture in zip(one.digests, (one.pair.published, one.pair.original), strict=True):
                if place.setdefault(digest, len(pictures)) == len(pictures):
                    pictures.append(picture)
        pairs = torch.tensor([[place[digest] for digest in one.digests] for one in some], device=device)
        found = ssim_pairs(torch.from_numpy(np.stack(pictures)).to(device), pairs, memory_mb=memory_mb)
        for one, value in zip(some, found.tolist(), strict=True):
            yield SIMILARITY, one.key, {"ssim": round(value, 6), "whole": one.pair.whole, "rows": one.pair.rows}
