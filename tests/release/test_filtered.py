from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml

from semtrace.cli.main import main
from semtrace.core.errors import InputError
from semtrace.curation.tables import FILTERED
from semtrace.io import tables
from semtrace.io.digests import md5
from semtrace.io.patches import Patches
from semtrace.io.tar import write_tar
from semtrace.release import verify
from semtrace.release.build import ReleaseOrder
from semtrace.release.filtered import run_filtered
from semtrace.release.settings import parse_version
from semtrace.release.tables import PATCH_LICENCES
from tests.release.project import CLEAN, SETTINGS

PARAMS = """
curation:
  dataset: {{name: mine, volumes: {folder}/Marta/volumes}}
  crop: {{size: 224}}
  train: {{start: {folder}/Marta/start.pth, start_sha256: def}}
  classify: {{weights: {folder}/Marta/trained, resnet: {folder}/Marta/net.npz, resnet_sha256: abc}}
features: {{root: {folder}/Marta}}
"""
LICENCES = {"liver": "CC0-1.0", "moss": "CC-BY-4.0"}


def encoded(pixels):
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, photometric="minisblack", metadata=None)
    return stream.getvalue()


@pytest.fixture(params=["tiff", "tar"])
def results(request, tmp_path):
    """The folder of curation's results with five kept patches of two datasets."""
    folder = tmp_path / "work" / "filtered"
    (folder / "patches").mkdir(parents=True)
    rows, members = [], []
    for number in range(5):
        dataset = "liver" if number < 3 else "moss"
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16)).astype(np.uint8)
        name = f"{dataset}-LOC-0_{number}_0-16_0-16"
        path = f"patches/{dataset}/{name}.tiff" if request.param == "tiff" else f"patches/000000.tar/{number:09}.tiff"
        if request.param == "tiff":
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(encoded(pixels))
        members.append((f"{number:09}.tiff", encoded(pixels), ""))
        rows.append({
            "name": name, "dataset": dataset, "group": dataset, "experiment": "", "score": 0.9,
            "decided_by": "texture", "label": "", "weight": 0.5, "split": "train" if number < 3 else "test",
            "path": path, "licence": LICENCES[dataset], "pixel_row_nm": 8, "pixel_column_nm": 8,
            "md5": md5(pixels.tobytes()),
        })  # fmt: skip
    if request.param == "tar":
        write_tar(folder / "patches" / "000000.tar", members)
    tables.write(folder / "filtered.csv", FILTERED, rows)
    (tmp_path / "params.yaml").write_text(PARAMS.format(folder=tmp_path))
    return tmp_path


def released(root, version="1.0.0", allowed=(), checkout=CLEAN, settings=SETTINGS):
    order = ReleaseOrder(parse_version(version), "2026-11-28", allowed, checkout, "semtrace repro")
    return run_filtered(root / "work", root / "releases", root / "params.yaml", settings, order)


def changed(root, **values):
    file = root / "work" / "filtered" / "filtered.csv"
    rows = [dict(row) for row in tables.read(file, FILTERED)]
    rows[0] |= values
    tables.write(file, FILTERED, rows)


def test_it_holds_the_table_and_its_images_and_verifies(results):
    summary = released(results)
    folder = results / "releases" / "sem-test-filtered-1.0.0"
    assert (summary.folder, summary.patches, summary.splits) == (str(folder), 5, {"test": 2, "train": 3})
    assert (folder / "filtered.csv").read_bytes() == (results / "work/filtered/filtered.csv").read_bytes()
    before, after = Patches(results / "work/filtered/filtered.csv"), Patches(folder / "filtered.csv")
    for number in range(5):
        np.testing.assert_array_equal(after[number], before[number])
    licences = tables.read(folder / "licences.csv", PATCH_LICENCES)
    assert [(row["dataset"], row["licence"], row["patches"]) for row in licences] == [
        ("liver", "CC0-1.0", 3), ("moss", "CC-BY-4.0", 2),
    ]  # fmt: skip
    assert verify.run(folder, full=True, workers=1) == []
    assert "5 patches of 2 datasets" in (folder / "README.md").read_text()
    file = next(path for path in folder.rglob("*") if path.suffix in (".tiff", ".tar"))
    file.write_bytes(file.read_bytes()[:-1])
    assert [one.kind for one in verify.run(folder, full=True, workers=1)] == ["changed"]


