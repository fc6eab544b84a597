from __future__ import annotations

from pathlib import Path

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from scipy.ndimage import gaussian_filter

from semtrace.core.hashing import phash
from semtrace.core.image.symmetry import SYMMETRIES, Symmetry, apply, hash_variants, inverse, read_symmetry
from semtrace.io.images import decode

# What Pillow calls the same thing, written down here and not derived.
PILLOW = {
    Symmetry.IDENTITY: lambda image: image,
    Symmetry.ROTATED_90: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    Symmetry.ROTATED_180: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    Symmetry.ROTATED_270: lambda image: image.transpose(Image.Transpose.ROTATE_270),
    Symmetry.MIRRORED: ImageOps.mirror,
    Symmetry.MIRRORED_ROTATED_90: lambda image: ImageOps.mirror(image).transpose(Image.Transpose.ROTATE_90),
    Symmetry.MIRRORED_ROTATED_180: ImageOps.flip,
    Symmetry.MIRRORED_ROTATED_270: lambda image: ImageOps.mirror(image).transpose(Image.Transpose.ROTATE_270),
}


def texture(seed: int, height: int = 300, width: int = 400) -> np.ndarray:
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(0, 1, (height, width)), 5.0)
    return np.clip(128 + 40 * field / field.std() + rng.normal(0, 8, field.shape), 0, 255).astype(np.uint8)


def true_hashes(gray: np.ndarray, size: int = 32) -> np.ndarray:
    """Of the really transformed pictures, by ImageHash and Pillow, packed (8, words)."""
    images = [PILLOW[s](Image.fromarray(gray)) for s in SYMMETRIES]
    equalized = [ImageOps.autocontrast(ImageOps.equalize(image)) for image in images]
    return np.array([phash.pack(imagehash.phash(image, size).hash) for image in equalized])


def off(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.bitwise_count(left ^ right).sum(axis=-1)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32), st.sampled_from(SYMMETRIES))
def test_apply_is_what_pillow_does_and_inverse_undoes_it(height: int, width: int, seed: int, symmetry: Symmetry):
    gray = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    there = apply(gray, symmetry)
    assert np.array_equal(there, np.asarray(PILLOW[symmetry](Image.fromarray(gray))))
    assert np.array_equal(apply(there, inverse(symmetry)), gray)
    assert np.array_equal(apply(apply(gray, inverse(symmetry)), symmetry), gray)
    assert there.flags.c_contiguous
    assert not np.shares_memory(there, gray)


def test_there_are_eight_and_the_first_does_nothing():
    corner = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert len({(apply(corner, s).shape, apply(corner, s).tobytes()) for s in SYMMETRIES}) == 8
    assert SYMMETRIES[0] == "identity"
    assert np.array_equal(apply(corner, SYMMETRIES[0]), corner)


@pytest.mark.parametrize("size", phash.HASH_SIZES)
def test_variants_of_a_hash_are_near_the_true_ones(size: int):
    for seed in range(6):
        gray = texture(seed)
        derived = hash_variants(phash.phash(gray, size))
        distances = off(derived, true_hashes(gray, size))
        assert distances[0] == 0
        assert distances.max() <= {8: 12, 16: 30, 32: 100}[size]
        # and each is told from all the others
        all_pairs = off(derived[:, None], true_hashes(gray, size)[None])
        assert (all_pairs.argmin(axis=1) == np.arange(8)).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.sampled_from(phash.HASH_SIZES), st.sampled_from(range(8)))
def test_variants_of_a_hash_are_undone_by_the_inverse(seed: int, size: int, k: int):
    bits = np.random.default_rng(seed).random((size, size)) < 0.5
    there = np.unpackbits(hash_variants(bits)[k].astype(">u8").view(np.uint8)).reshape(size, size).astype(bool)
    back = SYMMETRIES.index(inverse(SYMMETRIES[k]))
    assert np.array_equal(hash_variants(there)[back], phash.pack(bits))


def test_many_hashes_at_once():
    bits = np.random.default_rng(0).random((3, 2, 32, 32)) < 0.5
    together = hash_variants(bits)
    assert together.shape == (3, 2, 8, 16)
    assert np.array_equal(together[2, 1], hash_variants(bits[2, 1]))


def test_real_micrographs(shared: Path):
    files = ["fei_xl30_sis_gold/cu_au_80_300_125_1.tif", "fei_quanta_steel/800_020.tif", "hitachi_nanowires_nbi/13.tif"]
    for file in files:
        gray = decode((shared / "sem_tiff" / file).read_bytes()).gray
        true = true_hashes(gray)
        assert off(hash_variants(phash.phash(gray)), true).max() <= 100, file


def test_what_is_no_hash_or_picture_is_refused():
    with pytest.raises(ValueError, match=r"bool \(\.\.\., n, n\)"):
        hash_variants(np.zeros((32, 16), np.bool_))
    with pytest.raises(ValueError, match="uint64"):
        hash_variants(np.zeros((8, 8), np.uint64))
    with pytest.raises(ValueError, match="grey image"):
        apply(np.zeros((4, 4, 3), np.uint8), Symmetry.MIRRORED)


def test_no_hash_has_no_variants():
    assert hash_variants(np.empty((0, 32, 32), bool)).shape == (0, 8, 16)


@pytest.mark.parametrize(
    ("text", "symmetry", "negative"),
    [
        ("", "identity", False), ("identity", "identity", False), ("negative", "identity", True),
        ("negative rotated_90", "rotated_90", True), ("mirrored_rotated_180", "mirrored_rotated_180", False),
    ],
)  # fmt: skip
def test_what_a_table_says_was_done_is_read(text, symmetry, negative):
    assert read_symmetry(text) == (symmetry, negative)
