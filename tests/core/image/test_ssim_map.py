"""The map of SSIM is that of the mean: no other number is shown than the one that decided."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from semtrace.core.image.ssim import ssim
from semtrace.core.image.ssim_map import SCALE, colour_map, ssim_map


def pair(seed: int, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, shape, np.uint8)
    return x, np.clip(x // 2 + rng.integers(0, 90, shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(7, 7), (7, 30), (31, 8), (64, 80)])
def test_its_mean_is_the_ssim_that_decides(shape):
    x, y = pair(sum(shape), shape)
    found = ssim_map(x, y)
    assert found.shape == (shape[0] - 6, shape[1] - 6)
    assert found.mean() == pytest.approx(ssim(x, y), abs=1e-12)


def test_each_window_is_that_of_scikit_image():
    x, y = pair(3, (40, 50))
    _, full = structural_similarity(x, y, data_range=255, full=True)
    np.testing.assert_allclose(ssim_map(x, y), full[3:-3, 3:-3], atol=1e-12)


def test_equal_pictures_are_one_everywhere():
    x, _ = pair(1, (20, 20))
    assert (ssim_map(x, x) == 1).all()
    flat = np.full((20, 20), 200, np.uint8)
    assert (ssim_map(flat, flat) == 1).all()


def test_pictures_of_other_shapes_are_refused():
    x, _ = pair(1, (20, 20))
    with pytest.raises(ValueError, match="one shape"):
        ssim_map(x, x[:, :-1])
    with pytest.raises(ValueError, match="at least 7"):
        ssim_map(x[:6], x[:6])


def test_colours_are_those_of_the_scale():
    values = np.array([[value for value, _ in SCALE]])
    assert colour_map(values).tolist() == [[list(colour) for _, colour in SCALE]]
    assert colour_map(np.array([[0.9]])).tolist()[0][0][2] > colour_map(np.array([[0.6]])).tolist()[0][0][2]
