"""A second run costs what is new, and gives what a first one would."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from semtrace.io import stat_cache, tables
from semtrace.provenance import convert, fingerprint, inventory, match
from semtrace.provenance.tables import INVENTORY
from semtrace.provenance.tracing import prefetch
from semtrace.web.pictures import picture_bytes, pictures_beside
from tests.pipeline import defaults, run_all
from tests.small_archive import build, save, scene


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """Files count as old enough to be known by their stamp; nobody has to wait."""
    monkeypatch.setattr(stat_cache, "_SETTLED", 0)


@pytest.fixture
def root(tmp_path):
    build(tmp_path)
    return tmp_path


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def everything(root: Path, work: str, cache: str) -> dict[str, bytes]:
    (root / cache).mkdir(exist_ok=True)
    run_all(root / "archive", root / "published", root / "known", root / work, defaults(root / cache))
    return tree(root / work)


def test_a_run_after_changes_equals_a_first_one(root):
    everything(root, "work", "cache")
    images = root / "work/convert/images"
    (images / "lzw.jpg").write_bytes(b"edited by hand")
    (images / "deep.jpg").unlink()
    for labelled in (root / "work/label/images").rglob("*.tif"):
        labelled.write_bytes(b"edited by hand")
    save(root / "archive/new.tif", scene(40))
    save(root / "archive/img_00.tif", scene(41))
    (root / "archive/deep.tiff").unlink()
    truth = root / "known/truth.csv"  # a row that leads nowhere is refused
    truth.write_text("".join(line for line in truth.read_text().splitlines(True) if "deep.tiff" not in line))
    assert everything(root, "work", "cache") == everything(root, "other", "other cache")


def test_what_was_converted_and_labelled_is_taken_over(root, monkeypatch):
    monkeypatch.undo()  # workers of a server do not know of it
    youngest = max((path.lstat() for path in root.rglob("*")), key=lambda state: state.st_ctime_ns)
    while not stat_cache.is_settled(youngest):
        time.sleep(0.05)
    everything(root, "work", "cache")
    kept = [*(root / "work/convert/images").rglob("*.jpg"), *(root / "work/label/images").rglob("*.tif")]
    places = {path: path.stat().st_ino for path in kept}
    everything(root, "work", "cache")
    assert {path: path.stat().st_ino for path in kept} == places
    assert len(places) > 10
    originals = {path.stat().st_ino for path in (root / "archive").rglob("*")}
    assert originals.isdisjoint(places.values())


def test_looking_ahead_changes_no_table_and_answers_what_later_stages_ask(root):
    first = everything(root, "work", "cache")
    p, work = defaults(root), root / "ahead"
    archive, published, listing = root / "archive", root / "published", work / "inventory/inventory.csv"
    hashes = work / "fingerprint/tiff/hashes.csv", work / "fingerprint/jpeg/hashes.csv"
    converted, verdicts = work / "convert/converted.csv", root / "known/verdicts.csv"
    inventory.run(archive, work / "inventory", p.executor, ahead=[prefetch.Hashes(p.hash)])
    convert.run(archive, listing, work / "convert", p.convert, p.executor)
    fingerprint.tiffs(archive, listing, hashes[0].parent, p.hash, p.fingerprint, p.executor)
    comparisons = prefetch.Comparisons(
        archive, published, hashes[0], converted, verdicts, p.match.rules(1024), p.executor.cache,
    )  # fmt: skip
    fingerprint.jpegs(published, hashes[1].parent, p.hash, p.fingerprint, p.executor, ahead=[comparisons])
    near = p.match.__class__(**{**vars(p.match), "reach": p.match.ssim_trigger})
    shutil.move(archive, root / "archive elsewhere")  # so that nothing can be read any more
    shutil.move(published, root / "published elsewhere")
    match.run(
        hashes[0], [hashes[1]], work / "match", near, p.executor, archive=archive, published=published,
        converted=converted, verdicts=verdicts,
    )  # fmt: skip
    for name, content in tree(work).items():
        assert content == first[name], name


def test_pictures_that_are_drawn_ahead_are_those_that_the_report_would_draw(root):
    executor = defaults(root).executor
    inventory.run(root / "archive", root / "ahead", executor, ahead=[prefetch.Thumbnails(executor.cache, 50)])
    kept = pictures_beside(executor.cache, 50)
    listed = tables.read(root / "ahead/inventory.csv", INVENTORY)
    for row in listed:
        drawn = picture_bytes(str(root / "archive" / row["path"]), row["md5"], ["thumb"])
        assert kept.get(f"{row['md5']}-thumb") == drawn["thumb"]
    assert listed


class Deadly:
    """Looks ahead, and dies of it."""

    def __init__(self, how: str) -> None:
        self.how = how

    def prepare(self) -> None:
        """Nothing to load."""

    def __call__(self, seen):
        if self.how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise MemoryError


@pytest.mark.parametrize("how", ["killed", "no memory"])
def test_what_goes_wrong_ahead_costs_no_file_its_place_in_the_table(how, root):
    p = defaults(root)
    inventory.run(root / "archive", root / "plain", p.executor)
    (root / "cold").mkdir()
    cold = defaults(root / "cold").executor
    inventory.run(root / "archive", root / "ahead", cold, ahead=[Deadly(how)])
    assert tree(root / "ahead") == tree(root / "plain")
