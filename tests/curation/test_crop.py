from __future__ import annotations

import shutil

import imagehash
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from semtrace.core.volume.blocks import blocks
from semtrace.core.volume.location import parse_location
from semtrace.core.volume.patches import Interval, assemble, cut, patch_grid
from semtrace.core.volume.sections import cut_section
from semtrace.curation import crop
from semtrace.curation import tables as contracts
from semtrace.io import tables
from semtrace.io.columns import read_columns
from semtrace.stage.executor import Executor
from tests.curation.conftest import World, tissue, write_mrc, write_sections


def raw(world, dataset, folder="raw"):
    return read_columns(world.root / folder / f"{dataset}.parquet", contracts.RAW)


def prepared(world, volume, **section):
    write_mrc(world.volumes / "a.mrc", volume)
    world.run_import()
    world.run_section(**section)
    return world


def expected_patches(volume, axes, size, stride, policy, small="pad"):
    """Every patch by plain slicing: name -> pixels."""
    found = {}
    for axis in axes:
        for index in range(volume.shape[axis]):
            picture = cut_section(volume, axis, index)
            for rows in patch_grid(picture.shape[0], size, stride, policy, small):
                for columns in patch_grid(picture.shape[1], size, stride, policy, small):
                    key = axis, index, rows.start, rows.stop, columns.start, columns.stop
                    found[key] = cut(picture, rows, columns)
    return found


def keys(columns):
    names = ("axis", "index", "y0", "y1", "x0", "x1")
    return list(zip(*(columns[name].tolist() for name in names), strict=True))


@pytest.mark.parametrize("policy", ["overlap", "pad", "drop", "seed"])
def test_raw_is_every_patch_with_its_hash(world, policy):
    volume = tissue((37, 50, 81))
    prepared(world, volume)
    world.run_crop(policy=policy)
    columns = raw(world, "a")
    expected = expected_patches(volume, (0, 1, 2), 32, 32, policy)
    assert keys(columns) == sorted(expected)
    assert columns["name"].tolist() == sorted(columns["name"].tolist())
    assert [parse_location(name).y0 for name in columns["name"]] == columns["y0"].tolist()
    for row in range(0, len(columns["name"]), 7):
        picture = Image.fromarray(expected[keys(columns)[row]]).resize((32, 32), Image.Resampling.BILINEAR)
        assert columns["dhash"][row] == str(imagehash.dhash(picture))


@settings(max_examples=8, deadline=None)
@given(*[st.integers(1, 70)] * 3, st.sampled_from(["overlap", "pad"]), st.integers(8, 32))
def test_crop_then_assemble_gives_the_volume_back(tmp_path_factory, depth, height, width, policy, stride):
    world = World(tmp_path_factory.mktemp("law"))
    volume = np.random.default_rng(depth * height).integers(0, 256, (depth, height, width)).astype(np.uint8)
    prepared(world, volume)
    world.run_crop(policy=policy, stride=stride)
    columns = raw(world, "a")
    for axis in (0, 1, 2):
        again = np.zeros_like(volume)
        for index in range(volume.shape[axis]):
            here = [
                row for row, key in enumerate(keys(columns)) if key[:2] == (axis, index)
            ]  # fmt: skip
            picture, patches = cut_section(volume, axis, index), []
            for row in here:
                y0, y1, x0, x1, h, w = (int(columns[n][row]) for n in ("y0", "y1", "x0", "x1", "valid_h", "valid_w"))
                rows, cols = Interval(y0, y1, y0 + h), Interval(x0, x1, x0 + w)
                patches.append((rows, cols, cut(picture, rows, cols)))
            np.moveaxis(again, axis, 0)[index] = assemble(picture.shape, patches)
        np.testing.assert_array_equal(again, volume)


def test_blocks_and_workers_change_no_byte(world, tmp_path, monkeypatch):
    prepared(world, tissue((70, 90, 65)))
    write_sections(world.volumes / "flat", tissue((9, 80, 40), 2))
    world.run_import()
    world.run_section()
    world.run_crop()
    before = world.bytes_of("raw")
    other = World(tmp_path, workers=2)
    other.run_crop(memory_mb=1)
    assert other.bytes_of("raw") == before
    monkeypatch.setattr(crop, "blocks", lambda zs, ys, xs, _: blocks(zs, ys, xs, 1))  # every block is one cell
    world.run_crop()
    assert world.bytes_of("raw") == before


