"""Compressed volumes: streamed once into a scratch file, no further than the header inside them says."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from semtrace.io.files import open_regular
from semtrace.io.staging import locked
from semtrace.io.volumes.volume import UnreadableVolume

_OPENERS: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": lambda file: cast("IO[bytes]", gzip.GzipFile(fileobj=file)),
    b"BZh": lambda file: cast("IO[bytes]", bz2.BZ2File(file)),
}
_PIECE = 1 << 20
_MOST_TIMES = 200  # noisy grey values shrink to no less than a hundredth
_ALWAYS = 1 << 26  # bytes that may be unpacked from a file of any size


def is_compressed(head: bytes) -> bool:
    """Whether a file that begins so is gzip or bzip2."""
    return any(head.startswith(magic) for magic in _OPENERS)


def peek(path: Path, size: int) -> bytes:
    """At most ``size`` bytes that a compressed file begins with; what can be had of a damaged one."""
    with open_regular(path) as file, _opened(file, 0) as stream:
        got = b""
        try:
            while len(got) < size and (piece := stream.read(size - len(got))):
                got += piece
        except (OSError, EOFError, zlib.error):
            pass
        return got


def unpack(path: Path, size: int, scratch: Path, *, offset: int = 0) -> tuple[Path, int]:
    """Bring the first ``size`` bytes behind a compressed file's ``offset`` into a file below ``scratch``.

    A file that is there already is used again. Another process that wants the same waits.

    Returns:
        The file, and how many bytes it has: fewer than ``size`` where the compressed data end too early.

    Raises:
        UnreadableVolume: ``too_large``, where so much cannot honestly come out of so few bytes.
    """
    with open_regular(path) as file:
        state = os.fstat(file.fileno())
        if size > max(_ALWAYS, _MOST_TIMES * state.st_size):
            raise UnreadableVolume("too_large", f"{state.st_size} bytes that would unpack to {size}")
        key = f"{path}\0{state.st_size}\0{state.st_mtime_ns}\0{offset}\0{size}"
        target = scratch / "unpacked" / f"{hashlib.md5(os.fsencode(key), usedforsecurity=False).hexdigest()}.raw"
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent, patience=3600):  # a folder of its own: whoever made ``scratch`` may hold that one
            if not target.exists():
                temporary = target.with_suffix(".part")
                with _opened(file, offset) as stream, temporary.open("wb") as out:
                    _copy(stream, out, size)
                temporary.replace(target)
        return target, target.stat().st_size


def _opened(file: IO[bytes], offset: int) -> IO[bytes]:
    file.seek(offset)
    magic = file.read(3)
    file.seek(offset)
    opener = next((opener for start, opener in _OPENERS.items() if magic.startswith(start)), None)
    if opener is None:
        raise UnreadableVolume("corrupt", "the data are neither gzip nor bzip2")
    return opener(file)


def _copy(stream: IO[bytes], out: IO[bytes], size: int) -> None:
    left = size
    try:
        while left and (piece := stream.read(min(left, _PIECE))):
            out.write(piece)
            left -= len(piece)
    except (EOFError, zlib.error):
        pass  # what came before is whole
    except OSError as error:
        if error.errno is not None:  # of the disk; a decoder's own has no number
            raise
