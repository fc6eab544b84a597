"""The kept pictures that new ones are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semtrace.core.hashing.index import HashIndex
from semtrace.core.image.mse_search import BlockIndex


@dataclass(frozen=True, eq=False)
class KeptPicture:
    """A picture that travelled on, or will.

    Attributes:
        path: where it was below the watched folder.
        file: where it was put; empty: it is still at ``path``.
        md5: of the file.
        pixels: digest of its grey levels.
        width: columns.
        height: rows.
        deep: more than 8 bits a pixel.
        top: range that was mapped to 8 bits when it was measured.
        words: packed hash; None where only identical pictures can be recognised.
        blocks: sums for the search by squared error, or None.

    """

    path: str
    file: str
    md5: str
    pixels: str
    width: int
    height: int
    deep: bool
    top: int
    words: NDArray[np.uint64] | None
    blocks: NDArray[np.float64] | None = None


class Kept:
    """Kept pictures, found by content, by hash, or by squared error."""

    def __init__(self, words: int) -> None:
        """Begin with none; ``words`` is the number of uint64 of a hash."""
        self._pictures: list[KeptPicture] = []
        self._by_content: dict[str, int] = {}
        self._hashes, self._hashed = HashIndex(words), list[int]()
        self._blocks: dict[tuple[int, int], tuple[BlockIndex, list[int]]] = {}

    def __len__(self) -> int:
        return len(self._pictures)

    def __iter__(self) -> Iterator[KeptPicture]:
        return iter(self._pictures)

    def add(self, picture: KeptPicture) -> None:
        """Compare with this one too from now on."""
        number = len(self._pictures)
        self._pictures.append(picture)
        self._by_content.setdefault(picture.md5, number)
        self._by_content.setdefault(picture.pixels, number)
        if picture.words is not None:
            self._hashes.add(picture.words)
            self._hashed.append(number)
        if picture.blocks is not None:
            index, numbers = self._blocks.setdefault((picture.width, picture.height), (BlockIndex(), []))
            index.add(picture.blocks)
            numbers.append(number)

    def identical(self, md5: str, pixels: str) -> KeptPicture | None:
        """The kept picture of the same bytes, else of the same grey levels."""
        number = self._by_content.get(md5, self._by_content.get(pixels))
        return None if number is None else self._pictures[number]

    def near(self, words: NDArray[np.uint64], most: int, below: int) -> list[tuple[KeptPicture, int]]:
        """The nearest by hash with their distance in bits, nearest first, then oldest."""
        if not self._hashed:
            return []
        found = self._hashes.query(words, most, below=below)
        return [(self._pictures[self._hashed[i]], distance) for i, distance in found]

    def near_by_error(
        self, width: int, height: int, blocks: NDArray[np.float64], limit: float
    ) -> list[tuple[KeptPicture, float, int]]:
        """Pictures of this size whose sum of squared errors may be below ``limit``: lowest possible error, and age."""
        if (width, height) not in self._blocks:
            return []
        index, numbers = self._blocks[width, height]
        return [(self._pictures[numbers[i]], bound, numbers[i]) for i, bound in index.query(blocks, limit)]
