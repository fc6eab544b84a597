"""Camera frames: the bytes of a file that nobody is writing any more, and the grey levels in them."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from semtrace.io import tiff
from semtrace.io.decoders import deep_pixels, quiet
from semtrace.io.images import decode
from semtrace.io.limits import bounded

_MOST_BYTES = 2**31
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Signature(NamedTuple):
    """What tells a file from itself a moment later: size, times and inode, as the file system gives them.

    ``changed_ns`` is the time of the last change of content or name (POSIX), which no program can set back.
    """

    bytes: int
    mtime_ns: int
    inode: int
    changed_ns: int


class ChangedError(OSError):
    """The file is not the one that was listed, or changed while it was read."""


@dataclass(frozen=True, eq=False)
class Frame:
    """Grey levels, shape (H, W): uint8, or uint16 of a single-channel picture of up to 16 bits, as they are stored."""

    pixels: NDArray[np.uint8] | NDArray[np.uint16]


def signature(found: os.stat_result) -> Signature:
    """The signature in what ``os.stat`` gave."""
    return Signature(found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns)


def read_unchanged(path: str, expected: Signature) -> bytes:
    """The bytes of a plain file that is still the one that was listed.

    Raises:
        ChangedError: it changed before or while it was read, or something else stands in its place.
        OSError: it cannot be read.
    """
    descriptor = os.open(path, _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or signature(found) != expected:
            raise ChangedError(errno.ESTALE, "changed since it was listed", path)
        if found.st_size > _MOST_BYTES:
            raise OSError(errno.EFBIG, f"{found.st_size} bytes; the limit is {_MOST_BYTES}", path)
        data = file.read(found.st_size + 1)
        if signature(os.fstat(file.fileno())) != expected or len(data) != expected.bytes:
            raise ChangedError(errno.ESTALE, "changed while it was read", path)
    return data


def decode_frame(data: bytes) -> Frame:
    """The grey levels of the first page, the whole of which is decoded, so that damage anywhere in it is found.

    Colour becomes grey as by Pillow's ``convert("L")``. What is deeper than 16 bits becomes 8-bit grey by the rule of
    ``semtrace.core.pixels``.

    Raises:
        UnreadableImage: with a reason; nothing else is raised, whatever the bytes are.
        MemoryError: there is no room for the picture at the moment.
    """
    decoded = decode(data)
    facts = decoded.facts
    if facts.bit_depth <= 8 or not facts.mode.startswith("I"):
        return Frame(decoded.gray)
    with bounded(len(data)), quiet():
        try:
            deep: NDArray[Any] | None = deep_pixels(
                data, facts.format, tiff.first_directory(data) if facts.format == "TIFF" else None
            )
        except (OSError, ValueError, SyntaxError):  # what only tifffile can decode
            deep = None
    return Frame(decoded.gray if deep is None else deep)
