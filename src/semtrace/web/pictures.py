"""Pictures for pages, by the md5 of a file: what the pipeline compares, never the file itself.

A file is decoded by ``io`` to 8-bit grey, as everywhere else, and encoded anew. What was made is kept in a folder,
named by digest and size, and by the code that makes it.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semtrace.io.code_digest import code_digest
from semtrace.io.digests import md5
from semtrace.io.files import read_regular, write_atomic
from semtrace.io.images import UnreadableImage, decode

PictureSize = Literal["thumb", "view", "full"]
THUMB_SIDE, VIEW_SIDE = 256, 1024  # pixels, the longer side
TYPES: Mapping[str, str] = {"thumb": "image/jpeg", "view": "image/jpeg", "full": "image/png", "map": "image/jpeg"}
Made = TypeVar("Made")
_TRIES = 2  # a worker that dies takes others' tasks with it; they are tried once more


@dataclass(frozen=True)
class Unavailable:
    """Why there is no picture: a reason code as in rejects.csv, and one line of detail."""

    reason: str
    detail: str


@dataclass(frozen=True)
class MapTask:
    """A published image and an original to be compared: their files, digests, and what was done in between.

    ``angle`` is in degrees where the picture was turned freely; no map is made then.
    """

    published: str
    published_md5: str
    original: str
    original_md5: str
    bar_top: int
    symmetry: str = ""
    crop: str = ""
    place: str = ""
    angle: float | None = None

    @property
    def name(self) -> str:
        """What its map is kept under: the two contents, and how they lie."""
        lie = f"{self.bar_top} {self.symmetry} {self.crop} {self.place}"
        return f"{self.published_md5}-{self.original_md5}-map-{md5(lie.encode())[:8]}"


def render(gray: NDArray[np.uint8], size: PictureSize) -> bytes:
    """The bytes of a picture at a size: JPEG or PNG as ``TYPES`` says.

    Args:
        gray: picture, shape (H, W), uint8.
        size: ``thumb`` and ``view`` are reduced to at most so many pixels a side; ``full`` has all pixels.
    """
    data = io.BytesIO()
    if size == "full":
        Image.fromarray(gray).save(data, "PNG", compress_level=1)
    else:
        side, quality = (VIEW_SIDE, 95) if size == "view" else (THUMB_SIDE, 40)
        picture = Image.fromarray(gray)
        # Whole pixels are averaged first: a quarter of the time, and nobody sees it.
        picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=1.0)
        picture.save(data, "JPEG", quality=quality)
    return data.getvalue()


def picture_bytes(file: str, digest: str, sizes: Iterable[PictureSize]) -> dict[str, bytes] | Unavailable:
    """Read and decode a file once, and give it at the sizes that are wanted; or why that cannot be done."""
    gray = read_gray(file, digest)
    return gray if isinstance(gray, Unavailable) else {size: render(gray, size) for size in sizes}


def read_gray(file: str, digest: str) -> NDArray[np.uint8] | Unavailable:
    """The grey pixels of a file that must have this md5, shape (H, W), uint8; or why there are none."""
    try:
        data = read_regular(file)
    except FileNotFoundError:
        return Unavailable("unreadable", "the file is not there any more")
    except OSError as error:
        return Unavailable("unreadable", error.strerror or "input/output error")
    if md5(data) != digest:
        return Unavailable("changed", "not the file that was seen before; run the pipeline again")
    try:
        return decode(data, sound=True).gray
    except UnreadableImage as error:
        return Unavailable(error.reason, error.detail)
    except MemoryError:
        return Unavailable("out_of_memory", "not enough memory for the picture: it is too large, or memory is short")


def _map_bytes(task: MapTask) -> bytes | Unavailable:
    from semtrace.web.maps import map_bytes  # it loads compiled kernels, which only a worker needs

    return map_bytes(task)


def _end_with_parent() -> None:
    """Let this worker end when the server is gone, however it ended.

    Ctrl+C in a terminal reaches the server and its workers alike; the server ends them, so they say nothing.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = parent_process()

    def wait() -> None:
        if server is not None:
            server.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


