from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from semtrace.io.frames import Frame
from semtrace.watch.generate import Order, frames, generate
from semtrace.watch.settings import PRESETS
from tests.watch.harness import tree
from tests.watch.real_sets import Scenes, sort_out

SMALL = Order(total=8, similar=3, width=96, height=80)


def made(order: Order) -> Scenes:
    given = list(enumerate(frames(order, 1)))
    return Scenes({f"{i}": Frame(f) for i, (_, f) in given}, {f"{i}": f"{scene}" for i, (scene, _) in given})


def test_the_files_and_the_truth(tmp_path: Path):
    assert list(generate(str(tmp_path), replace(SMALL, folders=2)))[-1] == "truth.csv"
    with (tmp_path / "truth.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(tree(tmp_path)) == sorted([row["file"] for row in rows] + ["truth.csv"])
    assert len(rows) == 16
    assert len({row["scene"] for row in rows}) == 10
    assert {"imgs001/image_1.bmp", "imgs002/image_8.bmp"} <= set(tree(tmp_path))


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        list(generate(str(tmp_path / name), replace(SMALL, seed=seed)))
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    assert tree(tmp_path / "a") != tree(tmp_path / "c")


def test_nothing_is_overwritten(tmp_path: Path):
    list(generate(str(tmp_path), SMALL))
    before = tree(tmp_path)
    with pytest.raises(FileExistsError):
        list(generate(str(tmp_path), replace(SMALL, seed=5)))
    assert tree(tmp_path) == before


@pytest.mark.parametrize("kind", ["scene", "particle"])
def test_the_default_loses_no_generated_scene(kind):
    result = sort_out(made(replace(SMALL, kind=kind, width=256, height=256)), PRESETS["default"])
    assert not result.lost


def test_repeats_of_scenes_are_recognised():
    result = sort_out(made(Order(total=8, similar=3, width=256, height=256)), PRESETS["default"])
    assert len(result.kept) < 8


def test_empty_frames_are_empty():
    result = sort_out(made(replace(SMALL, kind="empty")), PRESETS["default"])
    assert {decision.kind for decision in result.decisions.values()} == {"empty"}


@pytest.mark.parametrize(
    "change",
    [{"total": 0}, {"similar": 8}, {"similar": -1}, {"folders": 0}, {"width": 31}, {"height": 9000}, {"seed": -1}],
)
def test_what_cannot_be_made_is_refused(change):
    with pytest.raises(ValueError):  # noqa: PT011
        replace(SMALL, **change)
