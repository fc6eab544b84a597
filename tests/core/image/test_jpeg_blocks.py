from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dctn

from semtrace.core.image.jpeg_blocks import is_coded
from semtrace.io.jpeg_quantisation import encode_again

CONTENTS = ("noise", "ramp", "flat", "black and white", "checkerboard")
STEPS = st.one_of(
    st.lists(st.integers(1, 255), min_size=64, max_size=64),
    st.sampled_from([1, 2, 17, 255]).map(lambda step: [step] * 64),
)


def picture(content: str, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    y, x = np.indices((height, width))
    if content == "ramp":
        return ((x + y + rng.normal(0, 8, x.shape)) % 256).astype(np.uint8)
    if content == "flat":
        return np.full((height, width), rng.integers(256), np.uint8)
    if content == "black and white":
        return (rng.integers(0, 2, (height, width)) * 255).astype(np.uint8)
    if content == "checkerboard":
        return ((x + y) % 2 * 255).astype(np.uint8)
    return rng.integers(0, 256, x.shape, np.uint8)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(CONTENTS), st.integers(1, 280), st.integers(1, 280), STEPS, st.integers(0, 2**32))
def test_it_is_what_the_library_writes_and_reads(content, height, width, steps, seed):
    rng = np.random.default_rng(seed)
    gray = picture(content, height, width, rng)
    published = encode_again(gray, tuple(steps)).copy()
    assert is_coded(gray, steps, published)
    y, x = rng.integers(height), rng.integers(width)
    published[y, x] ^= 1 << rng.integers(8)
    assert is_coded(gray, steps, published) is False


def test_strided_and_read_only_pictures_are_fine():
    gray = picture("ramp", 50, 70, np.random.default_rng(1))
    published = encode_again(np.ascontiguousarray(gray.T), (9,) * 64)
    published.flags.writeable = False
    assert is_coded(gray.T, (9,) * 64, published)
    assert is_coded(gray.T, (9,) * 64, published[:, ::-1]) is False


def test_another_shape_is_another_picture():
    gray = np.zeros((8, 16), np.uint8)
    assert is_coded(gray, (1,) * 64, np.zeros((8, 15), np.uint8)) is False


@pytest.mark.parametrize("steps", [(0,) * 64, (256,) * 64, (1,) * 63])
def test_no_table_of_baseline_jpeg_is_left_to_the_library(steps):
    assert is_coded(np.zeros((8, 8), np.uint8), steps, np.zeros((8, 8), np.uint8)) is None


def test_where_decoders_may_disagree_nothing_is_said():
    # Steps that double what is positive at the first pixel and drop what is negative restore it as far more than 255.
    block = picture("black and white", 8, 8, np.random.default_rng(50))
    shares = dctn(block - 128.0, norm="ortho")
    steps = np.where(shares > 0, np.clip(2 * np.abs(shares) - 1, 1, 255), 255).astype(int).ravel().tolist()
    assert is_coded(block, steps, encode_again(block, tuple(steps))) is None
