"""Whether a published image ends where an original ends, or goes on beyond it."""

from __future__ import annotations

import numpy as np
import pytest

from semtrace.core.image.outline import ends_with
from semtrace.core.image.transformation import Transformation
from tests.core.image.conftest import exposed, scene

X, Y = 80, 60
LAID = Transformation(1, 0, X, 0, 1, Y)
SIZE = 256, 192


def page(level: int, picture: np.ndarray) -> np.ndarray:
    made = np.full((400, 480), level, np.uint8)
    made[Y : Y + len(picture), X : X + picture.shape[1]] = picture
    return made


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_on_paper_ends_there(level):
    assert ends_with(page(level, exposed(scene(1, SIZE[::-1]), 1)), LAID, SIZE, SIZE[1])


def test_a_field_that_goes_on_does_not_end():
    assert not ends_with(exposed(scene(1, (400, 480)), 1), LAID, SIZE, SIZE[1])


@pytest.mark.parametrize("noise", [0.0, 1.0, 6.0])
def test_an_even_background_that_goes_on_does_not_show_an_end(noise):
    """A particle on an even background: of a frame around it nobody knows that it is the one that was published."""
    particle = np.full((400, 480), 90.0)
    particle[Y + 50 : Y + 140, X + 70 : X + 180] = scene(2, (90, 110))
    assert not ends_with(exposed(particle, 3, noise), LAID, SIZE, SIZE[1])


def test_a_part_shows_no_outline_and_needs_none():
    inside = exposed(scene(1, SIZE[::-1]), 1)[40:150, 30:200]
    assert ends_with(inside, Transformation(1, 0, -30, 0, 1, -40), SIZE, SIZE[1])
