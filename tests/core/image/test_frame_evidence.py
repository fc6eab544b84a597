"""Whether a picture is this very exposure: shown by its detail, refused for second frames, else left open."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage import exposure

from semtrace.core.image.frame_evidence import EXPLAINED, unexplained
from tests.core.image.conftest import coded, exposed, scene
from tests.core.image.test_block_agreement import EDITS, as_gray

TONES = {
    "none": EDITS["none"],
    "gamma": EDITS["gamma"],
    "window": EDITS["window"],
    "marks": EDITS["marks"],
    "negative": lambda g: 255 - g,
    "equalized": lambda g: as_gray(255 * exposure.equalize_hist(g)),
}


@pytest.mark.parametrize("edit", TONES)
@pytest.mark.parametrize("quality", [85, 95])
def test_an_own_frame_holds_nothing_new(frame, edit, quality):
    assert unexplained(*coded(TONES[edit](frame), quality)[:1], frame, coded(frame, quality)[1]) < EXPLAINED / 2


@pytest.mark.parametrize("edit", [*TONES, "blur", "median", "noise"])
@pytest.mark.parametrize("quality", [30, 60, 85, 95])
@pytest.mark.parametrize("noise", [4.0, 14.0])
def test_a_second_frame_is_never_taken_for_the_first(field, edit, quality, noise):
    first, second = exposed(field, 11, noise), exposed(field, 12, noise)
    found = unexplained(*coded((EDITS | TONES)[edit](first), quality)[:1], second, coded(first, quality)[1])
    assert found is None or found > 1.5 * EXPLAINED


def test_also_where_both_have_noise_of_the_field_in_common(field):
    """A detector's fixed pattern, or fine structure: ten times the power of each frame's own noise."""
    rough = field + np.random.default_rng(5).normal(0, 12, field.shape)
    first, second = exposed(rough, 11, 4.0), exposed(rough, 12, 4.0)
    assert unexplained(*coded(first, 85)[:1], second, coded(first, 85)[1]) > 1.5 * EXPLAINED
    assert unexplained(*coded(first, 85)[:1], first, coded(first, 85)[1]) < EXPLAINED / 2


def test_where_nobody_can_tell_it_says_so(field, frame):
    clean = exposed(field, 13, 0.0)
    published, steps = coded(clean, 90)
    assert unexplained(published, clean, steps) is None  # no noise
    published, _ = coded(frame, 90)
    assert unexplained(published, frame, [99] * 64) is None  # all noise is erased
    assert unexplained(published[:40, :40], frame[:40, :40], steps) is None  # too few blocks
    assert unexplained(np.full_like(frame, 255), frame, steps) is None  # clipped
    assert unexplained(np.full_like(frame, 90), frame, steps) is None  # no tone left


def test_a_picture_that_was_smoothed_is_not_called_the_frame(frame):
    published, steps = coded(ndimage.gaussian_filter(frame, 1.5), 90)
    found = unexplained(published, frame, steps)
    assert found is None or found > EXPLAINED


def test_another_place_is_no_frame(frame):
    published, steps = coded(exposed(scene(3), 3), 90)
    assert unexplained(published, frame, steps) > 1.5 * EXPLAINED


def test_pictures_of_two_shapes_are_refused(frame):
    with pytest.raises(ValueError, match="one shape"):
        unexplained(frame, frame[:-1], [1] * 64)
