from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
import tifffile

from semtrace.core.errors import InputError
from semtrace.core.volume.box import Box, intersect
from semtrace.core.volume.location import parse_location
from semtrace.core.volume.sample import cubes_in_turn, is_unpadded, parse_roi, roi_text
from semtrace.curation import import_volumes, reconstruct
from semtrace.curation import tables as contracts
from semtrace.io import tables
from semtrace.io.columns import read_columns
from semtrace.io.digests import md5
from semtrace.stage.rejects import REJECTS
from tests.curation.conftest import World, tissue, write_mrc, write_sections


def volumes(world):
    return {row["path"]: row for row in tables.read(world.root / "import" / "volumes.csv", contracts.VOLUMES)}


def rejects(world, stage="import"):
    rows = tables.read(world.root / stage / "rejects.csv", REJECTS)
    return {row["path"]: (row["reason"], row["detail"]) for row in rows}


@pytest.fixture(scope="module")
def case_world(cases, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("cases"), workers=2)
    shutil.copytree(cases, world.volumes, dirs_exist_ok=True)
    for name in ("README.md", "patch_labels.csv", "truth_volume.npy"):
        (world.volumes / name).unlink()
    world.run_import()
    return world


def test_every_case_has_its_outcome(case_world):
    found, refused = volumes(case_world), rejects(case_world)
    assert {path: reason for path, (reason, _) in refused.items()} == {
        "10_truncated.mrc": "truncated",
        "13_moved.raw": "belongs_to",
        "14_detached_escape.nhdr": "outside_root",
        "25_empty.avi": "empty_file",
    }
    assert refused["10_truncated.mrc"][1] == "14 of 20 sections are whole"
    assert refused["13_moved.raw"][1] == "data of 13_detached.nhdr"
    files = {path.relative_to(case_world.volumes).parts[0] for path in case_world.volumes.rglob("*") if path.is_file()}
    assert {*found, *refused} == files


def test_equal_volumes_are_found_by_content_whatever_they_are_stored_as(case_world):
    found = volumes(case_world)
    first = found["01_mode0_signed_imod.mrc"]
    same = ["02", "03", "05", "11", "12", "13", "15", "16"]
    for path, row in found.items():
        assert (row["duplicate_of"] == first["dataset"]) == (path[:2] in same), path
    names = sorted(row["dataset"] for path, row in found.items() if path.startswith("11"))
    assert len(set(names)) == 2
    assert all(name.startswith("11_compressed~") and len(name) == 20 for name in names)


def test_the_table_says_how_each_was_read(case_world):
    found = volumes(case_world)
    assert found["03_mode0_no_stamp_header_lies.mrc"]["sign"] == "unsigned: header range"
    assert "taken as" in found["05_voxel_negative_z.mrc"]["voxel_note"]
    assert found["06_voxel_zero.mrc"]["voxel_z_nm"] is None
    assert found["13_detached.nhdr"]["voxel_z_nm"] == 40
    assert found["15_spacings_no_unit.nrrd"]["voxel_z_nm"] is None
    assert "1 chunks are absent" in found["18_ome04_tczyx_missing_chunk.ome.zarr"]["voxel_note"]
    assert found["23_four_channels_png.avi"]["kind"] == "video"
    assert "alpha ignored" in found["23_four_channels_png.avi"]["voxel_note"]
    stack = case_world.root / "import" / "stacks" / "21_gray_odd_size_ffv1.tif"
    assert tifffile.imread(stack).shape == (6, 79, 117)


def test_a_stack_of_volumes_gives_several_rows(case_world):
    rows = tables.read(case_world.root / "import" / "volumes.csv", contracts.VOLUMES)
    parts = [row["dataset"] for row in rows if row["path"].startswith("07")]
    assert parts == ["07_volume_stack_401-V0", "07_volume_stack_401-V1"]


def test_workers_and_repetition_change_no_byte(case_world):
    before = case_world.bytes_of("import")
    other = World(case_world.root, workers=1)
    other.run_import()
    assert other.bytes_of("import") == before


def test_sources_are_only_read(world):
    path = write_mrc(world.volumes / "a.mrc", tissue((4, 40, 40)))
    path.chmod(0o400)
    before = path.read_bytes(), path.stat().st_mtime_ns
    world.run_import()
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [p.name for p in world.volumes.iterdir()] == ["a.mrc"]


def test_names_that_meet_are_told_apart(world):
    volume = tissue((4, 40, 40))
    for name in ("a.mrc", "A.map", "x-LOC-y.mrc", "deep/er/b.mrc", "deep__er__b.mrc"):
        write_mrc(world.volumes / name, volume)
    world.run_import()
    names = {path: row["dataset"] for path, row in volumes(world).items()}
    assert len({name.casefold() for name in names.values()}) == 5
    assert names["x-LOC-y.mrc"] == "x-LOC-y"
    assert names["a.mrc"].startswith("a~")
    assert names["deep/er/b.mrc"].startswith("deep__er__b~")


