from __future__ import annotations

from pathlib import Path

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from semtrace.core.hashing.dhash import algorithm, dhash
from semtrace.core.hashing.phash import pack, to_hex
from tests.core.hashing.test_phash import KINDS, degenerate


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(KINDS),
    st.integers(1, 200),
    st.integers(1, 200),
    st.sampled_from([8, 16, 32]),
    st.integers(0, 2**32),
)
def test_every_bit_is_imagehash_s(kind: str, height: int, width: int, size: int, seed: int):
    gray = degenerate(kind, height, width, np.random.default_rng(seed))
    expected = imagehash.dhash(Image.fromarray(gray), size)
    bits = dhash(gray, size)
    assert bits.dtype == np.bool_
    np.testing.assert_array_equal(bits, expected.hash)
    assert to_hex(bits) == str(expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("height", "width"), [(128, 128), (768, 1024), (1024, 500), (1, 900), (900, 1), (8, 9)])
def test_degenerate_pictures_of_real_shapes(kind: str, height: int, width: int):
    gray = degenerate(kind, height, width, np.random.default_rng(7))
    np.testing.assert_array_equal(dhash(gray), imagehash.dhash(Image.fromarray(gray)).hash)


def test_real_pictures(shared: Path):
    files = sorted((shared / "near_duplicates/wafer_sem_pairs").glob("*.tif"))
    files += sorted((shared / "imaging_flow_cytometry").glob("*.png"))
    for file in files:
        with Image.open(file) as image:
            gray = np.asarray(image.convert("L"))
            for size in (8, 16, 32):
                np.testing.assert_array_equal(dhash(gray, size), imagehash.dhash(image, size).hash)
    assert len(files) == 31


def test_packed_distances_are_imagehash_distances():
    rng = np.random.default_rng(4)
    grays = [rng.integers(0, 256, (60, 80), dtype=np.uint8) for _ in range(4)]
    words = [pack(dhash(gray)) for gray in grays]
    hashes = [imagehash.dhash(Image.fromarray(gray)) for gray in grays]
    for one, left in zip(hashes, words, strict=True):
        for other, right in zip(hashes, words, strict=True):
            assert int(np.bitwise_count(left ^ right).sum()) == one - other


@pytest.mark.parametrize("size", [0, 7, 9, 64])
def test_unknown_sizes_are_refused(size: int):
    with pytest.raises(ValueError, match=f"size {size} is not supported"):
        dhash(np.zeros((9, 9), np.uint8), size)
    with pytest.raises(ValueError, match=f"size {size} is not supported"):
        algorithm(size)


def test_what_is_no_grey_picture_is_refused():
    for wrong in (np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9), np.uint16), np.zeros((0, 9), np.uint8)):
        with pytest.raises(ValueError, match="expected a grey image"):
            dhash(wrong)


def test_the_name_tells_the_size():
    assert [algorithm(size) for size in (8, 16, 32)] == ["dhash8", "dhash16", "dhash32"]
