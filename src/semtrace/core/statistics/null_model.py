"""How near different pictures come to each other: counted, and extrapolated in two ways.

The bits of a perceptual hash depend on each other. A binomial with the same mean and variance has fewer, independent
bits; Daugman calls them degrees of freedom and extrapolates false-match rates with them (Pattern Recognition 36 (2003)
279-291). It describes chance alone. Pictures of like motifs make the lower tail heavier than that, so an exponential
through the lowest hundredth of the pairs stands beside it, as is usual beyond a high threshold (Pickands, Annals of
Statistics 3 (1975) 119-131). Frames of one field are nearer than either says.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

_BLOCK = 64
_FEW = 0.01  # fewer pairs than this expected by chance: what is there is no chance
_LEAST_PAIRS = 30


@dataclass(frozen=True)
class Distances:
    """Distances between different pictures.

    Attributes:
        counts: int64 (bits + 1,), ordered pairs at each distance.
        nearest: int64 (queries,), bits from each asked picture to the nearest other one.
        nearest_index: int64 (queries,), which one that is.
    """

    counts: NDArray[np.int64]
    nearest: NDArray[np.int64]
    nearest_index: NDArray[np.int64]


def null_distances(
    words: NDArray[np.uint64],
    cropped: NDArray[np.uint64],
    owner: NDArray[np.int64],
    queries: NDArray[np.int64],
) -> Distances:
    """Distances from some pictures, published with their full frame, to all others; the nearer hash counts.

    Args:
        words: uint64 (n, w), hashes of the full frames, at least two.
        cropped: uint64 (m, w), hashes without the data bar.
        owner: int64 (m,), whose these are.
        queries: int64 (q,), the pictures asked for.
    """
    counts = np.zeros(64 * words.shape[1] + 1, dtype=np.int64)
    nearest, index = np.zeros(len(queries), np.int64), np.zeros(len(queries), np.int64)
    for start in range(0, len(queries), _BLOCK):
        asked = queries[start : start + _BLOCK]
        block = _bits(words[asked], words)
        if len(owner):
            block[:, owner] = np.minimum(block[:, owner], _bits(words[asked], cropped))
        itself = (np.arange(len(asked)), asked)
        block[itself] = len(counts)
        nearest[start : start + _BLOCK], index[start : start + _BLOCK] = block.min(axis=1), block.argmin(axis=1)
        found = np.bincount(block.ravel(), minlength=len(counts))
        counts += found[: len(counts)]
    return Distances(counts, nearest, index)


def _bits(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.int32]:
    """All distances, int32 (len(left), len(right)), word by word: memory stays small."""
    result = np.zeros((len(left), len(right)), np.int32)
    for word in range(left.shape[1]):
        result += np.bitwise_count(left[:, word, None] ^ np.ascontiguousarray(right[:, word]))
    return result


@dataclass(frozen=True)
class Chance:
    """A binomial for distances by chance.

    Attributes:
        bits: of the hash.
        probability: that a bit of two different pictures differs.
        effective_bits: how many independent bits would spread as much.
        limit: distance in bits below which chance expects fewer than 0.01 of all pairs counted: what is nearer is
            alike, not near by chance.
    """

    bits: int
    probability: float
    effective_bits: float
    limit: int

    def below(self, distance: float) -> float:
        """Probability that two different pictures are nearer than ``distance`` bits, by chance."""
        last = min(ceil(distance) - 1, self.bits)
        if last < 0:
            return 0.0
        n = self.effective_bits
        k = (last + 0.5) * n / self.bits - 0.5  # steps of the hash are parts of a step of the fitted binomial
        return float(betainc(n - k, k + 1, 1 - self.probability)) if k < n else 1.0


@dataclass(frozen=True)
class Tail:
    """An exponential for the lowest distances.

    Attributes:
        start: distance in bits that 1 % of the pairs do not exceed.
        scale: bits in which the share falls by a factor e.
    """

    start: int
    scale: float

    def below(self, distance: float) -> float:
        """Share of the pairs nearer than ``distance`` bits, which must not exceed ``start``; 0.01 above it."""
        return 0.01 * float(np.exp(min(0.0, ceil(distance) - 1 - self.start) / self.scale))


def tail(counts: NDArray[np.int64]) -> Tail | None:
    """Fit the exponential through the shares 1 % and 0.5 %; None where too few pairs are that near to tell them apart.

    Args:
        counts: int64 (bits + 1,), pairs at each distance.
    """
    total = counts.sum()
    if total * 0.005 < 1:
        return None
    half, start = (int(d) for d in np.searchsorted(np.cumsum(counts), np.array([0.005, 0.01]) * total))
    return Tail(start, round((start - half) / log(2), 3)) if start > half else None


def fit(counts: NDArray[np.int64]) -> Chance | None:
    """Fit the binomial to the bulk; None where there are too few pairs, or they do not differ.

    Median and quartiles first, which near-duplicates do not move; then mean and variance of what is not nearer than
    chance allows.

    Args:
        counts: int64 (bits + 1,), pairs at each distance.
    """
    total, bits = int(counts.sum()), len(counts) - 1
    if total < _LEAST_PAIRS:
        return None
    low, middle, high = np.searchsorted(np.cumsum(counts), np.array([0.25, 0.5, 0.75]) * total)
    mean, variance = float(middle), (float(high - low) / 1.349) ** 2  # a normal's quartiles are 1.349 sigma apart
    limit = 0
    for _ in range(3):
        chance = _chance(mean, variance, bits, limit)
        if chance is None:
            return None
        limit = next(d for d in range(bits + 2) if total * chance.below(d + 1) >= _FEW or d > bits)
        bulk, at = counts[limit:], np.arange(limit, bits + 1)
        mean = float((bulk * at).sum() / bulk.sum())
        variance = float((bulk * (at - mean) ** 2).sum() / bulk.sum())
    return _chance(mean, variance, bits, limit)


def _chance(mean: float, variance: float, bits: int, limit: int) -> Chance | None:
    share = mean / bits
    if variance <= 0 or not 0 < share < 1:
        return None
    return Chance(bits, round(share, 6), round(share * (1 - share) * bits**2 / variance, 3), limit)
