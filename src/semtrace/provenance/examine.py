"""Read, identify and examine many files, asking the side cache before any decoding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from semtrace.io.cache import Cache
from semtrace.io.images import UnreadableImage, encode_jpeg
from semtrace.io.seen import KIND as SEEN
from semtrace.io.seen import identify, read_as
from semtrace.parallel import Crashed, map_images
from semtrace.provenance.common import OUT_OF_MEMORY, Executor, Reject, why_unreadable

_TINY = encode_jpeg(np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8))
CHANGED = {"reason": "changed", "detail": "not the file that the inventory saw; run the pipeline again"}
_BATCH = 64  # results stored at once: what a killed run loses at most, and cheap enough


@dataclass(frozen=True)
class Source:
    """A file to examine, and the md5 it must still have (``""``: any)."""

    file: str
    expected_md5: str = ""


def examine(
    sources: Sequence[Source],
    function: Callable[[bytes], dict[str, Any]],
    *,
    kind: str,
    executor: Executor,
    what: str,
) -> Iterator[dict[str, Any] | Reject]:
    """Yield, in order, ``{"md5": …, "bytes": …, **function(data)}`` or the reject of each source.

    Args:
        sources: files; each is read once.
        function: from a file's bytes to JSON values, pure; it may raise ``UnreadableImage``.
        kind: names function and settings in the side cache.
        executor: where to work.
        what: the words beside the progress bar.

    """
    task = partial(_examine, function, kind, str(executor.cache))
    with Cache(executor.cache) as cache:
        fresh: list[tuple[str, str, Any]] = []
        prepare = partial(function, _TINY)
        for result in map_images(task, sources, workers=executor.workers, what=what, prepare=prepare):
            if isinstance(result, Crashed):
                yield Reject("", "", "decoder_crashed", result.detail)
                continue
            facts, entries = result
            fresh += entries
            if len(fresh) >= _BATCH:
                cache.put(fresh)
                fresh.clear()
            yield Reject("", "", facts["reason"], facts["detail"]) if "reason" in facts else facts
        cache.put(fresh)


def _examine(
    function: Callable[[bytes], dict[str, Any]], kind: str, cache_file: str, source: Source
) -> tuple[dict[str, Any], list[tuple[str, str, Any]]]:
    """Return the facts, and what to store in the cache."""
    try:
        with Cache(Path(cache_file), readonly=True) as cache:
            content = identify(source.file, cache)
            entries: list[tuple[str, str, Any]] = [(SEEN, source.file, content.entry)] if content.entry else []
            if source.expected_md5 not in ("", content.digest):
                return CHANGED, []
            known = cache.get(kind, content.digest)
            if known is not None:
                return known, entries
            data = content.data or read_as(source.file, content.digest, cache)
    except OSError as error:
        reason, detail = why_unreadable(error)
        return {"reason": reason, "detail": detail}, []
    except MemoryError:
        return OUT_OF_MEMORY, []
    if data is None:
        return CHANGED, []
    facts = {"md5": content.digest, "bytes": len(data)}
    try:
        facts |= function(data)
    except MemoryError:
        return OUT_OF_MEMORY, []
    except UnreadableImage as error:
        facts |= {"reason": error.reason, "detail": error.detail}
    return facts, [*entries, (kind, content.digest, facts)]