def test_links_pipes_and_single_pictures_are_rejects(world):
    write_mrc(world.volumes / "a.mrc", tissue((4, 40, 40)))
    (world.volumes / "link.mrc").symlink_to("a.mrc")
    os.mkfifo(world.volumes / "pipe.mrc")
    tifffile.imwrite(world.volumes / "single.tif", tissue((40, 40)))
    summary = world.run_import()
    assert {path: reason for path, (reason, _) in rejects(world).items()} == {
        "link.mrc": "symbolic_link", "pipe.mrc": "not_a_file", "single.tif": "single_picture"
    }  # fmt: skip
    assert summary.files == 4


def test_folders_of_sections(world):
    array = tissue((5, 40, 50))
    write_sections(world.volumes / "run1", array)
    write_sections(world.volumes / "two", array, "a{}.tif")
    write_sections(world.volumes / "two", array[::-1], "b{}.tif")
    write_sections(world.volumes / "mixed", array)
    tifffile.imwrite(world.volumes / "mixed" / "s005.tif", array[0, :20])
    tifffile.imwrite(world.volumes / "run1" / "overview.tif", array[0])
    summary = world.run_import()
    found, refused = volumes(world), rejects(world)
    assert sorted(found) == ["run1", "two/a*.tif", "two/b*.tif"]
    assert {found[path]["kind"] for path in found} == {"folder"}
    assert sorted(refused) == ["mixed", "run1/overview.tif"]
    assert refused["mixed"][0] == "mixed_sizes"
    assert refused["mixed"][1].startswith("6 files: ")
    assert summary.files == 22


def test_a_person_s_voxel_size_and_licences(world):
    write_mrc(world.volumes / "a.mrc", tissue((4, 40, 40)), nm=(0, 0, 0))
    write_mrc(world.volumes / "b.mrc", tissue((4, 40, 40), 2))
    (world.volumes / "datasets.csv").write_text("path,licence,experiment\na.mrc,CC-BY-4.0,fly\n")
    world.run_import(voxel_nm={"a": [40, 4, 4]})
    found = volumes(world)
    assert (found["a.mrc"]["voxel_z_nm"], found["a.mrc"]["voxel_source"]) == (40, "import.voxel_nm")
    assert (found["a.mrc"]["licence"], found["b.mrc"]["licence"]) == ("CC-BY-4.0", "")
    (world.volumes / "datasets.csv").write_text("path,licence,experiment\nc.mrc,CC0,fly\n")
    with pytest.raises(InputError, match=r"c\.mrc"):
        world.run_import()


def test_empty_folders_have_nothing_to_cut_and_a_missing_one_is_said(world):
    world.images.mkdir()
    assert world.run_import().datasets == world.run_clean().images == 0
    world.run_section()
    with pytest.raises(InputError, match="no volume and no image"):
        world.run_crop()
    world.volumes.rmdir()
    with pytest.raises(InputError, match="missing"):
        world.run_import()


@pytest.mark.parametrize(
    "wrong",
    [{"range": "9..1"}, {"mode0": "x"}, {"channel": -1}, {"voxel_nm": {"a": [1, 2]}}, {"voxel_nm": {"a": [0, 1, 1]}}],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=r"\w"):
        import_volumes.Settings(**wrong)


def test_not_a_number_and_infinity_are_one_rule(world):
    values = np.random.default_rng(1).normal(size=(4, 30, 30)).astype(np.float32)
    values[0, 0, 0], values[1, 1, 1] = np.nan, np.inf
    tifffile.imwrite(world.volumes / "a.tif", values, photometric="minisblack")
    world.run_import()
    assert volumes(world)["a.tif"]["range_rule"].startswith("linear -")


@pytest.fixture(scope="module")
def sampled(tmp_path_factory):
    """A volume with a padded end, sampled in cubes of 32, beside one that is small enough."""
    world = World(tmp_path_factory.mktemp("sampled"))
    volume = tissue((70, 96, 100))
    volume[:, :, 64:] = 0
    write_mrc(world.volumes / "big.mrc", volume)
    write_mrc(world.volumes / "small.mrc", tissue((33, 40, 40), 2))
    world.summary = world.run_import(sample_gb=0.0002, sample_side=32)  # three cubes of uint16
    world.big = volume
    return world


