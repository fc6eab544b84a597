from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import mean_squared_error

from semtrace.core.image.mse import mse


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 300), st.integers(1, 200), st.sampled_from([(0, 256), (0, 2), (254, 256)]), st.integers(0, 2**32))
def test_equals_scikit_image_and_knows_no_order(height: int, width: int, levels: tuple[int, int], seed: int):
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(*levels, (height, width), dtype=np.uint8) for _ in range(2))
    assert mse(x, y) == mse(y, x) == pytest.approx(mean_squared_error(x, y), rel=1e-13)
    assert mse(x, x) == 0.0


@pytest.mark.parametrize("shape", [(1, 1), (1, 16384), (128, 129), (900, 1000)])
def test_black_beside_white_is_the_largest_error(shape: tuple[int, int]):
    black, white = np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)
    assert mse(black, white) == mse(white, black) == 65025.0


def test_one_pixel_of_difference_is_not_lost():
    x = np.full((768, 1024), 128, np.uint8)
    y = x.copy()
    y[-1, -1] += 1
    assert mse(x, y) == 1 / x.size


def test_strided_and_read_only_images_are_fine():
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 256, (60, 80), dtype=np.uint8)
    wide.flags.writeable = False
    assert mse(wide[::2, ::3], wide[1::2, ::3]) == mean_squared_error(wide[::2, ::3], wide[1::2, ::3])


def test_what_cannot_be_compared_is_refused():
    x = np.zeros((5, 5), np.uint8)
    with pytest.raises(ValueError, match=r"one shape.*\(5, 5\).*\(5, 4\)"):
        mse(x, x[:, 1:])
    with pytest.raises(ValueError, match=r"grey image.*float64"):
        mse(x, x.astype(np.float64))
