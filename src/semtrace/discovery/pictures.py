"""Pictures as networks are given them, read again from their files and cut where their features were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semtrace.core.errors import InputError
from semtrace.discovery import feature_sets
from semtrace.io.files import read_regular, safe_name
from semtrace.io.images import UnreadableImage, decode
from semtrace.stage.executor import Executor

NETWORK_SIDE = 224  # pixels


@dataclass(frozen=True)
class _Cut:
    file: str
    rows: int


def network_pictures(root: Path, paths: Sequence[str], features: Path, executor: Executor) -> NDArray[np.uint8]:
    """Grey pictures of images, shape (N, 224, 224), above the cut of the data bar that ``images.csv`` says.

    Raises:
        InputError: an image cannot be read any more, or is not in ``images.csv``.

    """
    images, base = feature_sets.read_images(features), root.resolve()
    if missing := [path for path in paths if path not in images]:
        raise InputError(f"{features}: images.csv has no row for {missing[0]}; run `semtrace features` again")
    cuts = [_Cut(safe_name(base, path), int(images[path]["picture_rows"])) for path in paths]
    found = []
    for path, picture in zip(paths, executor.map(_picture, cuts, what="pictures", reads=_files), strict=True):
        if not isinstance(picture, np.ndarray):
            raise InputError(f"{root / path}: cannot be read any more; run `semtrace features` again")
        found.append(picture)
    return np.stack(found)


def square_picture(gray: NDArray[np.uint8], rows: int, side: int) -> NDArray[np.uint8]:
    """The first ``rows`` rows of a grey picture, bicubic to shape (side, side)."""
    picture = Image.fromarray(np.ascontiguousarray(gray[:rows]))
    return np.array(picture.resize((side, side), Image.Resampling.BICUBIC))


def _files(cut: _Cut) -> list[str]:
    return [cut.file]


def _picture(cut: _Cut) -> NDArray[np.uint8] | None:
    try:
        return square_picture(decode(read_regular(cut.file)).gray, cut.rows, NETWORK_SIDE)
    except (OSError, UnreadableImage):  # it was there when its features were computed
        return None
