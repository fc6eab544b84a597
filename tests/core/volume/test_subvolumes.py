from __future__ import annotations

import numpy as np
import pytest

from semtrace.core.volume.box import Box
from semtrace.core.volume.subvolumes import Run, overlap_share, pick_apart, rich_runs, sections_around


@pytest.mark.parametrize(
    ("index", "expected"), [(0, (0, 2)), (1, (0, 1)), (2, (0, 0)), (5, (3, 0)), (7, (5, 0)), (8, (5, -1)), (9, (5, -2))]
)
def test_sections_around_a_patch_are_moved_inside(index, expected):
    assert sections_around(index, 5, 10) == expected


def test_a_volume_that_is_too_thin_has_none():
    assert sections_around(0, 5, 4) is None
    assert sections_around(0, 5, 5) == (0, 2)
    assert rich_runs(np.array([0, 1]), 5, 4, 0.0) == []


def test_runs_have_at_least_the_share_that_is_asked_for():
    indices = np.array([0, 1, 2, 9])
    assert rich_runs(indices, 4, 12, 0.5) == [Run(0, 4, 0.75), Run(1, 5, 0.5)]
    assert Run(8, 12, 0.25) in rich_runs(indices, 4, 12, 0.25)  # moved inside


def test_overlap_is_voxels_of_both_over_those_of_either():
    one = Box(0, 4, 0, 4, 0, 4)
    assert overlap_share(one, one) == 1
    assert overlap_share(one, Box(2, 6, 0, 4, 0, 4)) == pytest.approx(1 / 3)
    assert overlap_share(one, Box(4, 8, 0, 4, 0, 4)) == 0
    boxes = [one, Box(2, 6, 0, 4, 0, 4), Box(4, 8, 0, 4, 0, 4)]
    assert pick_apart(boxes, [0, 1, 2], 0.1) == [0, 2]
    assert pick_apart(boxes, [1, 0, 2], 0.1) == [1]
    assert pick_apart(boxes, [0, 1, 2], 0.34) == [0, 1, 2]
