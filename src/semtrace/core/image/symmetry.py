"""The eight symmetries of a picture (rotations by quarter turns, mirrored or not) and their perceptual hashes.

A cosine transform knows them all: mirroring a picture changes the sign of its odd frequencies along that axis,
transposing it transposes them. So eight hashes come from one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.hashing.phash import HASH_SIZES
from semtrace.core.image.resample import as_gray


class Symmetry(StrEnum):
    """What is done to a picture; quarter turns are counter-clockwise, mirroring (left-right) comes first."""

    IDENTITY = "identity"
    ROTATED_90 = "rotated_90"
    ROTATED_180 = "rotated_180"
    ROTATED_270 = "rotated_270"
    MIRRORED = "mirrored"
    MIRRORED_ROTATED_90 = "mirrored_rotated_90"
    MIRRORED_ROTATED_180 = "mirrored_rotated_180"
    MIRRORED_ROTATED_270 = "mirrored_rotated_270"

    @property
    def quarters(self) -> int:
        """Quarter turns counter-clockwise, 0 to 3."""
        return SYMMETRIES.index(self) % 4

    @property
    def mirrored(self) -> bool:
        """Whether the picture is mirrored before it is turned."""
        return SYMMETRIES.index(self) >= 4


SYMMETRIES: tuple[Symmetry, ...] = tuple(Symmetry)
"""The order of the rows of :func:`hash_variants`; the identity comes first."""


def read_symmetry(text: str) -> tuple[Symmetry, bool]:
    """What a mapping table says was done to an original: its symmetry, and whether its grey levels were inverted.

    Args:
        text: a symmetry, ``negative``, or ``negative`` and a symmetry; empty: nothing.

    Raises:
        ValueError: another text.
    """
    sign, _, rest = text.partition(" ") if text.startswith("negative") else ("", "", text)
    return Symmetry(rest or "identity"), sign == "negative"


def apply(gray: NDArray[np.uint8], symmetry: Symmetry) -> NDArray[np.uint8]:
    """Mirror and turn a picture; no pixel changes its value.

    Args:
        gray: image, shape (H, W), uint8.
        symmetry: what to do.

    Returns:
        A new C-contiguous array, shape (H, W) or, after an odd number of quarter turns, (W, H).

    Raises:
        ValueError: ``gray`` is no grey image.
    """
    image = as_gray(gray)
    return np.rot90(image[:, ::-1] if symmetry.mirrored else image, symmetry.quarters).copy()


def inverse(symmetry: Symmetry) -> Symmetry:
    """The symmetry that undoes ``symmetry``: a turn back, while each mirrored one undoes itself."""
    return symmetry if symmetry.mirrored else SYMMETRIES[-symmetry.quarters % 4]


def hash_variants(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Hashes of the eight versions of a picture, from its hash alone.

    A change of sign inverts a bit (above the median or not), as if the median were zero and stayed; so bits of
    coefficients next to the median may be wrong. Against the hash of the really transformed picture, 78 real
    micrographs were a median of 12 and at most 82 bits of 1024 off; different pictures are some 500 apart.

    Args:
        bits: hashes as ``phash.phash`` gives them, shape (..., n, n), bool; n is 8, 16 or 32.

    Returns:
        Packed words as ``phash.pack`` gives them, shape (..., 8, n² / 64), uint64: row k is the hash of
        ``apply(picture, SYMMETRIES[k])``. So where row k of a published image is near to the hash of an original,
        the original was published as ``inverse(SYMMETRIES[k])`` of itself.

    Raises:
        ValueError: no square hashes of 8, 16 or 32 bits a side.
    """
    size = bits.shape[-1] if bits.ndim >= 2 else 0
    if bits.dtype != np.bool_ or size not in HASH_SIZES or bits.shape[-2] != size:
        raise ValueError(f"expected hashes, bool (..., n, n) with n in {HASH_SIZES}: got {bits.dtype} {bits.shape}")
    return _pack(np.stack([_turned(bits, s) ^ _negated(size, s) for s in SYMMETRIES], axis=-3))


def _turned(frequencies: NDArray[Any], symmetry: Symmetry) -> NDArray[Any]:
    """Coefficients, shape (..., n, n), as ``symmetry`` moves them: an odd quarter turn swaps the axes."""
    return frequencies.swapaxes(-1, -2) if symmetry.quarters % 2 else frequencies


def _negated(size: int, symmetry: Symmetry) -> NDArray[np.bool_]:
    """Which coefficients change their sign, shape (n, n), bool.

    Odd rows do in a picture that is upside down, odd columns in one that is mirrored left-right.
    """
    rows, columns = False, symmetry.mirrored
    for _ in range(symmetry.quarters):  # a quarter turn is a transposition, then upside down
        rows, columns = not columns, rows
    odd = np.arange(size) % 2 == 1
    return np.asarray((odd[:, None] & rows) ^ (odd & columns))


def _pack(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """As ``phash.pack``, for many hashes (..., n, n) at once; n² is a multiple of 64."""
    flat = bits.reshape(*bits.shape[:-2], bits.shape[-2] * bits.shape[-1])
    return np.packbits(flat, axis=-1).view(">u8").astype(np.uint64)
