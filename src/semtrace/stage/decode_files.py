"""Read, identify and examine many files, asking the side cache before any decoding."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from semtrace.io.cache import Cache, Entry, Kind, reader
from semtrace.io.images import DecodedImage, UnreadableImage, decode, encode_jpeg
from semtrace.io.stat_cache import KIND as SEEN
from semtrace.io.stat_cache import identify, read_as, recall_many
from semtrace.stage.cached_map import worked_map
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import CHANGED, Failure, why_unreadable


@dataclass(frozen=True)
class FileSource:
    """A file to examine, and the md5 it must still have (``""``: any)."""

    file: str
    expected_md5: str = ""


@dataclass(frozen=True)
class Examination:
    """What to find out about a file.

    Attributes:
        kind: names function and settings in the side cache.
        function: from a file's bytes and its picture to JSON values, pure.
    """

    kind: Kind
    function: Callable[[bytes, DecodedImage], dict[str, Any]]

    def facts(self, digest: str, data: bytes, image: DecodedImage) -> dict[str, Any]:
        """What is kept of a file: md5 and bytes beside what the function says."""
        return {"md5": digest, "bytes": len(data), **self.function(data, image)}


class Seen(NamedTuple):
    """A file that is at hand: its name, md5, bytes, picture and facts."""

    file: str
    digest: str
    data: bytes
    image: DecodedImage
    facts: dict[str, Any]


class Ahead(Protocol):
    """What a later stage will ask about a file: entries for the side cache; ``prepare`` loads what workers inherit."""

    def prepare(self) -> None: ...  # noqa: D102
    def __call__(self, seen: Seen) -> list[Entry]: ...  # noqa: D102


def examine(
    sources: Sequence[FileSource],
    examination: Examination,
    *,
    executor: Executor,
    what: str,
    ahead: Sequence[Ahead] = (),
) -> Iterator[dict[str, Any] | Failure]:
    """Yield, in order, ``{"md5": …, "bytes": …, **function(data, image)}`` or the failure of each source.

    Args:
        sources: files; each is read and decoded once, and not at all where it has not changed and all is known.
        examination: what to yield.
        executor: where to work.
        what: the words beside the progress bar.
        ahead: each is done with every file that is decoded; what goes wrong in it costs no file its facts.

    """
    yield from (
        Failure(facts["reason"], facts["detail"]) if isinstance(facts, dict) and "reason" in facts else facts
        for facts in worked_map(
            sources,
            partial(_examine, examination, ahead),
            recall=partial(_recall, examination.kind),
            executor=executor,
            what=what,
            reads=_file,
            prepare=partial(_prepare, examination, ahead),
            alone=partial(_examine, examination, ()) if ahead else None,
        )
    )


def _file(source: FileSource) -> list[str]:
    return [source.file]


def _prepare(examination: Examination, ahead: Sequence[Ahead]) -> None:
    tiny = encode_jpeg(np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8))
    examination.function(tiny, decode(tiny))
    for one in ahead:
        one.prepare()


def _recall(kind: Kind, cache: Cache, sources: Sequence[FileSource]) -> list[dict[str, Any] | None]:
    """The facts of files that have not changed; None where a worker must look."""
    digests = recall_many([source.file for source in sources], cache)
    facts = cache.get_many(kind, [digest or "" for digest in digests])
    return [
        known if digest is not None and source.expected_md5 in ("", digest) else None
        for source, digest, known in zip(sources, digests, facts, strict=True)
    ]


def _examine(
    examination: Examination, ahead: Sequence[Ahead], cache_file: str, source: FileSource
) -> tuple[dict[str, Any] | Failure, list[Entry]]:
    """Return the facts, and what to store in the cache."""
    cache = reader(cache_file)
    try:
        content = identify(source.file, cache)
        entries: list[Entry] = [(SEEN, source.file, content.entry)] if content.entry else []
        if source.expected_md5 not in ("", content.digest):
            return CHANGED, []
        known = cache.get(examination.kind, content.digest)
        if known is not None:
            return known, entries
        data = content.data or read_as(source.file, content.digest, cache)
    except OSError as error:
        return why_unreadable(error), []
    if data is None:
        return CHANGED, []
    try:
        image = decode(data)
        facts = examination.facts(content.digest, data, image)
    except UnreadableImage as error:
        facts = {"md5": content.digest, "bytes": len(data), "reason": error.reason, "detail": error.detail}
    else:
        for one in ahead:
            with contextlib.suppress(MemoryError):  # the later stage will find out, and say it of the right file
                entries += one(Seen(source.file, content.digest, data, image, facts))
    return facts, [*entries, (examination.kind, content.digest, facts)]
