from __future__ import annotations

import numpy as np
import pytest

from semtrace.core.image.renderings import exposed_again, likely, renderings


def samples(low: int = 300, high: int = 61_000, dtype: str = "u2") -> np.ndarray:
    rng = np.random.default_rng(3)
    ramp = np.add.outer(np.linspace(low, high / 2, 90), np.linspace(low, high / 2, 120))
    return (ramp + rng.normal(0, 40, ramp.shape)).clip(low, high).astype(dtype)


LOOKS = {
    "high byte": lambda v: v >> 8,
    "v / 257": lambda v: np.rint(v / 257),
    "v // 257": lambda v: v // 257,
    "v / 256, half to even": lambda v: np.rint(v / 256).clip(0, 255),
    "min-max, cut": lambda v: (v - float(v.min())) / (float(v.max()) - float(v.min())) * 255,
    "min-max, rounded": lambda v: np.floor((v - float(v.min())) * 255 / (float(v.max()) - float(v.min())) + 0.5),
    "ImageJ": lambda v: ((v - float(v.min())) * 256 / (float(v.max()) - float(v.min()) + 1) + 0.5).clip(0, 255),
}


@pytest.mark.parametrize("look", LOOKS)
def test_what_other_programs_make_of_16_bits_is_among_the_first_six(look):
    deep = samples()
    wanted = LOOKS[look](deep).astype(np.uint8)
    found = [rendering(deep) for rendering in likely(deep, 16, (), len(deep), float(wanted.mean()), 2.0)][:6]
    assert any(np.array_equal(one, wanted) for one in found)


def test_twelve_bits_in_sixteen_are_known_by_what_they_use():
    deep = samples(0, 4095)
    assert any(np.array_equal(one(deep), deep >> 4) for one in renderings(deep, 16, ()))


def test_a_mean_that_is_off_leaves_nothing_and_no_two_pictures_are_the_same():
    deep = samples()
    assert not list(likely(deep, 16, (), len(deep), 255.0, 1.0))
    found = [one(deep).tobytes() for one in likely(deep, 16, (), len(deep), 128.0, 255.0)]
    assert len(set(found)) == len(found)


def test_a_range_is_also_taken_of_the_rows_above_the_bar():
    deep = samples()
    deep[80:] = 65_535
    above = deep[:80].astype(float)
    wanted = np.floor((above - above.min()) * 255 / (above.max() - above.min()) + 0.5).astype(np.uint8)
    found = likely(deep, 16, (80,), 80, float(wanted.mean()), 1.0)
    assert any(np.array_equal(one(deep[:80]), wanted) for one in found)


@pytest.mark.parametrize("dtype", ["f4", "u4", "i2"])
def test_ranges_of_other_numbers(dtype):
    deep = samples(300, 30_000, dtype)
    v = deep.astype(float)
    wanted = np.floor((v - v.min()) * 255 / (v.max() - v.min()) + 0.5).astype(np.uint8)
    found = likely(deep, 8 * deep.itemsize, (), len(deep), float(wanted.mean()), 1.0)
    assert any(np.array_equal(one(deep), wanted) for one in found)


def test_another_exposure_has_other_noise_and_keeps_what_is_saturated():
    deep = samples()
    deep[:9] = deep.max()
    again = exposed_again(deep)
    assert np.array_equal(again, exposed_again(deep))
    assert np.array_equal(again[:9], deep[:9])
    assert 20 < np.std(again[20:].astype(float) - deep[20:]) < 80
    constant = np.full((9, 9), 7, np.uint16)
    assert np.array_equal(exposed_again(constant), constant)
