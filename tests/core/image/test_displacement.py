"""Displacement to a fraction of a pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import shift

from semtrace.core.image.block_agreement import band
from semtrace.core.image.displacement import displacement
from tests.core.image.conftest import exposed, scene

FIELD = scene(1)


@given(st.floats(-12, 12), st.floats(-12, 12))
@settings(max_examples=15, deadline=None)
def test_it_finds_any_small_displacement(down, across):
    moved = shift(FIELD, (down, across), order=3, mode="reflect")
    found = displacement(band(exposed(moved, 5)), band(exposed(FIELD, 6)))
    assert found == pytest.approx((down, across), abs=0.3)


def test_it_turns_round_with_the_pictures():
    one, other = band(exposed(np.roll(FIELD, 3, axis=0), 5)), band(exposed(FIELD, 6))
    assert displacement(one, other) == pytest.approx([-n for n in displacement(other, one)], abs=1e-3)


def test_flat_pictures_are_in_place():
    flat = np.zeros((64, 64), np.float32)
    assert displacement(flat, flat) == (0.0, 0.0)
