from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageOps

from semtrace.core.errors import InputError
from semtrace.provenance import fingerprint
from semtrace.provenance.fingerprint import HashSettings, Selection
from semtrace.stage.executor import Executor
from tests.pipeline import defaults, publish, table
from tests.small_archive import scene

ALL = Selection(None, None, None, 1)


def published_way(picture: Image.Image, size: int) -> str:
    """The hash as the published tables made it."""
    return str(imagehash.phash(ImageOps.autocontrast(ImageOps.equalize(picture.convert("L"))), hash_size=size))


def test_hashes_equal_the_published_way(done):
    for side, root in (("tiff", done.archive), ("jpeg", done.published)):
        compared = 0
        for row in done.rows(f"fingerprint/{side}/hashes.csv"):
            with Image.open(root / row["path"]) as picture:
                if picture.mode.startswith("I;16"):
                    continue
                assert row["phash"] == published_way(picture, 32), row["path"]
                compared += 1
        assert compared > 5


@pytest.mark.parametrize("size", [8, 16])
def test_shorter_hashes(done, tmp_path, size):
    executor = Executor(1, tmp_path / "c.sqlite")
    fingerprint.jpegs(done.published, tmp_path / "out", HashSettings(size), ALL, executor)
    for line in (tmp_path / "out/hashes.csv").read_text().splitlines()[1:]:
        _, path, digits, *_ = line.split(",")
        with Image.open(done.published / path) as picture:
            assert digits == published_way(picture, size)


def test_equal_pixels_are_one_content_and_a_flat_picture_is_flagged(done):
    rows = {row["path"]: row for row in done.rows("fingerprint/tiff/hashes.csv")}
    assert rows["lzw.tif"]["content_id"] == rows["other metadata.tif"]["content_id"]
    assert rows["lzw.tif"]["md5"] != rows["other metadata.tif"]["md5"]
    assert rows["flat.tif"]["health"] == "degenerate"
    assert done.summaries["tiff"].degenerate == 1


def test_sixteen_bits_and_their_eight_bit_twin_are_near(done):
    tiffs = {row["path"]: row["phash"] for row in done.rows("fingerprint/tiff/hashes.csv")}
    jpegs = {row["path"]: row["phash"] for row in done.rows("fingerprint/jpeg/hashes.csv")}
    truth = {row["tiff_path"]: row["jpeg_path"] for row in table(done.known / "truth.csv")}
    difference = imagehash.hex_to_hash(tiffs["deep.tiff"]) - imagehash.hex_to_hash(jpegs[truth["deep.tiff"]])
    assert difference <= 8


def test_broken_and_foreign_files_are_rejects(done):
    reasons = sorted(row["reason"] for row in done.rows("fingerprint/jpeg/rejects.csv"))
    assert len(reasons) == 2
    assert "not_a_jpeg" in reasons


def test_samples_are_seeded_and_of_the_asked_size(done, tmp_path):
    inventory = done.work / "inventory/inventory.csv"

    def draw(out: str, seed: int) -> list[str]:
        executor = Executor(1, tmp_path / "c.sqlite")
        fingerprint.tiffs(
            done.archive, inventory, tmp_path / out, HashSettings(8), Selection(None, 4, None, seed), executor
        )
        return [row["path"] for row in table(tmp_path / out / "hashes.csv")]

    assert draw("a", 1) == draw("b", 1)
    assert len(draw("a", 1)) == 4
    assert any(draw("c", seed) != draw("a", 1) for seed in range(2, 6))


def test_one_category_and_a_sample_of_each(done, tmp_path):
    executor = Executor(1, tmp_path / "c.sqlite")
    fingerprint.jpegs(done.published, tmp_path / "a", HashSettings(8), Selection("Powder", None, None, 1), executor)
    assert {row["path"].split("/")[0] for row in table(tmp_path / "a/hashes.csv")} == {"Powder"}
    fingerprint.jpegs(done.published, tmp_path / "b", HashSettings(8), Selection(None, None, 1, 1), executor)
    categories = [row["path"].split("/")[0] for row in table(tmp_path / "b/hashes.csv")]
    assert len(categories) == len(set(categories))
    with pytest.raises(InputError, match="no JPEG in category 'Rocks'"):
        fingerprint.jpegs(done.published, tmp_path / "d", HashSettings(8), Selection("Rocks", None, None, 1), executor)


def test_worker_count_changes_nothing(done, tmp_path):
    for workers in (1, 2):
        executor = Executor(workers, tmp_path / f"{workers}.sqlite")
        listing = done.work / "inventory/inventory.csv"
        fingerprint.tiffs(done.archive, listing, tmp_path / str(workers), HashSettings(32), ALL, executor)
    one, two = (np.frombuffer((tmp_path / str(n) / "hashes.csv").read_bytes(), np.uint8) for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_every_ending_of_a_jpeg_is_one(tmp_path):
    for number, suffix in enumerate((".jpg", ".JPEG", ".jpe", ".jfif", ".JFIF")):
        publish(Image.fromarray(scene(number)), tmp_path / f"published/Tips/{number}{suffix}")
    (tmp_path / "published/Tips/a.png").touch()
    p = defaults(tmp_path)
    summary = fingerprint.jpegs(tmp_path / "published", tmp_path / "out", p.hash, p.fingerprint, p.executor)
    assert (summary.images, summary.rejects) == (5, {"not_a_jpeg": 1})
