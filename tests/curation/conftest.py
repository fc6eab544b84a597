"""A small world of volumes and images, and the stages run over it."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from semtrace.curation import clean, crop, deduplicate, import_volumes, section
from semtrace.stage.executor import Executor

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "curation"


def tissue(shape, seed=1, sigma=2.0):
    """Smooth random grey, as structured as tissue and different everywhere."""
    field = gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return ((field - field.min()) / np.ptp(field) * 200 + 20).astype(np.uint8)


def write_mrc(path, array, nm=(4, 4, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(array)
        file.voxel_size = tuple(10 * side for side in nm[::-1])
    return path


class World:
    """Folders below one root, and the stages with settings that are quick on small volumes."""

    def __init__(self, root, workers=1):
        self.root, self.volumes, self.images = root, root / "volumes", root / "images"
        self.volumes.mkdir(exist_ok=True)
        self.executor = Executor(workers, root / "cache.sqlite")
        self.settings = import_volumes.Settings()

    def inputs(self):
        cleaned = self.root / "clean" if (self.root / "clean").is_dir() else None
        return crop.Inputs(self.volumes, self.root / "import", self.root / "section", cleaned)

    def run_import(self, **settings):
        self.settings = import_volumes.Settings(**settings)
        return import_volumes.run(self.volumes, self.root / "import", self.settings, self.executor)

    def run_clean(self, **settings):
        volumes = self.root / "import" / "volumes.csv"
        return clean.run(
            self.images,
            volumes if volumes.exists() else None,
            self.root / "clean",
            clean.Settings(**settings),
            self.executor,
        )

    def run_section(self, **settings):
        chosen, reading = section.Settings(**settings), self.settings.reading()
        imported = self.root / "import"
        return section.run(self.volumes, imported, self.root / "section", chosen, reading, self.executor)

    def run_crop(self, out="raw", **settings):
        chosen = crop.Settings(**{"size": 32, **settings})
        return crop.run(self.inputs(), self.root / out, chosen, self.settings.reading(), self.executor)

    def run_deduplicate(self, raw="raw", out="deduplicated", **settings):
        return deduplicate.run(
            self.root / raw,
            self.inputs(),
            self.root / out,
            deduplicate.Settings(**settings),
            self.settings.reading(),
            self.executor,
        )

    def bytes_of(self, folder):
        """Relative path -> bytes of every file of a stage's folder."""
        base = self.root / folder
        return {path.relative_to(base).as_posix(): path.read_bytes() for path in base.rglob("*") if path.is_file()}


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture(scope="session")
def cases():
    if not CASES.is_dir():
        pytest.skip("the case files of ../shared/cases are not here")
    return CASES


def write_sections(folder, array, name="s{:03}.tif"):
    folder.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(array):
        tifffile.imwrite(folder / name.format(number), page)
