"""Lines that are sorted at the end and wait on the disk until then, so that memory does not grow by their text."""

from __future__ import annotations

import errno
import os
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, groupby
from pathlib import Path
from types import TracebackType
from typing import Any

from semtrace.io.staging import WAITING

_BLOCK = 2**20  # bytes read at once where no line has to move


class ExternalSort:
    """Lines in a temporary file beside ``path``, which they are meant for, and for each its key in memory.

    Raises:
        OSError: ``EIO`` where a line comes back other than it was; or what writing and reading raise.

    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f".{path.name[:200]}.rows.{os.getpid()}.part")
        self._file = self._path.open("w+b")
        self._keys: list[str] = []
        self._starts, self._sums, self._sum = array("q", [0]), array("L"), 0

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, keys: Sequence[str], lines: Sequence[bytes]) -> None:
        """Keep lines, each with its key. A key that the caller holds anyway costs no memory."""
        text = b"".join(lines)
        self._file.write(text)
        self._keys += keys
        ends = accumulate(map(len, lines), initial=self._starts.pop())
        self._starts.extend(ends)
        self._sums.extend(map(zlib.crc32, lines))
        self._sum = zlib.crc32(text, self._sum)

    def as_added(self) -> Iterator[bytes]:
        """Yield the lines in the order in which they came, many at once."""
        self._file.flush()
        self._file.seek(0)
        found = 0
        while block := self._file.read(_BLOCK):
            found = zlib.crc32(block, found)
            yield block
        if found != self._sum:
            raise self._changed()

    def in_order(self, tie: Callable[[bytes], Any]) -> Iterator[bytes]:
        """Yield the lines by key; those with equal keys by what ``tie`` says of them."""
        self._file.flush()
        order = sorted(range(len(self)), key=self._keys.__getitem__)
        for _, same in groupby(order, key=self._keys.__getitem__):
            lines = [self._line(i) for i in same]
            yield from lines if len(lines) == 1 else sorted(lines, key=tie)

    def _line(self, i: int) -> bytes:
        start, end = self._starts[i : i + 2]
        line = os.pread(self._file.fileno(), end - start, start)
        if zlib.crc32(line) != self._sums[i]:  # a disk can fail after it has taken what was written
            raise self._changed()
        return line

    def _changed(self) -> OSError:
        return OSError(errno.EIO, "what was written came back changed", str(self._path))

    def __enter__(self) -> ExternalSort:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            vars(error)[WAITING] = self._starts[-1]
        try:
            self._file.close()
        finally:
            self._path.unlink(missing_ok=True)
