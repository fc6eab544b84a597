from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from semtrace.core.image.correlation import highpass, highpass_correlation, limited_correlation


def texture(seed: int, height: int = 192, width: int = 256) -> np.ndarray:
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(0, 1, (height, width)), 1.0)
    return np.clip(128 + 40 * field / field.std(), 0, 255).astype(np.uint8)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(2, 60), st.integers(0, 2**32))
def test_is_pearson_of_the_high_passed_pictures(height: int, width: int, seed: int):
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(0, 256, (height, width), dtype=np.uint8) for _ in range(2))
    x[0, :2] = y[0, :2] = 0, 255  # not constant
    details = [a - gaussian_filter(a, 2.0) for a in (x.astype(float), y.astype(float))]
    assert highpass_correlation(x, y) == pytest.approx(np.corrcoef(*map(np.ravel, details))[0, 1], abs=1e-9)
    assert highpass_correlation(x, y) == highpass_correlation(y, x)
    assert highpass_correlation(x, x) == pytest.approx(1.0, abs=1e-12)
    assert -1.0 <= highpass_correlation(x, 255 - x) <= -1.0 + 1e-9


def test_contrast_and_slow_shading_drop_out_and_other_pictures_do_not_correlate():
    x = texture(1)
    shaded = np.clip(0.5 * x + np.linspace(20, 100, x.shape[1]), 0, 255).astype(np.uint8)
    assert highpass_correlation(x, shaded) > 0.95
    assert abs(highpass_correlation(x, texture(2))) < 0.1


def test_one_high_pass_serves_many_comparisons():
    x, y = texture(1), texture(2)
    assert (highpass(x) * highpass(y)).sum() == highpass_correlation(x, y)


@pytest.mark.parametrize("level", [0, 7, 255])
def test_a_constant_picture_correlates_with_nothing(level: int):
    flat = np.full((50, 60), level, np.uint8)
    assert highpass_correlation(flat, flat) == 0.0
    assert highpass_correlation(flat, texture(1, 50, 60)) == 0.0
    assert highpass_correlation(flat[:1, :1], flat[:1, :1]) == 0.0


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match=r"one shape.*\(192, 256\).*\(192, 255\)"):
        highpass_correlation(texture(1), texture(1)[:, 1:])
    with pytest.raises(ValueError, match="grey image"):
        highpass(texture(1).astype(np.float32))


def test_marks_on_an_even_picture_do_not_outweigh_its_texture():
    x = (texture(1).astype(float) / 20 + 120).round().astype(np.uint8)
    other = (texture(2).astype(float) / 20 + 120).round().astype(np.uint8)
    marked = x.copy()
    marked[150:180, 180:250], marked[:25, :20], marked[5:20, 8:10] = 0, 255, 0
    assert highpass_correlation(marked, x) < 0.2
    assert limited_correlation(marked, x) > 0.8
    assert limited_correlation(x, x) == pytest.approx(1.0, abs=1e-12)
    assert abs(limited_correlation(marked, other)) < 0.1
    flat = np.full_like(x, 120)
    flat[:40] = x[:40]  # detail in less than half of it
    assert limited_correlation(flat, x) == 0.0
    with pytest.raises(ValueError, match="one shape"):
        limited_correlation(x, x[1:])
