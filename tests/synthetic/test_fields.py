import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from semtrace.synthetic import fields


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 7), st.integers(5, 40), st.integers(5, 40), st.integers(0, 99))
def test_enlarge_is_linear_interpolation(factor, height, width, seed):
    samples = np.random.default_rng(seed).normal(size=(-(-height // factor) + 1, -(-width // factor) + 1))
    at = np.mgrid[:height, :width] / factor
    expected = scipy.ndimage.map_coordinates(samples, at, order=1)
    np.testing.assert_allclose(fields.enlarge(samples, factor, (height, width)), expected, atol=1e-12)


@pytest.mark.parametrize("sigma", [1.0, 2.5, 4.0, 9.0, 14.0])
def test_blur_is_close_to_the_exact_gaussian_and_centred(sigma):
    rows, columns = np.indices((190, 200))
    spot = np.exp(-((rows - 94) ** 2 + (columns - 101) ** 2) / (2 * 8.0**2)) / (2 * np.pi * 8.0**2)
    got, exact = fields.blur(spot, sigma), scipy.ndimage.gaussian_filter(spot, sigma)
    assert got.sum() == pytest.approx(1.0, abs=0.02)
    assert (got * rows).sum() / got.sum() == pytest.approx(94, abs=0.05)
    assert (got * columns).sum() / got.sum() == pytest.approx(101, abs=0.05)
    assert np.sqrt((got * (rows - 94) ** 2).sum()) == pytest.approx(np.hypot(8.0, sigma), rel=0.03)
    assert np.abs(got - exact).max() < 0.12 * exact.max()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 999), st.floats(6, 40))
def test_scattered_points_keep_their_distance(seed, spacing):
    points = fields.scattered(np.random.default_rng(seed), (120, 160), spacing, margin=10)
    assert len(points) > 3
    assert not cKDTree(points).query_pairs(spacing * 0.999)
    assert points.min() >= -10
    assert points[:, 0].max() <= 170
    assert points[:, 1].max() <= 130


def test_cells_are_the_distances_to_the_two_nearest_points():
    points = np.random.default_rng(1).uniform(0, 100, (30, 2))
    near, second, index = fields.cells(points, (90, 100), coarse=1)
    for row, column in [(0, 0), (44, 71), (89, 99)]:
        distance = np.hypot(points[:, 0] - column, points[:, 1] - row)
        assert near[row, column] == pytest.approx(np.sort(distance)[0])
        assert second[row, column] == pytest.approx(np.sort(distance)[1])
        assert index[row, column] == np.argmin(distance)


@pytest.mark.parametrize("make", [fields.smooth, fields.fractal, fields.labyrinth])
@pytest.mark.parametrize("size", [1.5, 9.0, 40.0])
def test_noise_is_normalised_and_reproducible(make, size):
    first, again = (make(np.random.default_rng(3), (200, 260), size) for _ in range(2))
    assert first.shape == (200, 260)
    assert np.array_equal(first, again)
    assert first.std() == pytest.approx(1.0, abs=0.25)
    assert not np.array_equal(first, make(np.random.default_rng(4), (200, 260), size))


def test_labyrinth_has_its_period():
    field = fields.labyrinth(np.random.default_rng(0), (256, 256), 16.0)
    power = np.abs(np.fft.rfft2(field)) ** 2
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256)[None, :])
    assert (power * frequency).sum() / power.sum() == pytest.approx(1 / 16, rel=0.1)
