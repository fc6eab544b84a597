"""Real pictures, published in many ways, with their originals in the archive, without them, and from elsewhere."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from semtrace.config.params import Params
from semtrace.core.image.databar import bar_top
from semtrace.provenance import fingerprint, inventory, match
from tests.pipeline import CATEGORIES, defaults, grey, publish, table

pytestmark = pytest.mark.heavy  # `make truth` runs it; tests/provenance/test_real_input.py is its small sister

Picture = Image.Image


def reduced(picture: Picture, factor: int) -> Picture:
    return picture.resize((picture.width // factor, picture.height // factor), Image.Resampling.LANCZOS)


def without_bar(picture: Picture) -> Picture:
    pixels = np.asarray(picture)
    return Image.fromarray(pixels[: bar_top(pixels)])


GAMMA = [round(255 * (level / 255) ** 0.8) for level in range(256)]
ENCODED: dict[str, tuple[Callable[[Picture], Picture], int]] = {
    "grey 100": (lambda p: p, 100),
    "RGB 100": (lambda p: p.convert("RGB"), 100),
    "grey 90": (lambda p: p, 90),
    "RGB 75": (lambda p: p.convert("RGB"), 75),
    "grey 50": (lambda p: p, 50),
    "half size": (lambda p: reduced(p, 2), 90),
    "quarter size": (lambda p: reduced(p, 4), 90),
    "gamma 0.8": (lambda p: p.point(GAMMA), 90),
    "contrast +20 %": (lambda p: ImageEnhance.Contrast(p).enhance(1.2), 90),
    "bar cropped": (without_bar, 90),
}
TURNED: dict[str, tuple[Callable[[Picture], Picture], int]] = {
    "mirrored": (ImageOps.mirror, 90),
    "rotated": (lambda p: p.rotate(90, expand=True), 90),
    "mirrored, half, 75": (lambda p: reduced(ImageOps.mirror(p), 2), 75),
    "bar cropped, 180°, half, 75": (lambda p: reduced(without_bar(p).rotate(180), 2), 75),
}


def part(picture: Picture, left: float, top: float, width: float, height: float) -> Picture:
    """A rectangle of the picture above its data bar, in parts of its sides."""
    picture = without_bar(picture)
    x, y = round(left * picture.width), round(top * picture.height)
    return picture.crop((x, y, x + round(width * picture.width), y + round(height * picture.height)))


CROPPED: dict[str, tuple[Callable[[Picture], Picture], int]] = {
    "centre crop": (lambda p: p.crop([round(n * f) for f in (0.1, 0.9) for n in p.size]), 90),
    "corner, 75": (lambda p: part(p, 0.0, 0.25, 0.8, 0.75), 75),
    "centre crop, half": (lambda p: reduced(part(p, 0.1, 0.1, 0.8, 0.8), 2), 90),
}


@dataclass(frozen=True)
class Made:
    """Publications made of every picture in sem_tiff, and the hash tables of both sides."""

    archive: Path
    root: Path
    params: Params
    variant: dict[str, str]
    truth: dict[str, str]
    family: dict[str, str]  # path -> one name for all copies of a picture: pixels, data bar cropped, or tones edited

    def match(self, name: str, hashes: Path, jpegs: Path | None = None, published: Path | None = None) -> list[dict]:
        out = self.root / name
        match.run(
            hashes, [jpegs or self.root / "jpeg/hashes.csv"], out, self.params.match, self.params.executor,
            archive=self.archive, published=published or self.root / "published",
        )  # fmt: skip
        return table(out / "jpeg_to_tiff.csv")


@pytest.fixture(scope="module")
def made(shared, tmp_path_factory) -> Made:
    archive, root = shared / "sem_tiff", tmp_path_factory.mktemp("variants")
    p = defaults(root, "match.geometry=on", workers=0)
    inventory.run(archive, root / "inventory", p.executor)
    fingerprint.tiffs(archive, root / "inventory/inventory.csv", root / "tiff", p.hash, p.fingerprint, p.executor)
    rows = table(root / "tiff/hashes.csv")
    variant, truth = {}, {}
    for row in {row["content_id"]: row for row in reversed(rows)}.values():
        picture = grey(archive / row["path"])
        for kind, (change, quality) in (ENCODED | TURNED | CROPPED).items():
            digits = hashlib.md5(f"{row['path']} {kind}".encode()).hexdigest()
            target = root / "published" / CATEGORIES[0] / f"L0_{digits}.jpg"
            path = publish(change(picture), target, quality=quality)
            variant[path], truth[path] = kind, row["path"]
    fingerprint.jpegs(root / "published", root / "jpeg", p.hash, p.fingerprint, p.executor)
    pictures = {row["path"]: row["picture_id"] for row in rows}
    edited = {
        pictures[row["derived"].removeprefix("sem_tiff/")]: pictures[row["original"].removeprefix("sem_tiff/")]
        for row in table(shared / "mapping_truth.csv")
        if "tone-edited" in row["relation"]
    }
    family = {path: edited.get(picture, picture) for path, picture in pictures.items()}
    return Made(archive, root, p, variant, truth, family)


def judged(made: Made, rows: list[dict]) -> dict[str, Counter[str]]:
    """Per variant how many are right, wrong, ambiguous, unmatched."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        right = made.family.get(row["matched_tiff_path"]) == made.family[made.truth[row["jpeg_path"]]]
        said = ("right" if right else "wrong") if row["decision"] == "matched" else row["decision"]
        counts[made.variant[row["jpeg_path"]]][said] += 1
    return counts


