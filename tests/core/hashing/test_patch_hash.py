from __future__ import annotations

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from semtrace.core.hashing.patch_hash import from_hex, patch_hash, patch_hashes, resize_bilinear, to_hex
from tests.core.hashing.test_phash import KINDS, degenerate


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(KINDS), *[st.integers(1, 300)] * 2, *[st.integers(1, 120)] * 2, st.integers(0, 2**32))
def test_bilinear_is_pillow_s(kind, height, width, new_height, new_width, seed):
    gray = degenerate(kind, height, width, np.random.default_rng(seed))
    expected = np.asarray(Image.fromarray(gray).resize((new_width, new_height), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(resize_bilinear(gray, new_width, new_height), expected)


@pytest.mark.parametrize("shape", [(224, 224), (112, 224), (224, 200), (300, 330), (5, 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_the_hash_is_imagehash_s_after_the_seed_s_resize(kind, shape):
    patch = degenerate(kind, *shape, np.random.default_rng(11))
    picture = Image.fromarray(patch).resize((224, 224), Image.Resampling.BILINEAR)
    assert to_hex(np.array([patch_hash(patch, 224)])) == [str(imagehash.dhash(picture))]


@pytest.mark.parametrize("size", [9, 10, 16, 33, 224])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_many_at_once_are_each_alone(size, count):
    random = np.random.default_rng(size)
    patches = np.array([degenerate(KINDS[i % len(KINDS)], size, size, random) for i in range(count)], np.uint8)
    patches = patches.reshape(count, size, size)
    expected = [str(imagehash.dhash(Image.fromarray(patch))) for patch in patches]
    assert to_hex(patch_hashes(patches, size)) == expected


def test_hex_digits_are_read_back():
    patches = np.random.default_rng(1).integers(0, 256, (20, 64, 64)).astype(np.uint8)
    hashes = patch_hashes(patches, 64)
    np.testing.assert_array_equal(from_hex(to_hex(hashes)), hashes)
    assert len(set(hashes)) == 20
