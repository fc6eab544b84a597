"""Pictures published turned or mirrored, found where `match.geometry=on` asks for it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from semtrace.core.image.symmetry import SYMMETRIES, apply
from semtrace.io.digests import md5
from tests.pipeline import defaults, publish, run_all, table
from tests.small_archive import name, save, scene


@pytest.fixture(scope="module")
def turned(tmp_path_factory):
    """Three originals, one of them published in all eight orientations, at full and at half size."""
    root = tmp_path_factory.mktemp("turned")
    (root / "known").mkdir()
    for seed in range(3):
        save(root / "archive" / f"{seed}.tif", scene(seed))
    published = {}
    for symmetry in SYMMETRIES:
        picture = Image.fromarray(apply(scene(1), symmetry))
        half = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
        for kind, version in (("full", picture), ("half", half)):
            path = publish(version, root / "published/Tips" / name(5, symmetry + kind), quality=90)
            published[path] = symmetry, kind
    return root, published


def rows(root, geometry):
    parts = (root / part for part in ("archive", "published", "known", f"work-{geometry}"))
    run_all(*parts, defaults(root, f"match.geometry={geometry}"))
    return {row["jpeg_path"]: row for row in table(root / f"work-{geometry}/match/jpeg_to_tiff.csv")}


def test_every_orientation_is_traced_and_named(turned):
    root, published = turned
    for path, row in rows(root, "on").items():
        symmetry, kind = published[path]
        assert (row["decision"], row["matched_tiff_path"], row["symmetry"]) == ("matched", "1.tif", symmetry)
        assert row["evidence"] == ("reencoded" if kind == "full" else "ssim")


def test_without_being_asked_only_the_upright_ones_are(turned):
    root, published = turned
    for path, row in rows(root, "off").items():
        assert row["decision"] == ("matched" if published[path][0] == "identity" else "unmatched")


@pytest.fixture(scope="module")
def negatives(tmp_path_factory):
    """Three originals; of one a negative, upright and rotated, with edited tones, and at half size."""
    root = tmp_path_factory.mktemp("negatives")
    (root / "known").mkdir()
    for seed in range(3):
        save(root / "archive" / f"{seed}.tif", scene(seed))
    inverted = Image.fromarray(255 - scene(1))
    half = inverted.resize((inverted.width // 2, inverted.height // 2), Image.Resampling.LANCZOS)
    versions = {
        "negative": inverted,
        "negative rotated_90": inverted.rotate(90, expand=True),
        "negative half": half,
        "negative gamma": inverted.point([round(255 * (level / 255) ** 1.7) for level in range(256)]),
    }
    return root, {
        publish(picture, root / "published/Tips" / name(5, kind), quality=90): kind
        for kind, picture in versions.items()
    }


def test_a_negative_is_traced_and_named(negatives):
    root, published = negatives
    for path, row in rows(root, "on").items():
        assert (row["decision"], row["matched_tiff_path"]) == ("matched", "1.tif"), published[path]
        assert row["symmetry"] == published[path].removesuffix(" half").removesuffix(" gamma")
        if published[path].startswith("negative rotated") or published[path] == "negative":
            assert (row["evidence"], row["level"]) == ("reencoded", "frame")


def test_without_being_asked_no_negative_is_looked_for(negatives):
    assert {row["decision"] for row in rows(negatives[0], "off").values()} == {"unmatched"}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Three originals; one on a white and on a black page, two side by side, and one of them cut on a page."""
    root = tmp_path_factory.mktemp("pages")
    (root / "known").mkdir()
    for seed in range(3):
        save(root / "archive" / f"{seed}.tif", scene(seed))
    height, width = scene(1).shape
    versions = {}
    for level in (0, 255):
        page = np.full((height + 200, width + 120), level, np.uint8)
        page[80 : 80 + height, 40 : 40 + width] = scene(1)
        versions[f"on {level}"] = page
    both = np.full((height, 2 * width + 20), 255, np.uint8)
    both[:, :width], both[:, width + 20 :] = scene(2), scene(0)
    versions["both"] = both
    cut = np.full((height, width), 255, np.uint8)
    cut[24:-32, 16:-40] = scene(0)[24:-32, 16:-40]
    versions["cut"] = cut
    folder = root / "published/Tips"
    return root, {
        publish(Image.fromarray(page), folder / name(5, kind), quality=90): kind for kind, page in versions.items()
    }


def place(text: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.split(r"[x+]", text))


def test_a_picture_is_found_within_its_margins_and_two_panels_are_traced_by_themselves(pages):
    root, published = pages
    height, width = scene(1).shape
    for path, row in rows(root, "on").items():
        if published[path] == "both":
            assert (row["decision"], row["reason"]) == ("ambiguous", "panels")  # one label for two originals
            continue
        if published[path] == "cut":
            assert (row["decision"], row["matched_tiff_path"]) == ("matched", "0.tif")
            part = width - 56, height - 56, 16, 24
            assert np.abs(np.subtract([place(row["crop"]), place(row["place"])], part)).max() <= 1
            continue
        assert (row["decision"], row["matched_tiff_path"]) == ("matched", "1.tif")
        assert np.abs(np.subtract(place(row["place"]), (width, height, 40, 80))).max() <= 4
    panels = table(root / "work-on/match/panels.csv")
    assert [
        (row["decision"], row["matched_tiff_path"]) for row in sorted(panels, key=lambda r: place(r["place"])[2])
    ] == [
        ("matched", "2.tif"),
        ("matched", "0.tif"),
    ]
    assert {published[row["jpeg_path"]] for row in panels} == {"both"}


def test_without_being_asked_no_page_is_looked_at(pages):
    root, _ = pages
    assert "matched" not in {row["decision"] for row in rows(root, "off").values()}
    assert table(root / "work-off/match/panels.csv") == []


def test_what_a_person_refused_is_not_found_again_as_a_part_or_on_a_page(pages, tmp_path):
    root, _ = pages
    part = publish(Image.fromarray(scene(2)[40:200, 60:260]), root / "published/Tips" / name(5, "part"), quality=90)
    found = {path: row["matched_tiff_path"] for path, row in rows(root, "true").items() if row["decision"] == "matched"}
    assert found[part] == "2.tif"
    assert len(found) == 4
    digests = {
        path: (md5((root / "published" / path).read_bytes()), md5((root / "archive" / tiff).read_bytes()))
        for path, tiff in found.items()
    }
    lines = [f"{jpeg},{tiff},different,me,now" for jpeg, tiff in digests.values()]
    (tmp_path / "known").mkdir()
    (tmp_path / "known/verdicts.csv").write_text("\n".join(["left,right,verdict,who,when", *lines]) + "\n")
    parts = root / "archive", root / "published", tmp_path / "known", tmp_path / "work"
    run_all(*parts, defaults(tmp_path, "match.geometry=true"))
    again = {row["jpeg_path"]: row for row in table(tmp_path / "work/match/jpeg_to_tiff.csv")}
    assert {again[path]["matched_tiff_path"] for path in found} & set(found.values()) == set()
