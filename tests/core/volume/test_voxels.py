from __future__ import annotations

import pytest

from semtrace.core.volume.voxels import nanometres_per, overridden, voxel_size


@pytest.mark.parametrize(
    ("unit", "nm"),
    [("nm", 1), ("µm", 1000), ("\\u00B5m", 1000), ("micron", 1000), ("nanometer", 1), ("micrometers", 1000),
     ("Angstrom", 0.1), ("mm", 1e6), ('"um"', 1000), ("pixel", None), ("", None), (None, None)],
)  # fmt: skip
def test_units(unit, nm):
    assert nanometres_per(unit) == (None if nm is None else pytest.approx(nm))


def test_zero_and_missing_sides_are_unknown_and_never_one():
    size = voxel_size([0.0, None, 4.0], ["nm"] * 3, "x")
    assert size.nm == size.ratio == (None, None, 4.0)
    assert voxel_size([float("nan"), float("inf"), 0.0], ["nm"] * 3, "x").source == ""


def test_without_a_unit_only_ratios_are_known():
    size = voxel_size([40.0, 4.0, 4.0], [None] * 3, "NRRD")
    assert (size.nm, size.ratio) == ((None,) * 3, (40.0, 4.0, 4.0))


def test_an_unknown_unit_is_said():
    assert "furlong" in voxel_size([1.0, 1.0, 1.0], ["furlong"] * 3, "x").note


def test_sides_in_nanometres_do_not_compare_with_others():
    assert voxel_size([1.0, 2.0, 2.0], [None, "nm", "nm"], "x").ratio == (None, 2.0, 2.0)


def test_a_person_s_word_wins():
    size = overridden(voxel_size([1.0, 1.0, 1.0], ["nm"] * 3, "x"), [40, 4, 4])
    assert (size.nm, size.source) == ((40, 4, 4), "import.voxel_nm")
    for wrong in ([1, 2], [0, 1, 1], [-1, 1, 1]):
        with pytest.raises(ValueError, match="three sizes"):
            overridden(size, wrong)
