from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from semtrace.core.image.align import align, correlation, similarity


def scene(seed: int, height: int = 240, width: int = 320) -> np.ndarray:
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.standard_normal((height, width)), 2)
    return np.round((field - field.min()) / np.ptp(field) * 255).astype(np.uint8)


def resized(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def test_the_same_picture_is_whole_and_equal():
    pair = align(scene(1), scene(1), 240)
    assert (similarity(pair), correlation(pair), pair.whole, pair.rows) == (1.0, 1.0, True, 240)


def test_the_data_bar_is_left_out_of_the_comparison():
    first, second = scene(1), scene(2)
    first[200:], second[200:] = 0, 0  # one instrument's bar under two different pictures
    pair = align(first, second, 200)
    assert pair.published.shape == (200, 320)
    assert correlation(pair) < 0.2
    assert correlation(align(first, second, 240)) > correlation(pair)


def test_a_picture_published_without_its_bar_is_laid_on_the_rows_above_it():
    original = scene(3)
    pair = align(original[:200].copy(), original, 200)
    assert (similarity(pair), pair.whole, pair.rows) == (1.0, False, 200)


@pytest.mark.parametrize(("width", "height"), [(160, 120), (80, 60), (107, 80), (640, 480)])
def test_resized_versions_are_recognised(width, height):
    original = scene(4)
    pair = align(resized(original, width, height), original, 240)
    assert pair.published.shape == pair.original.shape
    assert similarity(pair) > 0.97
    assert correlation(pair) > 0.97
    assert pair.rows == 0


def test_a_resized_version_without_its_bar():
    original = scene(5)
    pair = align(resized(original[:200], 160, 100), original, 200)
    assert similarity(pair) > 0.97
    assert not pair.whole


@pytest.mark.parametrize("shape", [(320, 240), (120, 320), (300, 320)])
def test_another_aspect_is_not_comparable(shape):
    assert align(np.zeros(shape, np.uint8), scene(6), 240) is None


def test_too_small_for_a_window():
    assert align(np.zeros((5, 7), np.uint8), np.zeros((5, 7), np.uint8), 5) is None
