import warnings

import imagehash
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageOps
from scipy.ndimage import gaussian_filter

from semtrace.core.image.gray8 import spread, to_gray8
from tests.core.image.test_databar import picture, with_bar


def scene(seed, size=(192, 256)):
    """A smooth random picture between 0 and 1, as different from another seed's as two SEM scenes are."""
    field = gaussian_filter(np.random.default_rng(seed).normal(size=size), 4)
    return (field - field.min()) / (field.max() - field.min())


def phash(gray):
    picture = ImageOps.autocontrast(ImageOps.equalize(Image.fromarray(gray)))
    return imagehash.phash(picture, hash_size=32)


def test_8_bit_grey_is_kept():
    picture = np.arange(256, dtype=np.uint8).reshape(16, 16)
    gray, rule = to_gray8(picture)
    assert np.array_equal(gray, picture)
    assert rule == "identity"


@pytest.mark.parametrize("dtype", ["uint16", ">u2", "int16", "int32", "uint64"])
def test_8_bit_data_in_a_wider_integer_keeps_its_values(dtype):
    picture = np.arange(256).reshape(16, 16)
    gray, rule = to_gray8(picture.astype(dtype))
    assert np.array_equal(gray, picture)
    assert rule == "identity"


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32", "uint64"])
def test_counts_far_below_255_are_stretched(dtype):
    for most in (1, 31, 100, 127):
        counts = np.linspace(0, most, 4000).round().reshape(40, 100).astype(dtype)
        gray, rule = to_gray8(counts)
        assert rule == f"linear 0..{most} (0.1-99.9 %) of {dtype}"
        assert (gray.min(), gray.max()) == (0, 255)
    assert to_gray8(np.array([[0, 128]], dtype))[1] == "identity"
    assert to_gray8(np.array([[0, 255]], dtype))[1] == "identity"
    assert to_gray8(np.array([[0, 256]], dtype))[1].startswith("linear")


@pytest.mark.parametrize("bits", range(1, 9))
def test_few_bits_are_spread_evenly(bits):
    levels = np.arange(1 << bits, dtype=np.uint8)
    assert spread(levels, bits).tolist() == [int(level * 255 / (2**bits - 1) + 0.5) for level in levels.tolist()]


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("ink", [65000, 20000, 3000])
def test_the_range_is_that_of_the_picture_without_its_bar(dtype, ink):
    """Whatever the bar's levels are, the picture above it comes out as without it."""
    deep = with_bar(picture(), 60).astype(np.float64)
    above = picture()[:420] * 10.0 + 900
    deep = np.vstack([above, np.where(deep[420:] > 128, ink, 0)]).astype(dtype)
    gray, rule = to_gray8(deep)
    alone, its_rule = to_gray8(above.astype(dtype))
    assert np.array_equal(gray[:420], alone)
    assert rule == f"{its_rule}; range without the data bar"
    assert gray[430:].min() == 0
    assert gray[430:].max() == (255 if ink > 3400 else gray[430:].max())


def test_8_bit_data_under_a_bar_at_full_scale_keep_their_values():
    deep = with_bar(picture(), 60).astype(np.uint16)
    deep[420:][deep[420:] > 128] = 65535
    gray, rule = to_gray8(deep)
    assert rule == "identity"
    assert np.array_equal(gray[:420], picture()[:420])
    assert gray.max() == 255


def test_1_bit_becomes_black_and_white():
    gray, rule = to_gray8(np.array([[True, False]]))
    assert gray.tolist() == [[255, 0]]
    assert rule == "1-bit to 0/255"


def test_the_used_part_of_a_16_bit_range_is_stretched_and_the_rule_has_its_numbers():
    picture = np.tile(np.linspace(523, 4095, 4000).round().astype(np.uint16), (5, 1))
    picture[0, 0], picture[0, -1] = 0, 65535  # a dead and a hot pixel
    gray, rule = to_gray8(picture)
    low, high = (int(number) for number in rule.split()[1].split(".."))
    assert rule == f"linear {low}..{high} (0.1-99.9 %) of uint16"
    assert 523 <= low < 535
    assert 4085 < high <= 4095
    assert gray.min() == 0
    assert gray.max() == 255
    middle = (low + high) / 2
    assert abs(int(gray[2, 2000]) - 127.5 - (float(picture[2, 2000]) - middle) / (high - low) * 255) <= 1


def test_a_rare_second_level_is_not_lost():
    picture = np.full((100, 100), 1000, np.uint16)
    picture[50, 50] = 3000
    gray, rule = to_gray8(picture)
    assert (gray[0, 0], gray[50, 50]) == (0, 255)
    assert rule == "linear 1000..3000 (min-max) of uint16"


@pytest.mark.parametrize(("value", "dtype"), [(4660, "uint16"), (-3, "int16"), (0.5, "float32"), (1e300, "float64")])
def test_a_constant_picture_is_black(value, dtype):
    gray, rule = to_gray8(np.full((4, 5), value, dtype))
    assert not gray.any()
    assert rule.startswith("constant")


