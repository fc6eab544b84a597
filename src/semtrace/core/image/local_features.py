"""Local features of a picture (SIFT), and in which originals those of a published image are found again.

Source: Lowe, "Distinctive image features from scale-invariant keypoints", Int. J. Computer Vision 60 (2004) 91-110;
roots of the descriptors after Arandjelovic and Zisserman, CVPR 2012.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from semtrace.core.image.resample import as_gray, reduce

LONGEST = 640  # pixels; pictures are reduced to that
LENGTH = 128  # numbers in a descriptor

_CONTRAST = 0.01  # of SIFT; pictures of low contrast have features, too
_DETECTED = 4000  # features among which those that are kept are chosen
_CELLS = 6  # along a side; each part of a picture has its share of the features
_COARSE = 5.0  # pixels across a feature; noise makes fine ones
_NORM = 512.0  # of a descriptor: products of two, summed up, stay below 2^24 and are exact in float32
_RATIO = 0.85  # squared distances: the best match is that much nearer than the next in the same original
_MANY = 1 << 20  # more than an original has features
_CHUNK = 4096  # descriptors of originals that are multiplied at once


@dataclass(frozen=True, eq=False)
class LocalFeatures:
    """Features of one picture.

    Attributes:
        points: x and y in pixels from the upper left corner of the picture at its full size, float32 (n, 2).
        descriptors: roots of SIFT's, uint8 (n, 128).
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]


def is_available() -> bool:
    """Whether OpenCV is installed, which finds the features."""
    return importlib.util.find_spec("cv2") is not None


def local_features(gray: NDArray[np.uint8], most: int) -> LocalFeatures:
    """Find the strongest features of a picture, spread over all of it.

    Args:
        gray: uint8 (H, W).
        most: features wanted at most.

    Returns:
        From the strongest to the weakest of each part; none where the picture is flat.
    """
    import cv2

    small = np.array(reduce(as_gray(gray), LONGEST))  # OpenCV wants to write where it reads
    if min(small.shape) < 16:
        return LocalFeatures(np.empty((0, 2), np.float32), np.empty((0, LENGTH), np.uint8))
    sift = cv2.SIFT.create(_DETECTED, 3, _CONTRAST, 10.0, 1.6, True)
    found, described = sift.detectAndCompute(small, None)
    if described is None:
        return LocalFeatures(np.empty((0, 2), np.float32), np.empty((0, LENGTH), np.uint8))
    at = np.array([one.pt for one in found], np.float32)
    strength = np.array([one.response for one in found], np.float32)
    coarse = np.array([one.size for one in found], np.float32) > _COARSE
    kept = _spread(at, strength, coarse, small.shape, most)
    factor = np.array([gray.shape[1] / small.shape[1], gray.shape[0] / small.shape[0]], np.float32)
    return LocalFeatures((at[kept] + np.float32(0.5)) * factor, _roots(described[kept]))


def _spread(
    at: NDArray[np.float32], strength: NDArray[np.float32], coarse: NDArray[np.bool_], shape: Any, most: int
) -> NDArray[np.intp]:
    """Indices of the features to keep: of each cell the strongest fine and coarse one first, then the next of each."""
    order = np.lexsort((at[:, 0], at[:, 1], -strength))
    cells = (at[:, ::-1] * _CELLS / np.array(shape)).astype(int).clip(0, _CELLS - 1) @ (_CELLS, 1) * 2 + coarse
    seen = np.zeros(2 * _CELLS * _CELLS, int)
    rank = np.empty(len(at), int)
    for i in order:
        rank[i] = seen[cells[i]]
        seen[cells[i]] += 1
    return np.asarray(np.lexsort((at[:, 0], at[:, 1], -strength, rank))[:most])


def _roots(described: NDArray[np.float32]) -> NDArray[np.uint8]:
    sums = np.maximum(described.sum(axis=1, keepdims=True), 1e-6)
    return np.asarray(np.minimum(np.rint(np.sqrt(described / sums) * _NORM), 255), np.uint8)


