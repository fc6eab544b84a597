"""Pictures published turned or mirrored, found where `match.geometry=on` asks for it."""

from __future__ import annotations

import pytest
from PIL import Image

from semtrace.core.image.symmetry import SYMMETRIES, apply
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
