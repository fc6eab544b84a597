"""Do something to many items: from the side cache where it is known, else in workers; a value or a failure of each.

Every stage goes through here: recall in bulk, compute the rest in processes or on Dask, store in batches, and yield in
the order of the items. An item that kills its worker, or finds no memory, is a failure of its own and stops nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from semtrace.io.cache import Cache, Entry, Kind, reader
from semtrace.parallel.processes import Crashed
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import OUT_OF_MEMORY, Failure

_Item = TypeVar("_Item")
Value = TypeVar("Value")

_BATCH = 64  # entries stored at once: what a killed run loses at most, and cheap enough

Work = Callable[[str, _Item], tuple[Value | Failure, Sequence[Entry]]]
"""From the side cache's file and an item to its value, and what to store; module-level, run in a worker."""

Recall = Callable[[Cache, Sequence[_Item]], Sequence[Value | Failure | None]]
"""The values that the side cache has; None for an item that a worker must look at."""


def cached_map(
    items: Sequence[_Item],
    compute: Callable[[_Item], Any],
    *,
    kind: Kind,
    key: Callable[[_Item], str],
    executor: Executor,
    what: str,
    reads: Callable[[_Item], Sequence[str]],
    chunk: int = 8,
    prepare: Callable[[], object] | None = None,
    batch: int = _BATCH,
) -> Iterator[Any]:
    """Yield ``compute(item)`` or a ``Failure`` for each item, in order; values are kept by ``kind`` and ``key``.

    Args:
        items: what to work on.
        compute: module-level and pure: from an item to JSON values, arrays among them, or a ``Failure``. A failure is
            not kept: the file may be well in the next run.
        kind: names the value and the modules that make it.
        key: the digest of an item's content.
        executor: where to work.
        what: the words beside the progress bar.
        reads: the files that the work on an item reads.
        chunk: items per task.
        prepare: run before workers are forked: what it loads they inherit.
        batch: values stored at once, which a killed run loses at most, beside those in work.

    """
    work, recall = partial(_computed, compute, kind, key), partial(_kept, kind, key)
    return worked_map(
        items, work, recall=recall, executor=executor, what=what, reads=reads, chunk=chunk, prepare=prepare, batch=batch
    )


def worked_map(
    items: Sequence[_Item],
    work: Work[_Item, Value],
    *,
    recall: Recall[_Item, Value] | None,
    executor: Executor,
    what: str,
    reads: Callable[[_Item], Sequence[str]],
    chunk: int = 8,
    prepare: Callable[[], object] | None = None,
    alone: Work[_Item, Value] | None = None,
    batch: int = _BATCH,
) -> Iterator[Value | Failure]:
    """As ``cached_map``, for work that keeps several entries of an item, or finds their keys only in the worker.

    Args:
        items: what to work on.
        work: computes a value, and says what to store.
        recall: looks values up in bulk before any work; None where only workers can tell the keys.
        executor: where to work.
        what: the words beside the progress bar.
        reads: the files that the work on an item reads.
        chunk: items per task.
        prepare: run before workers are forked.
        batch: entries stored at once.
        alone: tried once in place of ``work`` for an item whose worker crashed, perhaps over something beside it.

    """
    with Cache(executor.cache) as cache, executor.cache_for_workers() as file:
        recalled = recall(cache, items) if recall is not None else [None] * len(items)
        todo = [item for item, known in zip(items, recalled, strict=True) if known is None]
        results = executor.map(
            partial(_guarded, work, file), todo, what=what, reads=reads, chunk=chunk, prepare=prepare
        )
        fresh: list[Entry] = []
        for item, known in zip(items, recalled, strict=True):
            if known is not None:
                yield known
                continue
            result = next(results)
            if isinstance(result, Crashed) and alone is not None:
                result = next(executor.map(partial(_guarded, alone, file), [item], what=what, reads=reads))
            if isinstance(result, Crashed):
                yield Failure("decoder_crashed", result.detail)
                continue
            value, entries = result
            fresh += entries
            if len(fresh) >= batch:
                cache.put(fresh)
                fresh.clear()
            yield value
        cache.put(fresh)


def _guarded(work: Work[_Item, Value], file: str, item: _Item) -> tuple[Value | Failure, Sequence[Entry]]:
    try:
        return work(file, item)
    except MemoryError:
        return OUT_OF_MEMORY, []


def _kept(kind: Kind, key: Callable[[_Item], str], cache: Cache, items: Sequence[_Item]) -> list[Any]:
    return cache.get_many(kind, [key(item) for item in items])


def _computed(
    compute: Callable[[_Item], Any], kind: Kind, key: Callable[[_Item], str], file: str, item: _Item
) -> tuple[Any, list[Entry]]:
    digest = key(item)
    known = reader(file).get(kind, digest)  # another item may have had the same content
    if known is not None:
        return known, []
    value = compute(item)
    return value, [] if isinstance(value, Failure) else [(kind, digest, value)]
