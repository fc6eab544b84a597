"""Pictures in other framings than rectangles, found where `match.geometry=full` asks for it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

pytest.importorskip("cv2", reason="the extra geometry is not installed")

from semtrace.cli import preconditions
from semtrace.core.errors import InputError
from semtrace.core.image import local_features
from semtrace.provenance import fingerprint, inventory, match
from semtrace.provenance.tracing import feature_search
from tests.core.image.framings import moved
from tests.pipeline import defaults, publish, table
from tests.small_archive import name, save, scene

HEIGHT, WIDTH = 300, 400
BICUBIC = Image.Resampling.BICUBIC


def original(seed: int) -> np.ndarray:
    return moved(scene(seed, HEIGHT + 40, WIDTH + 40), 0, HEIGHT, WIDTH)


def turned(degrees: float):
    return lambda gray: Image.fromarray(gray).rotate(degrees, BICUBIC)


def skewed(gray: np.ndarray) -> Image.Image:
    matrix = (1, 0.15, -0.15 * HEIGHT, 0, 1, 0)
    size = (WIDTH + round(0.15 * HEIGHT), HEIGHT)
    return Image.fromarray(gray).transform(size, Image.Transform.AFFINE, matrix, BICUBIC, fillcolor=255)


def captioned(gray: np.ndarray) -> Image.Image:
    page = Image.new("L", (WIDTH, HEIGHT + 60), 255)
    page.paste(Image.fromarray(gray), (0, 0))
    ImageDraw.Draw(page).text((8, HEIGHT + 12), "Figure 3: the sample after heat treatment", fill=0)
    return page


def on_slide(gray: np.ndarray) -> Image.Image:
    page = Image.new("L", (960, 540), 70)
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, 960, 60), fill=200)
    for row in range(6):
        draw.text((30, 100 + 60 * row), "- a finding of the series, in words", fill=240)
    page.paste(Image.fromarray(gray).resize((480, 360), BICUBIC), (440, 120))
    return page


def striped(gray: np.ndarray) -> Image.Image:
    made = gray.copy()
    for top in range(20, HEIGHT, 60):
        made[top : top + 14] = 200
    return Image.fromarray(made)


def noisy(gray: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(gray + np.random.default_rng(3).normal(0, 40, gray.shape), 0, 255).astype(np.uint8))


EDITS = {  # the picture, and its angle and scale
    "turned 15": (turned(15), 15, 1),
    "turned 1": (turned(-1), -1, 1),
    "skewed": (skewed, 0, 1),
    "squashed": (lambda gray: Image.fromarray(gray).resize((300, HEIGHT), BICUBIC), 0, math.sqrt(0.75)),
    "a quarter": (lambda gray: Image.fromarray(gray[100:250, 120:320]), 0, 1),
    "caption": (captioned, 0, 1),
    "slide": (on_slide, 0, 1.2),
    "stripes": (striped, 0, 1),
    "noise": (noisy, 0, 1),
}
STRANGERS = {"stranger turned": turned(15), "stranger on a slide": on_slide, "stranger": Image.fromarray}
DRIFTED = {f"drifted {edit}": EDITS[edit][0] for edit in ("turned 15", "skewed", "caption", "slide")}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Originals, and beside their publications strangers, and a frame of the same place as one, 3 pixels away."""
    root = tmp_path_factory.mktemp("framings")
    for seed in range(3):
        save(root / "archive" / f"{seed}.tif", original(seed))
    place = scene(2, HEIGHT + 40, WIDTH + 40)
    kinds = {}
    for gray, edits in (
        (original(1), {edit: change for edit, (change, *_) in EDITS.items()}),
        (scene(9, HEIGHT, WIDTH), STRANGERS),
        (moved(place, 3, HEIGHT, WIDTH), DRIFTED),
    ):
        for edit, change in edits.items():
            kinds[publish(change(gray), root / "published/Tips" / name(5, edit), quality=90)] = edit
    side = Image.new("L", (2 * WIDTH + 60, HEIGHT + 60), 90)  # too dark and too bright for blank paper
    for seed in (0, 1):
        side.paste(Image.fromarray(original(seed)), (20 + seed * (WIDTH + 20), 30))
    kinds[publish(side, root / "published/Tips" / name(5, "panels"), quality=90)] = "panels"
    p = defaults(root)
    inventory.run(root / "archive", root / "inventory", p.executor)
    fingerprint.tiffs(
        root / "archive", root / "inventory/inventory.csv", root / "tiff", p.hash, p.fingerprint, p.executor
    )
    fingerprint.jpegs(root / "published", root / "jpeg", p.hash, p.fingerprint, p.executor)

    def traced(geometry: str, only: tuple[str, ...] = (), **executor):
        p, out = defaults(root, f"match.geometry={geometry}"), root / f"match-{geometry}-{len(only)}"
        asked = root / "jpeg/hashes.csv"
        if only:
            lines = asked.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines[1:] if any(path in line and kinds[path] in only for path in kinds)]
            asked = root / "some.csv"
            asked.write_text("\n".join([lines[0], *kept]), encoding="utf-8")
        match.run(
            root / "tiff/hashes.csv", [asked], out, p.match, replace(p.executor, **executor),
            archive=root / "archive", published=root / "published",
        )  # fmt: skip
        rows = {kinds[row["jpeg_path"]]: row for row in table(out / "jpeg_to_tiff.csv")}
        return rows, table(out / "panels.csv"), out

    return traced


