"""The Filtered dataset as a torch ``Dataset``: TIFFs, shards, or whatever cuts a patch from its volume."""

from __future__ import annotations

import csv
import io
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

_IN_SHARD = re.compile(r"(?P<file>(?:.*/)?\d{6}\.tar)/(?P<member>\d{9}\.tiff)", re.ASCII)


def file_and_member(path: str) -> tuple[str, str]:
    """The file that a path of ``filtered.csv`` names, and the image in it where it is a shard; else nothing.

    A dataset may be called ``x.tar``; the numbers tell its folder from a shard.
    """
    found = _IN_SHARD.fullmatch(path)
    return (found["file"], found["member"]) if found else (path, "")


class Patches:
    """Kept patches by number; ``torch.utils.data.DataLoader`` takes it as it is.

    Args:
        table: ``filtered.csv``.
        split: only patches of this part; empty: all.
        cut: gives the pixels of a patch by its name, where no image was written.

    Raises:
        ValueError: no image was written, and ``cut`` is missing.
    """

    def __init__(self, table: Path, split: str = "", cut: Callable[[str], NDArray[np.uint8]] | None = None) -> None:
        with Path(table).open(encoding="utf-8", newline="") as file:
            self.rows = [row for row in csv.DictReader(file) if split in ("", row["split"])]
        self._folder, self._cut = Path(table).parent, cut
        if cut is None and any(not row["path"] for row in self.rows):
            raise ValueError(f"{table}: patches without an image; give `cut`, or classify with images=tiff or tar")

    def __len__(self) -> int:
        """How many patches there are."""
        return len(self.rows)

    def __getitem__(self, number: int) -> NDArray[np.uint8]:
        """The pixels of a patch, shape (H, W), uint8."""
        row = self.rows[number]
        file, member = file_and_member(row["path"])
        if member:
            with tarfile.open(self._folder / file) as tar:
                data = tar.extractfile(member)
                assert data is not None  # noqa: S101  (it is a file)
                return np.asarray(tifffile.imread(io.BytesIO(data.read())))
        if row["path"]:
            return np.asarray(tifffile.imread(self._folder / row["path"]))
        assert self._cut is not None  # noqa: S101  (asked above)
        return self._cut(row["name"])
