"""The share of a frame that agrees: high for every ordinary edit, none for other places."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from semtrace.core.image.block_agreement import AGREES, band, block_agreement, block_correlations, specified
from tests.core.image.conftest import coded, exposed, scene


def as_gray(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def marked(gray: np.ndarray) -> np.ndarray:
    marked = gray.copy()
    marked[-40:-10, 350:500], marked[:40, :60] = 255, 0
    return marked


EDITS = {
    "none": lambda g: g,
    "gamma": lambda g: as_gray(255 * (g / 255) ** 1.7),
    "window": lambda g: as_gray((g - 80.0) * 3),
    "blur": lambda g: ndimage.gaussian_filter(g, 1.0),
    "median": lambda g: ndimage.median_filter(g, 3),
    "noise": lambda g: exposed(g.astype(float), 3, 8),
    "marks": marked,
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_frame_agrees_in_most_places_and_is_in_place(frame, edit):
    for quality in (90, 30):
        found = block_agreement(coded(EDITS[edit](frame), quality)[0], frame)
        assert found.share >= 0.8
        assert found.in_place(resized=False)


def test_another_place_agrees_nowhere(frame):
    for seed in range(2, 8):
        assert block_agreement(exposed(scene(seed), seed), frame).share < AGREES / 2


@pytest.mark.parametrize("pixels", [1, 2, 5])
def test_a_displaced_frame_is_told_by_its_displacement(field, frame, pixels):
    moved = exposed(np.roll(field, pixels, axis=1), 20)
    found = block_agreement(moved, frame)
    assert found.displacement == pytest.approx(pixels, abs=0.2)
    assert not found.in_place(resized=True)


def test_a_resizer_may_move_a_picture_by_a_part_of_a_pixel_and_no_more(field, frame):
    # The mean of neighbours lies half a pixel beside each of them; sampling every second pixel moves it by a quarter.
    quarter = exposed(0.7 * field + 0.3 * np.roll(field, 1, axis=1), 20)
    half = exposed((field + np.roll(field, 1, axis=1)) / 2, 20)
    assert block_agreement(quarter, frame).in_place(resized=True)
    assert not block_agreement(half, frame).in_place(resized=True)


def test_what_has_no_structure_says_nothing(frame):
    flat = np.full_like(frame, 90)
    assert block_agreement(flat, flat) is None
    assert block_agreement(frame[:64, :64], frame[:64, :64]) is None  # four blocks
    assert block_agreement(flat, frame) is None  # tones are matched, and there is one


@pytest.mark.parametrize(("width", "says"), [(255, False), (256, True)])
def test_an_icon_says_nothing(frame, width, says):
    icon = frame[:200, :width]
    assert (block_agreement(icon, icon) is not None) is says
    assert (block_agreement(icon.T.copy(), icon.T.copy()) is not None) is says


def test_it_does_not_depend_on_which_is_called_the_original(frame):
    other = coded(EDITS["gamma"](frame), 60)[0]
    assert block_agreement(frame, other).share == pytest.approx(block_agreement(other, frame).share, abs=0.1)


def test_pictures_of_two_shapes_are_refused(frame):
    with pytest.raises(ValueError, match="one shape"):
        block_agreement(frame, frame[:-1])


def test_block_correlations_are_those_of_numpy(frame):
    x, y = band(frame), band(exposed(scene(1), 30))
    found = block_correlations(x, y)
    assert found.shape == (12, 16)
    for row, column in ((0, 0), (5, 7), (11, 15)):
        place = slice(row * 32, row * 32 + 32), slice(column * 32, column * 32 + 32)
        assert found[row, column] == pytest.approx(np.corrcoef(x[place].ravel(), y[place].ravel())[0, 1], abs=1e-4)


def test_specified_tones_have_the_wanted_histogram(frame):
    wanted = as_gray(255 * (frame / 255) ** 2.0)
    assert np.array_equal(specified(frame, frame), frame)
    assert np.array_equal(specified(frame, wanted), wanted)  # a tone curve is undone exactly
    noisy = exposed(scene(5), 5)
    here, there = (np.cumsum(np.bincount(image.ravel(), minlength=256)) for image in (specified(noisy, wanted), wanted))
    assert np.abs(here - there).max() <= 0.03 * noisy.size
