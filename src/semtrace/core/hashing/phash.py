"""Perceptual hash (pHash) of an equalized picture: the bits of ImageHash, several times faster.

The reference is ``imagehash.phash(ImageOps.autocontrast(ImageOps.equalize(image)), hash_size)`` with Pillow
13 and ImageHash 4.3: equalize, stretch, LANCZOS to (4 hash_size)², DCT-II, keep the lowest hash_size²
coefficients, one bit each: above their median or not. Every bit agrees, on every picture (:func:`phash`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from semtrace.core.image.resample import as_gray, resize

HASH_SIZES = (8, 16, 32)
# Below this gap around the median a bit could depend on rounding. The coefficients are at most 1.7e7 and two
# ways to compute them differ by less than 1e-6 in the worst case; 3e-9 was seen.
_SAFE_GAP = 1e-5


def algorithm(hash_size: int = 32) -> str:
    """Name of the hash in tables and caches, such as ``phash32-equalize-autocontrast``."""
    _check_size(hash_size)
    return f"phash{hash_size}-equalize-autocontrast"


def phash(gray: NDArray[np.uint8], hash_size: int = 32) -> NDArray[np.bool_]:
    """Perceptual hash of an equalized and stretched grey image, bit-identical with ImageHash.

    The discrete cosine transform is a small matrix product. Where the two coefficients around the median lie
    so close that rounding could decide (constant pictures, half-planes, symmetric patterns), it is computed
    again with the reference's own routine, so the bits agree there too.

    Args:
        gray: image, shape (H, W), uint8, any size from 1 x 1.
        hash_size: 8, 16 or 32 bits a side.

    Returns:
        Bits, shape (hash_size, hash_size), bool; row = vertical frequency.

    Raises:
        ValueError: ``gray`` is no grey image, or an unknown ``hash_size``.
    """
    return phash_as_is(equalize(gray), hash_size)


def phash_as_is(gray: NDArray[np.uint8], hash_size: int = 8) -> NDArray[np.bool_]:
    """Perceptual hash of a grey image as it is, bit-identical with ``imagehash.phash``; else as :func:`phash`.

    For frames of one camera and exposure: equalizing would lift the noise of an almost empty frame.
    """
    _check_size(hash_size)
    small = resize(gray, 4 * hash_size, 4 * hash_size)
    spectrum = _dct(small.astype(np.float64), _cosines(hash_size))
    middle = hash_size * hash_size // 2
    ordered = np.partition(spectrum, (middle - 1, middle), axis=None)
    low, high = ordered[middle - 1], ordered[middle]
    if high - low < _SAFE_GAP:
        import scipy.fft  # slow to import, and rarely needed

        exact = scipy.fft.dct(scipy.fft.dct(small.astype(np.float64), axis=0), axis=1)
        spectrum = exact[:hash_size, :hash_size]
        return np.asarray(spectrum > np.median(spectrum))
    return np.asarray(spectrum > (low + high) / 2)


def equalize(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Equalize and stretch a grey image, shape (H, W), uint8, as ``ImageOps`` of Pillow does.

    Raises:
        ValueError: ``gray`` is no grey image.
    """
    image = as_gray(gray)
    return _map(image, _equalize_stretch(_histogram(image)))


def health(bits: NDArray[np.bool_]) -> Literal["ok", "degenerate"]:
    """Say whether a hash can identify its picture.

    A median splits in half, so a hash has as many ones as zeros unless coefficients tie, which takes an
    empty, clipped or strictly symmetric picture: such hashes lie close to each other whatever the pictures
    show. Healthy is a share of ones from 400/1024 to 620/1024, at every hash size.
    """
    return "ok" if bool(healthy(pack(bits)[None])) else "degenerate"


