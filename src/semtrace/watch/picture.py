"""What the watcher knows of one picture, measured once in a worker process."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from semtrace.core.hashing.dhash import dhash
from semtrace.core.hashing.phash import pack, phash_as_is
from semtrace.core.image.emptiness import content
from semtrace.core.image.frame_range import TOPS, frame_to_gray8, top_for
from semtrace.core.image.mse_search import block_sums
from semtrace.core.image.sharpness import sharpness
from semtrace.core.image.shift import FieldSpectrum, common_shape, field_spectrum, shrink
from semtrace.io.digests import md5
from semtrace.io.frames import ChangedError, Frame, Signature, decode_frame, read_unchanged
from semtrace.io.images import UnreadableImage
from semtrace.watch.settings import Settings


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture, as much of it as deciding needs.

    Attributes:
        path: POSIX path below the watched folder.
        signature: of the file when it was read.
        md5: of the file.
        pixels: digest of the stored grey levels and the size: the same in two formats of one picture.
        width: columns.
        height: rows.
        deep: more than 8 bits a pixel.
        top: range 0..top that was mapped to 8 bits; 255 for 8-bit pictures.
        words: packed hash, shape (size² / 64,), uint64.
        blocks: sums for the search by squared error, shape (256,); None with the method ``hash``.
        empty: nothing but shading and noise in it.
        noise: 2 sigma², the squared error that two frames differ by that differ only in noise; 8-bit grey levels.
        sharpness: variance of second differences, 8-bit grey levels; for ``keeper: sharpest``.
        seconds: that reading and measuring it took; nothing else depends on it.
        spectrum: of its fine structure at its own shape, for the first comparison; None once it is kept elsewhere,
            and where none is needed.

    """

    path: str
    signature: Signature
    md5: str
    pixels: str
    width: int
    height: int
    deep: bool
    top: int
    words: NDArray[np.uint64]
    blocks: NDArray[np.float64] | None
    empty: bool
    noise: float
    sharpness: float
    seconds: float = 0.0
    spectrum: FieldSpectrum | None = None


@dataclass(frozen=True)
class Unread:
    """A file that gave no picture.

    Attributes:
        path: POSIX path below the watched folder.
        signature: of the file when it was listed.
        reason: a word, such as ``truncated``.
        detail: one line for people.
        passing: the file may become readable without any change: it was in use, or memory was short.

    """

    path: str
    signature: Signature
    reason: str
    detail: str
    passing: bool = False


@dataclass(frozen=True)
class PictureJob:
    """One file to read: its place, its path below the watched folder, and the least range of deep frames (``top``)."""

    file: str
    path: str
    signature: Signature
    settings: Settings
    top: int = TOPS[0]


_IN_USE = (32, 33)  # Windows: sharing violation, lock violation


def examine_picture(job: PictureJob) -> Picture | Unread:
    """Read and measure one file; whatever is wrong with it becomes an ``Unread``."""
    began = time.perf_counter()
    try:
        data = read_unchanged(job.file, job.signature)
        frame, rules = decode_frame(data), job.settings
        picture = measure_picture(job.path, job.signature, md5(data), frame, rules, job.top)
        if rules.method == "hash" and rules.confirm > 0 and not (picture.empty and rules.empty == "archive"):
            picture = with_spectrum(picture, frame)
        return replace(picture, seconds=time.perf_counter() - began)
    except UnreadableImage as error:
        return Unread(job.path, job.signature, error.reason, error.detail)
    except MemoryError:
        return Unread(
            job.path, job.signature, "out_of_memory", "not enough memory for the picture at the moment", passing=True
        )
    except ChangedError as error:
        return Unread(job.path, job.signature, "changing", str(error.strerror), passing=True)
    except OSError as error:
        in_use = getattr(error, "winerror", None) in _IN_USE
        said = "in_use" if in_use else "vanished" if isinstance(error, FileNotFoundError) else "cannot_read"
        return Unread(job.path, job.signature, said, error.strerror or str(error), passing=True)


def measure_picture(
    path: str, seen: Signature, digest: str, frame: Frame, settings: Settings, least_top: int = 255
) -> Picture:
    """Measure a decoded frame, scaled by a range of at least ``least_top``."""
    pixels = frame.pixels
    deep = pixels.dtype == np.uint16
    top = max(least_top, top_for(int(pixels.max()))) if deep else TOPS[0]
    gray = frame_to_gray8(pixels, top)
    found = content(pixels)
    bits = dhash(gray, settings.size) if settings.hash == "dhash" else phash_as_is(gray, settings.size)
    return Picture(
        path=path,
        signature=seen,
        md5=digest,
        pixels=pixels_digest(pixels),
        width=pixels.shape[1],
        height=pixels.shape[0],
        deep=deep,
        top=top,
        words=pack(bits),
        blocks=block_sums(gray) if settings.method == "mse" else None,
        empty=found.is_empty,
        noise=2 * (found.noise * 255 / top) ** 2,
        sharpness=sharpness(gray) if settings.keeper == "sharpest" else 0.0,
    )


def with_spectrum(picture: Picture, frame: Frame) -> Picture:
    """A picture of this frame with its spectrum, where it is large enough to have one."""
    small = shrink(frame_to_gray8(frame.pixels, picture.top))
    shape = common_shape(small.shape, small.shape)
    return picture if shape is None else replace(picture, spectrum=field_spectrum(small, shape))


def pixels_digest(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> str:
    """Digest of grey levels and size, which does not depend on how many bits they are stored in."""
    narrow = pixels.astype(np.uint8) if pixels.max() <= 255 else pixels.astype("<u2")
    return md5(f"{pixels.shape[0]} {pixels.shape[1]} {narrow.dtype.itemsize} ".encode() + narrow.tobytes())
