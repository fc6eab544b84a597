"""Exact Hamming search as a matrix product, on any torch device: the answers of ``hamming.nearest``.

With bits as +1 and -1 the product of two hashes of b bits is b minus twice their distance, an integer up to 1024 in
size: half precision holds it exactly (to 2048), and so does every partial sum.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semtrace.core.hashing.hamming import check_search

_MOST_BITS = 1024
_PLACES = 1 << 20  # references in one tile: distance and place fit into one int32


def nearest_on_device(
    queries: NDArray[np.uint64], references: NDArray[np.uint64], k: int, *, device: str, memory_mb: int = 1024
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The k nearest references of every query; ties go to the smallest index.

    Memory is 2 (m + n) b bytes for the bits (4 on a CPU) and at most about ``memory_mb`` for one tile of products.

    Args:
        queries: m packed hashes of w words, shape (m, w), uint64, at most 16 words.
        references: n packed hashes, shape (n, w), uint64.
        k: neighbours wanted, at least 1; n are given when there are fewer.
        device: ``cuda`` or ``cpu``.
        memory_mb: bound for a tile of products and what is made of it, in 10^6 bytes.

    Returns:
        Indices, int64, and distances in bits, int32, both (m, min(k, n)), as ``hamming.nearest`` gives them.

    Raises:
        ValueError: as ``hamming.nearest``; or more than 16 words.
    """
    left, right = check_search(queries, references, k)
    bits = 64 * left.shape[1]
    if bits > _MOST_BITS:
        raise ValueError(f"hashes of {bits} bits: half precision is exact for {_MOST_BITS} at most")
    k = min(k, len(right))
    if not len(left) or not k:
        return np.empty((len(left), k), np.int64), np.empty((len(left), k), np.int32)
    signs = _signs(right, device)
    across = min(len(right), _PLACES)
    down = max(1, min(len(left), memory_mb * 1_000_000 // (12 * across)))
    best = [_best(_signs(left[start : start + down], device), signs, k) for start in range(0, len(left), down)]
    keys = torch.cat(best).cpu().numpy()
    return keys & 0xFFFFFFFF, (keys >> 32).astype(np.int32)


def _signs(words: NDArray[np.uint64], device: str) -> Tensor:
    """Bits as -1 and 1, (n, b); their order within a hash does not matter to a distance."""
    as_bytes = torch.from_numpy(words.view(np.uint8).copy()).to(device)
    bits = (as_bytes[:, :, None] >> torch.arange(8, dtype=torch.uint8, device=device)) & 1
    kind = torch.float16 if as_bytes.is_cuda else torch.float32
    return bits.reshape(len(words), -1).to(kind).mul_(2).sub_(1)


def _best(queries: Tensor, references: Tensor, k: int) -> Tensor:
    """Smallest k keys (distance, index) of each query, int64: the index in the lower 32 bits. All keys differ."""
    best: Tensor | None = None
    for start in range(0, len(references), _PLACES):
        tile = references[start : start + _PLACES]
        distances = ((queries.shape[1] - queries @ tile.T) / 2).int()
        places = torch.arange(len(tile), dtype=torch.int32, device=tile.device)
        found = torch.topk(distances * _PLACES + places, min(k, len(tile)), largest=False).values.long()
        keys = (found // _PLACES << 32) + found % _PLACES + start
        best = keys if best is None else torch.cat([best, keys], 1)
        best = torch.topk(best, min(k, best.shape[1]), largest=False).values
    assert best is not None
    return best
