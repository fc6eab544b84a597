"""Lines that are sorted at the end and wait on the disk until then, so that memory does not grow by their text."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any


class Spill:
    """Lines in a file without a name, which ends with the process, and for each its key in memory."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (__exit__ closes it)
        self._keys: list[str] = []
        self._starts = array("q", [0])

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: str, line: bytes) -> None:
        """Keep a line. A key that the caller holds anyway costs no memory."""
        self._file.write(line)
        self._keys.append(key)
        self._starts.append(self._starts[-1] + len(line))

    def in_order(self, tie: Callable[[bytes], Any]) -> Iterator[bytes]:
        """Yield the lines by key; those with equal keys by what ``tie`` says of them."""
        self._file.flush()
        order = sorted(range(len(self)), key=self._keys.__getitem__)
        for _, same in groupby(order, key=self._keys.__getitem__):
            lines = [self._line(i) for i in same]
            yield from lines if len(lines) == 1 else sorted(lines, key=tie)

    def _line(self, i: int) -> bytes:
        start, end = self._starts[i : i + 2]
        return os.pread(self._file.fileno(), end - start, start)

    def __enter__(self) -> Spill:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
