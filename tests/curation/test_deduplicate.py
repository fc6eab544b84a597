from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from semtrace.core.hashing.patch_hash import hashes_from_hex
from semtrace.curation import crop, deduplicate
from semtrace.curation import tables as contracts
from semtrace.curation.recut import PatchSources, group_patches, patches_of
from semtrace.io import tables
from semtrace.io.columns import read_columns
from semtrace.io.digests import md5
from semtrace.stage.cached_map import cached_map
from semtrace.stage.executor import Executor
from tests.curation.conftest import World, tissue, write_mrc


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A volume, its twin under another name, its negative, and another one."""
    world = World(tmp_path_factory.mktemp("dedup"), workers=2)
    volume = tissue((40, 64, 64), sigma=4)
    for name, array in (("a", volume), ("twin", volume), ("negative", 255 - volume), ("z", tissue((40, 64, 64), 9))):
        write_mrc(world.volumes / f"{name}.mrc", array)
    world.run_import()
    world.run_section()
    world.run_crop()
    world.run_deduplicate()
    return world


def rows_of(world, name, folder="deduplicated"):
    return read_columns(world.root / folder / f"{name}.parquet", contracts.DEDUPLICATED)


@pytest.mark.parametrize("name", ["a", "twin", "negative", "z"])
def test_every_row_is_gated_an_exemplar_or_the_member_of_one(done, name):
    columns = rows_of(done, name)
    by_name = {one: i for i, one in enumerate(columns["name"])}
    hashes = hashes_from_hex(columns["dhash"].tolist())
    kept = np.flatnonzero(columns["exemplar"] == columns["name"])
    for row, exemplar in enumerate(columns["exemplar"]):
        if columns["gate"][row]:
            assert exemplar == ""
            continue
        apart = int(np.bitwise_count(hashes[row] ^ hashes[by_name[exemplar]]))
        assert apart == columns["distance"][row] <= 12
        assert by_name[exemplar] in kept
    between = np.bitwise_count(hashes[kept, None] ^ hashes[kept])
    assert np.count_nonzero(between <= 12) == len(kept)
    assert columns["members"][kept].sum() == np.count_nonzero(columns["gate"] == "")
    assert 0 < len(kept) < len(columns["name"])


def test_digests_are_those_of_the_pixels(done):
    columns = rows_of(done, "a")
    sources = PatchSources(done.volumes, done.root / "import", None, done.settings.reading(), done.root / "x")
    import mrcfile

    volume = mrcfile.read(done.volumes / "a.mrc").astype(np.uint8)  # mode 6: written as 16-bit
    for group in group_patches("a", columns, sources, 10**5):
        for row, patch in zip(group.rows, patches_of(group), strict=True):
            y0, y1, x0, x1, index = (int(columns[name][row]) for name in ("y0", "y1", "x0", "x1", "index"))
            np.testing.assert_array_equal(patch, np.moveaxis(volume, columns["axis"][row], 0)[index][y0:y1, x0:x1])
            assert columns["md5"][row] in ("", md5(patch.tobytes()))
            assert (columns["md5"][row] != "") == (columns["exemplar"][row] == columns["name"][row])


def test_what_datasets_share_is_found(done):
    pairs = tables.read(done.root / "deduplicated" / "across.csv", contracts.ACROSS)
    exemplars = np.count_nonzero(rows_of(done, "a")["md5"] != "")
    twins = [pair for pair in pairs if pair["name_a"].startswith("a-") and pair["name_b"].startswith("twin-")]
    assert sum(pair["same_pixels"] and pair["distance"] == 0 for pair in twins) == exemplars
    negatives = [pair for pair in pairs if pair["inverted"] and "negative-" in pair["name_a"] + pair["name_b"]]
    assert len(negatives) > exemplars
    groups = {
        row["dataset"]: row["group"]
        for row in tables.read(done.root / "deduplicated" / "datasets.csv", contracts.DATASETS)
    }
    assert groups == {"a": "a", "twin": "a", "negative": "a", "z": "z"}


def test_the_list_of_files_is_read_lazily_without_pickle(done):
    script = """