def matches(query: LocalFeatures, original: LocalFeatures) -> NDArray[np.intp]:
    """Pairs of features that are alike, and clearly more so than the next of the original.

    Returns:
        Indices into the query and into the original, shape (n, 2).
    """
    if not len(query.points) or len(original.points) < 2:
        return np.empty((0, 2), np.intp)
    best, second, which = _nearest_two(
        _Prepared.of(query.descriptors).distances(_Prepared.of(original.descriptors)), np.array([0])
    )
    mine = np.flatnonzero(best[:, 0] < _RATIO**2 * second[:, 0])
    return np.stack([mine, which[mine, 0]], axis=1)


def votes(
    queries: Sequence[LocalFeatures], originals: Sequence[LocalFeatures], *, workers: int = 1
) -> NDArray[np.int64]:
    """How many features of each original are found in each query; every pair is looked at.

    Args:
        queries: of published images.
        originals: of the archive.
        workers: threads; the result does not depend on them.

    Returns:
        Shape (queries, originals).
    """
    counts = np.zeros((len(queries), len(originals)), np.int64)
    prepared = [_Prepared.of(one.descriptors) for one in queries]
    blocks = _blocks([len(one.points) for one in originals])

    def count(block: tuple[int, int]) -> None:
        first, last = block
        some = [one.descriptors for one in originals[first:last]]
        starts = np.cumsum([0, *(len(one) for one in some[:-1])])
        there = _Prepared.of(np.concatenate(some))
        for q, query in enumerate(prepared):
            if len(query.squares) and len(there.squares):
                counts[q, first:last] = _matched(*_nearest_two(query.distances(there), starts))

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(count, blocks))
    return counts


def _matched(best: NDArray[np.float32], second: NDArray[np.float32], which: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many different features of each original are the match of one: stripes and letters repeat themselves."""
    sure = best < _RATIO**2 * second
    pairs = np.unique(np.argwhere(sure)[:, 1] * _MANY + which[sure])
    return np.bincount(pairs // _MANY, minlength=best.shape[1])


def _blocks(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """First and last (excluded) original of each block of about as many descriptors."""
    blocks, first, held = [], 0, 0
    for i, size in enumerate(sizes):
        held += size
        if held >= _CHUNK or i == len(sizes) - 1:
            blocks.append((first, i + 1))
            first, held = i + 1, 0
    return blocks


@dataclass(frozen=True, eq=False)
class _Prepared:
    """Descriptors, float32 (n, 128), and their squared lengths, float32 (n,)."""

    numbers: NDArray[np.float32]
    squares: NDArray[np.float32]

    @classmethod
    def of(cls, descriptors: NDArray[np.uint8]) -> _Prepared:
        numbers = descriptors.astype(np.float32)
        return cls(numbers, np.einsum("ij,ij->i", numbers, numbers))

    def distances(self, other: _Prepared) -> NDArray[np.float32]:
        """Squared distances, whole numbers, float32 (n, m)."""
        products = self.numbers @ other.numbers.T
        products *= -2
        products += self.squares[:, None]
        products += other.squares
        return products


@njit(nogil=True, cache=True)
def _nearest_two(
    distances: NDArray[np.float32], starts: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """For each row and each original, whose columns begin at ``starts``: the two smallest, and where the first is."""
    rows, columns = distances.shape
    best = np.full((rows, starts.size), np.float32(np.inf))
    second = np.full((rows, starts.size), np.float32(np.inf))
    which = np.zeros((rows, starts.size), np.int64)
    for i in range(rows):
        for k in range(starts.size):
            last = starts[k + 1] if k + 1 < starts.size else columns
            for j in range(starts[k], last):
                value = distances[i, j]
                if value < best[i, k]:
                    second[i, k] = best[i, k]
                    best[i, k] = value
                    which[i, k] = j - starts[k]
                elif value < second[i, k]:
                    second[i, k] = value
            if last - starts[k] < 2:
                second[i, k] = np.float32(0)
    return best, second, which
