from __future__ import annotations

import numpy as np
import pytest

from semtrace.core.volume.sections import cut_section, in_plane, planes, section_indices, section_shape


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        ((4, 4, 4), [0, 1, 2]),
        ((40, 4, 4), [0]),
        ((5, 4, 4), [0, 1, 2]),  # exactly 25 % of the smaller
        ((5.001, 4, 4), [0]),
        ((3.2, 4, 4), [0, 1, 2]),
        ((3.19, 4, 4), [0]),
        ((4, 4, 40), [0, 2]),  # z against x decides xz, z against y decides yz
        ((4, 40, 4), [0, 1]),
        ((None, None, None), [0]),
        ((None, 4, 4), [0]),
        ((4, None, 4), [0, 1]),
    ],
)
def test_a_plane_is_cut_where_its_two_sides_agree(ratio, expected):
    assert planes(ratio, 1.25) == expected


def test_a_person_may_ask_for_all_planes():
    assert planes((None, None, None), 1.25, always=True) == [0, 1, 2]


@pytest.mark.parametrize("count", [1, 2, 7, 10])
@pytest.mark.parametrize("spacing", [1, 3])
def test_the_last_section_can_be_reached(count, spacing):
    assert list(section_indices(count, spacing, (count - 1) % spacing))[-1] == count - 1
    assert list(section_indices(count, 1, 0)) == list(range(count))
    assert list(section_indices(count, 1, count)) == []


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_shapes_and_sides_are_those_of_the_section(axis):
    volume = np.zeros((3, 4, 5), np.uint8)
    assert section_shape(volume.shape, axis) == cut_section(volume, axis, 2).shape
    assert in_plane(volume.shape, axis) == cut_section(volume, axis, 0).shape
