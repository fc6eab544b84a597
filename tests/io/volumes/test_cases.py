"""The input files of ../shared/cases/curation, each with the right outcome of its README."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from semtrace.core.volume.box import Box, whole_box
from semtrace.core.volume.gray_rule import find_rule
from semtrace.io.volumes.open import open_volumes
from semtrace.io.volumes.volume import ReadingChoices, UnreadableVolume

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "curation"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the case files of ../shared/cases are not here")

EQUAL = [
    "01_mode0_signed_imod.mrc", "02_mode0_unsigned_old.mrc", "03_mode0_no_stamp_header_lies.mrc",
    "05_voxel_negative_z.mrc", "11_compressed.mrc.gz", "11_compressed.mrc.bz2", "12_axes_permuted.mrc",
    "13_detached.nhdr", "15_spacings_no_unit.nrrd", "16_ome05_zyx.ome.zarr",
]  # fmt: skip


@pytest.fixture(scope="module")
def truth():
    return np.load(CASES / "truth_volume.npy")


def opened(name, scratch, **reading):
    return open_volumes((CASES / name).resolve(), ReadingChoices(**reading), scratch)


def only(name, scratch, **reading):
    (volume,) = opened(name, scratch, **reading)
    return volume


@pytest.mark.parametrize("name", EQUAL)
def test_the_voxels_are_the_truth(name, truth, tmp_path):
    volume = only(name, tmp_path)
    assert volume.shape == truth.shape
    assert volume.dtype == np.uint8
    np.testing.assert_array_equal(volume.read(whole_box(volume.shape)), truth)
    box = Box(3, 11, 7, 40, 1, 59)
    part = volume.read(box)
    np.testing.assert_array_equal(part, truth[box.slices])
    assert part.flags.c_contiguous


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("01_mode0_signed_imod.mrc", "signed: imod flag"),
        ("02_mode0_unsigned_old.mrc", "unsigned: imod flag"),
        ("03_mode0_no_stamp_header_lies.mrc", "unsigned: header range"),
        ("08_extended_header_FEI_padding.mrc", ""),
    ],
)
def test_the_rule_of_the_sign_is_named(name, rule, tmp_path):
    assert only(name, tmp_path).sign == rule


def test_a_person_may_set_the_sign(truth, tmp_path):
    volume = only("02_mode0_unsigned_old.mrc", tmp_path, mode0="signed")
    np.testing.assert_array_equal(volume.read(whole_box(volume.shape)), truth ^ 128)
    assert volume.sign == "signed: as set"


@pytest.mark.parametrize(
    ("name", "nm", "ratio"),
    [
        ("01_mode0_signed_imod.mrc", (4, 4, 4), (40, 40, 40)),
        ("05_voxel_negative_z.mrc", (20, 4, 4), (200, 40, 40)),
        ("06_voxel_zero.mrc", (None,) * 3, (None,) * 3),
        ("07_volume_stack_401.mrc", (4, 4, 4), (40, 40, 40)),
        ("12_axes_permuted.mrc", (20, 4, 4), (200, 40, 40)),
        ("13_detached.nhdr", (40, 4, 4), (0.04, 0.004, 0.004)),
        ("15_spacings_no_unit.nrrd", (None,) * 3, (4, 4, 4)),
        ("16_ome05_zyx.ome.zarr", (8, 8, 8), (8, 8, 8)),
        ("18_ome04_tczyx_missing_chunk.ome.zarr", (8, 8, 8), (8, 8, 8)),
        ("19_imagej_hyperstack_cz.tif", (50, 4, 4), (0.05, 0.004, 0.004)),
    ],
)
def test_voxel_sizes(name, nm, ratio, tmp_path):
    voxel = opened(name, tmp_path)[0].voxel
    assert voxel.nm == tuple(None if side is None else pytest.approx(side) for side in nm)
    assert voxel.ratio == tuple(None if side is None else pytest.approx(side) for side in ratio)
    assert bool(voxel.source) == (ratio[0] is not None)


def test_a_negative_side_is_noted(tmp_path):
    assert "taken as" in only("05_voxel_negative_z.mrc", tmp_path).voxel.note


def test_floats_get_one_rule_for_the_whole_volume(truth, tmp_path):
    volume = only("06_voxel_zero.mrc", tmp_path)
    values = volume.read(whole_box(volume.shape))
    assert volume.dtype == values.dtype == np.float32
    rule = find_rule(lambda: [values[:7], values[7:]], volume.dtype)
    gray = rule.apply(values)
    order = np.argsort(values, axis=None)
    assert np.all(np.diff(gray.ravel()[order].astype(int)) >= 0)
    assert np.corrcoef(gray.ravel(), truth.ravel())[0, 1] > 0.99


def test_a_stack_of_volumes_is_several(truth, tmp_path):
    volumes = opened("07_volume_stack_401.mrc", tmp_path)
    assert [volume.part for volume in volumes] == ["V0", "V1"]
    assert [volume.shape for volume in volumes] == [(8, 40, 60)] * 2
    both = [volume.read(whole_box(volume.shape)) for volume in volumes]
    stored = np.memmap(CASES / "07_volume_stack_401.mrc", np.int16, "r", 1024, (16, 40, 60))
    np.testing.assert_array_equal(np.concatenate(both), stored)
    with pytest.raises(ValueError, match="no box inside"):
        volumes[0].read(Box(0, 9, 0, 4, 0, 4))


def test_an_extended_header_is_stepped_over(truth, tmp_path):
    volume = only("08_extended_header_FEI_padding.mrc", tmp_path)
    assert volume.dtype == np.uint16
    values = volume.read(whole_box(volume.shape))
    assert np.corrcoef(values.ravel(), truth.ravel())[0, 1] > 0.999


def test_a_truncated_file_is_refused_or_salvaged(truth, tmp_path):
    with pytest.raises(UnreadableVolume) as refused:
        opened("10_truncated.mrc", tmp_path)
    assert (refused.value.reason, refused.value.detail) == ("truncated", "14 of 20 sections are whole")
    volume = only("10_truncated.mrc", tmp_path, salvage=True)
    assert volume.shape == (14, 40, 60)
    assert volume.notes == ("salvaged: 14 of 20 sections are whole",)
    np.testing.assert_array_equal(volume.read(whole_box(volume.shape)), truth[:14])


def test_a_data_file_outside_is_not_opened(tmp_path):
    inside = tmp_path / "in"
    inside.mkdir()
    shutil.copy(CASES / "14_detached_escape.nhdr", inside)
    shutil.copy(CASES / "13_moved.raw", tmp_path / "outside.raw")
    with pytest.raises(UnreadableVolume, match="data file outside the root"):
        open_volumes(inside / "14_detached_escape.nhdr", ReadingChoices(), tmp_path)


def test_another_level_is_chosen_by_its_scale(tmp_path):
    volume = only("16_ome05_zyx.ome.zarr", tmp_path, level=1)
    assert (volume.shape, volume.voxel.nm, volume.level) == ((10, 20, 30), (16, 16, 16), 1)
    with pytest.raises(UnreadableVolume, match="missing_level"):
        opened("16_ome05_zyx.ome.zarr", tmp_path, level=2)


def test_an_absent_chunk_is_missing_and_not_black(truth, tmp_path):
    volume = only("18_ome04_tczyx_missing_chunk.ome.zarr", tmp_path)
    assert volume.shape == truth.shape
    assert volume.absent(whole_box(volume.shape)) == [Box(0, 20, 32, 40, 32, 60)]
    assert volume.absent(Box(0, 20, 0, 32, 0, 60)) == []
    got = volume.read(whole_box(volume.shape))
    expected = truth.copy()
    expected[:, 32:, 32:] = 0
    np.testing.assert_array_equal(got, expected)


def test_pages_of_a_hyperstack_are_sections_and_channels(truth, tmp_path):
    volume = only("19_imagej_hyperstack_cz.tif", tmp_path)
    assert volume.shape == (6, 40, 60)
    first = volume.read(whole_box(volume.shape))
    second = only("19_imagej_hyperstack_cz.tif", tmp_path, channel=1).read(whole_box(volume.shape))
    assert first.dtype == np.uint16
    assert np.corrcoef(first.ravel(), truth[:6].ravel())[0, 1] > 0.99
    assert not np.array_equal(first, second)
    with pytest.raises(UnreadableVolume, match="missing_channel"):
        opened("19_imagej_hyperstack_cz.tif", tmp_path, channel=2)
