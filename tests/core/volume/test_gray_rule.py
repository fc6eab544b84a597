from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from semtrace.core.image.gray8 import to_gray8
from semtrace.core.volume.gray_rule import GrayRule, find_rule, fixed_range, order_statistics, parse

TYPES = ["u1", "i1", "<u2", ">u2", "<i2", ">i2", "<u4", ">i4", "<f2", "<f4", ">f4", "<f8", "<i8"]


def blocks_of(values, parts=3):
    return lambda: np.array_split(values, parts)


@pytest.mark.parametrize("name", TYPES)
def test_the_volume_s_rule_is_that_of_a_picture_with_the_same_values(name):
    random = np.random.default_rng(3)
    values = random.normal(60, 4000, (24, 50, 40))
    dtype = np.dtype(name)
    if dtype.kind in "ui":
        values = values.clip(np.iinfo(dtype).min, np.iinfo(dtype).max)
    values = values.astype(dtype)
    if dtype.kind == "f":
        values[3, 4, 5], values[6, 7, 8], values[9, 10, 11] = np.nan, np.inf, -np.inf
    rule = find_rule(blocks_of(values), dtype)
    expected, _ = to_gray8(values.reshape(24 * 50, 40))
    np.testing.assert_array_equal(rule.apply(values).reshape(expected.shape), expected)


@given(arrays(st.sampled_from([np.dtype(name) for name in TYPES]), st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_order_statistics_are_exact_for_any_values(values):
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
    if known.size == 0:
        return
    ranks = [0, known.size // 3, known.size - 1]
    got = order_statistics(blocks_of(values, 2), values.dtype, ranks)
    assert got == [float(np.sort(known)[rank]) for rank in ranks]


@given(st.floats(-1e30, 1e30), st.floats(-1e30, 1e30))
def test_the_text_of_a_rule_gives_the_rule_again(low, high):
    for rule in (GrayRule(min(low, high), max(low, high), "min-max, of float32"), GrayRule(None, None, "identity")):
        assert parse(rule.text) == rule


@pytest.mark.parametrize("text", ["", "linear", "linear 1..2", "linear a..b (x)", "constant", "constant x to 0; y"])
def test_a_text_that_is_no_rule_is_refused(text):
    with pytest.raises(ValueError, match=r"rule|convert"):
        parse(text)


def test_wide_integers_of_8_bit_data_are_kept():
    values = np.arange(256, dtype=np.int32).reshape(1, 16, 16)
    rule = find_rule(blocks_of(values), values.dtype)
    assert rule.text == "identity"
    np.testing.assert_array_equal(rule.apply(values), values)
    values[0, 0, 0] = 256
    assert find_rule(blocks_of(values), values.dtype).text != "identity"


@pytest.mark.parametrize("value", [7.5, np.nan])
def test_a_volume_of_one_value_becomes_black(value):
    values = np.full((2, 3, 4), value, np.float32)
    rule = find_rule(blocks_of(values), values.dtype)
    assert not rule.apply(values).any()
    assert not parse(rule.text).apply(values).any()


def test_a_person_may_set_the_range():
    values = np.array([[-5, 0, 60, 100, 200]], np.int16)
    np.testing.assert_array_equal(find_rule(list, values.dtype, "0..100").apply(values), [[0, 0, 153, 255, 255]])
    full = find_rule(list, np.dtype(np.int16), "full")
    assert full.apply(np.array([-32768, 32767], np.int16)).tolist() == [0, 255]


@pytest.mark.parametrize("text", ["5..5", "9..1", "a..b", "1", "nan..2", "0..inf"])
def test_a_range_that_makes_no_sense_is_refused(text):
    with pytest.raises(ValueError, match="LOW"):
        fixed_range(text)


def test_complex_values_are_refused():
    with pytest.raises(ValueError, match="complex"):
        find_rule(list, np.dtype(np.complex64))