def healthy(words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """:func:`health` of packed hashes, shape (n, w), uint64, all of whose bits are in use: True is "ok"; shape (n,)."""
    ones, bits = 1024 * np.bitwise_count(words).sum(axis=1, dtype=np.int64), 64 * words.shape[1]
    return np.asarray((400 * bits <= ones) & (ones <= 620 * bits))


def pack(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Pack n bits row by row, the first highest, into ceil(n / 64) words, uint64; zeros fill the last."""
    padded = np.zeros(-(-bits.size // 64) * 64, np.bool_)
    padded[: bits.size] = bits.ravel()
    return np.asarray(np.packbits(padded).view(">u8").astype(np.uint64))


def to_hex(bits: NDArray[np.bool_]) -> str:
    """Hex digits of a hash, as ``str(imagehash.ImageHash(bits))`` writes them.

    Raises:
        ValueError: ``bits`` is not square with 8, 16 or 32 bits a side.
    """
    if bits.ndim != 2 or bits.shape[0] != bits.shape[1]:
        raise ValueError(f"expected the bits of one hash, shape (hash_size, hash_size), got {bits.shape}")
    _check_size(bits.shape[0])
    return np.packbits(bits).tobytes().hex()


def from_hex(text: str, hash_size: int = 32) -> NDArray[np.uint64]:
    """Packed words of one hash, shape (hash_size² / 64,), uint64; see :func:`from_hex_many`."""
    return from_hex_many([text], hash_size).ravel()


def from_hex_many(texts: Sequence[str], hash_size: int = 32) -> NDArray[np.uint64]:
    """Read many hashes at once from hex digits of either case.

    Args:
        texts: n strings of hash_size² / 4 digits, as :func:`to_hex` writes them.
        hash_size: 8, 16 or 32.

    Returns:
        Packed words as :func:`pack` gives them, shape (n, hash_size² / 64), uint64.

    Raises:
        ValueError: a text has a wrong length or a character that is no hex digit; says which and where.
    """
    _check_size(hash_size)
    digits = hash_size * hash_size // 4
    try:
        if any(len(text) != digits for text in texts):
            raise ValueError("length")
        packed = bytes.fromhex("".join(texts))
        if 2 * len(packed) != digits * len(texts):  # fromhex skips white space
            raise ValueError("white space")
    except ValueError:
        raise ValueError(_what_is_wrong(texts, digits)) from None
    return np.frombuffer(packed, ">u8").astype(np.uint64).reshape(len(texts), digits // 16)


def _what_is_wrong(texts: Sequence[str], digits: int) -> str:
    for number, text in enumerate(texts):
        shown = repr(text if len(text) <= 40 else text[:40] + "…")
        if len(text) != digits:
            return f"hash {number} ({shown}) has {len(text)} characters, expected {digits} hex digits"
        for place, character in enumerate(text):
            if character not in "0123456789abcdefABCDEF":
                return f"hash {number} ({shown}) has {character!r} at position {place}: not a hex digit"
    raise AssertionError("called without a fault in texts")


def _check_size(hash_size: int) -> None:
    if hash_size not in HASH_SIZES:
        raise ValueError(f"hash_size {hash_size} is not supported: choose one of {HASH_SIZES}")


def _equalize_stretch(histogram: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Lookup table of ``ImageOps.equalize``, then ``ImageOps.autocontrast``, from one histogram (256,)."""
    levels = np.arange(256)
    used = np.flatnonzero(histogram)
    step = int(histogram[: used[-1]].sum()) // 255
    if step > 0:  # Pillow leaves a picture alone if it has one level or too few pixels below its brightest
        below = np.cumsum(histogram) - histogram
        levels = np.minimum((step // 2 + below) // step, 255)
    low, high = int(levels[used[0]]), int(levels[used[-1]])
    if high > low:
        scale = 255.0 / (high - low)
        stretched = levels * scale + -low * scale
        levels = np.clip(stretched.astype(np.int64), 0, 255)  # astype truncates, as Pillow does
    return levels.astype(np.uint8)


@lru_cache(maxsize=len(HASH_SIZES))
def _cosines(hash_size: int) -> NDArray[np.float64]:
    """DCT-II basis 2 cos(pi k (2n + 1) / 2N), shape (hash_size, N = 4 hash_size), read-only."""
    n = 4 * hash_size
    turns = np.outer(np.arange(hash_size), 2 * np.arange(n) + 1) % (4 * n)  # small angles keep full precision
    basis = 2.0 * np.cos(np.pi * turns / (2 * n))
    basis.flags.writeable = False
    return basis


@njit(nogil=True, cache=True)
def _histogram(image: NDArray[np.uint8]) -> NDArray[np.int64]:
    counts = np.zeros(256, np.int64)
    for row in image:
        for value in row:
            counts[value] += 1
    return counts


@njit(nogil=True, cache=True)
def _map(image: NDArray[np.uint8], lookup: NDArray[np.uint8]) -> NDArray[np.uint8]:
    out = np.empty_like(image)
    for y in range(image.shape[0]):
        source, target = image[y], out[y]
        for x in range(source.size):
            target[x] = lookup[source[x]]
    return out


@njit(nogil=True, cache=True)
def _dct(pixels: NDArray[np.float64], basis: NDArray[np.float64]) -> NDArray[np.float64]:
    # basis @ pixels @ basis.T in a fixed order of sums: no BLAS, no threads, the same on every machine.
    return _multiply(_multiply(basis, pixels), basis.T.copy())


@njit(nogil=True, cache=True)
def _multiply(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.zeros((left.shape[0], right.shape[1]))
    for i in range(left.shape[0]):
        line = out[i]
        for k in range(0, left.shape[1], 4):  # the inner size is a multiple of 32
            a, b, c, d = left[i, k], left[i, k + 1], left[i, k + 2], left[i, k + 3]
            p, q, r, s = right[k], right[k + 1], right[k + 2], right[k + 3]
            for j in range(line.size):
                line[j] += (a * p[j] + b * q[j]) + (c * r[j] + d * s[j])
    return out