def test_what_is_not_a_number_is_counted():
    picture = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    picture[3, 3:6] = np.nan, np.inf, -np.inf
    gray, rule = to_gray8(picture)
    assert gray[3, 3:6].tolist() == [0, 255, 0]
    assert rule == "linear 0..1 (0.1-99.9 %) of float32; 2 infinite clipped; 1 NaN to 0"


@pytest.mark.parametrize("mark", [-3.4028234e38, -1e30, 1e30, 9.96921e36])
def test_numbers_that_mark_pixels_without_data_do_not_take_part_in_the_range(mark):
    picture = np.linspace(0.5, 2.5, 100 * 100, dtype=np.float32).reshape(100, 100)
    holed = picture.copy()
    holed[-20:] = mark
    gray, rule = to_gray8(holed)
    assert "; 2000 of 1e30 or more clipped" in rule
    np.testing.assert_array_equal(gray[:80], to_gray8(picture[:80])[0])
    assert set(gray[80:].ravel()) == {0 if mark < 0 else 255}
    assert "1e30" not in to_gray8(np.where(picture > 1, np.float32(mark), picture))[1]  # most of it: nobody knows


def holed(picture, mark, rows=20):
    return np.concatenate([picture, np.full((rows, picture.shape[1]), mark, picture.dtype)])


@pytest.mark.parametrize(
    ("low", "high", "is_mark"),
    [
        (0, 4095, True),
        (-1, 32765, True),  # gap 32767, span 32766
        (-1, 32766, False),  # gap and span 32767
        (-32000, -31700, True),
        (-32768, 4095, False),  # the data reach the end: saturated
    ],
)
def test_the_lowest_signed_number_is_a_mark_only_beyond_a_gap_that_is_wider_than_the_span_of_all_others(
    low, high, is_mark
):
    picture = np.linspace(low, high, 80 * 100).round().astype(np.int16).reshape(80, 100)
    gray, rule = to_gray8(holed(picture, -32768))
    assert ("; 2000 taken for pixels without data (-32768) clipped" in rule) == is_mark
    if is_mark:
        np.testing.assert_array_equal(gray[:80], to_gray8(picture)[0])
    assert not gray[80:].any()


@pytest.mark.parametrize(("rows", "is_mark"), [(79, True), (80, False), (90, False)])
def test_a_suspected_mark_on_half_of_the_pixels_or_more_is_a_value(rows, is_mark):
    picture = np.arange(80 * 100, dtype=np.int16).reshape(80, 100)
    assert ("without data" in to_gray8(holed(picture, -32768, rows))[1]) == is_mark


@pytest.mark.parametrize(("dtype", "value"), [("uint16", 65535), ("uint16", 0), ("int16", 32767), ("int16", -32767)])
def test_saturated_pixels_are_no_marks(dtype, value):
    picture = np.linspace(1000, 3000, 80 * 100).astype(dtype).reshape(80, 100)
    _, rule = to_gray8(holed(picture, value))
    assert f"{value}" in rule.split(" (")[0]
    assert "without data" not in rule


@pytest.mark.parametrize(
    ("dtype", "mark"),
    [("uint16", 65535), ("uint16", 0), ("int16", -32768), ("int16", -9999), ("int32", -99999), ("float32", -9999.9),
     ("float32", -3.4028234663852886e38), ("float64", -9999.0), (">i2", -9999), (">f4", 1e20)],
)  # fmt: skip
def test_a_stated_mark_takes_no_part_in_the_range(dtype, mark):
    picture = np.linspace(1000, 3000, 80 * 100).astype(dtype).reshape(80, 100)
    gray, rule = to_gray8(holed(picture, mark), no_data=mark)
    assert rule.endswith(" stated) clipped")
    assert "; 2000 without data (" in rule
    np.testing.assert_array_equal(gray[:80], to_gray8(picture)[0])
    assert set(gray[80:].ravel()) == {0 if mark < 1000 else 255}


def test_a_stated_mark_counts_on_any_number_of_pixels_but_those_that_leave_one_value():
    picture = np.linspace(1000, 3000, 100).astype(np.uint16).reshape(1, 100)
    assert "; 9000 without data (0, stated) clipped" in to_gray8(holed(picture, 0, 90), no_data=0)[1]
    mask = np.zeros((10, 10), np.uint16)
    mask[2:5] = 300
    gray, rule = to_gray8(mask, no_data=0)
    assert rule == "linear 0..300 (0.1-99.9 %) of uint16"
    assert set(gray.ravel()) == {0, 255}


@pytest.mark.parametrize("stated", [None, np.nan, np.inf, 0.5, -1, 65536, 500])
def test_a_statement_that_no_pixel_can_have_changes_nothing(stated):
    picture = np.linspace(1000, 3000, 80 * 100).astype(np.uint16).reshape(80, 100)
    gray, rule = to_gray8(picture, no_data=stated)
    assert rule == to_gray8(picture)[1]
    np.testing.assert_array_equal(gray, to_gray8(picture)[0])


