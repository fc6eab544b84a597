"""A published picture lies in the frame of its original where the comparison has it."""

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
