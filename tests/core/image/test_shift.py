from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from semtrace.core.image.correlation import highpass
from semtrace.core.image.shift import common_shape, field_spectrum, likeness, shrink, spectra_likeness


def scene(seed: int, height: int = 240, width: int = 288) -> np.ndarray:
    """A textured picture that resembles no other one, uint8."""
    rng = np.random.default_rng(seed)
    field = sum(gaussian_filter(rng.standard_normal((height, width)), s) * s for s in (1.5, 3, 9))
    return np.round((field - field.min()) / np.ptp(field) * 255).astype(np.uint8)


def window(big: np.ndarray, down: int, right: int) -> np.ndarray:
    return np.ascontiguousarray(big[10 + down : 202 + down, 10 + right : 266 + right])


def by_hand(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Every displacement tried: the one with the largest sum of products counts, its overlap is correlated."""
    rows = round(len(one) * 0.8)
    a, b = highpass(one[:rows]), highpass(other[:rows])
    best = (-np.inf, 0.0, 0.0)
    for down in range(-8, 9):
        for right in range(-8, 9):
            x = a[max(down, 0) : rows + min(down, 0), max(right, 0) : 256 + min(right, 0)]
            y = b[max(-down, 0) : rows + min(-down, 0), max(-right, 0) : 256 + min(-right, 0)]
            found = float((x * y).sum()), float(np.corrcoef(x.ravel(), y.ravel())[0, 1]), float(np.hypot(down, right))
            best = max(best, found)
    return round(best[1], 4), round(best[2] / 256, 4)


@settings(deadline=None, max_examples=12)
@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 2**32))
def test_it_is_the_best_of_all_displacements(down: int, right: int, seed: int):
    big = scene(seed)
    one, other = window(big, 0, 0), window(big, down, right)
    noisy = np.clip(other + np.random.default_rng(seed).normal(0, 4, other.shape), 0, 255).astype(np.uint8)
    found = likeness(one, noisy)
    assert found is not None
    assert (found.correlation, found.drift) == pytest.approx(by_hand(one, noisy), abs=2e-4)
    back = likeness(noisy, one)
    assert back is not None
    # Both are rounded to four digits, and sums in another order may fall on the other side.
    assert (back.correlation, back.drift) == pytest.approx((found.correlation, found.drift), abs=1.01e-4)
    if max(abs(down), abs(right)) <= 8:
        assert found.correlation > 0.8  # noise takes the rest; of another field it is below 0.3
        assert found.drift == round(float(np.hypot(down, right)) / 256, 4)


def test_a_displacement_beyond_the_reach_is_another_field():
    big = scene(3, 260, 300)
    far = np.ascontiguousarray(big[40:232, 40:296])
    assert likeness(window(big, 0, 0), far).correlation < 0.3


def test_brightness_contrast_size_and_encoding_do_not_matter(tmp_path):
    picture = scene(4, 600, 800)
    for name, changed in {
        "darker": (picture * 0.6 + 20).astype(np.uint8),
        "half": np.asarray(Image.fromarray(picture).resize((400, 300))),
        "odd size": np.asarray(Image.fromarray(picture).resize((317, 238))),
        "small": np.asarray(Image.fromarray(picture).resize((200, 150))),
    }.items():
        Image.fromarray(changed).save(tmp_path / "x.jpg", quality=60)
        found = likeness(shrink(picture), shrink(np.asarray(Image.open(tmp_path / "x.jpg"))))
        assert found is not None, name
        assert found.correlation > 0.85, name
        assert found.drift == 0, name


def test_equal_data_bars_do_not_make_different_pictures_alike():
    bar = np.zeros((24, 256), np.uint8)
    bar[6:18, 10:240:7] = 255
    one, other = (np.concatenate([window(scene(seed), 0, 0), bar]) for seed in (5, 6))
    assert likeness(one, other).correlation < 0.3


def test_with_and_without_data_bar_are_one_picture():
    picture = window(scene(7), 0, 0)
    bar = np.full((24, 256), 255, np.uint8)
    assert likeness(np.concatenate([picture, bar]), picture).correlation > 0.99


def test_empty_pictures_are_like_nothing():
    empty = np.full((192, 256), 9, np.uint8)
    assert likeness(empty, empty).correlation == 0
    assert likeness(empty, window(scene(8), 0, 0)).correlation == 0


@pytest.mark.parametrize("size", [(300, 300), (256, 64), (90, 240), (200, 170), (800, 500)])
def test_a_squashed_copy_is_like_its_original_and_no_other(size):
    picture, other = scene(9, 600, 800), scene(11, 600, 800)
    squashed = np.asarray(Image.fromarray(picture).resize(size))
    found = likeness(shrink(picture), shrink(squashed))
    assert found == likeness(shrink(squashed), shrink(picture))
    assert found.correlation > 0.8
    assert found.drift < 0.02
    assert likeness(shrink(other), shrink(squashed)).correlation < 0.35


def test_parts_are_not_alike_and_tiny_pictures_are_not_comparable():
    picture = window(scene(9), 0, 0)
    assert likeness(picture, picture[:120]).correlation < 0.35
    assert likeness(picture, np.ascontiguousarray(picture[:, :100])).correlation < 0.35
    assert likeness(picture[:39], picture[:39]) is None
    assert likeness(picture[:40], picture[:40]).correlation == 1
    assert likeness(picture[:, :31], picture[:, :31]) is None


def test_small_pictures_are_not_enlarged():
    picture = scene(10, 90, 120)
    np.testing.assert_array_equal(shrink(picture), picture)
    assert shrink(scene(10, 300, 512)).shape == (150, 256)
    assert shrink(np.zeros((1, 3000), np.uint8)).shape == (1, 256)


@pytest.mark.parametrize(("rows", "more"), [(40, 0), (40, 1), (41, 0), (192, 1), (150, 60)])
def test_spectra_that_are_kept_say_the_same(rows: int, more: int):
    big = scene(11, 260, 288)
    one, other = big[5 : 5 + rows, :256].copy(), big[7 : 7 + rows + more, 4:260].copy()
    shape = common_shape(one.shape, other.shape)
    assert shape == common_shape(other.shape, one.shape)
    first, second = field_spectrum(one, shape), field_spectrum(other, shape)
    assert spectra_likeness(first, second) == likeness(one, other) == spectra_likeness(second, first)
    assert spectra_likeness(first, first).correlation == 1.0


def test_a_common_shape_has_two_sides():
    assert common_shape((39, 256), (39, 256)) is None
    assert common_shape((40, 256), (40, 256)) == (40, 256)
    assert common_shape((100, 256), (125, 256)) == (100, 256)
    assert common_shape((100, 256), (300, 256)) == (100, 256)
    assert common_shape((100, 31), (100, 31)) is None
    assert common_shape((100, 32), (800, 256)) == (100, 32)


def test_spectra_of_two_shapes_are_refused():
    picture = scene(12)
    one, other = field_spectrum(picture[:192, :256], (192, 256)), field_spectrum(picture[:150, :200], (150, 200))
    with pytest.raises(ValueError, match="two shapes"):
        spectra_likeness(one, other)