def test_permuted_axes_permute_the_rows_and_transpose_the_patches(world):
    volume = tissue((40, 40, 40))
    write_mrc(world.volumes / "a.mrc", volume)
    write_mrc(world.volumes / "b.mrc", np.ascontiguousarray(volume.transpose(1, 0, 2)))
    world.run_import()
    world.run_section()
    world.run_crop(policy="drop")
    one, other = raw(world, "a"), raw(world, "b")
    for axis, twin in ((0, 1), (1, 0)):  # xy of one are xz of the other, and not transposed
        left, right = one["axis"] == axis, other["axis"] == twin
        np.testing.assert_array_equal(one["dhash"][left], other["dhash"][right])
        np.testing.assert_array_equal(one["structure"][left], other["structure"][right])
    left, right = one["axis"] == 2, other["axis"] == 2  # yz of both, transposed
    np.testing.assert_allclose(one["structure"][left], other["structure"][right])
    assert not np.array_equal(one["dhash"][left], other["dhash"][right])


def test_a_signed_twin_has_the_same_rows(cases, tmp_path):
    tables = []
    for name in ("01_mode0_signed_imod.mrc", "02_mode0_unsigned_old.mrc"):
        world = World(tmp_path / name[:2]) if (tmp_path / name[:2]).mkdir() is None else None
        shutil.copy(cases / name, world.volumes / "a.mrc")
        world.run_import()
        world.run_section()
        world.run_crop()
        tables.append((world.root / "raw" / "a.parquet").read_bytes())
    assert tables[0] == tables[1]


def test_an_unrelated_dataset_changes_no_other_s_rows(world):
    prepared(world, tissue((40, 40, 40)))
    world.run_crop()
    before = (world.root / "raw" / "a.parquet").read_bytes()
    write_mrc(world.volumes / "aa.mrc", tissue((40, 40, 40), 3))
    world.run_import()
    world.run_section()
    world.run_crop()
    assert (world.root / "raw" / "a.parquet").read_bytes() == before


def test_a_missing_chunk_is_no_black_resin(cases, world):
    name = "18_ome04_tczyx_missing_chunk.ome.zarr"
    shutil.copytree(cases / name, world.volumes / name)
    world.run_import()
    world.run_section()
    world.run_crop(size=16)
    columns = raw(world, name.removesuffix(".ome.zarr"))
    for (axis, index, y0, y1, x0, x1), gate in zip(keys(columns), columns["gate"], strict=True):
        z, y, x = {0: ((index, index + 1), (y0, y1), (x0, x1)), 1: ((y0, y1), (index, index + 1), (x0, x1)),
                   2: ((y0, y1), (x0, x1), (index, index + 1))}[axis]  # fmt: skip
        assert (gate == "missing_chunk") == (y[1] > 32 and x[1] > 32), (z, y, x)


def test_the_gate_marks_empty_patches_and_can_be_off(world):
    volume = tissue((3, 64, 96))
    volume[0, :, :32] = 7
    volume[1, :, :32] = np.where(np.indices((64, 32)).sum(0) % 2, 0, 255)
    volume[2, :, 32:64] = np.random.default_rng(1).normal(120, 12, (64, 32)).astype(np.uint8)
    prepared(world, volume, axes=[0])
    summary = world.run_crop(min_structure=2.0)
    assert summary.gated == {"constant": 2, "no_structure": 2, "padded": 2}
    columns = raw(world, "a")
    assert set(columns["gate"][(columns["x0"] == 64)]) == {""}
    world.run_crop(gate=False)
    assert set(raw(world, "a")["gate"]) == {""}


def test_2d_images_are_cut_too(world):
    world.images.mkdir()
    gray = tissue((70, 50))
    Image.fromarray(gray).save(world.images / "one.png")
    world.volumes.rmdir()
    world.volumes.mkdir()
    write_mrc(world.volumes / "v.mrc", tissue((3, 40, 40)))
    world.run_import()
    world.run_section()
    world.run_clean()
    world.run_crop()
    columns = raw(world, "images")
    assert columns["name"].tolist()[-1] == "images-LOC-2d_0_38-70_18-50"
    assert len(columns["name"]) == 6


def test_a_volume_that_is_damaged_since_is_a_reject(world):
    prepared(world, tissue((40, 40, 40)))
    write_mrc(world.volumes / "b.mrc", tissue((40, 40, 40), 5))
    world.run_import()
    world.run_section()
    path = world.volumes / "b.mrc"
    path.write_bytes(path.read_bytes()[:20000])
    summary = world.run_crop()
    assert summary.rejects == {"truncated": 1}
    assert summary.datasets == 1


