from __future__ import annotations

import numpy as np
import pytest
import tifffile

from semtrace.curation import section
from semtrace.curation import tables as contracts
from semtrace.io.columns import read_columns
from tests.curation.conftest import tissue, write_mrc
from tests.curation.test_import_volumes import rejects


def sections(world):
    columns = read_columns(world.root / "section" / "sections.parquet", contracts.SECTIONS)
    return {(d, int(a), int(i)) for d, a, i in zip(columns["dataset"], columns["axis"], columns["index"], strict=True)}


def test_planes_follow_the_voxels_and_the_last_section_is_cut(world):
    volume = tissue((6, 40, 50))
    write_mrc(world.volumes / "cube.mrc", volume)
    write_mrc(world.volumes / "flat.mrc", volume, nm=(40, 4, 4))
    write_mrc(world.volumes / "none.mrc", volume, nm=(0, 0, 0))
    world.run_import()
    world.run_section()
    sides = {0: 6, 1: 40, 2: 50}
    expected = {("cube", axis, i) for axis, side in sides.items() for i in range(side)}
    assert sections(world) == expected | {(name, 0, i) for name in ("flat", "none") for i in range(6)}
    world.run_section(assume_isotropic=True, axes=[2], spacing=7, first=49)
    assert sections(world) == {("cube", 2, 49), ("none", 2, 49)}
    assert rejects(world, "section")["flat"][0] == "no_section"


def test_pixel_sizes_are_those_of_the_plane(world):
    write_mrc(world.volumes / "a.mrc", tissue((6, 40, 50)), nm=(5, 4, 4.5))
    world.run_import()
    world.run_section()
    columns = read_columns(world.root / "section" / "sections.parquet", contracts.SECTIONS)
    names = ("axis", "height", "width", "pixel_row_nm", "pixel_column_nm")
    rows = {tuple(float(columns[name][i]) for name in names) for i in range(len(columns["axis"]))}
    expected = {(0, 40, 50, 4, 4.5), (1, 6, 50, 5, 4.5), (2, 6, 40, 5, 4)}
    assert {tuple(round(value, 6) for value in row) for row in rows} == expected


def test_sections_can_be_written(world):
    volume = tissue((4, 40, 50))
    write_mrc(world.volumes / "a.mrc", volume)
    world.run_import()
    world.run_section(write=True, spacing=3)
    folder = world.root / "section" / "tiff"
    assert len(list(folder.iterdir())) == 2 + 14 + 17
    np.testing.assert_array_equal(tifffile.imread(folder / "a-LOC-0_03.tiff"), volume[3])
    np.testing.assert_array_equal(tifffile.imread(folder / "a-LOC-1_39.tiff"), volume[:, 39])
    np.testing.assert_array_equal(tifffile.imread(folder / "a-LOC-2_48.tiff"), volume[:, :, 48])


@pytest.mark.parametrize("wrong", [{"axes": [3]}, {"axes": []}, {"spacing": 0}, {"first": -1}, {"max_ratio": 0.9}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="section"):
        section.Settings(**wrong)