def test_a_dataset_without_licence_stops_it_unless_a_person_lets_it_pass(results):
    changed(results, licence=" ")
    with pytest.raises(InputError, match="1 of 2 datasets have no licence, such as liver"):
        released(results)
    assert not (results / "releases" / "sem-test-filtered-1.0.0").exists()
    released(results, allowed=["licence"])
    assert "no licence" in (results / "releases" / "sem-test-filtered-1.0.0" / "README.md").read_text()


def test_what_is_not_what_was_classified_is_not_released(results):
    changed(results, md5="0" * 32)
    with pytest.raises(InputError, match="not what was classified"):
        released(results)
    changed(results, path="")
    with pytest.raises(InputError, match="images=tiff or tar"):
        released(results)
    changed(results, path="patches/gone.tiff")
    with pytest.raises(InputError, match="run classify again"):
        released(results)
    assert not list(results.glob("releases/sem-test*"))


def test_versions_rise_and_results_are_fresh(results):
    released(results)
    with pytest.raises(InputError, match="exists already"):
        released(results)
    with pytest.raises(InputError, match="not greater"):
        released(results, "0.9.0")
    with pytest.raises(InputError, match="results are not"):
        released(results, "1.1.0", checkout=replace(CLEAN, stale=("classify",)))
    with pytest.raises(InputError, match="no title"):
        released(results, "1.1.0", settings=replace(SETTINGS, title=""))
    with pytest.raises(InputError, match=r"no description(?s:.)*no creators"):
        released(results, "1.1.0", settings=replace(SETTINGS, description=" ", creators=[], licence=""))
    assert released(results, "1.1.0").patches == 5


def test_folders_are_not_told_unless_they_are_allowed(results):
    text = (Path(released(results).folder) / "params.yaml").read_text()
    assert yaml.safe_load(text) == {
        "curation": {"dataset": {"name": "mine"}, "crop": {"size": 224}, "classify": {"resnet_sha256": "abc"},
                     "train": {"start_sha256": "def"}}
    }  # fmt: skip
    full = replace(SETTINGS, source_paths="full")
    with pytest.raises(InputError, match="source_paths: "):
        released(results, "1.1.0", settings=full)
    assert (
        "Marta"
        in (Path(released(results, "1.1.0", ("source_paths",), settings=full).folder) / "params.yaml").read_text()
    )


def test_an_image_without_a_row_is_not_released(results):
    """Its dataset may have no licence."""
    file = results / "work/filtered/filtered.csv"
    rows = tables.read(file, FILTERED)
    tables.write(file, FILTERED, rows[1:])
    if ".tar/" in rows[0]["path"]:
        with pytest.raises(InputError, match=r"1 images are in no row of filtered.csv, such as 000000000.tiff"):
            released(results)
    else:
        folder = Path(released(results).folder)
        assert not (folder / rows[0]["path"]).exists()


def test_releases_may_lie_below_a_linked_folder(results):
    (results / "elsewhere").mkdir()
    (results / "releases").symlink_to(results / "elsewhere")
    folder = Path(released(results).folder)
    assert verify.run(folder, full=True, workers=1) == []
    assert "named after the folders and the file" in (folder / "README.md").read_text()


def test_verify_counts_no_images_where_it_knows_none(results, capsys):
    folder = released(results).folder
    assert main(["verify", folder]) == 0
    count = sum(path.is_file() for path in Path(folder).rglob("*"))
    assert capsys.readouterr().out.splitlines()[-1] == f"OK: {count} files"
