"""Small pictures for a page, named by the digest of the file they show."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from semtrace.io.files import read_regular, safe_name, write_staged
from semtrace.io.images import UnreadableImage, decode
from semtrace.stage.executor import Executor

THUMB_SIDE = 128  # pixels, the longer side


@dataclass(frozen=True)
class _Task:
    file: str
    rows: int
    out: str


def write(root: Path, shown: Mapping[str, tuple[str, int]], folder: Path, executor: Executor) -> int:
    """Write ``<md5>.jpg`` for every image that is shown; return how many could be read.

    Args:
        root: folder of the images.
        shown: by md5 the path of an image, and its rows above the data bar.
        folder: to write to; it must exist.
        executor: where to work.

    """
    base = root.resolve()
    tasks = [_Task(safe_name(base, path), rows, f"{folder}/{md5}.jpg") for md5, (path, rows) in sorted(shown.items())]
    return sum(done is True for done in executor.map(_draw, tasks, what="thumbnails", reads=_files))


def _files(task: _Task) -> list[str]:
    return [task.file]


def _draw(task: _Task) -> bool:
    try:
        gray = decode(read_regular(task.file)).gray[: task.rows]
    except (OSError, UnreadableImage):  # it was there when its features were computed
        return False
    picture = Image.fromarray(gray)
    picture.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.BICUBIC)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=80)
    write_staged(Path(task.out), data.getvalue())
    return True
