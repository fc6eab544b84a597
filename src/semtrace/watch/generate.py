"""Folders of invented frames with a table of the truth, to try a watcher on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom

from semtrace.io.moves import make_folder
from semtrace.io.new_file import write_new

_MARGIN = 8  # pixels around a scene, so that it can be shown moved
_NOISE = 3.0  # grey levels


@dataclass(frozen=True)
class Order:
    """What to generate.

    Attributes:
        total: pictures of each folder.
        similar: how many of them show the scene of an earlier one again, moved by a few pixels, with new noise.
        folders: how many folders.
        width: columns.
        height: rows.
        kind: ``scene`` (structure all over), ``particle`` (one on an even background) or ``empty``.
        format: ``bmp``, ``png`` or ``tif``.
        seed: all follows from it.

    Raises:
        ValueError: a value is out of range.

    """

    total: int = 6
    similar: int = 2
    folders: int = 1
    width: int = 512
    height: int = 512
    kind: Literal["scene", "particle", "empty"] = "scene"
    format: Literal["bmp", "png", "tif"] = "bmp"
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.total >= 1 or not self.folders >= 1:
            raise ValueError("there must be at least one picture and one folder")
        if not 0 <= self.similar < self.total:
            raise ValueError(
                f"{self.similar} similar pictures of {self.total}: at least one must be the first of its scene"
            )
        if min(self.width, self.height) < 32 or max(self.width, self.height) > 8192:
            raise ValueError(f"{self.width} x {self.height}: each side must be 32 to 8192 pixels")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; it must be 0 or more")


def generate(folder: str, order: Order) -> Iterator[str]:
    """Write ``imgs001/image_1.bmp`` and so on, then ``truth.csv`` (file, scene); yield each path when it is there.

    Raises:
        FileExistsError: a file of this name is there already; nothing is overwritten.
        OSError: it cannot be written.
    """
    truth = []
    for number in range(1, order.folders + 1):
        name = f"imgs{number:03}"
        make_folder(f"{folder}/{name}")
        for index, (scene, frame) in enumerate(frames(order, number), 1):
            path = f"{name}/image_{index}.{order.format}"
            write_new(f"{folder}/{path}", _encoded(frame, order.format))
            truth.append((path, f"{name}_{scene}" if order.kind != "empty" else ""))
            yield path
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerows([("file", "scene"), *sorted(truth)])
    write_new(f"{folder}/truth.csv", table.getvalue().encode())
    yield "truth.csv"


def frames(order: Order, folder: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Number of the scene and frame, shape (height, width), uint8, of each picture of one folder."""
    rng = np.random.default_rng((order.seed, folder))
    repeats = set(rng.choice(np.arange(1, order.total), order.similar, replace=False).tolist())
    scenes = 0
    for index in range(order.total):
        again = index in repeats
        scene = int(rng.integers(scenes)) if again else scenes
        scenes += not again
        down, right = (rng.integers(-3, 4, 2) if again else np.zeros(2, np.int64)) + _MARGIN
        field = _field(order, (order.seed, folder, scene))
        view = field[down : down + order.height, right : right + order.width]
        noise = np.random.default_rng((order.seed, folder, order.total + index)).standard_normal(view.shape, np.float32)
        yield scene, np.clip(np.rint(view + _NOISE * noise), 0, 255).astype(np.uint8)


def _field(order: Order, seed: tuple[int, int, int]) -> NDArray[np.float32]:
    """A scene without noise, with a margin around it."""
    rng = np.random.default_rng((*seed, 1))
    height, width = order.height + 2 * _MARGIN, order.width + 2 * _MARGIN
    if order.kind == "empty":
        return np.full((height, width), 169.5, np.float32)
    if order.kind == "scene":
        field = np.full((height, width), 128.0, np.float32)
        for cells, contrast in ((6, 28), (24, 18), (96, 12)):  # structure at three scales
            coarse = rng.standard_normal((cells, cells)).astype(np.float32) * contrast
            field += zoom(coarse, (height / cells, width / cells), order=1)[:height, :width]
        return field
    y, x = np.indices((height, width), np.float32)
    small = min(height, width)
    radii, turn = rng.uniform(0.06, 0.2, 2) * small, rng.uniform(0, np.pi)
    dy, dx = y - height * rng.uniform(0.35, 0.65), x - width * rng.uniform(0.35, 0.65)
    along, across = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    inside = (along / radii[0]) ** 2 + (across / radii[1]) ** 2 < 1
    texture = gaussian_filter(rng.standard_normal((height, width)).astype(np.float32), 1.5) * 3
    shaded = np.where(inside, rng.uniform(-70, -25) + 25 * texture, 0).astype(np.float32)
    return np.asarray(169.5 + gaussian_filter(shaded, 0.8), np.float32)


def _encoded(frame: NDArray[np.uint8], form: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(frame).save(file, {"bmp": "BMP", "png": "PNG", "tif": "TIFF"}[form])
    return file.getvalue()
