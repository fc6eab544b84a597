"""What was laid over a picture in one even level."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from semtrace.core.image.block_agreement import block_agreement
from semtrace.core.image.painted import filled, painted
from tests.small_archive import scene


@pytest.fixture(scope="module")
def striped():
    """A picture, itself with stripes over it as a JPEG has them, and where these are."""
    gray = scene(3, 300, 400)
    mask = np.zeros(gray.shape, bool)
    for top in range(20, 300, 60):
        mask[top : top + 14] = True
    file = io.BytesIO()
    Image.fromarray(np.where(mask, np.uint8(200), gray)).save(file, "JPEG", quality=85)
    return gray, np.asarray(Image.open(file)), mask


def test_stripes_are_seen_and_next_to_nothing_else(striped):
    _, published, mask = striped
    seen = painted(published)
    assert seen[mask].mean() > 0.98
    assert seen[~mask].mean() < 0.4
    assert painted(scene(3)).mean() < 0.05


def test_what_lies_between_them_agrees_and_with_another_picture_it_does_not(striped):
    gray, published, _ = striped
    between = ~painted(published)
    assert block_agreement(published, gray).share < 0.4
    assert block_agreement(published, gray, between).share > 0.9
    other = block_agreement(published, scene(4, 300, 400), between)
    assert other is None or other.share < 0.1


def test_they_are_filled_with_the_level_around_them(striped):
    gray, published, mask = striped
    assert (
        np.abs(filled(published)[mask].astype(int) - gray[mask]).mean()
        < 0.5 * np.abs(200 - gray[mask].astype(int)).mean()
    )


@pytest.mark.parametrize("gray", [scene(3), np.full((100, 100), 9, np.uint8)])
def test_without_marks_and_where_all_is_even_nothing_is_filled(gray):
    assert filled(gray) is None


def test_pixels_that_are_not_valid_have_no_say():
    gray, other = scene(1, 256, 384), scene(2, 256, 384)
    valid = np.zeros(gray.shape, bool)
    valid[:, :192] = True
    half = np.where(valid, gray, other)
    assert block_agreement(half, gray).share < 0.6
    assert block_agreement(half, gray, valid).share == 1.0
    assert block_agreement(half, gray, ~valid).share < 0.1
    assert block_agreement(half, gray, np.zeros_like(valid)) is None
    assert block_agreement(gray, gray, np.ones_like(valid)).displacement == 0