def test_a_volume_above_the_limit_is_sampled_in_cubes_that_share_no_voxel(sampled):
    rows = tables.read(sampled.root / "import" / "volumes.csv", contracts.VOLUMES)
    cubes = [row for row in rows if row["path"] == "big.mrc"]
    assert (sampled.summary.sampled, sampled.summary.datasets) == (1, len(rows))
    assert [row["roi"] for row in rows if row["path"] == "small.mrc"] == [""]
    boxes = [parse_roi(row["roi"]) for row in cubes]
    assert len(boxes) == 3
    assert all(intersect(one, other) is None for i, one in enumerate(boxes) for other in boxes[:i])
    assert {row["dataset"] for row in cubes} == {f"big-ROI-{roi_text(box)}" for box in boxes}
    for row, box in zip(cubes, boxes, strict=True):
        assert (row["shape_z"], row["shape_y"], row["shape_x"]) == (32, 32, 32)
        share = np.mean(sampled.big[box.slices][::8, ::8, ::8] == 0)
        assert share <= 0.3
    assert "sampled: 3 cubes" in cubes[0]["voxel_note"]
    assert len({row["range_rule"] for row in cubes}) == 1


def test_patches_of_a_cube_are_those_of_its_volume_and_flipbooks_reach_beyond_it(sampled):
    sampled.run_section(spacing=8)
    sampled.run_crop(size=24, gate=False)
    sampled.run_deduplicate(distance=0)
    rows = tables.read(sampled.root / "deduplicated" / "datasets.csv", contracts.DATASETS)
    groups = {row["group"] for row in rows if row["dataset"].startswith("big")}
    assert len(groups) == 1
    assert groups.isdisjoint(row["group"] for row in rows if row["dataset"] == "small")
    kept = []
    for row in rows:
        columns = read_columns(sampled.root / "deduplicated" / f"{row['dataset']}.parquet", contracts.DEDUPLICATED)
        some = np.flatnonzero(columns["md5"] != "")[:4]
        kept += [{"dataset": row["dataset"], "name": columns["name"][i], "md5": columns["md5"][i]} for i in some]
    whole = {"group": "", "experiment": "", "score": 1.0, "decided_by": "texture", "label": "", "weight": 1.0}
    rest = {"split": "train", "path": "", "licence": "", "pixel_row_nm": None, "pixel_column_nm": None}
    (sampled.root / "filtered").mkdir()
    tables.write(sampled.root / "filtered" / "filtered.csv", contracts.FILTERED, [whole | rest | row for row in kept])
    for row in kept:
        at = parse_location(row["name"])
        if at.dataset != "small":
            moved = at.moved("big", parse_roi(at.dataset.partition("-ROI-")[2]).origin)
            assert md5(sampled.big[moved.box().slices].tobytes()) == row["md5"]
    chosen, reading = reconstruct.Settings(nz=5), sampled.settings.reading()
    summary = reconstruct.run(sampled.inputs(), sampled.root, chosen, reading, sampled.executor)
    assert (summary.datasets, summary.rejects) == (2, {})
    books = tables.read(sampled.root / "reconstruct" / "subvolumes.csv", contracts.SUBVOLUMES)
    ours = [row for row in books if row["dataset"] == "big"]
    assert {name for row in books for name in json.loads(row["members"])} == {row["name"] for row in kept}
    for row in ours:
        box = Box(*(row[f"{axis}{end}"] for axis in "zyx" for end in (0, 1)))
        stack = tifffile.imread(sampled.root / "reconstruct" / "subvolumes" / row["path"])
        np.testing.assert_array_equal(stack, np.moveaxis(sampled.big[box.slices], row["axis"], 0))


def test_a_volume_of_padding_alone_is_refused_and_may_be_taken_whole(world):
    write_mrc(world.volumes / "empty.mrc", np.zeros((40, 40, 40), np.uint8))
    assert world.run_import(sample_gb=0.00001).rejects == {"padded": 1}
    assert world.run_import(sample_gb=0).datasets == 1


def test_cubes_follow_from_the_seed_and_the_name_alone():
    first = list(cubes_in_turn((300, 700, 600), "0 a"))
    assert first == list(cubes_in_turn((300, 700, 600), "0 a"))
    assert first != list(cubes_in_turn((300, 700, 600), "1 a"))
    assert {box.shape for box in first} == {(256, 256, 256)}
    assert len(first) == 1 * 2 * 2
    assert [box.shape for box in cubes_in_turn((3, 256, 100), "x")] == [(3, 256, 100)]
    assert is_unpadded(np.arange(8**3 * 10).reshape(80, 8, 8))
    half = np.zeros((80, 8, 8), np.uint8)
    half[::8] = np.arange(10, 20)[:, None, None]
    half[:24] = 7
    assert is_unpadded(half)  # three of ten
    half[:32] = 7
    assert not is_unpadded(half)
    with pytest.raises(ValueError, match="no place"):
        parse_roi("0-1_0-1")
