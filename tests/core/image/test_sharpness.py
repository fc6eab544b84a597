from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from semtrace.core.image.sharpness import sharpness


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 40), st.integers(3, 40))
def test_it_is_the_variance_of_scipys_laplacian(seed: int, height: int, width: int):
    gray = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    inner = ndimage.laplace(gray.astype(float))[1:-1, 1:-1]
    assert sharpness(gray) == pytest.approx(inner.var())


def test_blur_lowers_it():
    gray = np.random.default_rng(0).integers(0, 256, (60, 60), dtype=np.uint8)
    assert sharpness(ndimage.gaussian_filter(gray, 1)) < sharpness(gray)


@pytest.mark.parametrize(("side", "value"), [(2, 0.0), (3, 0.0)])
def test_the_smallest_pictures(side: int, value: float):
    assert sharpness(np.eye(side, dtype=np.uint8)) == value
