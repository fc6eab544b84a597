"""Read, identify and examine many files, asking the side cache before any decoding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from semtrace.io.cache import Cache
from semtrace.io.files import md5
from semtrace.io.images import UnreadableImage
from semtrace.parallel import Crashed, map_images
from semtrace.provenance.common import Executor, Reject, read_file

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
        for result in map_images(task, sources, workers=executor.workers, what=what):
            if isinstance(result, Crashed):
                yield Reject("", "", "decoder_crashed", result.detail)
                continue
            facts, is_new = result
            if is_new:
                fresh.append((kind, facts["md5"], facts))
            if len(fresh) >= _BATCH:
                cache.put(fresh)
                fresh.clear()
            yield Reject("", "", facts["reason"], facts["detail"]) if "reason" in facts else facts
        cache.put(fresh)


def _examine(
    function: Callable[[bytes], dict[str, Any]], kind: str, cache_file: str, source: Source
) -> tuple[dict[str, Any], bool]:
    data = read_file(Path(source.file))
    if isinstance(data, Reject):
        return {"reason": data.reason, "detail": data.detail}, False
    digest = md5(data)
    if source.expected_md5 not in ("", digest):
        return {
            "reason": "changed",
            "detail": "not the file that the inventory saw; run the pipeline again",
        }, False
    with Cache(Path(cache_file), readonly=True) as cache:
        known = cache.get(kind, digest)
    if known is not None:
        return known, False
    facts = {"md5": digest, "bytes": len(data)}
    try:
        return {**facts, **function(data)}, True
    except UnreadableImage as error:
        return {**facts, "reason": error.reason, "detail": error.detail}, True
