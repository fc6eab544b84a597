from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from semtrace.provenance import convert, inventory
from semtrace.stage.executor import Executor
from tests.small_archive import scene


def test_one_jpeg_per_unique_tiff_and_a_row_for_each_file(done):
    rows = done.rows("convert/converted.csv")
    inventory = done.rows("inventory/inventory.csv")
    assert [row["path"] for row in rows] == [row["path"] for row in inventory]
    on_disk = {
        p.relative_to(done.work / "convert/images").as_posix() for p in (done.work / "convert/images").rglob("*.jpg")
    }
    assert {row["jpeg_path"] for row in rows} == on_disk
    assert len(on_disk) == len({row["md5"] for row in inventory})
    keeper = {row["path"]: row["jpeg_path"] for row in rows}
    assert keeper["zz copy of lzw.tif"] == keeper["lzw.tif"]


def test_grey_stays_grey_and_keeps_its_pixels(done):
    with Image.open(done.work / "convert/images/lzw.jpg") as jpeg:
        assert jpeg.mode == "L"
        assert np.abs(np.asarray(jpeg).astype(int) - scene(12)).max() <= 3


def test_sixteen_bits_are_not_clipped(done):
    rule = next(row["rule"] for row in done.rows("convert/converted.csv") if row["path"] == "deep.tiff")
    assert "uint16" in rule
    with Image.open(done.work / "convert/images/deep.jpg") as jpeg:
        assert np.corrcoef(np.asarray(jpeg).ravel(), scene(11).ravel())[0, 1] > 0.999


def test_a_tiff_beside_a_folder_called_like_its_jpeg(tmp_path, done):
    archive = tmp_path / "archive"
    (archive / "x.jpg").mkdir(parents=True)
    for source, target in (("lzw.tif", "x.tif"), ("deep.tiff", "x.jpg/y.tif")):
        (archive / target).write_bytes((done.archive / source).read_bytes())
    executor = Executor(1, tmp_path / "c.sqlite")
    inventory.run(archive, tmp_path / "i", executor)
    summary = convert.run(
        archive, tmp_path / "i/inventory.csv", tmp_path / "out", convert.Settings("tree", 100), executor
    )
    assert (summary.jpegs, summary.rejects) == (2, {})


def test_flat_layout_names_by_md5(done, tmp_path):
    inventory = done.work / "inventory/inventory.csv"
    convert.run(
        done.archive, inventory, tmp_path / "out", convert.Settings("flat", 90), Executor(1, tmp_path / "c.sqlite")
    )
    names = {p.name for p in (tmp_path / "out/images").iterdir()}
    assert names == {f"{row['md5']}.jpg" for row in done.rows("inventory/inventory.csv")}


def test_a_file_that_changed_since_is_a_reject(done, tmp_path):
    import shutil

    archive = tmp_path / "archive"
    shutil.copytree(done.archive, archive, symlinks=True)
    (archive / "deep.tiff").write_bytes((archive / "lzw.tif").read_bytes())
    (archive / "flat.tif").unlink()
    summary = convert.run(
        archive, done.work / "inventory/inventory.csv", tmp_path / "out", convert.Settings("tree", 100),
        Executor(1, tmp_path / "c.sqlite"),
    )  # fmt: skip
    assert summary.rejects == {"changed": 1, "unreadable": 1}


@pytest.mark.parametrize(("layout", "quality"), [("pile", 100), ("tree", 0), ("tree", 101)])
def test_bad_settings(layout, quality):
    with pytest.raises(ValueError, match="convert"):
        convert.Settings(layout, quality)
