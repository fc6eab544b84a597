"""Pictures for pages: what the pipeline compares, at every size; what cannot be shown has its reason."""

from __future__ import annotations

import io
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from PIL import Image

from semtrace.core.image.databar import bar_top
from semtrace.core.image.frame import place_in_frame
from semtrace.io.digests import md5
from semtrace.io.images import decode
from semtrace.web.maps import map_bytes
from semtrace.web.pictures import (
    THUMB_SIDE,
    VIEW_SIDE,
    MapTask,
    PictureCache,
    PictureService,
    Unavailable,
    _end_with_parent,
    picture_bytes,
)
from tests.pipeline import table
from tests.small_archive import save, scene

SIDES = {"thumb": THUMB_SIDE, "view": VIEW_SIDE}


def shown(file, *sizes):
    made = picture_bytes(str(file), md5(file.read_bytes()), sizes)
    assert isinstance(made, dict)
    return {size: np.asarray(Image.open(io.BytesIO(data)).convert("L")) for size, data in made.items()}


def test_full_is_pixel_for_pixel_what_is_compared_and_the_others_are_smaller(tmp_path):
    file = save(tmp_path / "deep.tif", scene(1, 900, 1200).astype(np.uint16) * 13 + 500)
    found = shown(file, *SIDES, "full")
    assert np.array_equal(found.pop("full"), decode(file.read_bytes()).gray)
    for size, picture in found.items():
        assert max(picture.shape) == SIDES[size]
        assert picture.shape[1] * 3 == picture.shape[0] * 4


def test_a_small_picture_is_not_made_larger(tmp_path):
    assert shown(save(tmp_path / "small.tif", scene(1, 30, 40)), "view")["view"].shape == (30, 40)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "empty_file"), (b"not a picture", "not_an_image"), (b"\xff\xd8\xff\xe0 damaged", "corrupt")],
)
def test_what_is_no_picture_has_the_reason_of_the_rejects(tmp_path, data, reason):
    (tmp_path / "one.tif").write_bytes(data)
    found = picture_bytes(str(tmp_path / "one.tif"), md5(data), ["thumb"])
    assert isinstance(found, Unavailable)
    assert found.reason == reason or (reason == "corrupt" and found.reason in ("truncated", "corrupt"))


def test_another_file_a_link_and_none_are_no_picture(tmp_path):
    file = save(tmp_path / "one.tif", scene(1))
    (tmp_path / "link.tif").symlink_to(file)
    known = md5(file.read_bytes())
    assert picture_bytes(str(file), "0" * 32, ["thumb"]).reason == "changed"
    assert isinstance(picture_bytes(str(tmp_path / "link.tif"), known, ["thumb"]), Unavailable)
    assert picture_bytes(str(tmp_path / "none.tif"), known, ["thumb"]).reason == "unreadable"


# --- the folder


def test_the_folder_is_bounded_and_the_oldest_go_first(tmp_path):
    cache = PictureCache(tmp_path, 10_000)
    for number in range(30):
        cache.put(f"{number:032x}-thumb", bytes(968))  # beside the digest of 32 bytes
        for file in tmp_path.rglob("*-thumb-*"):
            os.utime(file, (int(file.name[:32], 16),) * 2)
    cache.trim()
    kept = [number for number in range(30) if cache.get(f"{number:032x}-thumb")]
    assert kept == list(range(20, 30))


@pytest.mark.parametrize("left", [b"", b"\0" * 40, "cut"])
def test_a_kept_picture_that_a_power_failure_spoilt_is_made_again(tmp_path, left):
    cache = PictureCache(tmp_path, 10_000)
    cache.put("a-thumb", b"a picture")
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert cache.get("a-thumb") == b"a picture"
    file.write_bytes(file.read_bytes()[:-1] if left == "cut" else left)
    assert cache.get("a-thumb") is None


def test_a_picture_is_made_once(tmp_path):
    file = save(tmp_path / "one.tif", scene(1))
    known, service = md5(file.read_bytes()), PictureService(PictureCache(tmp_path / "cache", 10**7), 1)
    try:
        first = service.picture(str(file), known, "thumb")
        file.unlink()
        assert service.picture(str(file), known, "thumb") == first
        assert isinstance(service.picture(str(file), known, "view"), bytes)  # made together
        assert isinstance(service.picture(str(file), known, "full"), Unavailable)
    finally:
        service.close()


def test_a_worker_ends_with_the_server_and_not_with_ctrl_c_in_its_terminal():
    """A worker that Ctrl+C reached would print a traceback beside the last words of `semtrace review`."""
    with ProcessPoolExecutor(1, get_context("spawn"), _end_with_parent) as pool:
        assert pool.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN


# --- real pictures


def test_real_pairs_have_pictures_and_maps_that_say_how_alike_they_are(shared):
    """Derived and original pictures of several instruments: cut above the data bar, 16-bit and palette among them."""
    pairs = table(shared / "mapping_truth.csv")
    for pair in pairs:
        derived, original = shared / pair["derived"], shared / pair["original"]
        gray, whole = decode(derived.read_bytes()).gray, decode(original.read_bytes()).gray
        assert np.array_equal(shown(derived, "full")["full"], gray)
        top = bar_top(whole)
        place = place_in_frame(gray.shape[::-1], whole.shape[::-1])
        assert place.height <= whole.shape[0]
        task = MapTask(
            str(derived),
            md5(derived.read_bytes()),
            str(original),
            md5(original.read_bytes()),
            -1 if top is None else top,
        )
        made = map_bytes(task)
        assert isinstance(made, bytes), pair
        colours = np.asarray(Image.open(io.BytesIO(made)).convert("RGB"))
        assert colours.mean() > 200, f"{pair}: alike is white"


def test_real_frames_of_another_die_are_not_white(shared):
    folder = shared / "near_duplicates/wafer_sem_pairs"
    means = []
    for number in (1, 2, 3):
        files = [folder / f"case{number}_{which}_image.tif" for which in ("inspected", "reference")]
        task = MapTask(str(files[0]), md5(files[0].read_bytes()), str(files[1]), md5(files[1].read_bytes()), -1)
        made = map_bytes(task)
        assert isinstance(made, bytes)
        means.append(np.asarray(Image.open(io.BytesIO(made)).convert("RGB")).mean())
    assert max(means) < 230


def test_a_picture_on_a_page_is_compared_without_its_page(tmp_path):
    gray = (np.random.default_rng(5).integers(0, 2, (12, 16)) * 200).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    page = np.full((160, 220), 255, np.uint8)
    page[20:116, 40:168] = 255 - gray
    files = tmp_path / "page.png", tmp_path / "original.png"
    for file, picture in zip(files, (page, gray), strict=True):
        Image.fromarray(picture).save(file)
    digests = [md5(file.read_bytes()) for file in files]

    def white(place: str) -> float:
        task = MapTask(
            str(files[0]), digests[0], str(files[1]), digests[1], -1, "negative identity", "128x96+0+0", place
        )
        made = map_bytes(task)
        assert isinstance(made, bytes)
        return float(np.asarray(Image.open(io.BytesIO(made)).convert("RGB")).mean())

    assert white("128x96+40+20") > 240 > white("")
    turned = MapTask(str(files[0]), digests[0], str(files[1]), digests[1], -1, angle=14.9)
    assert map_bytes(turned) == Unavailable(
        "not_comparable", "turned by 14.9 degrees; a map compares pictures as they are"
    )
