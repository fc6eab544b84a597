"""Two sets of hashes, grouped by content, and the pairs between them that are near enough to be looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.errors import InputError
from semtrace.core.hashing import hamming, phash
from semtrace.core.image.gray8 import is_ranged
from semtrace.core.image.placement import Rectangle
from semtrace.core.image.symmetry import SYMMETRIES, Symmetry, hash_variants, inverse
from semtrace.core.tracing.labels import parse_published
from semtrace.io import tables
from semtrace.provenance.tables import HASHES, HASHES_ALONE


@dataclass(frozen=True)
class Content:
    """One content of a side: files with equal pixels (or, without images, equal hashes).

    Attributes:
        key: identifies it: its pixels; else its hash, or where that is degenerate its path.
        paths: its files, sorted; the first is its keeper.
        md5: of the keeper's bytes; ``""`` where the table has none.
        digests: md5 of all its files' bytes.
        picture: identifies the pixels above the data bar; ``""`` where the table does not say.
        bar_top: first row of the data bar; -1 where there is none.
        healthy: False for a degenerate hash, which would be near to anything flat.
        place: where on its files the picture stands, if these are larger pages.
        deep: whether a range was taken to make it 8-bit grey.
    """

    key: str
    paths: tuple[str, ...]
    md5: str
    digests: frozenset[str]
    picture: str
    bar_top: int
    healthy: bool
    place: Rectangle | None = None
    deep: bool = False


@dataclass(frozen=True)
class Side:
    """All contents of a hash table.

    Attributes:
        contents: sorted by keeper.
        rows: files in all.
        bits: length of a hash.
        words: uint64 (contents, bits / 64), the hashes of the full frames.
        cropped_words: uint64 (m, bits / 64), hashes without data bar, where there is a bar and they are healthy.
        cropped_owner: int64 (m,), the contents these belong to.

    """

    contents: list[Content]
    rows: int
    bits: int
    words: NDArray[np.uint64]
    cropped_words: NDArray[np.uint64]
    cropped_owner: NDArray[np.int64]

    @cached_property
    def searched(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """All healthy hashes, of full frames and without data bar, and the contents they belong to."""
        words = np.concatenate([self.words, self.cropped_words])
        owner = np.concatenate([np.arange(len(self.contents)), self.cropped_owner])
        usable = np.array([self.contents[i].healthy for i in owner], dtype=bool)
        return words[usable], owner[usable]

    def distance(self, index: int, other: Side, other_index: int) -> int:
        """Bits between the full-frame hashes of one content here and one of ``other``."""
        return int(np.bitwise_count(self.words[index] ^ other.words[other_index]).sum())


@dataclass(frozen=True)
class Pair:
    """An original content near a published one.

    Attributes:
        original: its index.
        hamming: bits between the nearest two hashes.
        symmetry: what has to be done to the published image to bring it into the original's orientation.
        negative: whether its grey levels are inverted, too.
    """

    original: int
    hamming: int
    symmetry: Symmetry = Symmetry.IDENTITY
    negative: bool = False

    @property
    def done_before(self) -> str:
        """What was done to the original before it was published: turned or mirrored, ``negative``, or both."""
        turned = inverse(self.symmetry)
        if not self.negative:
            return turned
        return "negative" if turned == Symmetry.IDENTITY else f"negative {turned}"


def load_side(files: Sequence[Path]) -> Side:
    """Read one or more hash tables as one side. Columns path and phash are needed; the others help.

    Raises:
        InputError: there is no row, a hash is no hash, hashes differ in length, or a path comes twice.

    """
    return to_side(read_rows(files), ", ".join(file.name for file in files))


def read_rows(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Rows of one or more hash tables as one, sorted by path.

    Raises:
        InputError: there is no row, or a path comes twice.

    """
    rows = [row for file in files for row in tables.read(file, HASHES, required=HASHES_ALONE)]
    name = ", ".join(file.name for file in files)
    if not rows:
        raise InputError(f"{name}: no hashes in it")
    twice = [path for path, count in Counter(row["path"] for row in rows).items() if count > 1]
    if twice:
        raise InputError(f"{name}: path {min(twice)!r} comes more than once; paths must be unique")
    return sorted(rows, key=lambda row: row["path"])


