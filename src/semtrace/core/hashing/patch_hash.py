"""dHash of many patches, as the published curation scripts have it: brought to the patch size first, then ImageHash's.

The reference is ``imagehash.dhash(image.resize((size, size), BILINEAR))`` with ImageHash 4.3 and Pillow 13. A patch of
full size is not changed by that resize.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from semtrace.core.hashing.dhash import dhash
from semtrace.core.hashing.phash import pack
from semtrace.core.image.resample import _BITS, _resample_columns, _resample_rows, as_gray
from semtrace.core.image.resample import _weights as _lanczos


def patch_hash(patch: NDArray[np.uint8], size: int) -> np.uint64:
    """Difference hash of one patch, shape (H, W), uint8, as 64 bits, the first highest."""
    if patch.shape != (size, size):
        patch = resize_bilinear(patch, size, size)
    return np.uint64(pack(dhash(patch))[0])


def patch_hashes(patches: NDArray[np.uint8], size: int) -> NDArray[np.uint64]:
    """Difference hash of n patches of one shape, (n, H, W), uint8, contiguous: 64 bits each, shape (n,)."""
    count, height, width = patches.shape
    if (height, width) != (size, size) or size - 8 > max(0, 2 * (size - 9)):
        return np.array([patch_hash(patch, size) for patch in patches], np.uint64)
    if count == 0:
        return np.empty(0, np.uint64)
    # As ``resize`` does it, but all rows in one call, and the columns of all patches side by side.
    rows = np.empty((count * size, 9), np.uint8)
    _resample_rows(as_gray(patches.reshape(count * size, size)), *_lanczos(size, 9), rows)
    lines = np.ascontiguousarray(rows.reshape(count, size, 9).transpose(1, 0, 2)).reshape(size, count * 9)
    small = np.empty((8, count * 9), np.uint8)
    _resample_columns(as_gray(lines), *_lanczos(size, 8), small)
    tiny = small.reshape(8, count, 9)
    bits = (tiny[:, :, 1:] > tiny[:, :, :-1]).transpose(1, 0, 2).reshape(count, 64)
    return np.asarray(np.packbits(bits, axis=1).view(">u8").astype(np.uint64).ravel())


def to_hex(hashes: NDArray[np.uint64]) -> list[str]:
    """16 hex digits of each hash, as ``str(imagehash.ImageHash)`` writes them."""
    return [f"{int(value):016x}" for value in hashes]


def from_hex(texts: list[str]) -> NDArray[np.uint64]:
    """Hashes of 16 hex digits each, shape (n,)."""
    return np.array([int(text, 16) for text in texts], np.uint64)


def resize_bilinear(gray: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Resize exactly as ``PIL.Image.resize((width, height), BILINEAR)`` of Pillow 13; shape (height, width)."""
    image = as_gray(gray)
    rows, columns = image.shape
    steps = [(1, height), (0, width)] if rows - height > max(0, 2 * (columns - width)) else [(0, width), (1, height)]
    for vertical, side in steps:
        if side == image.shape[1 - vertical]:
            continue
        shape = (side, image.shape[1]) if vertical else (image.shape[0], side)
        out = np.empty(shape, np.uint8)
        resample = _resample_columns if vertical else _resample_rows
        resample(image, *_weights(image.shape[1 - vertical], side), out)
        image = as_gray(out)
    return image.copy()


@lru_cache(maxsize=64)
def _weights(n_in: int, n_out: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """First source pixel of each output pixel (n_out,) and its weights in 1/2^22 (n_out, taps), in Pillow's order."""
    scale = n_in / n_out
    stretch = max(scale, 1.0)
    taps = min(2 * math.ceil(stretch) + 1, n_in)
    starts, weights = np.empty(n_out, np.int32), np.zeros((n_out, taps), np.int32)
    for i in range(n_out):
        centre = (i + 0.5) * scale
        first = max(int(centre - stretch + 0.5), 0)
        count = min(int(centre + stretch + 0.5), n_in) - first
        row = [max(0.0, 1.0 - abs((j + first - centre + 0.5) * (1.0 / stretch))) for j in range(count)]
        total = 0.0
        for value in row:
            total += value
        shift = max(first + taps - n_in, 0)
        starts[i] = first - shift
        for j, value in enumerate(row):
            weights[i, shift + j] = int((value / total if total else value) * (1 << _BITS) + 0.5)
    return starts, weights
