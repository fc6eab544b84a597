from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from semtrace.core.hashing.phash import algorithm, from_hex, from_hex_many, health, pack, phash, phash_as_is, to_hex


def reference(gray: np.ndarray, hash_size: int = 32) -> imagehash.ImageHash:
    image = ImageOps.autocontrast(ImageOps.equalize(Image.fromarray(gray)))
    return imagehash.phash(image, hash_size=hash_size)


def degenerate(kind: str, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    level = int(rng.integers(0, 256))
    picture = np.zeros((height, width), np.uint8)
    match kind:
        case "constant":
            picture[:] = level
        case "half plane":
            picture[:, : width // 2] = level
        case "row-constant":
            picture[:] = rng.integers(0, 256, (height, 1))
        case "checkerboard":
            picture[:] = np.indices((height, width)).sum(0) % 2 * level
        case "one pixel":
            picture[rng.integers(height), rng.integers(width)] = level
        case "two levels":
            picture[rng.random((height, width)) < 0.02] = level
        case "few levels":  # just enough pixels below the brightest for Pillow to equalize, or just too few
            picture[:] = rng.integers(0, 4, (height, width))
        case "mirror":
            picture[:] = rng.integers(0, 256, (height, width))
            picture = np.maximum(picture, picture[:, ::-1])
        case _:
            picture[:] = rng.integers(0, 256, (height, width))
    return picture


KINDS = [
    "constant",
    "half plane",
    "row-constant",
    "checkerboard",
    "one pixel",
    "two levels",
    "few levels",
    "mirror",
    "noise",
]


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(KINDS),
    st.integers(1, 200),
    st.integers(1, 200),
    st.sampled_from([8, 16, 32]),
    st.integers(0, 2**32),
)
def test_every_bit_is_imagehash_s(kind: str, height: int, width: int, hash_size: int, seed: int):
    gray = degenerate(kind, height, width, np.random.default_rng(seed))
    expected = reference(gray, hash_size)
    bits = phash(gray, hash_size)
    assert bits.dtype == np.bool_
    np.testing.assert_array_equal(bits, expected.hash)
    assert to_hex(bits) == str(expected)
    plain = imagehash.phash(Image.fromarray(gray), hash_size=hash_size)
    np.testing.assert_array_equal(phash_as_is(gray, hash_size), plain.hash)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("height", "width"), [(128, 128), (768, 1024), (1024, 500), (1, 900), (900, 1)])
def test_degenerate_pictures_of_real_shapes(kind: str, height: int, width: int):
    gray = degenerate(kind, height, width, np.random.default_rng(7))
    np.testing.assert_array_equal(phash(gray), reference(gray).hash)


@pytest.mark.parametrize("below", [254, 255, 256, 300, 509, 510, 511])
def test_equalize_with_almost_no_step(below: int):
    # Pillow's step is (pixels below the brightest level) // 255: around its first jumps the table overflows.
    levels = np.arange(below) % 250
    gray = np.append(levels, np.full(below, 255)).astype(np.uint8).reshape(2, -1)
    np.testing.assert_array_equal(phash(gray), reference(gray).hash)


def test_real_micrographs(shared: Path):
    checked = 0
    for file in sorted((shared / "sem_tiff").glob("*/*.tif"))[::6]:
        with Image.open(file) as image:
            if image.mode != "L":
                continue
            gray = np.asarray(image)
        np.testing.assert_array_equal(phash(gray), reference(gray).hash)
        checked += 1
    assert checked >= 5


@given(st.binary(min_size=32, max_size=32))
@settings(deadline=None, max_examples=50)
def test_hex_words_and_imagehash_agree(data: bytes):
    text = data.hex()
    bits = imagehash.hex_to_hash(text).hash
    assert to_hex(bits) == text
    words = from_hex(text, 16)
    assert words.dtype == np.uint64
    assert words.shape == (4,)
    np.testing.assert_array_equal(words, pack(bits))
    np.testing.assert_array_equal(from_hex(text.upper(), 16), words)


def test_distances_of_words_are_imagehash_distances():
    rng = np.random.default_rng(3)
    hashes = [imagehash.ImageHash(rng.random((32, 32)) < 0.5) for _ in range(5)]
    words = from_hex_many([str(one) for one in hashes])
    assert words.shape == (5, 16)
    for one, left in zip(hashes, words, strict=True):
        for other, right in zip(hashes, words, strict=True):
            assert int(np.bitwise_count(left ^ right).sum()) == one - other


def test_no_hashes_are_no_words():
    assert from_hex_many([], 32).shape == (0, 16)


def test_pack_fills_the_last_word_with_zeros():
    assert pack(np.ones((3, 3), np.bool_)).tolist() == [0b111111111 << 55]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ab", "hash 1 ('ab') has 2 characters, expected 16 hex digits"),
        ("", "hash 1 ('') has 0 characters, expected 16 hex digits"),
        ("0123456789abcdeg", "hash 1 ('0123456789abcdeg') has 'g' at position 15: not a hex digit"),
        ("0123 56789abcde ", "hash 1 ('0123 56789abcde ') has ' ' at position 4: not a hex digit"),
        ("٣123456789abcdef", "hash 1 ('٣123456789abcdef') has '٣' at position 0: not a hex digit"),
    ],
)
def test_broken_hex_is_refused_with_its_place(text: str, message: str):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        from_hex_many(["0123456789abcdef", text], 8)
    assert str(caught.value) == message


def test_health_tells_flat_pictures_from_textured_ones():
    rng = np.random.default_rng(1)
    assert health(phash(rng.integers(0, 256, (300, 400), dtype=np.uint8))) == "ok"
    assert health(phash(np.zeros((300, 400), np.uint8))) == "degenerate"
    assert health(phash(np.full((300, 400), 255, np.uint8))) == "degenerate"


@pytest.mark.parametrize(
    ("size", "ones", "verdict"),
    [
        (32, 399, "degenerate"),
        (32, 400, "ok"),
        (32, 620, "ok"),
        (32, 621, "degenerate"),
        (8, 24, "degenerate"),
        (8, 25, "ok"),
        (8, 38, "ok"),
        (8, 39, "degenerate"),
    ],
)
def test_health_limits(size: int, ones: int, verdict: str):
    assert health((np.arange(size * size) < ones).reshape(size, size)) == verdict


def test_unknown_sizes_and_odd_inputs_are_refused():
    gray = np.zeros((9, 9), np.uint8)
    for call in (lambda: phash(gray, 12), lambda: algorithm(12), lambda: from_hex("00", 12)):
        with pytest.raises(ValueError, match="hash_size 12 is not supported"):
            call()
    with pytest.raises(ValueError, match="expected a grey image"):
        phash(gray.astype(np.uint16))
    with pytest.raises(ValueError, match="bits of one hash"):
        to_hex(np.zeros((8, 16), np.bool_))


def test_algorithm_names_differ_by_size():
    assert algorithm() == "phash32-equalize-autocontrast"
    assert len({algorithm(size) for size in (8, 16, 32)}) == 3


def test_core_does_not_load_pillow():
    code = (
        "import sys\n"
        "import semtrace.core.hashing.phash, semtrace.core.hashing.hamming\n"
        "import semtrace.core.image.ssim, semtrace.core.image.correlation\n"
        "sys.exit('PIL' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