class PictureCache:
    """A folder of pictures by digest and size, bounded; those that were not asked for longest go first.

    Each file begins with the md5 of the picture: it is written without fsync, and a power failure may cut it off.

    Args:
        folder: made where it is missing; safe to delete.
        limit: bytes that it may take.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._code = code_digest(__name__)[:8]
        self._written = limit  # so that the first picture that is stored finds out how much is there
        self._lock = threading.Lock()

    def get(self, name: str) -> bytes | None:
        """The bytes of ``<digest>-<size>``, or None."""
        file = self._file(name)
        try:
            data = file.read_bytes()
        except OSError:
            return None
        digest, data = data[:32], data[32:]
        if digest.decode("ascii", "replace") != md5(data):
            return None
        with contextlib.suppress(OSError):
            os.utime(file)
        return data

    def put(self, name: str, data: bytes) -> None:
        """Keep a picture; where the disk does not let it, it is not kept."""
        file = self._file(name)
        with contextlib.suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(file, md5(data).encode() + data, durable=False)
            self._written += len(data)
            if self._written > self.limit // 20:
                self.trim()

    def trim(self) -> None:
        """Remove what is beyond the limit."""
        with self._lock:
            found = []
            for path in self.folder.rglob("*"):
                with contextlib.suppress(OSError):
                    state = path.stat()
                    if path.is_file():
                        found.append((state.st_mtime_ns, state.st_size, path))
            total = sum(size for _, size, _ in found)
            for _, size, path in sorted(found):
                if total <= self.limit:
                    break
                with contextlib.suppress(OSError):
                    path.unlink()
                    total -= size
            self._written = 0

    def _file(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name}-{self._code}"


def pictures_beside(cache: Path, megabytes: int) -> PictureCache:
    """The pictures that are kept beside a side cache, and may take so many megabytes."""
    return PictureCache(cache.parent / "pictures", megabytes * 10**6)


class PictureService:
    """Pictures for a server: from the cache, else made in worker processes, which are bounded as everywhere.

    Args:
        cache: where they are kept.
        workers: processes.
    """

    def __init__(self, cache: PictureCache, workers: int = 2) -> None:
        self._cache, self._workers = cache, workers
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    def picture(self, file: str, digest: str, size: PictureSize) -> bytes | Unavailable:
        """A file's picture at a size."""
        name = f"{digest}-{size}"
        if (known := self._cache.get(name)) is not None:
            return known
        wanted: tuple[PictureSize, ...] = (size,) if size == "full" else ("thumb", "view")
        made = self._work(picture_bytes, file, digest, wanted if size in wanted else (size,))
        if isinstance(made, Unavailable):
            return made
        for made_size, data in made.items():
            self._cache.put(f"{digest}-{made_size}", data)
        return made[size]

    def map(self, task: MapTask) -> bytes | Unavailable:
        """The map of SSIM of a pair."""
        name = task.name
        if (known := self._cache.get(name)) is not None:
            return known
        made = self._work(_map_bytes, task)
        if isinstance(made, bytes):
            self._cache.put(name, made)
        return made

    def warm(self) -> None:
        """Start the workers before the first picture is asked for."""
        self._started()

    def close(self) -> None:
        """End the workers."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._pool = None

    def _work(self, function: Callable[..., Made | Unavailable], *args: object) -> Made | Unavailable:
        for _ in range(_TRIES):
            pool = self._started()
            try:
                return pool.submit(function, *args).result()
            except BrokenProcessPool:
                with self._lock:
                    if self._pool is pool:
                        self._pool = None
        return Unavailable("decoder_crashed", "the decoder crashed, or took more than a file of its size may")

    def _started(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                context = get_context("forkserver")
                context.set_forkserver_preload([__name__])
                self._pool = ProcessPoolExecutor(self._workers, context, _end_with_parent)
            return self._pool
