"""Volumes as people and programs really leave them: sound, damaged, and lying about themselves."""

from __future__ import annotations

import bz2
import gzip
import json
import math
import shutil

import mrcfile
import nrrd
import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.core.volume.box import Box, whole_box
from semtrace.io.volumes.open import open_volumes
from semtrace.io.volumes.sections_folder import numbered, open_sections, series
from semtrace.io.volumes.volume import ReadingChoices, UnreadableVolume


@pytest.fixture
def values():
    return np.random.default_rng(5).integers(0, 256, (7, 11, 13)).astype(np.uint8)


def only(path, **reading):
    (volume,) = open_volumes(path, ReadingChoices(**reading), path.parent / ".scratch")
    return volume


def all_of(volume):
    return volume.read(whole_box(volume.shape))


def why(path, **reading):
    with pytest.raises(UnreadableVolume) as refused:
        only(path, **reading)
    return refused.value.reason


def write_mrc(path, array, **header):
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(array)
        for name, value in header.items():
            file.header[name] = value
    return path


@pytest.mark.parametrize("dtype", ["i1", "i2", "u2", "f4", "f2"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_mrc_modes_in_both_byte_orders(dtype, order, values, tmp_path):
    array = values.astype(dtype) if dtype != "i1" else (values.astype(np.int16) - 128).astype(np.int8)
    path = write_mrc(tmp_path / "a.mrc", array)
    if order == ">":
        raw = path.read_bytes()
        header = np.frombuffer(raw[:1024], mrcfile.dtypes.HEADER_DTYPE)
        swapped = header.astype(header.dtype.newbyteorder(">"))
        swapped["machst"] = (0x11, 0x11, 0, 0)
        path.write_bytes(swapped.tobytes() + array.astype(array.dtype.newbyteorder(">")).tobytes())
    got = all_of(only(path, mode0="signed"))
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, values if dtype == "i1" else array)


@pytest.mark.parametrize("signed", [True, False])
def test_the_sign_is_guessed_by_smoothness_where_nothing_says_it(signed, tmp_path):
    ramp = np.add.outer(np.add.outer(np.arange(9), np.arange(60)), np.arange(70))
    gray = (60 + 130 * (ramp / ramp.max())).astype(np.uint8)
    stored = (gray ^ 128 if signed else gray).view(np.int8)
    path = write_mrc(tmp_path / "a.mrc", stored, dmin=0, dmax=-1)  # as the standard marks numbers that are not known
    volume = only(path)
    assert volume.sign == f"{'signed' if signed else 'unsigned'}: guessed"
    np.testing.assert_array_equal(all_of(volume), gray)


@given(st.permutations([1, 2, 3]))
@settings(max_examples=6)
def test_permuted_axes_come_out_in_z_y_x(tmp_path_factory, axes):
    values = np.random.default_rng(1).integers(0, 999, (4, 5, 6)).astype(np.int16)
    section, row, column = axes  # 1 is x, 2 is y, 3 is z
    stored = values.transpose(3 - section, 3 - row, 3 - column)
    path = tmp_path_factory.mktemp("mrc") / "a.mrc"
    write_mrc(path, np.ascontiguousarray(stored), mapc=column, mapr=row, maps=section)
    np.testing.assert_array_equal(all_of(only(path)), values)


@pytest.mark.parametrize(("cut", "sections"), [(1, 6), (11 * 13 * 2, 6), (11 * 13 * 2 + 1, 5), (7 * 11 * 13 * 2, 0)])
def test_whole_sections_of_a_truncated_file_are_counted(cut, sections, values, tmp_path):
    path = write_mrc(tmp_path / "a.mrc", values.astype(np.int16))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(UnreadableVolume, match=f"{sections} of 7 sections are whole"):
        only(path)
    if sections:
        np.testing.assert_array_equal(all_of(only(path, salvage=True)), values[:sections])
    else:
        assert why(path, salvage=True) == "truncated"


def test_a_header_that_lies_about_its_size_takes_no_memory(values, tmp_path):
    path = write_mrc(tmp_path / "a.mrc", values.astype(np.int16))
    with path.open("r+b") as file:
        file.write(np.array([20000, 20000, 2**31 - 1], np.int32).tobytes())
    assert why(path) == "truncated"


@pytest.mark.parametrize("sides", [(0, 5, 5), (5, 0, 5), (5, 5, -1)])
def test_a_volume_without_a_voxel_is_refused(sides, values, tmp_path):
    path = write_mrc(tmp_path / "a.mrc", values.astype(np.int16))
    with path.open("r+b") as file:
        file.write(np.array(sides[::-1], np.int32).tobytes())
    assert why(path) == "empty"


@pytest.mark.parametrize("mode", [3, 4, 101, 77])
def test_other_modes_are_refused(mode, values, tmp_path):
    path = write_mrc(tmp_path / "a.mrc", values.astype(np.int16), mode=mode)
    assert why(path) == "unsupported"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_compressed_files_are_unpacked_once(pack, values, tmp_path):
    path = write_mrc(tmp_path / "a.mrc", values.astype(np.int16))
    packed = tmp_path / "a.mrc.x"
    packed.write_bytes(pack(path.read_bytes()))
    np.testing.assert_array_equal(all_of(only(packed)), values)
    (scratch,) = (tmp_path / ".scratch" / "unpacked").iterdir()
    seen = scratch.stat().st_mtime_ns
    only(packed)
    assert scratch.stat().st_mtime_ns == seen
    packed.write_bytes(packed.read_bytes()[:-200])
    assert why(packed) == "truncated"


def test_a_bomb_is_not_unpacked(values, tmp_path):
    path = write_mrc(tmp_path / "a.mrc", values.astype(np.int16))
    head = bytearray(path.read_bytes()[:1024])
    head[:12] = np.array([10000, 10000, 100], np.int32).tobytes()
    packed = tmp_path / "a.mrc.gz"
    packed.write_bytes(gzip.compress(bytes(head) + bytes(1 << 24)))
    assert why(packed) == "too_large"
    assert not (tmp_path / ".scratch").exists()
    honest = bytes(path.read_bytes()) + bytes(1 << 24)  # more than the header says: the rest is never unpacked
    packed.write_bytes(gzip.compress(honest))
    np.testing.assert_array_equal(all_of(only(packed)), values)
    assert max(file.stat().st_size for file in (tmp_path / ".scratch" / "unpacked").iterdir()) < 4000


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", ">u2", "f8"])
def test_nrrd_encodings_and_types(encoding, dtype, values, tmp_path):
    path, array = tmp_path / "a.nrrd", values.astype(dtype)
    nrrd.write(str(path), array, {"encoding": encoding}, index_order="C")
    got = all_of(only(path))
    assert got.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(got, values)


def test_nrrd_truncated_and_salvaged(values, tmp_path):
    path = tmp_path / "a.nrrd"
    nrrd.write(str(path), values, {"encoding": "raw"}, index_order="C")
    path.write_bytes(path.read_bytes()[: -11 * 13 * 2 + 5])
    assert why(path) == "truncated"
    np.testing.assert_array_equal(all_of(only(path, salvage=True)), values[:5])


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.raw", "a/../../x.raw"])
def test_a_header_leads_nowhere_outside(name, tmp_path):
    text = f"NRRD0005\ntype: uint8\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: {name}\n\n"
    (tmp_path / "a.nhdr").write_text(text)
    assert why(tmp_path / "a.nhdr") == "outside_root"


def test_a_data_file_that_is_a_link_is_not_followed(values, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(8))
    (tmp_path / "x.raw").symlink_to(tmp_path / "secret")
    text = "NRRD0005\ntype: uint8\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: x.raw\n\n"
    (tmp_path / "a.nhdr").write_text(text)
    with pytest.raises(OSError, match="symbolic"):
        only(tmp_path / "a.nhdr")


@pytest.mark.parametrize(
    "text", ["", "type: uint8\n", "type: block\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n", "sizes: a b\n"]
)
def test_a_nrrd_header_without_sense_is_refused(text, tmp_path):
    (tmp_path / "a.nrrd").write_bytes(b"NRRD0005\n" + text.encode() + b"\n" + bytes(8))
    assert why(tmp_path / "a.nrrd") in ("unsupported", "empty", "corrupt")


@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_tiff_stacks(compression, order, dtype, values, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, values.astype(dtype), compression=compression, byteorder=order, photometric="minisblack", bigtiff=True
    )
    volume = only(path)
    np.testing.assert_array_equal(all_of(volume), values)
    np.testing.assert_array_equal(volume.read(Box(2, 5, 1, 4, 3, 9)), values[2:5, 1:4, 3:9])


def test_a_stack_whose_smallest_is_white_is_turned_round(values, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    np.testing.assert_array_equal(all_of(only(tmp_path / "a.tif")), 255 - values)


def test_ome_tiff_says_size_and_channels(values, tmp_path):
    array = np.stack([values, 255 - values])
    said = {"axes": "CZYX", "PhysicalSizeX": 0.004, "PhysicalSizeY": 0.004, "PhysicalSizeZ": 30.0}
    said |= {"PhysicalSizeZUnit": "nm"}
    tifffile.imwrite(tmp_path / "a.ome.tif", array, metadata=said, photometric="minisblack")
    volume = only(tmp_path / "a.ome.tif", channel=1)
    assert volume.voxel.nm == pytest.approx((30, 4, 4))
    np.testing.assert_array_equal(all_of(volume), 255 - values)


def test_a_colour_stack_becomes_luma(values, tmp_path):
    colour = np.stack([values, values, values], -1)
    colour[..., 0] //= 2
    tifffile.imwrite(tmp_path / "a.tif", colour, photometric="rgb")
    expected = np.rint(0.299 * colour[..., 0] + 0.587 * values + 0.114 * values)
    np.testing.assert_array_equal(all_of(only(tmp_path / "a.tif")), expected)


def test_a_single_page_is_no_volume(values, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", values[0])
    assert why(tmp_path / "a.tif") == "single_page"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_tiff_cut_anywhere_is_refused_in_words(share, values, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values, compression="deflate", photometric="minisblack")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UnreadableVolume):
        all_of(only(path))


def write_ome(path, array, scales, *, zarr_format=3, axes="zyx", unit="nanometer"):
    group = zarr.open_group(str(path), mode="w", zarr_format=zarr_format)
    datasets = []
    for number, scale in enumerate(scales):
        name = f"level{number}"
        step = max(1, round(scale[-1] / min(other[-1] for other in scales)))
        data = array[..., ::step, ::step, ::step]
        group.create_array(name, data=data, chunks=tuple(min(8, side) for side in data.shape))
        datasets.append({"path": name, "coordinateTransformations": [{"type": "scale", "scale": list(scale)}]})
    kinds = [{"name": axis, "type": "space", "unit": unit} if axis in "zyx" else {"name": axis} for axis in axes]
    said = {"multiscales": [{"axes": kinds, "datasets": datasets}]}
    group.attrs.update({"ome": said | {"version": "0.5"}} if zarr_format == 3 else said)
    return path


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_levels_go_by_scale_and_not_by_place(zarr_format, values, tmp_path):
    path = write_ome(tmp_path / "a.zarr", values, [(16, 16, 16), (8, 8, 8)], zarr_format=zarr_format)
    volume = only(path)
    assert volume.voxel.nm == (8, 8, 8)
    np.testing.assert_array_equal(all_of(volume), values)
    assert only(path, level=1).voxel.nm == (16, 16, 16)


def test_axes_in_another_order_come_out_in_z_y_x(values, tmp_path):
    path = write_ome(tmp_path / "a.zarr", values.transpose(2, 1, 0), [(4, 4, 40)], axes="xyz")
    volume = only(path)
    assert volume.voxel.nm == (40, 4, 4)
    np.testing.assert_array_equal(all_of(volume), values)
    np.testing.assert_array_equal(volume.read(Box(1, 4, 2, 9, 3, 13)), values[1:4, 2:9, 3:13])


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_plain_arrays_have_no_voxel_size(zarr_format, values, tmp_path):
    zarr.save_array(str(tmp_path / "a.zarr"), values[None], zarr_format=zarr_format)
    volume = only(tmp_path / "a.zarr")
    assert volume.voxel.nm == (None, None, None)
    np.testing.assert_array_equal(all_of(volume), values)


@pytest.mark.parametrize("harm", ["no level", "no chunk", "object", "json", "outside", "no axes"])
def test_a_damaged_store_is_refused_in_words(harm, values, tmp_path):
    path = write_ome(tmp_path / "a.zarr", values, [(8, 8, 8)], zarr_format=2)
    if harm == "no level":
        shutil.rmtree(path / "level0")
    elif harm == "no chunk":
        for chunk in (path / "level0").rglob("[0-9]*"):
            if chunk.is_file():
                chunk.unlink()
    elif harm == "object":
        said = json.loads((path / "level0" / ".zarray").read_text())
        said |= {"dtype": "|O", "filters": [{"id": "pickle"}]}
        (path / "level0" / ".zarray").write_text(json.dumps(said))
    elif harm == "json":
        (path / "level0" / ".zarray").write_text("{")
    else:
        said = json.loads((path / ".zattrs").read_text())
        if harm == "outside":
            said["multiscales"][0]["datasets"][0]["path"] = "../level0"
        else:
            del said["multiscales"][0]["axes"]
        (path / ".zattrs").write_text(json.dumps(said))
    with pytest.raises(UnreadableVolume):
        only(path)


def test_a_store_that_promises_a_world_is_refused(values, tmp_path):
    path = tmp_path / "a.zarr"
    array = zarr.create_array(str(path), shape=(10**6,) * 3, chunks=(64,) * 3, dtype="u1")
    array[:2, :2, :2] = 9
    assert why(path) == "missing_chunks"
    shutil.rmtree(path)
    zarr.create_array(str(path), shape=(10**5,) * 3, chunks=(10**5,) * 3, dtype="u1")
    assert why(path) == "too_large"


def test_a_missing_chunk_is_found_at_its_place(tmp_path):
    values = np.random.default_rng(2).integers(1, 255, (20, 20, 20)).astype(np.uint8)
    path = write_ome(tmp_path / "a.zarr", values, [(8, 8, 8)])
    (path / "level0" / "c" / "1" / "0" / "2").unlink()
    volume = only(path)
    assert volume.absent(whole_box(volume.shape)) == [Box(8, 16, 0, 8, 16, 20)]
    assert volume.absent(Box(0, 8, 0, 20, 0, 20)) == []
    assert volume.absent(Box(15, 17, 0, 2, 17, 18)) == [Box(15, 16, 0, 2, 17, 18)]
    assert "1 chunks are absent" in volume.notes


def test_sections_stand_in_the_order_of_their_numbers(values, tmp_path):
    names = [f"s_{number}.tif" for number in range(7)]
    names[-1] = "s_10.tif"  # after 9 in nature, before 2 by letters
    for name, section in zip(names, values, strict=True):
        tifffile.imwrite(tmp_path / name, section)
    (found,) = series(sorted(names)).values()
    assert found == names
    (volume,) = open_sections(tmp_path, sorted(names))
    got = all_of(volume)
    assert got.shape == (11, 11, 13)
    np.testing.assert_array_equal(got[[0, 1, 2, 3, 4, 5, 10]], values)
    assert [box.z0 for box in volume.absent(whole_box(volume.shape))] == [6, 7, 8, 9]
    assert volume.notes == ("4 section numbers are left out: 6, 7, 8, 9",)


@pytest.mark.parametrize("harm", ["size", "type", "twice", "gaps", "pages", "cut"])
def test_sections_that_make_no_volume(harm, values, tmp_path):
    names = [f"{number:02}.tif" for number in range(4)]
    for name, section in zip(names, values, strict=False):
        tifffile.imwrite(tmp_path / name, section)
    odd = {"size": values[0, :5], "type": values[0].astype(np.uint16), "pages": values}.get(harm, values[0])
    name = {"twice": "2.tif", "gaps": "900.tif"}.get(harm, "04.tif")
    tifffile.imwrite(tmp_path / name, odd)
    if harm == "cut":
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:100])
    with pytest.raises(UnreadableVolume):
        open_sections(tmp_path, [*names, name])


