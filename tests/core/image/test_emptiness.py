from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.core.image.emptiness import MOST_LARGE, MOST_SMALL, Content, content, noise_level


def exposed(field: np.ndarray, sigma: float, seed: int = 0, top: int = 255) -> np.ndarray:
    noisy = np.rint(field + np.random.default_rng(seed).normal(0, sigma, field.shape))
    return np.clip(noisy, 0, top).astype(np.uint8 if top == 255 else np.uint16)


@pytest.mark.parametrize("sigma", [0.5, 1, 3, 10])
@pytest.mark.parametrize("shape", [(32, 32), (144, 256), (301, 203), (512, 512)])
def test_noise_is_measured_and_its_frame_empty(sigma: float, shape: tuple[int, int]):
    found = content(exposed(np.full(shape, 169.5), sigma))
    assert found.noise == pytest.approx(
        np.hypot(sigma, 12**-0.5), rel=0.2 if shape == (32, 32) else 0.15 if sigma < 1 else 0.05
    )
    assert found.is_empty


def test_shading_is_no_content():
    y, x = np.indices((200, 300)) / 200
    assert content(exposed(150 + 20 * y - 15 * x * x + 9 * x * y, 3)).is_empty


def test_a_deep_empty_frame():
    assert content(exposed(np.full((144, 256), 1000.0), 12, top=65535)).is_empty


@pytest.mark.parametrize("level", [0, 170, 255])
def test_a_constant_frame_is_empty(level: int):
    assert content(np.full((64, 64), level, np.uint8)).is_empty


@pytest.mark.parametrize("place", [(0, 0), (60, 100), (131, 243)])
def test_a_faint_particle_is_content_wherever_it_lies(place: tuple[int, int]):
    field = np.full((144, 256), 169.5)
    field[place[0] : place[0] + 12, place[1] : place[1] + 12] -= 9  # three times the noise
    found = content(exposed(field, 3))
    assert not found.is_empty
    assert found.large > 15


def test_a_bright_speck_is_content_though_no_large_mean_shows_it():
    field = np.full((144, 256), 169.5)
    field[70:73, 100:103] += 15
    found = content(exposed(field, 3))
    assert found.large < MOST_LARGE < 15
    assert found.small > MOST_SMALL
    assert not found.is_empty


def test_a_frame_full_of_structure_is_content():
    y, x = np.indices((128, 128))
    assert not content(exposed(128 + 40 * np.sin(x / 5) * np.sin(y / 7), 3)).is_empty


@pytest.mark.parametrize(("side", "measurable"), [(31, False), (32, True)])
def test_of_a_small_frame_nothing_is_said(side: int, measurable: bool):
    found = content(np.full((side, 100), 7, np.uint8))
    assert (found.measurable, found.is_empty) == (measurable, measurable)


@pytest.mark.parametrize(("large", "small", "empty"), [(10.0, 8.0, True), (10.01, 8.0, False), (10.0, 8.01, False)])
def test_both_sides_of_the_limits(large: float, small: float, empty: bool):
    assert Content(3.0, large, small, True).is_empty is empty


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.integers(32, 90), st.integers(32, 90))
def test_the_largest_mean_is_the_largest_of_all(seed: int, height: int, width: int):
    """Against every square, with a background that is fitted but flat enough to compare."""
    rng = np.random.default_rng(seed)
    frame = exposed(np.full((height, width), 100.0), 3, seed)
    y, x = (int(rng.integers(0, n - 8)) for n in frame.shape)
    frame[y : y + 8, x : x + 8] += 2
    found = content(frame)
    squares = np.lib.stride_tricks.sliding_window_view(frame.astype(float), (8, 8)).mean((2, 3))
    crude = np.abs(squares - np.median(frame)).max() * 8 / found.noise
    assert found.large == pytest.approx(crude, abs=8 * 2 / found.noise)


def test_one_pixel_has_the_noise_of_rounding():
    assert noise_level(np.zeros((1, 1), np.uint8)) == pytest.approx(12**-0.5)


def test_what_is_no_frame_is_refused():
    for wrong in (np.zeros((4, 4), np.float64), np.zeros((4, 4, 3), np.uint8), np.zeros((0, 4), np.uint8)):
        with pytest.raises(ValueError, match="expected a frame"):
            content(wrong)
