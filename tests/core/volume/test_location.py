from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semtrace.core.volume.box import Box
from semtrace.core.volume.location import Digits, Location, digits_for, parse

NUMBERS = st.integers(0, 10**12)
HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["a-LOC-b", "x-LOC-0_1_0-1_0-1", "-LOC-", "a\nb", "", "LOC", "٣-LOC-0_٣_0-1_0-1", "a_224_448"]),
)


@given(HOSTILE, st.sampled_from([0, 1, 2, None]), *[NUMBERS] * 5, st.integers(1, 14), st.integers(1, 14))
def test_parse_is_the_inverse_of_name(dataset, axis, index, y0, height, x0, width, of_index, of_pixel):
    location = Location(dataset, axis, index, y0, y0 + height + 1, x0, x0 + width + 1)
    name = location.name(Digits(of_index, of_pixel))
    assert parse(name) == location
    assert parse(name).name(Digits(of_index, of_pixel)) == name


@pytest.mark.parametrize(
    ("name", "location"),
    [
        ("a-LOC-0_0012_0000-0224_0448-0672", Location("a", 0, 12, 0, 224, 448, 672)),
        ("a-LOC-2d_3_0-9_0-9", Location("a", None, 3, 0, 9, 0, 9)),
        ("a-LOC-b-LOC-1_2_3-4_5-6", Location("a-LOC-b", 1, 2, 3, 4, 5, 6)),
    ],
)
def test_names(name, location):
    assert parse(name) == location


def test_the_seed_s_older_form_is_understood():
    assert parse("a_1-LOC-2_017_224_448", size=224) == Location("a_1", 2, 17, 224, 448, 448, 672)
    with pytest.raises(ValueError, match="not the name of a patch"):
        parse("a_1-LOC-2_017_224_448")


@pytest.mark.parametrize(
    "name", ["", "a", "a-LOC-3_1_0-1_0-1", "a-LOC-0_1_0-1_0-1 ", "a-LOC-0_1_1-1_0-1", "a-LOC-0_٣_0-1_0-1"]
)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="patch"):
        parse(name)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_box_has_the_pixels_of_the_section(axis):
    volume = np.random.default_rng(axis).integers(0, 256, (9, 10, 11)).astype(np.uint8)
    location = Location("a", axis, 4, 1, 6, 2, 9)
    expected = np.moveaxis(volume, axis, 0)[4][1:6, 2:9]
    np.testing.assert_array_equal(volume[location.box().slices].reshape(5, 7), expected)


def test_a_2d_image_has_no_box():
    with pytest.raises(ValueError, match="2D"):
        Location("a", None, 0, 0, 1, 0, 1).box()


def test_names_sort_as_numbers_do():
    digits = digits_for(1001, 999)
    names = [Location("a", 0, index, 0, 9, x, x + 9).name(digits) for index in (9, 10, 1000) for x in (5, 40, 900)]
    assert names == sorted(names)
    assert digits_for(1, 9) == Digits(1, 1)
    assert digits_for(1000, 1000) == Digits(3, 4)
    assert Box(0, 1, 0, 1, 0, 1) == Location("a", 0, 0, 0, 1, 0, 1).box()