def test_numbers_in_names():
    assert numbered("cell2_z007b.TIF") == ("cell2_z", 7, "b.tif")
    assert numbered("overview.tif") is None
    groups = series(["a1.tif", "a2.tif", "b1.tif", "b2.png", "c.tif"])
    assert list(groups.values()) == [["a1.tif", "a2.tif"]]


@pytest.mark.parametrize("data", [b"", b"hello", b"NRRD0005", b"II*\0", b"\x1f\x8b\x08\0", b"MAP " * 400, bytes(2000)])
def test_nonsense_is_refused_in_words(data, tmp_path):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(UnreadableVolume):
        only(tmp_path / "a")


def test_real_maps_plain_and_compressed_are_equal(shared, tmp_path):
    folder = (shared / "volumes_video" / "mrcfile_emdb_maps").resolve()
    for plain, *packed in (("EMD-3001.map", "EMD-3001.map.bz2", "emd_3001.map.gz"),
                           ("EMD-3197.map", "EMD-3197.map.bz2", "emd_3197.map.gz")):  # fmt: skip
        (volume,) = open_volumes(folder / plain, ReadingChoices(), tmp_path)
        values = all_of(volume)
        expected = mrcfile.read(folder / plain)
        with mrcfile.open(folder / plain, header_only=True) as file:
            order = [int(file.header[name]) for name in ("maps", "mapr", "mapc")]
        np.testing.assert_array_equal(values, expected.transpose(order.index(3), order.index(2), order.index(1)))
        assert all(side and math.isfinite(side) for side in volume.voxel.nm)
        for name in packed:
            (other,) = open_volumes(folder / name, ReadingChoices(), tmp_path)
            np.testing.assert_array_equal(all_of(other), values)
            assert other.voxel == volume.voxel


def test_real_stack_and_sections(shared, tmp_path):
    folder = (shared / "volumes_video").resolve()
    (stack,) = open_volumes(folder / "imageio_stacks_video" / "calcium_imaging.tif", ReadingChoices(), tmp_path)
    assert (stack.shape, stack.dtype) == ((1000, 30, 40), np.uint16)
    expected = tifffile.imread(folder / "imageio_stacks_video" / "calcium_imaging.tif")
    np.testing.assert_array_equal(stack.read(Box(990, 1000, 0, 30, 0, 40)), expected[990:])
    sections = folder / "drosophila_vnc_stack1_sstem"
    (volume,) = open_sections(sections, [path.name for path in sections.glob("*.tif")])
    assert volume.shape[0] == 5
    np.testing.assert_array_equal(volume.read(whole_box(volume.shape))[3], tifffile.imread(sections / "03.tif"))