def to_side(rows: Sequence[Mapping[str, Any]], name: str) -> Side:
    """Group rows, sorted by path, by content; ``name`` names their table in errors.

    Equal pixels are one content. Where the table does not know pixels, equal hashes under equal digits are, except
    degenerate ones, which say nothing.

    Raises:
        InputError: a hash is no hash, or hashes differ in length.

    """
    size = isqrt(4 * len(rows[0]["phash"]))
    try:
        words = phash.from_hex_many([row["phash"] for row in rows], size)
        healthy = phash.healthy(words).tolist()
        groups: dict[str, list[int]] = {}
        for i, row in enumerate(rows):
            groups.setdefault(content_of(row) if row.get("content_id") or healthy[i] else row["path"], []).append(i)
        first = [group[0] for group in groups.values()]
        cropped = np.array([k for k, i in enumerate(first) if rows[i].get("phash_content")], dtype=np.int64)
        cropped_words = phash.from_hex_many([rows[first[k]]["phash_content"] for k in cropped], size)
        contents = [
            Content(
                key=key,
                paths=tuple(rows[i]["path"] for i in group),
                md5=rows[group[0]].get("md5", ""),
                digests=frozenset(rows[i]["md5"] for i in group if rows[i].get("md5")),
                picture=rows[group[0]].get("picture_id", ""),
                bar_top=-1 if (top := rows[group[0]].get("bar_top")) is None else top,
                healthy=healthy[group[0]],
                deep=is_ranged(rows[group[0]].get("rule", "")),
            )
            for key, group in groups.items()
        ]
    except ValueError as error:
        raise InputError(f"{name}: {error}") from error
    usable = phash.healthy(cropped_words)
    return Side(contents, len(rows), size * size, words[first], cropped_words[usable], cropped[usable])


def candidate_pairs(
    originals: Side,
    published: Side,
    radius: float,
    workers: int,
    *,
    geometry: bool = False,
    only: Sequence[int] | None = None,
) -> dict[int, list[Pair]]:
    """For every published content (or ``only`` those) the originals nearer than ``radius`` bits, nearest first.

    Exact, all pairs; ties by path. An original counts with the nearer of its two hashes, and of the eight symmetries
    of the published image and of its negative where ``geometry`` asks for them. Degenerate hashes match nothing.
    """
    words, owner = originals.searched
    wanted = range(len(published.contents)) if only is None else only
    asked = np.array([j for j in wanted if published.contents[j].healthy], dtype=np.intp)
    nearest: dict[int, dict[int, Pair]] = {j: {} for j in wanted}
    # The identity comes first, so of equal distances the picture as it is wins.
    for symmetry, negative, queries in _queries(published, asked, geometry):
        offsets, indices, distances = hamming.within(queries, words, int(np.ceil(radius)), workers=workers)
        for position, j in enumerate(asked):
            for k in range(offsets[position], offsets[position + 1]):
                pair = Pair(int(owner[indices[k]]), int(distances[k]), symmetry, negative)
                known = nearest[int(j)].get(pair.original)
                if known is None or pair.hamming < known.hamming:
                    nearest[int(j)][pair.original] = pair
    return {j: sorted(found.values(), key=lambda pair: (pair.hamming, pair.original)) for j, found in nearest.items()}


def _queries(
    published: Side, asked: NDArray[np.intp], geometry: bool
) -> Iterator[tuple[Symmetry, bool, NDArray[np.uint64]]]:
    words = published.words[asked]
    if not geometry:
        yield Symmetry.IDENTITY, False, words
        return
    size = isqrt(published.bits)
    bits = np.unpackbits(words.astype(">u8").view(np.uint8), axis=-1).astype(bool).reshape(-1, size, size)
    variants = hash_variants(bits)
    for k, symmetry in enumerate(SYMMETRIES):
        yield symmetry, False, np.ascontiguousarray(variants[:, k])
    # Inverted grey levels turn the sign of every frequency, and so every bit.
    for k, symmetry in enumerate(SYMMETRIES):
        yield symmetry, True, ~np.ascontiguousarray(variants[:, k])


def nearest_full(queries: Side, references: Side, workers: int) -> list[tuple[int, int]]:
    """For every content of ``queries`` the nearest of ``references`` by full-frame hash: ``(index, bits)``."""
    indices, distances = hamming.nearest(queries.words, references.words, 1, workers=workers)
    return [(int(i), int(d)) for i, d in zip(indices[:, 0], distances[:, 0], strict=True)]


def content_of(row: Mapping[str, Any]) -> str:
    """What identifies the content of a row of a hash table: its pixels.

    In a table of hashes alone the digits of a published name *and* the hash: in real sets equal digits name different
    pictures, and equal hashes have different digits.
    """
    return str(row.get("content_id") or "") or f"{parse_published(row['path']).digits} {row['phash']}"