def same_pixels(made: Made, row: dict[str, str]) -> bool:
    """Whether the part found in another file is found, pixel for pixel, in the very original."""
    if not row["crop"]:
        return False
    width, height, x, y = (int(n) for n in re.split(r"[x+]", row["crop"]))
    part = np.asarray(grey(made.archive / row["matched_tiff_path"]))[y : y + height, x : x + width]
    original = np.asarray(grey(made.archive / made.truth[row["jpeg_path"]]))
    windows = np.lib.stride_tricks.sliding_window_view(original, (1, width))[: -height + 1 or None]
    places = np.argwhere((windows[:, :, 0] == part[0]).all(axis=2))
    return any(np.array_equal(original[r : r + height, c : c + width], part) for r, c in places)


def recall(counts: dict[str, Counter[str]], kinds: Iterable[str]) -> float:
    pooled = sum((counts[kind] for kind in kinds), Counter[str]())
    return pooled["right"] / pooled.total()


def test_with_the_original_in_the_archive(made):
    counts = judged(made, made.match("present", made.root / "tiff/hashes.csv"))
    assert sum(count.total() for count in counts.values()) == 17 * 69
    assert sum(count["wrong"] for count in counts.values()) == 0
    assert recall(counts, ENCODED) >= 0.99
    assert recall(counts, TURNED) >= 0.99
    # Of a shifted twin a part lies in the other one as well: ambiguous is the honest answer, and does not count.
    twins = {kind: counts[kind] - Counter(ambiguous=counts[kind]["ambiguous"]) for kind in CROPPED}
    assert max(counts[kind]["ambiguous"] for kind in CROPPED) <= 6
    assert recall(twins, ["centre crop", "corner, 75"]) >= 0.95
    assert recall(twins, ["centre crop, half"]) >= 0.90


def test_encoders_and_sizes_need_no_geometry(made):
    upright = replace(made, params=defaults(made.root, "match.geometry=off", workers=0))
    counts = judged(made, upright.match("upright", made.root / "tiff/hashes.csv"))
    assert sum(count["wrong"] for count in counts.values()) == 0
    assert recall(counts, ENCODED) >= 0.99
    assert not any(counts[kind]["right"] for kind in CROPPED)  # found only when asked for


def test_a_part_is_named_to_the_pixel(made):
    rows = made.match("present", made.root / "tiff/hashes.csv")
    seen = 0
    for row in rows:
        if made.variant[row["jpeg_path"]] == "centre crop" and row["decision"] == "matched":
            width, height = grey(made.archive / made.truth[row["jpeg_path"]]).size
            x, y, right, bottom = (round(n * f) for f in (0.1, 0.9) for n in (width, height))
            found = [int(n) for n in re.split(r"[x+]", row["crop"])]
            assert np.abs(np.subtract(found, [right - x, bottom - y, x, y])).max() <= 1, row
            seen += 1
        elif made.variant[row["jpeg_path"]] not in CROPPED:
            assert row["crop"] == ""
    assert seen >= 60


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.heavy)])
def test_without_the_original_nothing_else_is_taken_for_it(made, every):
    """Leave one out: the publications of each fourth picture against the archive without it and its copies."""
    hashes, jpegs = table(made.root / "tiff/hashes.csv"), table(made.root / "jpeg/hashes.csv")
    families, twins = sorted(set(made.family.values())), 0
    for number, family in enumerate(families[::every]):
        for name, rows in (
            ("t.csv", [row for row in hashes if made.family[row["path"]] != family]),
            ("j.csv", [row for row in jpegs if made.family[made.truth[row["path"]]] == family]),
        ):
            with (made.root / name).open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, rows[0])
                writer.writeheader()
                writer.writerows(rows)
        for row in made.match(f"absent {every} {number}", made.root / "t.csv", made.root / "j.csv"):
            if row["decision"] == "matched":  # a part that the shifted twin shows as well, pixel for pixel
                assert same_pixels(made, row), (made.variant[row["jpeg_path"]], made.truth[row["jpeg_path"]], row)
                twins += 1
    assert len(families) == 60
    assert twins <= 12


def test_pictures_from_elsewhere_are_traced_to_nothing(made, shared, tmp_path):
    source = shared / "sem_jpeg_png"
    files = [path for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".tif")]
    for number, file in enumerate(sorted(files)):
        publish(Image.open(file).convert("L"), tmp_path / "published/Tips" / f"L5_{number:032x}.jpg", quality=90)
    p = made.params
    fingerprint.jpegs(tmp_path / "published", tmp_path / "jpeg", p.hash, p.fingerprint, p.executor)
    hashes = tmp_path / "jpeg/hashes.csv"
    rows = made.match("strangers", made.root / "tiff/hashes.csv", hashes, tmp_path / "published")
    assert len(rows) > 50
    assert {row["decision"] for row in rows} <= {"unmatched", "ambiguous"}
    assert sum(row["decision"] == "ambiguous" for row in rows) <= 0.05 * len(rows)
