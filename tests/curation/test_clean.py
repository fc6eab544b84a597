from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from semtrace.core.errors import InputError
from semtrace.curation import clean
from semtrace.curation import tables as contracts
from semtrace.io import tables
from semtrace.io.images import decode
from tests.curation.conftest import tissue, write_mrc
from tests.curation.test_import_volumes import rejects


def images(world):
    return {row["path"]: row for row in tables.read(world.root / "clean" / "images.csv", contracts.IMAGES)}


def cleaned(world, row):
    return tifffile.imread(world.root / "clean" / "images" / row["output_path"])


def test_all_kinds_become_8_bit_single_channel(world):
    folder = world.images / "lab"
    folder.mkdir(parents=True)
    gray = tissue((60, 70))
    Image.fromarray(gray).save(folder / "a.png")
    Image.fromarray(np.stack([gray] * 3, -1)).save(folder / "agree.png")
    colour = np.stack([gray, gray // 2, gray // 3], -1)
    Image.fromarray(colour).save(folder / "colour.png")
    Image.fromarray(np.dstack([gray, gray, gray, gray // 2])).save(folder / "alpha.png")
    tifffile.imwrite(folder / "deep.tif", gray.astype(np.uint16) * 200)
    tifffile.imwrite(folder / "signed.tif", gray.astype(np.int16) - 300)
    tifffile.imwrite(folder / "a.tif", 255 - gray)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    summary = world.run_clean()
    assert (summary.images, summary.datasets) == (7, 1)
    found = images(world)
    for row in found.values():
        out = cleaned(world, row)
        assert out.dtype == np.uint8
        assert out.shape == (int(row["height"]), int(row["width"])) == (60, 70)
    for name in ("a.png", "agree.png", "alpha.png"):
        np.testing.assert_array_equal(cleaned(world, found[f"lab/{name}"]), gray)
    np.testing.assert_array_equal(cleaned(world, found["lab/colour.png"]), Image.fromarray(colour).convert("L"))
    for name in ("deep.tif", "signed.tif"):  # no value wraps: bright stays bright
        assert np.corrcoef(cleaned(world, found[f"lab/{name}"]).ravel(), gray.ravel())[0, 1] > 0.99
    assert "alpha ignored" in found["lab/alpha.png"]["range_rule"]
    assert len({row["output_path"] for row in found.values()}) == 7
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_numbers_follow_nature_and_names_of_volumes_are_not_taken(world):
    write_mrc(world.volumes / "lab.mrc", tissue((3, 40, 40)))
    world.run_import()
    (world.images / "lab").mkdir(parents=True)
    for number in (1, 2, 10):
        Image.fromarray(tissue((40, 40), number)).save(world.images / "lab" / f"i{number}.png")
    world.run_clean()
    rows = tables.read(world.root / "clean" / "images.csv", contracts.IMAGES)
    assert [row["path"].rpartition("/")[2] for row in rows] == ["i1.png", "i2.png", "i10.png"]
    assert [row["number"] for row in rows] == ["0", "1", "2"]
    assert {row["dataset"] for row in rows} != {"lab"}


def test_volumes_and_nonsense_are_rejects(world):
    world.images.mkdir()
    tifffile.imwrite(world.images / "stack.tif", tissue((3, 40, 40)), photometric="minisblack")
    (world.images / "no.png").write_bytes(b"no")
    Image.fromarray(tissue((40, 40))).save(world.images / "yes.png")
    summary = world.run_clean()
    assert {path: reason for path, (reason, _) in rejects(world, "clean").items()} == {
        "stack.tif": "is_volume", "no.png": "not_an_image"
    }  # fmt: skip
    assert (summary.files, summary.images) == (3, 1)


def test_data_bars_are_cut_off_or_kept(world, shared):
    source = sorted((shared / "sem_tiff" / "zeiss_supra40_bam_tio2").glob("*.tif"))[0]
    (world.images / "z").mkdir(parents=True)
    (world.images / "z" / "a.tif").write_bytes(source.read_bytes())
    world.run_clean()
    (row,) = images(world).values()
    full = decode(source.read_bytes()).gray
    bar = int(row["bar_rows"])
    assert bar > 0
    assert float(row["pixel_size_m"]) > 0
    np.testing.assert_array_equal(cleaned(world, row), full[:-bar])
    world.run_clean(databar="keep")
    (row,) = images(world).values()
    np.testing.assert_array_equal(cleaned(world, row), full)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"clean\.databar"):
        clean.Settings("cut")


def test_licences_of_image_folders_come_from_the_table_beside_them(world):
    for folder, name in (("", "a.tif"), ("liver", "b.tif"), ("moss", "c.tif")):
        (world.images / folder).mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(world.images / folder / name, tissue((20, 20)))
    (world.images / "datasets.csv").write_text("path,licence,experiment\n.,CC0-1.0,x\nliver,CC-BY-4.0,mouse\n")
    summary = world.run_clean()
    assert summary.rejects == {}
    rows = tables.read(world.root / "clean" / "images.csv", contracts.IMAGES)
    assert {row["path"]: (row["licence"], row["experiment"]) for row in rows} == {
        "a.tif": ("CC0-1.0", "x"), "liver/b.tif": ("CC-BY-4.0", "mouse"), "moss/c.tif": ("", ""),
    }  # fmt: skip
    (world.images / "datasets.csv").write_text("path,licence,experiment\nlivre,CC-BY-4.0,mouse\n")
    with pytest.raises(InputError, match="'livre' is not here"):
        world.run_clean()
