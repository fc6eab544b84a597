"""Lines that are sorted at the end and wait on the disk until then, so that memory does not grow by their text."""

from __future__ import annotations

import errno
import os
import zlib
from array import array
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any

from semtrace.io.staging import WAITING


class ExternalSort:
    """Lines in a temporary file beside ``path``, which they are meant for, and for each its key in memory.

    Raises:
        OSError: ``EIO`` where a line comes back other than it was; or what writing and reading raise.

    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f".{path.name[:200]}.rows.{os.getpid()}.part")
        self._file = self._path.open("w+b")
        self._keys: list[str] = []
        self._starts, self._sums = array("q", [0]), array("L")

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: str, line: bytes) -> None:
        """Keep a line. A key that the caller holds anyway costs no memory."""
        self._file.write(line)
        self._keys.append(key)
        self._starts.append(self._starts[-1] + len(line))
        self._sums.append(zlib.crc32(line))

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
            raise OSError(errno.EIO, "what was written came back changed", str(self._path))
        return line

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
