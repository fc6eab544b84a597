"""Camera frames: the bytes of a file that nobody is writing any more, and the grey levels in them."""

from __future__ import annotations

import errno
import io
import os
import stat
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semtrace.io import tiff
from semtrace.io.decoders import quiet_decoders
from semtrace.io.images import decode
from semtrace.io.limits import bounded
from semtrace.io.tiff_gray import BLACK, is_ours, photometric
from semtrace.io.tiff_samples import depth_and_format, samples

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
    ``semtrace.core.image.gray8``.

    Raises:
        UnreadableImage: with a reason; nothing else is raised, whatever the bytes are.
        MemoryError: there is not enough memory for the picture at the moment.
    """
    decoded = decode(data)
    facts = decoded.facts
    if facts.bit_depth <= 8 or not facts.mode.startswith("I"):
        return Frame(decoded.gray)
    with bounded(len(data)), quiet_decoders():
        try:
            deep = _tiff_levels(data) if facts.format == "TIFF" else _other_levels(data, facts.format)
        except (OSError, ValueError, SyntaxError):  # what only tifffile can decode
            deep = None
    return Frame(decoded.gray if deep is None else deep)


def _tiff_levels(data: bytes) -> NDArray[np.uint16] | None:
    """The levels of a grey TIFF of 9 to 16 bits, brighter is larger; None of every other one."""
    directory = tiff.first_directory(data)
    depth, kind = depth_and_format(directory)
    grey = is_ours(directory) and photometric(directory) == BLACK and directory.integer(tiff.SAMPLES, 1) == 1
    return np.array(samples(directory)[..., 0], np.uint16) if grey and kind == 1 and 8 < depth <= 16 else None


def _other_levels(data: bytes, kind: str) -> NDArray[np.uint16] | None:
    """The levels of a grey picture of 9 to 16 bits in another format; None of every other one."""
    with Image.open(io.BytesIO(data), formats=(kind,)) as image:
        if not image.mode.startswith("I"):
            return None
        levels = np.array(image)
    return levels.astype(np.uint16) if levels.size and levels.min() >= 0 and levels.max() <= 65535 else None