@pytest.fixture(scope="module")
def found(desk):
    return desk("full")


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_is_traced_with_its_angle_and_scale(found, edit):
    row, (_, angle, scale) = found[0][edit], EDITS[edit]
    assert (row["decision"], row["matched_tiff_path"]) == ("matched", "1.tif")
    if row["angle"]:  # else it was found as it was before
        assert row["level"] == "field"
        assert float(row["angle"]) == pytest.approx(angle, abs=0.15)
        assert float(row["scale"]) == pytest.approx(scale, rel=0.01)


def test_most_of_them_need_it(found):
    assert {edit for edit in EDITS if found[0][edit]["angle"]} >= {
        "turned 15", "skewed", "squashed", "a quarter", "slide",
    }  # fmt: skip


def test_place_and_part_are_named(found):
    rows = found[0]
    assert (rows["a quarter"]["crop"], rows["a quarter"]["place"]) == ("200x150+120+100", "")
    assert (rows["slide"]["crop"], rows["slide"]["place"]) == ("", "480x360+440+120")


@pytest.mark.parametrize("edit", [*STRANGERS, *DRIFTED])
def test_neither_strangers_nor_frames_that_drifted_are_matched(found, edit):
    assert found[0][edit]["decision"] != "matched"


def test_several_pictures_on_a_page_are_panels(found):
    rows, panels, _ = found
    assert (rows["panels"]["decision"], rows["panels"]["reason"]) == ("ambiguous", "panels")
    assert sorted(row["matched_tiff_path"] for row in panels if row["decision"] == "matched") == ["0.tif", "1.tif"]


def test_without_being_asked_none_is_looked_for(desk):
    rows, _, _ = desk("true", ("turned 15", "skewed", "slide"))
    assert [(row["decision"], row["angle"]) for row in rows.values()] == [("unmatched", "")] * 3


def test_any_number_of_workers_gives_the_same(desk, found, tmp_path):
    rows, _, _ = desk("full", ("turned 15", "slide"), workers=2, cache=tmp_path / "other.sqlite")
    assert rows == {edit: found[0][edit] for edit in rows}
    assert len(rows) == 2


def test_without_opencv_the_error_says_what_to_install(desk, monkeypatch, tmp_path):
    monkeypatch.setattr(feature_search, "is_available", lambda: False)
    for begin in (lambda: desk("full"), lambda: preconditions.check_inputs(defaults(tmp_path, "match.geometry=full"))):
        with pytest.raises(InputError, match=r"pip install 'semtrace\[geometry\]'"):
            begin()


def test_votes_do_not_depend_on_how_the_archive_is_cut(monkeypatch):
    archive = [local_features.local_features(original(seed), 60) for seed in range(3)]
    asked = [local_features.local_features(original(1), 200)]
    whole = local_features.votes(asked, archive)
    monkeypatch.setattr(local_features, "_CHUNK", 1)
    assert (local_features.votes(asked, archive, workers=2) == whole).all()
    pairs = local_features.matches(asked[0], archive[1])
    assert whole[0].argmax() == 1
    assert whole[0, 1] == len(set(pairs[:, 1].tolist()))


def test_a_flat_picture_has_no_features():
    assert len(local_features.local_features(np.full((100, 100), 7, np.uint8), 50).points) == 0