def test_8_bit_data_in_a_wider_file_are_kept_beside_marks_and_8_bits_are_always_kept():
    picture = np.arange(256, dtype=np.int16).repeat(40).reshape(64, 160)
    gray, rule = to_gray8(holed(picture, -32768))
    np.testing.assert_array_equal(gray[:64], picture)
    assert rule == "identity; 3200 taken for pixels without data (-32768) clipped"
    small = picture.astype(np.uint8)
    assert to_gray8(small, no_data=255)[1] == "identity"
    np.testing.assert_array_equal(to_gray8(small, no_data=255)[0], small)


def test_a_stated_and_a_suspected_mark_are_counted_each():
    picture = np.linspace(0.5, 2.5, 80 * 100, dtype=np.float32).reshape(80, 100)
    rule = to_gray8(holed(holed(picture, -9999.0), 1e35, 3), no_data=-9999)[1]
    assert rule.endswith("; 2000 without data (-9999, stated) clipped; 300 of 1e30 or more clipped")


def test_a_picture_without_a_finite_value():
    gray, rule = to_gray8(np.array([[np.nan, np.inf], [-np.inf, np.nan]]))
    assert gray.tolist() == [[0, 255], [0, 0]]
    assert rule == "no finite value of float64; 2 infinite clipped; 2 NaN to 0"


@pytest.mark.parametrize("span", [(-1.7e308, 1.7e308), (0, 5e-324), (1e-310, 2e-310), (-1e-300, 1e-300)])
def test_spans_at_the_limits_of_floating_point(span):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gray, _ = to_gray8(np.array([span]))
    assert gray.tolist() == [[0, 255]]


def test_min_is_white_inverts_and_says_so():
    picture = (scene(1) * 4000).astype(np.uint16)
    straight, _ = to_gray8(picture)
    inverted, rule = to_gray8(picture, min_is_white=True)
    assert np.array_equal(inverted, 255 - straight)
    assert rule.endswith("min-is-white inverted")
    assert to_gray8(np.array([[np.nan, 1.0]]), min_is_white=True)[0][0, 0] == 0


@pytest.mark.parametrize("array", [np.zeros((0, 4)), np.zeros((2, 2, 3)), np.zeros(4), np.zeros((2, 2), complex)])
def test_anything_but_a_picture_of_numbers_is_refused(array):
    with pytest.raises(ValueError, match="need a non-empty"):
        to_gray8(array)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("low", "high"), [(0, 65535), (523, 4095), (30000, 31000), (200, 700)])
def test_a_16_bit_picture_hashes_like_its_8_bit_twin(seed, low, high):
    picture = scene(seed)
    deep, _ = to_gray8((low + picture * (high - low)).round().astype(np.uint16))
    assert phash(deep) - phash((picture * 255).round().astype(np.uint8)) <= 8


def test_different_16_bit_scenes_hash_far_apart():
    hashes = [phash(to_gray8((500 + scene(seed) * 3000).astype(np.uint16))[0]) for seed in range(6)]
    assert min(a - b for i, a in enumerate(hashes) for b in hashes[:i]) > 300


numbers = st.one_of(
    hnp.arrays(np.uint16, (6, 7)),
    hnp.arrays(np.int32, (6, 7)),
    hnp.arrays(np.float64, (6, 7), elements=st.floats(-1e6, 1e6)),
    hnp.arrays(np.float32, (6, 7), elements=st.floats(-1e3, 1e3, width=32)),
)


@settings(deadline=None, max_examples=80)
@given(numbers)
def test_order_is_kept_and_byte_order_does_not_matter(array):
    gray, rule = to_gray8(array)
    assert gray.dtype == np.uint8
    assert gray.flags.c_contiguous
    assert gray.flags.writeable
    in_order = gray.ravel()[np.argsort(array, axis=None, kind="stable")].astype(int)
    assert (np.diff(in_order) >= 0).all()
    swapped, swapped_rule = to_gray8(array.astype(array.dtype.newbyteorder(">")))
    assert np.array_equal(gray, swapped)
    assert rule == swapped_rule


@settings(deadline=None, max_examples=80)
@given(hnp.arrays(np.uint16, (6, 7), elements=st.integers(256, 16000)), st.sampled_from([2, 4]))
def test_gain_by_a_power_of_two_changes_no_pixel(array, gain):
    assert np.array_equal(to_gray8(array)[0], to_gray8(array * gain)[0])


@settings(deadline=None, max_examples=60)
@given(hnp.arrays(np.int16, (5, 5)))
def test_the_ends_of_a_stretched_picture_are_black_and_white(array):
    gray, rule = to_gray8(array)
    if rule.startswith("linear"):
        assert (gray.min(), gray.max()) == (0, 255)


@given(hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.integers(0, 65535)))
@settings(max_examples=60, deadline=None)
def test_the_look_up_of_16_bits_equals_the_arithmetic(array):
    assume(array.max() > 255)
    by_lookup, rule = to_gray8(array)
    by_arithmetic, same = to_gray8(array.astype(np.uint32))
    np.testing.assert_array_equal(by_lookup, by_arithmetic)
    assert rule.replace("uint16", "uint32") == same
