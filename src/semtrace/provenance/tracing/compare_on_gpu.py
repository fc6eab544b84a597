"""SSIM of all pairs of a stage in batches on one torch device, where there is one that outruns the workers.

Workers read, decode and align; this process stacks pictures of one shape, uploads each once for a batch and asks for
all pairs of the batch at once. What comes out goes into the side cache, where the comparison of each pair finds it: so
everything else about a pair (proofs, correlation, errors) is the same on every device.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.align import Aligned
from semtrace.io.cache import Cache, Entry
from semtrace.provenance.tracing.compare_pairs import aligned_pairs, files_of_task, has_similarities
from semtrace.provenance.tracing.pair_images import SIMILARITY, Pairs
from semtrace.stage.cached_map import worked_map
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure


class Ready(NamedTuple):
    """A pair that waits for its SSIM: where the answer goes, the two, and the digest of the pixels of each."""

    key: str
    pair: Aligned
    digests: tuple[bytes, bytes]


def precompute_ssim(tasks: Sequence[Pairs], executor: Executor, device: str) -> None:
    """Put the SSIM of every pair into the side cache that is not there yet.

    Args:
        tasks: published images, each with its candidates.
        executor: where to work; ``memory_mb`` bounds what a batch holds here, and what it needs on the device.
        device: torch's name of it.
    """
    with Cache(executor.cache) as cache:
        waiting: list[Ready] = []
        held = 0
        pairs = worked_map(
            tasks, _align, recall=_recall, executor=executor.on_this_machine(), what=f"align for {device}",
            reads=files_of_task, chunk=2,
        )  # fmt: skip
        for result in pairs:
            if isinstance(result, Failure):
                continue  # the comparison will find and say it
            waiting += result
            held += sum(2 * one.pair.original.nbytes for one in result)
            if held > executor.memory_mb * 1_000_000:
                cache.put(_measured(waiting, device, executor.memory_mb))
                waiting, held = [], 0
        cache.put(_measured(waiting, device, executor.memory_mb))


def _recall(cache: Cache, tasks: Sequence[Pairs]) -> list[list[Ready] | None]:
    """Nothing to do for a task whose SSIM values are known; None for the others."""
    return [[] if has_similarities(task, cache) else None for task in tasks]


def _align(cache_file: str, task: Pairs) -> tuple[list[Ready], list[Entry]]:
    ready = [
        Ready(key, pair, (_digest(pair.published), _digest(pair.original)))
        for key, pair in aligned_pairs(task, cache_file)
    ]
    return ready, []


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
