"""Which pictures are new: on real ones, on invented ones, and at each boundary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.core.image.mse import mse
from semtrace.io.frames import Frame, decode_frame
from semtrace.watch.decide import decide_frame, in_order, natural, same_aspect
from semtrace.watch.kept import Kept
from semtrace.watch.settings import PRESETS, Settings
from tests.watch.real_sets import (
    Scenes,
    Views,
    empty,
    exposed,
    measured,
    near_duplicates,
    particles,
    sort_out,
    twice,
)  # fmt: skip

DEFAULT = PRESETS["default"]


def frames_of(**arrays: np.ndarray) -> dict[str, Frame]:
    return {name: Frame(array) for name, array in arrays.items()}


def kinds(frames: dict[str, Frame], rules: Settings = DEFAULT) -> dict[str, str]:
    return {path: decision.kind for path, decision in sort_out(Scenes(frames, {}), rules).decisions.items()}


def texture(seed: int, shape: tuple[int, int] = (96, 128)) -> np.ndarray:
    """A picture with structure at every scale."""
    rng = np.random.default_rng(seed)
    field = np.zeros(shape)
    for cell in (48, 24, 12, 6, 3):
        coarse = rng.normal(0, cell**0.5, (-(-shape[0] // cell), -(-shape[1] // cell)))
        field += np.kron(coarse, np.ones((cell, cell)))[: shape[0], : shape[1]]
    return np.clip(128 + 8 * field, 0, 255).astype(np.uint8)


# --- real pictures: the default loses none


@pytest.mark.parametrize(("prefix", "most"), [("caltech", 17), ("potatoes_two_folders/v1", 16), ("wafer", 6)])
def test_the_default_loses_no_scene_of_real_pictures(shared: Path, prefix: str, most: int):
    result = sort_out(near_duplicates(shared, prefix), DEFAULT)
    assert not result.lost
    assert len(result.kept) == most


def test_copies_in_a_second_folder_are_identical_where_all_are_compared(shared: Path):
    result = sort_out(near_duplicates(shared, "potatoes"), DEFAULT)
    assert not result.lost
    again = [decision for path, decision in result.decisions.items() if "/v2/" in path]
    assert {decision.kind for decision in again} == {"identical"}
    assert len(again) == 16


def test_the_default_keeps_every_particle_as_cut(shared: Path):
    assert len(sort_out(particles(shared), DEFAULT).kept) == 25


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_default_loses_no_particle_in_noise(shared: Path, seed: int):
    result = sort_out(twice(shared, seed), DEFAULT)
    assert not result.lost
    assert len(result.kept) < 50


@pytest.mark.parametrize("name", ["default", "loose"])
def test_empty_frames_do_not_travel_on(name: str):
    assert set(kinds(empty().frames, PRESETS[name]).values()) == {"empty"}


def test_the_loose_rule_puts_more_repeats_away_and_loses_none_here(shared: Path):
    given = near_duplicates(shared, "potatoes_two_folders/v1")
    result = sort_out(given, PRESETS["loose"])
    assert not result.lost
    assert len(result.kept) == 8


def test_the_rule_of_the_document_loses_particles_which_is_why_it_is_not_the_default(shared: Path):
    assert sort_out(twice(shared, 0), PRESETS["seed"]).lost


def test_frames_of_a_watched_folder(shared: Path):
    files = sorted((shared / "watch_frames").glob("frame_*"))
    decisions = sort_out(Scenes({f.name: decode_frame(f.read_bytes()) for f in files}, {}), DEFAULT).decisions
    assert {name: decision.kind for name, decision in decisions.items()} == {
        "frame_01.bmp": "unique", "frame_02.bmp": "unique", "frame_03.bmp": "unique", "frame_04.bmp": "unique",
        "frame_05.png": "identical", "frame_06.bmp": "empty", "frame_07.bmp": "empty", "frame_08.bmp": "empty",
        "frame_09.tif": "empty", "frame_10.tif": "empty", "frame_11.tif": "unique",
    }  # fmt: skip
    assert decisions["frame_05.png"].keeper == "frame_03.bmp"


# --- the questions, in their order


def test_the_same_pixels_in_another_depth_are_identical():
    one = texture(1)
    assert kinds(frames_of(a=one, b=one.astype(np.uint16))) == {"a": "unique", "b": "identical"}


def test_the_same_levels_in_another_shape_are_not_identical():
    one = texture(1, (96, 128))
    assert kinds(frames_of(a=one, b=one.reshape(128, 96))) == {"a": "unique", "b": "unique"}


def test_a_copy_of_an_empty_frame_is_empty_and_of_a_kept_one_identical():
    frame = empty(1).frames["empty_0"].pixels
    assert kinds(frames_of(a=frame, b=frame)) == {"a": "empty", "b": "empty"}
    kept = replace(DEFAULT, empty="keep")
    assert kinds(frames_of(a=frame, b=frame), kept) == {"a": "unique", "b": "identical"}


def test_similarity_does_not_travel_along_chains():
    """b is similar to a, c to b but not to a: c is new, for b was put away."""
    rng, noise = np.random.default_rng(5), Settings(method="mse", mse_threshold=100.0, empty="keep")
    base = rng.integers(60, 200, (64, 64)).astype(np.uint8)
    frames = frames_of(a=base, b=base + np.uint8(8), c=base + np.uint8(16))
    decisions = sort_out(Scenes(frames, {}), noise).decisions
    assert [decisions[name].kind for name in "abc"] == ["unique", "similar", "unique"]
    assert decisions["b"].keeper == "a"
    assert decisions["b"].distance == 64.0


def test_a_candidate_must_be_confirmed():
    """Two particles of one outline: the hashes agree, the fine structure does not."""
    y, x = np.indices((96, 128))
    outline = np.where((y - 48) ** 2 + (x - 64) ** 2 < 900, 100.0, 30.0)
    rng = np.random.default_rng(6)
    frames = frames_of(a=exposed(outline, 12, rng), b=exposed(outline, 12, rng))
    assert kinds(frames, replace(DEFAULT, confirm=0.0, threshold=20))["b"] == "similar"
    assert kinds(frames, replace(DEFAULT, threshold=20))["b"] == "unique"


def test_both_sides_of_the_hash_threshold():
    first, second = texture(1), texture(2)
    pictures = measured(frames_of(a=first, b=second), DEFAULT)
    apart = int(np.bitwise_count(pictures[0].words ^ pictures[1].words).sum())
    rules = replace(DEFAULT, confirm=0.0)
    assert kinds(frames_of(a=first, b=second), replace(rules, threshold=apart))["b"] == "unique"
    assert kinds(frames_of(a=first, b=second), replace(rules, threshold=apart + 1))["b"] == "similar"


def test_both_sides_of_the_likeness():
    first = texture(1)
    second = np.clip(first + np.random.default_rng(1).normal(0, 12, first.shape), 0, 255).astype(np.uint8)
    rules = replace(DEFAULT, threshold=64)
    found = sort_out(Scenes(frames_of(a=first, b=second), {}), replace(rules, confirm=0.01)).decisions["b"].likeness
    assert 0.1 < found < 1
    assert kinds(frames_of(a=first, b=second), replace(rules, confirm=found))["b"] == "similar"
    assert kinds(frames_of(a=first, b=second), replace(rules, confirm=found + 1e-4))["b"] == "unique"


def test_both_sides_of_the_squared_error():
    first = texture(3)
    frames = frames_of(a=first, b=np.where(first < 128, first + 5, first - 5).astype(np.uint8))
    rules = Settings(method="mse", mse_threshold=25.0)
    assert kinds(frames, rules)["b"] == "unique"
    assert kinds(frames, replace(rules, mse_threshold=25.001))["b"] == "similar"


def test_frames_of_other_sizes_are_never_similar_by_error():
    one = texture(4, (96, 128))
    rules = Settings(method="mse", mse_threshold=65025.0)
    assert kinds(frames_of(a=one, b=one[:, :-1].copy()), rules)["b"] == "unique"
    assert kinds(frames_of(a=one, b=texture(5)), rules)["b"] == "similar"


def test_too_small_or_of_another_aspect_is_not_comparable():
    small = texture(7, (31, 40))
    bright = np.where(small < 128, small + 1, small - 1).astype(np.uint8)
    assert kinds(frames_of(a=small, b=bright)) == {"a": "unique", "b": "unique"}
    wide = texture(8, (100, 200))
    assert kinds(frames_of(a=wide, b=wide[:92].copy()), replace(DEFAULT, threshold=64))["b"] == "unique"


def test_aspects_agree_to_one_pixel():
    shapes = {"a": (100, 200), "b": (101, 200), "c": (102, 200), "d": (50, 100)}
    p = {m.path: m for m in measured({n: Frame(texture(1, s)) for n, s in shapes.items()}, DEFAULT)}
    assert same_aspect(p["a"], p["b"])
    assert not same_aspect(p["a"], p["c"])
    assert same_aspect(p["a"], p["d"])


def test_a_kept_picture_that_is_gone_confirms_nothing():
    first = texture(1)
    frames = frames_of(a=first, b=np.clip(first.astype(int) + 3, 0, 255).astype(np.uint8))

    class Gone(Views):
        def spectrum(self, picture, top, shape):
            return None if picture.path == "a" else super().spectrum(picture, top, shape)

    pictures = measured(frames, DEFAULT)
    assert [d.kind for d in decide_frame(pictures, Kept(1), DEFAULT, Views(frames))] == ["unique", "similar"]
    assert [d.kind for d in decide_frame(pictures, Kept(1), DEFAULT, Gone(frames))] == ["unique", "unique"]


# --- laws


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32), st.floats(1.0, 400.0))
def test_by_error_is_brute_force(seed: int, threshold: float):
    rng = np.random.default_rng(seed)
    scenes = rng.integers(0, 256, (4, 37, 45))
    frames = {}
    for i in range(24):
        noisy = scenes[rng.integers(4)] * 0.5 + 60 + rng.normal(0, rng.uniform(0, 9), (37, 45))
        frames[f"{i}"] = Frame(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    rules = Settings(method="mse", mse_threshold=threshold, empty="keep")
    kept: list[str] = []
    for name, decision in sort_out(Scenes(frames, {}), rules).decisions.items():
        errors = [(mse(frames[name].pixels, frames[other].pixels), order) for order, other in enumerate(kept)]
        nearest = min(errors, default=None)
        if nearest is not None and nearest[0] == 0:
            assert decision.kind == "identical"
        elif nearest is not None and nearest[0] < threshold:
            assert (decision.kind, decision.keeper) == ("similar", kept[nearest[1]])
            assert decision.distance == pytest.approx(nearest[0], abs=1e-4)
        else:
            assert decision.kind == "unique"
            kept.append(name)


@settings(deadline=None, max_examples=20)
@given(st.permutations(range(8)))
def test_the_order_of_listing_does_not_matter(order: list[int]):
    frames = {f"image_{i}.bmp": Frame(texture(i // 2)) for i in range(8)}
    shuffled = {name: frames[name] for name in (f"image_{i}.bmp" for i in order)}
    assert kinds(shuffled) == kinds(frames)


# --- order


def test_natural_order():
    names = ["image_10.bmp", "image_2.bmp", "Image_1.bmp", "image_1.bmp", "image.bmp", "a/10.bmp", "a/9.bmp"]
    assert sorted(names, key=natural) == [
        "a/9.bmp", "a/10.bmp", "image.bmp", "Image_1.bmp", "image_1.bmp", "image_2.bmp", "image_10.bmp",
    ]  # fmt: skip


def test_the_keeper_is_the_first_the_sharpest_or_the_largest():
    sharp = np.kron(texture(1, (48, 64)), np.ones((3, 3), np.uint8))
    blurred = sharp.copy()
    left, middle, right = (sharp[:, i : i + 190].astype(int) for i in range(3))
    blurred[:, 1:-1] = (left + 2 * middle + right) // 4
    large = np.kron(blurred, np.ones((2, 2), np.uint8))
    frames = frames_of(image_1=blurred, image_2=large, image_10=sharp)
    for keeper, first in (("first", "image_1"), ("largest", "image_2"), ("sharpest", "image_10")):
        rules = replace(DEFAULT, keeper=keeper)
        assert in_order(measured(frames, rules), keeper)[0].path == first
        assert [name for name, kind in kinds(frames, rules).items() if kind == "unique"] == [first]


# --- deep frames


def test_one_range_for_all_deep_frames_of_a_folder():
    low, high = texture(1).astype(np.uint16) * 4, texture(2).astype(np.uint16) * 16
    assert {picture.top for picture in measured(frames_of(a=low), DEFAULT)} == {1023}
    assert {picture.top for picture in measured(frames_of(a=low, b=high), DEFAULT)} == {4095}
