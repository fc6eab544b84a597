"""Bytes that are wanted again soon and are too many for memory: a nameless file that goes with its process."""

from __future__ import annotations

import tempfile
import zlib
from collections import defaultdict
from collections.abc import Hashable
from pathlib import Path
from typing import IO

from semtrace.io.folders import free_bytes

_LEAST_FREE = 2 << 30  # bytes that are left to others on that disk


class ScratchFile:
    """Bytes by key. What has no room is not kept, and what comes back other than it was is not given."""

    def __init__(self, folder: Path, *, least_free: int = _LEAST_FREE) -> None:
        """Begin with nothing; the file is made when it is needed.

        Args:
            folder: where it lies; on a local disk.
            least_free: bytes; with fewer free on that disk nothing more is kept.
        """
        self._folder, self._least_free = folder, least_free
        self._file: IO[bytes] | None = None
        self._end = 0
        self._places: dict[Hashable, tuple[int, int, int]] = {}
        self._free: dict[int, list[int]] = defaultdict(list)

    def put(self, key: Hashable, data: bytes) -> bool:
        """Keep bytes under a key that is not taken; False where there is no room."""
        places = self._free[len(data)]
        if not places and (free_bytes(str(self._folder)) or 0) < self._least_free + len(data):
            return False
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  (open until ``close``)
            start = places[-1] if places else self._end
            self._file.seek(start)
            self._file.write(data)
            self._file.flush()
        except OSError:
            return False
        if places:
            places.pop()
        else:
            self._end += len(data)
        self._places[key] = start, len(data), zlib.crc32(data)
        return True

    def get(self, key: Hashable) -> bytes | None:
        """The bytes of a key; None where they are not kept or cannot be read any more."""
        if key not in self._places or self._file is None:
            return None
        start, size, check = self._places[key]
        try:
            self._file.seek(start)
            data = self._file.read(size)
        except OSError:
            return None
        return data if len(data) == size and zlib.crc32(data) == check else None

    def forget(self, key: Hashable) -> None:
        """Give the room of a key to others; the disk has it back when nothing is kept any more."""
        place = self._places.pop(key, None)
        if place is None:
            return
        self._free[place[1]].append(place[0])
        if not self._places:
            self.close()

    def close(self) -> None:
        """Remove the file; it can be used again, empty."""
        if self._file is not None:
            self._file.close()
        self._file, self._end = None, 0
        self._places.clear()
        self._free.clear()

    def __len__(self) -> int:
        return len(self._places)
