"""Videos as sections: each decoded frame once, in display order, as grey in full range."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray

from semtrace.io.decoders import MAX_PIXELS
from semtrace.io.files import open_regular
from semtrace.io.volumes.volume import UnreadableVolume

_MAGIC = (b"RIFF", b"GIF87a", b"GIF89a", b"\x1aE\xdf\xa3")


def is_video(head: bytes) -> bool:
    """Whether a file that begins with these (at least 12) bytes is AVI, MP4, MOV, GIF or Matroska."""
    if head.startswith(b"RIFF"):
        return head[8:12] == b"AVI "
    return head.startswith(_MAGIC) or head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free")


class VideoFrame(NamedTuple):
    """A frame: grey of shape (H, W), the stored pixel format, and whether that has an alpha channel."""

    gray: NDArray[np.uint8]
    pixel_format: str
    alpha: bool


@dataclass(frozen=True)
class Written:
    """What a video became: frames, rows and columns, and words for people."""

    shape: tuple[int, int, int]
    notes: tuple[str, ...]


def frames(path: Path, *, salvage: bool = False) -> Iterator[VideoFrame]:
    """Decode a video frame by frame.

    A frame that was stored once comes once, whatever the frame rate says. Limited range is widened to 0..255; of
    colour luma is taken; alpha is ignored.

    Args:
        path: the file; it is only read.
        salvage: end at the damage instead of refusing the file.

    Raises:
        UnreadableVolume: ``empty_file``, ``no_video``, ``size_changes``, ``truncated``, ``corrupt`` or ``too_large``;
            also after frames were given.
        OSError: the file cannot be read at all.
    """
    import av  # of the extra `curation`; the main job works without it
    from av.error import FFmpegError

    with open_regular(path) as file:
        if not file.read(1):
            raise UnreadableVolume("empty_file", "0 bytes")
        file.seek(0)
        number, promised, size = 0, 0, (0, 0)
        try:
            with av.open(file, mode="r") as container:
                if not container.streams.video:
                    raise UnreadableVolume("no_video", "no video stream in it")
                stream = container.streams.video[0]
                promised = int(stream.frames)
                for frame in container.decode(stream):
                    here = frame.height, frame.width
                    if here[0] * here[1] > MAX_PIXELS:
                        raise UnreadableVolume("too_large", f"frames of {here[0]} x {here[1]} pixels")
                    if number and here != size:
                        what = f"frame {number} has {here[0]} x {here[1]} pixels, those before {size[0]} x {size[1]}"
                        raise UnreadableVolume("size_changes", what)
                    size, number = here, number + 1
                    yield _grey(frame)
        except FFmpegError as error:
            if error.errno in (errno.ENOSPC, errno.EIO, errno.ENOMEM):
                raise
            if not salvage or not number:
                raise UnreadableVolume("corrupt", f"after {number} frames: {error.strerror}") from None
        if number < promised and not salvage:
            raise UnreadableVolume("truncated", f"{number} of {promised} frames can be decoded")
        if not number:
            raise UnreadableVolume("no_video", "no frame can be decoded")


def write_stack(path: Path, target: Path, *, salvage: bool = False) -> Written:
    """Write the frames of a video as pages of the new BigTIFF ``target``, one at a time; raises as ``frames`` does.

    A target that is not finished is removed.
    """
    count, size, alpha, kinds = 0, (0, 0), False, set()
    try:
        with tifffile.TiffWriter(target, bigtiff=True) as writer:
            for frame in frames(path, salvage=salvage):
                writer.write(frame.gray, photometric="minisblack", contiguous=True, metadata=None)
                count, size = count + 1, (frame.gray.shape[0], frame.gray.shape[1])
                kinds.add(frame.pixel_format)
                alpha = alpha or frame.alpha
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    notes = (f"pixel format {', '.join(sorted(kinds))}", *(["alpha ignored"] if alpha else []))
    return Written((count, *size), notes)


def _grey(frame: Any) -> VideoFrame:
    gray: NDArray[np.uint8] = frame.to_ndarray(format="gray")  # without the padding of its lines
    return VideoFrame(gray, frame.format.name, any(part.is_alpha for part in frame.format.components))
