from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semtrace.core.image.frame_range import TOPS, to_gray8, top_for


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 255), (255, 255), (256, 1023), (1023, 1023), (1024, 4095), (4096, 16383), (65535, 65535)]
)
def test_the_smallest_range_that_holds_it(highest: int, top: int):
    assert top_for(highest) == top


def test_more_than_16_bits_have_no_range():
    with pytest.raises(ValueError, match="65536: more than 16 bits"):
        top_for(65536)


@given(st.sampled_from(TOPS), st.data())
def test_every_level_is_rounded_half_up(top: int, data: st.DataObject):
    levels = np.array([[0, data.draw(st.integers(0, top)), top]], np.uint16)
    expected = np.floor(levels.astype(np.int64) * 255 / top + 0.5)
    np.testing.assert_array_equal(to_gray8(levels, top), expected)


def test_eight_bit_frames_stay_as_they_are():
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(to_gray8(gray, 4095), gray)


def test_a_level_above_the_range_and_an_unknown_range_are_refused():
    with pytest.raises(ValueError, match="level 1024, above 1023"):
        to_gray8(np.array([[1024]], np.uint16), 1023)
    with pytest.raises(ValueError, match="top is 1000"):
        to_gray8(np.array([[1]], np.uint16), 1000)
