from __future__ import annotations

from semtrace.core.volume.box import Box, intersect, slabs, whole_box


def test_boxes_that_only_touch_share_nothing():
    assert intersect(Box(0, 2, 0, 2, 0, 2), Box(2, 4, 0, 2, 0, 2)) is None
    assert intersect(Box(0, 3, 0, 5, 1, 2), Box(2, 4, 4, 9, 0, 9)) == Box(2, 3, 4, 5, 1, 2)


def test_slabs_hold_each_section_once_and_no_more_memory():
    found = list(slabs((10, 20, 30), 2, 3 * 20 * 30 * 2))
    assert [box.z0 for box in found] == [0, 3, 6, 9]
    assert found[-1].z1 == 10
    assert all(box.shape[0] <= 3 and box.shape[1:] == (20, 30) for box in found)
    assert len(list(slabs((4, 20, 30), 2, 1))) == 4  # a section is never cut
    assert whole_box((4, 20, 30)).shape == (4, 20, 30)
