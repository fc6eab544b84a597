"""A published image lies in the frame of its original where the comparison has it."""

from __future__ import annotations

import numpy as np
import pytest

from semtrace.core.image.align import align
from semtrace.core.image.frame import FramePlace, place_in_frame
from semtrace.core.image.resample import resize
from semtrace.core.image.symmetry import SYMMETRIES, Symmetry, apply


@pytest.mark.parametrize(
    ("published", "place"),
    [
        ((1024, 768), (0, 0, 1024, 768)), ((512, 384), (0, 0, 1024, 768)), ((1024, 704), (0, 0, 1024, 704)),
        ((512, 352), (0, 0, 1024, 704)), ((341, 256), (0, 0, 1024, 768)), ((2048, 1536), (0, 0, 1024, 768)),
        ((1024, 1024), (0, 0, 1024, 1024)),
    ],
)  # fmt: skip
def test_the_widths_give_the_scale_and_the_upper_edges_meet(published, place):
    found = place_in_frame(published, (1024, 768))
    assert (found.x, found.y, found.width, found.height) == pytest.approx(place)
    assert (found.mirrored, found.quarters) == (False, 0)


@pytest.mark.parametrize("rows", [96, 95, 90, 88])
@pytest.mark.parametrize("scale", [1.0, 0.5, 0.4375, 2.0])
def test_it_is_the_place_that_the_comparison_uses(rows, scale):
    original = np.random.default_rng(rows).integers(0, 256, (96, 128), np.uint8)
    cut = np.ascontiguousarray(original[:rows])
    published = resize(cut, round(128 * scale), round(rows * scale))
    aligned = align(published, original, 88)
    assert aligned is not None
    place = place_in_frame((published.shape[1], published.shape[0]), (128, 96))
    assert (place.height == 96) == aligned.whole
    assert abs(place.height - rows) <= max(1, 1 / scale)


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_a_turned_picture_is_turned_back(symmetry):
    original = np.random.default_rng(1).integers(0, 256, (60, 90), np.uint8)
    published = apply(original, symmetry)
    place = place_in_frame((published.shape[1], published.shape[0]), (90, 60), symmetry)
    assert (place.width, place.height) == (90, 60)
    undone = np.rot90(published[:, ::-1] if place.mirrored else published, place.quarters)
    assert np.array_equal(undone, original)


def test_a_part_lies_where_it_was_cut():
    place = place_in_frame((200, 150), (1024, 768), "identity", "400x300+100+50")
    assert place == FramePlace(100, 50, 400, 300, False, 0)
    turned = place_in_frame((150, 200), (1024, 768), Symmetry.ROTATED_90, "400x300+100+50")
    assert (turned.width, turned.height, turned.quarters) == (400, 300, 3)


@pytest.mark.parametrize("crop", ["", "60x40+10+15"])
@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_a_picture_on_a_page_meets_its_original(symmetry, crop):
    original = np.random.default_rng(2).integers(1, 255, (60, 90), np.uint8)
    shown = apply(original[15:55, 10:70] if crop else original, symmetry)
    height, width = shown.shape
    page = np.zeros((height + 30, width + 50), np.uint8)
    page[12 : 12 + height, 33 : 33 + width] = shown
    place = place_in_frame((page.shape[1], page.shape[0]), (90, 60), symmetry, crop, f"{width}x{height}+33+12")
    turned = np.rot90(page[:, ::-1] if place.mirrored else page, place.quarters)
    assert (place.height, place.width) == turned.shape
    x, y = round(-place.x), round(-place.y)
    left, top, across, down = (10, 15, 60, 40) if crop else (0, 0, 90, 60)
    assert np.array_equal(
        turned[top + y : top + y + down, left + x : left + x + across], original[top : top + down, left : left + across]
    )
