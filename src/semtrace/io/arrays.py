"""Arrays beside the side cache: appended to one file for each kind of value, read memory-mapped, never pickled."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.parallel.system_calls import advisory_lock

Place = list[Any]
"""Where an array lies: file name, offset in bytes, dtype, shape, and eight hex digits of the sha256 of its bytes."""

_ALIGNED = 64  # bytes; an offset that fits every dtype


def append(folder: Path, name: str, arrays: Sequence[NDArray[Any]]) -> list[Place]:
    """Append arrays to the file ``name`` in ``folder``; return the place of each.

    Bytes that a killed process appended stay unused. Two processes may append at the same time.

    Args:
        folder: made where it is missing.
        name: of the file.
        arrays: of any shape; the dtype is numeric or boolean.

    Raises:
        OSError: no room, no permission.
        ValueError: an array holds Python objects.

    """
    folder.mkdir(parents=True, exist_ok=True)
    places = []
    with (folder / name).open("ab") as file:
        advisory_lock(file.fileno(), wait=True)  # a file system that has no locks: each append is one write
        offset = file.seek(0, os.SEEK_END)
        parts = []
        for array in arrays:
            if array.dtype.hasobject:
                raise ValueError("an array of Python objects cannot be stored")
            gap = -offset % _ALIGNED
            data = np.ascontiguousarray(array).tobytes()
            parts += [bytes(gap), data]
            places.append([name, offset + gap, array.dtype.str, list(array.shape), _checksum(data)])
            offset += gap + len(data)
        file.write(b"".join(parts))
    return places


def view(folder: Path, place: Place) -> NDArray[Any] | None:
    """The array at ``place``, read-only and memory-mapped; None where its bytes are missing or are not the same."""
    name, offset, dtype, shape, checksum = place
    size = math.prod(shape) * np.dtype(dtype).itemsize
    try:
        if size == 0:
            return np.empty(shape, dtype)
        mapped = np.memmap(folder / name, np.uint8, "r", offset, (size,))
    except (OSError, ValueError):
        return None
    return mapped.view(dtype).reshape(shape) if _checksum(mapped.data) == checksum else None


def _checksum(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()[:8]