import sys, dask.array as da, numpy as np
paths = np.load(sys.argv[1], mmap_mode="r", allow_pickle=False)
print(*da.from_array(paths, chunks=7).compute().tolist(), sep="\\n")
"""  # in another process: dask starts threads, and workers are forked only where there is one
    file = done.root / "deduplicated" / "deduplicated_fpaths.npy"
    told = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, check=True).stdout
    rows = tables.read(done.root / "deduplicated" / "deduplicated_fpaths.csv", contracts.FILE_LIST)
    assert sorted(told.splitlines()) == sorted(row["path"] for row in rows)
    assert rows[0]["path"] == f"{rows[0]['dataset']}/{rows[0]['name']}.tiff"


def test_workers_change_no_byte_and_neither_does_another_dataset(done, tmp_path):
    before = done.bytes_of("deduplicated")
    alone = World(done.root, workers=1)
    alone.run_deduplicate(out="again")
    assert alone.bytes_of("again") == before
    single = World(tmp_path)
    write_mrc(single.volumes / "a.mrc", tissue((40, 64, 64), sigma=4))
    single.run_import()
    single.run_section()
    single.run_crop()
    single.run_deduplicate()
    assert single.bytes_of("deduplicated")["a.parquet"] == before["a.parquet"]


@pytest.mark.parametrize("order", ["first", "seeded", "sharpest"])
def test_the_order_decides_who_stays(done, order):
    done.run_deduplicate(out=order, order=order, across="off")
    columns = rows_of(done, "z", order)
    kept = columns["exemplar"] == columns["name"]
    by_name = {one: i for i, one in enumerate(columns["name"])}
    if order == "sharpest":
        top = np.flatnonzero(columns["gate"] == "")[np.argmax(columns["structure"][columns["gate"] == ""])]
        assert kept[top]
    if order == "first":
        passed = np.flatnonzero(columns["gate"] == "")
        assert all(by_name[columns["exemplar"][row]] <= row for row in passed)
    assert (done.root / order / "across.csv").read_text().count("\n") == 1


def test_across_remove_leaves_no_two_alike_anywhere(done):
    done.run_deduplicate(out="removed", across="remove")
    hashes = []
    for name in ("a", "negative", "twin", "z"):
        columns = rows_of(done, name, "removed")
        kept = columns["exemplar"] == columns["name"]
        hashes.append(hashes_from_hex(columns["dhash"][kept].tolist()))
        assert (kept.sum() == 0) == (name == "twin")
    every = np.concatenate(hashes)
    assert np.count_nonzero(np.bitwise_count(every[:, None] ^ every) <= 12) == len(every)


def test_a_source_that_is_gone_is_a_reject(done, tmp_path):
    world = World(tmp_path)
    for name, seed in (("a", 1), ("b", 2)):
        write_mrc(world.volumes / f"{name}.mrc", tissue((40, 40, 40), seed))
    world.run_import()
    world.run_section()
    world.run_crop()
    (world.volumes / "b.mrc").unlink()
    summary = world.run_deduplicate()
    assert summary.rejects == {"unreadable": 1}
    assert summary.datasets == 1


@pytest.mark.parametrize("wrong", [{"distance": 65}, {"order": "x"}, {"across": "x"}, {"seed": -1}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="deduplicate"):
        deduplicate.Settings(**wrong)


def test_a_dataset_that_did_not_change_is_not_touched_and_the_result_is_that_of_a_full_run(world, tmp_path):
    for number in range(3):
        write_mrc(world.volumes / f"v{number}.mrc", tissue((12, 64, 64), number))
    world.run_import()
    world.run_section(axes=[0])
    world.run_crop()
    world.run_deduplicate()
    write_mrc(world.volumes / "v1.mrc", tissue((12, 64, 64), 7))
    write_mrc(world.volumes / "v9.mrc", tissue((12, 64, 64), 9))
    world.run_import()
    world.run_section(axes=[0])
    looked = spied(world)
    world.run_crop()
    world.run_deduplicate()
    assert {name.rpartition("/")[2] for name in looked} == {"v1.mrc", "v9.mrc"}
    full = World(tmp_path)
    full.executor = Executor(1, tmp_path / "other.sqlite")
    full.run_crop(out="raw2")
    full.run_deduplicate(raw="raw2", out="full")
    assert full.bytes_of("full") == world.bytes_of("deduplicated")
    assert full.bytes_of("raw2") == world.bytes_of("raw")
    looked.clear()
    world.run_deduplicate(order="first")
    assert {name.rpartition("/")[2] for name in looked} == {"v0.mrc", "v1.mrc", "v2.mrc", "v9.mrc"}
    world.run_deduplicate(across="remove")
    assert sum(row["exemplars"] for row in groups_of(world).values()) > 0


def test_a_killed_run_loses_only_what_was_in_work(world, monkeypatch):
    write_mrc(world.volumes / "a.mrc", tissue((160, 64, 64), sigma=1))
    world.run_import()
    world.run_section()
    plain = World(world.root)
    plain.executor = Executor(1, world.root / "plain.sqlite")
    plain.run_crop(out="whole", memory_mb=1)
    done = []

    class Killed(Exception):
        pass

    def stop_after_two(*arguments, **more):
        for number, one in enumerate(cached_map(*arguments, **more)):
            if number == 2:
                raise Killed
            done.append(number)
            yield one

    monkeypatch.setattr(crop, "cached_map", stop_after_two)
    with pytest.raises(Killed):
        world.run_crop(memory_mb=1)
    assert not (world.root / "raw").exists()
    monkeypatch.setattr(crop, "cached_map", cached_map)
    looked = spied(world)
    world.run_crop(memory_mb=1)
    assert world.bytes_of("raw") == world.bytes_of("whole")
    assert len(done) == 2
    assert 0 < len(looked) < plain_tasks(plain)


def plain_tasks(world):
    """How many blocks a run from nothing cuts."""
    world.executor = Executor(1, world.root / "third.sqlite")
    looked = spied(world)
    world.run_crop(out="third", memory_mb=1)
    return len(looked)


def spied(world):
    """The files that the world's workers read from now on, one for each task."""
    looked = []

    class Spy(Executor, section="executor"):
        def map(self, function, items, **more):
            looked.extend(more["reads"](item)[0] for item in items)
            return super().map(function, items, **more)

    world.executor = Spy(world.executor.workers, world.executor.cache)
    return looked


def groups_of(world):
    return {
        row["dataset"]: row for row in tables.read(world.root / "deduplicated" / "datasets.csv", contracts.DATASETS)
    }