def test_pixels_that_are_lost_are_counted(world):
    prepared(world, tissue((3, 50, 70)), axes=[0])
    world.run_crop(policy="drop")
    (line,) = (world.root / "raw" / "datasets.csv").read_text().splitlines()[1:]
    assert line == f"a,volume,3,{3 * 50 * 70},{3 * (50 * 70 - 32 * 64)},6,0"


@pytest.mark.parametrize(
    "wrong",
    [{"size": 8}, {"stride": 300}, {"policy": "x"}, {"small": "x"}, {"memory_mb": 0}, {"policy": "seed", "stride": 5}],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="crop"):
        crop.Settings(**wrong)


def test_patches_as_files_are_the_published_pairs(world):
    volume = tissue((37, 50, 40))
    volume[:, :, 32:] = 7
    prepared(world, volume, axes=[0, 2], spacing=9)
    world.run_crop(policy="drop", write="raw")
    columns = raw(world, "a")
    folder = world.root / "raw" / "patches" / "a"
    names = set(columns["name"])
    assert {path.name for path in folder.iterdir()} == {f"{name}.{end}" for name in names for end in ("tiff", "npy")}
    for name in sorted(names):
        at = parse_location(name)
        picture = tifffile.imread(folder / f"{name}.tiff")
        np.testing.assert_array_equal(picture, volume[at.box().slices].squeeze(at.axis))
        bits = np.load(folder / f"{name}.npy", allow_pickle=False)
        np.testing.assert_array_equal(bits, imagehash.dhash(Image.fromarray(picture)).hash)
    world.run_crop(policy="drop", write="kept", out="some")
    passed = set(columns["name"][columns["gate"] == ""])
    assert 0 < len(passed) < len(names)
    assert {path.stem for path in (world.root / "some" / "patches" / "a").iterdir()} == passed
    world.run_crop(policy="drop", out="plain")
    assert not (world.root / "plain" / "patches").exists()


@pytest.mark.parametrize("policy", ["overlap", "pad"])
def test_jitter_shifts_each_grid_and_still_every_pixel_is_in_a_patch(world, tmp_path, policy):
    volume = tissue((12, 50, 60))
    prepared(world, volume)
    world.run_crop(policy=policy, jitter=True, size=20)
    columns = raw(world, "a")
    again, seen = {axis: np.zeros_like(volume) for axis in range(3)}, {}
    for (axis, index, y0, y1, x0, x1), h, w in zip(keys(columns), columns["valid_h"], columns["valid_w"], strict=True):
        picture = cut_section(volume, axis, index)
        here = np.moveaxis(again[axis], axis, 0)[index]
        here[y0 : y0 + h, x0 : x0 + w] = picture[y0 : y0 + h, x0 : x0 + w]
        seen.setdefault(axis, {}).setdefault(index, set()).add((y0, x0))
        assert (y1 - y0, x1 - x0) == (20, 20)
    for axis, whole in again.items():
        np.testing.assert_array_equal(whole, volume)
        grids = {frozenset(places) for places in seen[axis].values()}
        assert len(grids) > len(seen[axis]) // 4
    before = world.bytes_of("raw")
    other = World(tmp_path, workers=2)
    other.executor = Executor(2, tmp_path / "other.sqlite")
    other.run_crop(policy=policy, jitter=True, size=20, memory_mb=1)
    assert other.bytes_of("raw") == before
    world.run_crop(policy=policy, jitter=True, size=20, seed=1)
    assert keys(raw(world, "a")) != keys(columns)


def test_jitter_of_images_and_of_what_is_dropped_is_counted(world):
    world.images.mkdir()
    for number in range(3):
        tifffile.imwrite(world.images / f"{number}.tif", tissue((50, 71), number))
    world.run_import()
    world.run_clean()
    world.run_section()
    world.run_crop(policy="drop", jitter=True)
    columns = raw(world, "images")
    assert len({(y0, x0) for _, _, y0, _, x0, _ in keys(columns)}) > 3
    (row,) = tables.read(world.root / "raw" / "datasets.csv", contracts.CROPPED)
    assert row["pixels_lost"] == 3 * 50 * 71 - len(columns["name"]) * 32 * 32
    with pytest.raises(ValueError, match="jitter"):
        crop.Settings(policy="seed", jitter=True)
