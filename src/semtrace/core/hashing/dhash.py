"""Difference hash (dHash): each bit says whether a pixel of a very small copy is brighter than its left neighbour.

The reference is ``imagehash.dhash(image, hash_size)`` of ImageHash 4.3 with Pillow 13: LANCZOS to
(hash_size + 1) x hash_size pixels, then one bit for each pair of neighbours in a row. Every bit agrees.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from semtrace.core.hashing.phash import HASH_SIZES
from semtrace.core.image.resample import resize


def algorithm(size: int = 8) -> str:
    """Name of the hash in tables and caches, such as ``dhash8``."""
    _check_size(size)
    return f"dhash{size}"


def dhash(image: NDArray[np.uint8], size: int = 8) -> NDArray[np.bool_]:
    """Difference hash of a grey image, bit-identical with ImageHash.

    The picture is not equalized, as in the reference; a rising curve of grey levels changes few bits. A constant
    picture has no bit set, and so has every picture that nowhere grows brighter from left to right.

    Args:
        image: grey image, shape (H, W), uint8, any size from 1 x 1.
        size: 8, 16 or 32 bits a side.

    Returns:
        Bits, shape (size, size), bool, as ``phash`` gives them: ``pack`` and ``to_hex`` take them.

    Raises:
        ValueError: ``image`` is no grey image, or an unknown ``size``.
    """
    _check_size(size)
    small = resize(image, size + 1, size)
    return np.asarray(small[:, 1:] > small[:, :-1])


def _check_size(size: int) -> None:
    if size not in HASH_SIZES:
        raise ValueError(f"size {size} is not supported: choose one of {HASH_SIZES}")
