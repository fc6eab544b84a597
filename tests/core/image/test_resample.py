from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from semtrace.core.image.resample import reduce, resize


def pillow(gray: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(gray).resize((width, height), Image.Resampling.LANCZOS))


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 10007 + width).integers(0, 256, (height, width), dtype=np.uint8)


@st.composite
def pictures(draw: st.DrawFn) -> np.ndarray:
    height, width = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    if draw(st.booleans()):
        height *= draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    match draw(st.sampled_from(["noise", "black and white", "checkerboard", "constant", "half"])):
        case "noise":
            return rng.integers(0, 256, (height, width), dtype=np.uint8)
        case "black and white":  # the strongest over- and undershoot
            return np.where(rng.random((height, width)) < 0.5, 0, 255).astype(np.uint8)
        case "checkerboard":
            return (np.indices((height, width)).sum(0) % 2 * 255).astype(np.uint8)
        case "constant":
            return np.full((height, width), rng.integers(0, 256), np.uint8)
        case _:
            return np.repeat([[0], [255]], [height, height], 0).astype(np.uint8).repeat(width, 1)


@settings(deadline=None, max_examples=150)
@given(pictures(), st.integers(1, 140), st.integers(1, 140))
def test_any_picture_to_any_size_is_pillows_result(gray: np.ndarray, width: int, height: int):
    np.testing.assert_array_equal(resize(gray, width, height), pillow(gray, width, height))


@pytest.mark.parametrize(
    ("height", "width"),
    [
        (1, 1),
        (1, 2000),
        (2000, 1),
        (30000, 3),
        (3, 30000),
        (128, 128),
        (128, 1000),
        (1000, 128),
        (768, 1024),
        (1024, 768),
        (883, 1024),
        (1536, 2048),
        (131, 40),
    ],
)
def test_shapes_of_the_hash_input_are_pillows_result(height: int, width: int):
    gray = noise(height, width)
    np.testing.assert_array_equal(resize(gray, 128, 128), pillow(gray, 128, 128))


@pytest.mark.parametrize("width", [100, 129, 150, 300])
@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_the_order_of_the_passes_changes_where_pillow_changes_it(width: int, beyond: int):
    # Vertical first when the height loses more than twice what the width loses; the 8-bit rounding between the
    # passes makes the order visible.
    height = 128 + max(2 * (width - 128), 0) + beyond
    gray = noise(height, width)
    np.testing.assert_array_equal(resize(gray, 128, 128), pillow(gray, 128, 128))


def test_layout_and_mutability_of_the_input_do_not_matter_and_it_is_not_changed():
    gray = noise(90, 70)
    frozen = gray.copy()
    frozen.flags.writeable = False
    expected = pillow(gray, 33, 44)
    for view in (frozen, np.asfortranarray(gray), np.repeat(gray, 2, 1)[:, ::2]):
        np.testing.assert_array_equal(resize(view, 33, 44), expected)
    same_size = resize(gray, 70, 90)
    same_size[:] = 0
    np.testing.assert_array_equal(gray, noise(90, 70))


@pytest.mark.parametrize(
    ("shape", "longest", "expected"),
    [
        ((768, 1024), 256, (192, 256)),
        ((883, 1024), 256, (221, 256)),
        ((442, 512), 256, (221, 256)),  # the same picture, published at half size
        ((1024, 768), 256, (256, 192)),
        ((3, 5000), 256, (1, 256)),
        ((200, 256), 256, (200, 256)),
        ((20, 30), 256, (20, 30)),
    ],
)
def test_reduce_keeps_the_aspect_and_never_enlarges(shape: tuple[int, int], longest: int, expected: tuple[int, int]):
    gray = noise(*shape)
    reduced = reduce(gray, longest)
    assert reduced.shape == expected
    np.testing.assert_array_equal(reduced, pillow(gray, expected[1], expected[0]))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint16),
        np.zeros((4, 4), np.float64),
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((0, 4), np.uint8),
    ],
)
def test_what_is_no_grey_image_is_refused_by_name(image: np.ndarray):
    with pytest.raises(ValueError, match=r"expected a grey image.*got " + str(image.dtype)):
        resize(image, 8, 8)


def test_impossible_sizes_are_refused():
    gray = noise(5, 5)
    with pytest.raises(ValueError, match="cannot resize to 0 x 3"):
        resize(gray, 0, 3)
    with pytest.raises(ValueError, match="cannot reduce to 0 pixels"):
        reduce(gray, 0)
