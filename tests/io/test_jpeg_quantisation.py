from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from semtrace.io.images import decode
from semtrace.io.jpeg_quantisation import encode_again, gives, luma_table

OPTIONS = [{}, {"optimize": True}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}, {"subsampling": 2}]


def picture(height: int = 61, width: int = 83, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ramp = np.add.outer(np.arange(height), np.arange(width)) % 256
    return np.clip(ramp + rng.normal(0, 20, ramp.shape), 0, 255).astype(np.uint8)


def jpeg(gray: np.ndarray, mode: str = "L", **options: object) -> bytes:
    data = io.BytesIO()
    Image.fromarray(gray).convert(mode).save(data, "JPEG", **options)
    return data.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("quality", [100, 90, 75, 50, 20])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_encoding_again_gives_the_published_pixels(mode, quality, options):
    for shape in ((61, 83), (64, 48), (8, 200)):
        gray = picture(*shape)
        data = jpeg(gray, mode, quality=quality, **options)
        np.testing.assert_array_equal(encode_again(gray, luma_table(data)), decode(data).gray)


def test_another_frame_of_the_same_field_does_not():
    gray, other = picture(seed=1), picture(seed=2)
    data = jpeg(gray, quality=50)
    assert not np.array_equal(encode_again(other, luma_table(data)), decode(data).gray)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"not a picture", jpeg(picture(), "CMYK")], ids=range(4))
def test_what_cannot_be_made_again(data):
    assert luma_table(data) is None


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 75), width=st.integers(1, 40), quality=st.integers(1, 100), seed=st.integers(0, 9),
    changed=st.none() | st.integers(0, 74), shown=st.sampled_from(["published", "encoded"]),
)  # fmt: skip
def test_the_strip_that_is_encoded_first_refuses_what_the_whole_picture_refuses(
    height, width, quality, seed, changed, shown
):
    """Also where the two differ in one row only, which may lie in the strip, above it or below it."""
    gray = picture(height, width, seed)
    data = jpeg(gray, quality=quality)
    other = gray.copy()
    if changed is not None:
        other[changed % height] ^= 64
    pixels = decode(data).gray if shown == "published" else gray
    assert gives(other, luma_table(data), pixels) == np.array_equal(encode_again(other, luma_table(data)), pixels)
