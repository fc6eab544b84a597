"""One small messy archive, run through all stages once; tests ask what became of it."""

from __future__ import annotations

import csv
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.ndimage import gaussian_filter

from semtrace.io.encoders import ENCODERS, encode
from tests.pipeline import defaults, grey, publish, run_all, table


@dataclass(frozen=True)
class Done:
    """Inputs and outputs of a run."""

    archive: Path
    published: Path
    known: Path
    work: Path
    summaries: dict

    def rows(self, name: str) -> list[dict[str, str]]:
        return table(self.work / name)


def scene(seed: int, height: int = 192, width: int = 256) -> np.ndarray:
    """A textured picture that resembles no other one, uint8."""
    rng = np.random.default_rng(seed)
    field = sum(gaussian_filter(rng.standard_normal((height, width)), s) * s for s in (1, 3, 9))
    low, high = field.min(), field.max()
    return np.round((field - low) / (high - low) * 255).astype(np.uint8)


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, pixels, software=False, metadata=None, **options)
    return path


def name(number: int, text: str) -> str:
    return f"L{number}_{hashlib.md5(text.encode()).hexdigest()}.jpg"


def build(root: Path) -> None:
    archive, published = root / "archive", root / "published"
    for seed in range(6):
        save(archive / "Müller É" / "2013-02-19" / f"img_{seed:02}.tif", scene(seed))
    save(archive / "Orrù M" / "img_00.TIF", scene(10))  # same base name, other picture
    save(archive / "deep.tiff", scene(11).astype(np.uint16) * 13 + 500)
    save(archive / "lzw.tif", scene(12), compression="lzw")
    shutil.copy(archive / "lzw.tif", archive / "zz copy of lzw.tif")
    save(archive / "other metadata.tif", scene(12), description="saved again")  # same pixels, other bytes
    save(archive / "flat.tif", np.full((192, 256), 7, np.uint8))
    whole = (archive / "lzw.tif").read_bytes()
    (archive / "cut.tif").write_bytes((archive / "Orrù M" / "img_00.TIF").read_bytes()[:20_000])
    (archive / "damaged.tif").write_bytes(whole[: len(whole) // 2])
    (archive / "empty.tif").touch()
    (archive / "text.tif").write_text("not a picture")
    Image.fromarray(scene(13)).save(root / "as.png")
    (root / "as.png").rename(archive / "really a png.tif")
    (archive / "README.txt").write_text("notes")
    (archive / "link.tif").symlink_to(archive / "lzw.tif")

    truth = []

    def put(tiff: str, category: str, number: int, key: str, picture: Image.Image, **options: object) -> None:
        truth.append((publish(picture, published / category / name(number, key), **options), tiff, category))

    def original(tiff: str) -> Image.Image:
        return grey(archive / tiff)

    first, folder = "Müller É/2013-02-19/img_00.tif", "Müller É/2013-02-19"
    put(first, "Tips", 5, "a", original(first), quality=100)
    put(f"{folder}/img_01.tif", "Tips", 5, "b", original(f"{folder}/img_01.tif").convert("RGB"), quality=90)
    put(f"{folder}/img_02.tif", "Powder", 4, "c", original(f"{folder}/img_02.tif").resize((128, 96)), quality=95)
    put(f"{folder}/img_03.tif", "Powder", 4, "d", original(f"{folder}/img_03.tif"), quality=100)
    put(f"{folder}/img_03.tif", "Fibres", 9, "d", original(f"{folder}/img_03.tif"), quality=100)  # two categories
    put("Orrù M/img_00.TIF", "Tips", 5, "e", original("Orrù M/img_00.TIF"), quality=100)
    put("deep.tiff", "Fibres", 9, "f", Image.fromarray(scene(11)), quality=100)  # published from an 8-bit twin
    put("lzw.tif", "Nanowires", 6, "g", original("lzw.tif"), quality=100)
    put("", "Nanowires", 6, "h", Image.fromarray(scene(99)), quality=100)  # no original
    (published / "Tips" / "Thumbs.db").write_text("clutter")
    (published / "Tips" / name(5, "broken")).write_bytes(b"\xff\xd8\xff\xe0 not much of a JPEG")
    (root / "known").mkdir()
    with (root / "known" / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("jpeg_path", "tiff_path", "category"), *truth])


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The small archive after all stages with the default parameters."""
    root = tmp_path_factory.mktemp("small")
    build(root)
    parts = root / "archive", root / "published", root / "known", root / "work"
    return Done(*parts, run_all(*parts, defaults(root)))


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A series of noisy frames of one field beside other pictures, published by many encoders."""
    root = tmp_path_factory.mktemp("crowded")
    rng = np.random.default_rng(5)
    field = scene(50).astype(float)
    for number in range(4):
        frame = np.clip(np.round(field + rng.normal(0, 6 + 2 * number, field.shape)), 0, 255).astype(np.uint8)
        save(root / "archive" / f"frame_{number}.tif", frame)
    for seed in range(3):
        save(root / "archive" / f"other_{seed}.tif", scene(seed))
    for file in sorted((root / "archive").iterdir()):
        for encoder, how in ENCODERS.items():
            if how.mode == "L" and not how.cropped:
                target = root / "published/Tips" / name(5, file.stem + encoder)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(encode(grey(file), how, None))
    Image.fromarray(scene(99)).save(root / "published/Tips" / name(5, "stranger"), quality=90)
    (root / "known").mkdir()
    parts = root / "archive", root / "published", root / "known", root / "work"
    return Done(*parts, run_all(*parts, defaults(root)))
