from __future__ import annotations

import io
import json
import tarfile
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
from semtrace.io.patches import Patches, file_and_member
from semtrace.io.tar import write_tar
from semtrace.release import compare, verify
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


def test_what_changed_between_two_releases_of_patches_is_listed(results, capsys):
    first = released(results).folder
    file = results / "work/filtered/filtered.csv"
    rows = [dict(row) for row in tables.read(file, FILTERED)]
    rows[0]["label"] = "informative"
    rows[2]["split"] = "validation"
    rows[3]["name"] = rows[3]["name"].replace("moss", "fern")
    rows[4]["name"] = rows[4]["name"].replace("moss", "stone")  # another patch with other pixels
    second = Path(released(results, "1.1.0").folder)  # its table is replaced: diff reads nothing else
    tables.write(second / "filtered.csv", FILTERED, [*rows[:4], rows[4] | {"md5": "0" * 32}])
    capsys.readouterr()
    assert main(["diff", first, str(second)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "added: stone-LOC-0_4_0-16_0-16",
        "removed: moss-LOC-0_4_0-16_0-16",
        "relabelled: liver-LOC-0_0_0-16_0-16 -> liver-LOC-0_0_0-16_0-16",
        "retraced: moss-LOC-0_3_0-16_0-16 -> fern-LOC-0_3_0-16_0-16",
        "moved: liver-LOC-0_2_0-16_0-16 -> liver-LOC-0_2_0-16_0-16",
        "diff: added 1, removed 1, relabelled 1, re-encoded 0, retraced 1, moved 1, unchanged 1",
    ]


@pytest.mark.parametrize("form", ["bagit", "webdataset"])
def test_it_is_packed_and_the_bytes_are_the_same_each_time(results, form):
    folder = Path(released(results).folder)
    rows = tables.read(folder / "filtered.csv", FILTERED)
    packed = []
    for out in ("a", "b"):
        assert main(["pack", str(folder), form, "--out", str(results / out)]) == 0
        packed.append({path.name: path.read_bytes() for path in (results / out).rglob("*.tar")})
    assert packed[0] == packed[1]
    if form == "bagit":
        with tarfile.open(results / "a" / "sem-test-filtered-1.0.0.bag.tar") as tar:
            assert any(name.endswith("data/filtered.csv") for name in tar.getnames())
        return
    assert sorted(packed[0]) == ["test-000000.tar", "train-000000.tar"]
    for name, data in packed[0].items():
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            content = {one: tar.extractfile(one).read() for one in tar.getnames()}
        wanted = {row["md5"]: row for row in rows if row["split"] == name.partition("-")[0]}
        assert sorted(content) == sorted(f"{key}.{end}" for key in wanted for end in ("json", "tiff"))
        for key, row in wanted.items():
            assert md5(tifffile.imread(io.BytesIO(content[f"{key}.tiff"])).tobytes()) == key
            assert json.loads(content[f"{key}.json"])["name"] == row["name"]


def test_a_damaged_image_is_not_packed(results):
    folder = Path(released(results).folder)
    file = next(path for path in folder.rglob("*") if path.suffix in (".tiff", ".tar"))
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    for form in ("bagit", "webdataset"):
        assert main(["pack", str(folder), form, "--out", str(results / "out")]) == 2
    assert not list((results / "out").rglob("*.tar"))


def test_patches_with_the_same_pixels_are_paired_one_by_one():
    def rows(*names):
        return [{"name": name, "md5": "m", "label": "", "split": "train"} for name in names]

    found = compare.compare_patches(rows("a", "b"), rows("a", "c", "d"))
    assert [(one.kind, one.old_path, one.new_path) for one in found.changes] == [
        ("added", "", "d"), ("retraced", "b", "c"), ("unchanged", "a", "a"),
    ]  # fmt: skip
    renewed = compare.compare_patches(rows("a"), [rows("a")[0] | {"md5": "n"}])
    assert [one.kind for one in renewed.changes] == ["re-encoded"]


def test_patches_are_not_compared_with_labelled_pictures(results, tmp_path, capsys):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "manifest.csv").write_text("")
    assert main(["diff", released(results).folder, str(tmp_path / "pictures")]) == 2
    assert "one has patches, the other labelled pictures" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("patches/000000.tar/000000003.tiff", ("patches/000000.tar", "000000003.tiff")),
        ("patches/a/a-LOC-0_1_0-16_0-16.tiff", ("patches/a/a-LOC-0_1_0-16_0-16.tiff", "")),
        ("patches/000000.tar/000000.tar-LOC-0_1_0-16_0-16.tiff", None),
        ("patches/x.tar/x.tar-LOC-0_1_0-16_0-16.tiff", None),
    ],
)
def test_a_dataset_that_is_called_like_a_shard_is_none(path, parts):
    assert file_and_member(path) == (parts or (path, ""))
