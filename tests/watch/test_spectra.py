"""Spectra that are kept give the decisions of spectra that are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from semtrace.core.image.shift import field_spectrum, spectra_likeness
from semtrace.io.moves import state_of
from semtrace.watch.decide import decide_frame
from semtrace.watch.kept import Kept
from semtrace.watch.picture import Picture, PictureJob, examine_picture
from semtrace.watch.settings import PRESETS, Settings
from semtrace.watch.spectra import Spectra
from semtrace.watch.views import FileViews
from tests.watch.harness import World, encoded, gray, picture, similar, tree

DEFAULT = PRESETS["default"]
SHAPE = (48, 64)


def spectrum(seed: int):
    return field_spectrum(gray(seed), SHAPE)


def key(seed: int) -> tuple[str, int, tuple[int, int]]:
    return f"{seed}", 255, SHAPE


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semtrace.io.scratch.free_bytes", lambda folder: 1 << 50)


def test_a_spectrum_comes_back_from_the_scratch_file_as_it_was(tmp_path: Path, roomy):
    kept = Spectra(tmp_path, most_bytes=1)
    for seed in range(6):
        kept.put(key(seed), spectrum(seed))
    for seed in (0, 5, 3, 0):
        found, wanted = kept.get(key(seed)), spectrum(seed)
        for name in ("waves", "sums", "squares"):
            np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
        assert spectra_likeness(found, spectrum(1)) == spectra_likeness(wanted, spectrum(1))
    kept.close()


def test_without_a_scratch_file_the_oldest_are_forgotten():
    kept = Spectra(None, most_bytes=1)
    for seed in range(6):
        kept.put(key(seed), spectrum(seed))
    assert [kept.get(key(seed)) is not None for seed in range(6)] == [False] * 4 + [True] * 2


def test_what_is_forgotten_leaves_memory_and_disk(tmp_path: Path, roomy):
    kept = Spectra(tmp_path, most_bytes=1)
    for seed in range(6):
        kept.put(key(seed), spectrum(seed))
    kept.forget({f"{seed}" for seed in range(6)})
    assert [kept.get(key(seed)) for seed in range(6)] == [None] * 6
    assert (kept._bytes, len(kept._scratch)) == (0, 0)


def read(folder: Path, rules: Settings = DEFAULT) -> list[Picture]:
    files = sorted(folder.iterdir())
    found = [examine_picture(PictureJob(str(f), f.name, state_of(str(f)), rules)) for f in files]
    assert all(isinstance(one, Picture) for one in found)
    return found


@pytest.mark.parametrize("most", [1, 1 << 30], ids=["on the disk", "in memory"])
def test_decisions_do_not_depend_on_what_is_kept(tmp_path: Path, monkeypatch, roomy, most: int):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(6):
        (folder / f"{seed}.bmp").write_bytes(picture(seed))
        (folder / f"{seed}_again.bmp").write_bytes(similar(seed))
    wide = np.kron(gray(1), np.ones((2, 2), np.uint8))
    (folder / "wide.bmp").write_bytes(encoded(wide, "BMP"))
    rules = replace(DEFAULT, threshold=64)
    plain = decide_frame([replace(p, spectrum=None) for p in read(folder)], Kept(1), rules, FileViews(str(folder)))
    views = FileViews(str(folder), tmp_path, near=64)
    views.spectra = Spectra(tmp_path, most_bytes=most)
    pictures = [views.keep(one) for one in read(folder)]
    assert all(one.spectrum is None for one in pictures)
    reads: list[str] = []
    monkeypatch.setattr(views, "_read", lambda one, top, get=views._read: reads.append(one.path) or get(one, top))
    assert decide_frame(pictures, Kept(1), rules, views) == plain
    assert {decision.kind for decision in plain} == {"unique", "similar"}
    assert set(reads) <= {"0.bmp", "wide.bmp"}, "only the first and a picture of another size are read again"
    views.close()


def test_only_what_will_be_compared_has_a_spectrum(tmp_path: Path):
    (tmp_path / "1.bmp").write_bytes(picture(1))
    (tmp_path / "2.bmp").write_bytes(encoded(np.full((48, 64), 9, np.uint8), "BMP"))
    (tmp_path / "3.bmp").write_bytes(encoded(gray(3)[:30].copy(), "BMP"))
    assert [one.spectrum is not None for one in read(tmp_path)] == [True, False, False]
    for rules in (PRESETS["seed"], replace(DEFAULT, method="mse")):
        assert [one.spectrum for one in read(tmp_path, rules)] == [None] * 3


def test_a_watcher_forgets_the_spectra_of_a_folder_that_is_decided_and_of_files_that_vanish(world):
    w: World = world()
    w.put("a/1.bmp", picture(1))
    w.put("a/2.bmp", similar(1))
    gone, near = w.put("b/1.bmp", picture(2)), w.put("b/3.bmp", similar(2))
    w.put("b/2.bmp", b"never a picture")
    w.go(14)
    assert sorted(tree(w.archive)) == ["a/2.bmp"]
    assert len(w.watcher._views.spectra._recent) == 1
    gone.unlink()
    near.unlink()
    (w.root / "b/2.bmp").unlink()
    w.go(2)
    assert len(w.watcher._views.spectra._recent) == 0


def test_a_folder_of_different_pictures_keeps_no_spectra(world):
    w: World = world()
    for seed in range(5):
        w.put(f"a/{seed}.bmp", picture(seed))
    w.put("a/bad.bmp", b"the folder waits for this one")
    w.go(14)
    assert len(w.watcher._views.spectra._recent) == 0
    w.put("a/again.bmp", similar(3))
    w.go(14)
    assert len(w.watcher._views.spectra._recent) == 1
