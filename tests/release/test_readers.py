"""The examples of docs/releases.md, as they stand there: each finds every picture."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from semtrace.release import pack
from tests.release.project import Picture, Project, ten

DOCS = Path(__file__).parents[2] / "docs" / "releases.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", DOCS.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with a release, its shards, and its bag unpacked; another one without originals."""
    root = tmp_path_factory.mktemp("readers")
    Project(root).release("1.0.0", name="jpegs-alone")
    folder = Project(root).release("1.0.0", name="sem-dataset", originals=True)
    (root / "data").mkdir()
    folder = (root / "releases").rename(root / "data/releases") / folder.name
    pack.shards(folder, folder.parent, 500)
    pack.bag(folder, root)
    with tarfile.open(root / "sem-dataset-1.0.0.bag.tar") as tar:
        tar.extractall(root, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # since Python 3.11.4
    return root


def run(code: str, project: Path) -> str:
    """What an example prints; the test is skipped where its libraries are absent."""
    needed = set(re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE))
    absent = sorted(name for name in needed if find_spec(name) is None)
    if absent:
        pytest.skip(f"{', '.join(absent)} not installed: pip install -c constraints.txt '.[readers]'")
    offline = {**os.environ, "HF_HOME": str(project / "hf"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=project, env=offline, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("code", EXAMPLES, ids=lambda code: re.search(r"(?:import|from) (\w+)", code)[1])
def test_the_example_reads_every_picture(project, code):
    last = run(code, project)
    assert last.startswith(("10 pictures 4 categories", "Test <pictures> & more in "))
    assert "(32, 24)" in last or "size" not in code


@pytest.mark.parametrize("name", ["sem-dataset", "jpegs-alone"])
def test_each_croissant_record_has_its_own_picture(project, name):
    code = """
import hashlib
import pathlib
import mlcroissant
from PIL import Image
root = pathlib.Path("data/releases/NAME-1.0.0")
dataset = mlcroissant.Dataset(root / "croissant.json")
assert not dataset.metadata.issues.report(), dataset.metadata.issues.report()
records = list(dataset.records("pictures"))
for record in records:
    file = root / record["pictures/path"].decode()
    assert hashlib.md5(file.read_bytes()).hexdigest() == record["pictures/md5"].decode()
    assert Image.open(file).tobytes() == record["pictures/image"].convert("L").tobytes()
print(len({record["pictures/path"] for record in records}))
"""
    assert run(code.replace("NAME", name), project) == "10"


def test_each_original_of_the_croissant_description_is_that_of_a_picture(project):
    code = """
import mlcroissant
import pandas as pd
from PIL import Image
root = "data/releases/sem-dataset-1.0.0/"
table = pd.read_parquet(root + "manifest.parquet").set_index("source_md5")
records = list(mlcroissant.Dataset(root + "croissant.json").records("originals"))
for record in records:
    original = Image.open(root + table.loc[record["originals/md5"].decode(), "source_file"])
    assert original.filename.endswith(record["originals/file"].decode())
    assert original.mode == "I;16"
print(len({record["originals/md5"] for record in records}))
"""
    assert run(code, project) == "10"


@pytest.mark.parametrize("folder", ["", "/data"])
def test_datasets_does_not_take_originals_for_pictures(project, folder):
    code = f"""
from datasets import load_dataset
parts = load_dataset("imagefolder", data_dir="data/releases/sem-dataset-1.0.0{folder}")
print([(name, part.num_rows) for name, part in parts.items()])
"""
    assert run(code, project) == "[('train', 6), ('validation', 2), ('test', 2)]"


def test_datasets_reads_the_card_as_it_stands(project):
    code = """
from datasets import load_dataset
parts = load_dataset("data/releases/sem-dataset-1.0.0")
row = parts["test"][0]
assert row["evidence"] == "ssim", row
assert (row["pixel_size_m"], row["width"], row["height"]) == (2.5e-09, 32, 24), row
assert row["image"].size == (32, 24)
assert row["duplicate_group"].startswith("group g"), row
print([(name, part.num_rows) for name, part in parts.items()], sorted(parts["train"].unique("label")))
"""
    parts = "[('train', 6), ('validation', 2), ('test', 2)]"
    assert run(code, project) == f"{parts} ['Fibres', 'Particles', 'Porous_Sponge', 'Tips']"


def test_a_part_whose_pictures_have_no_pixel_size_is_read_beside_one_whose_have(project, tmp_path):
    pictures = ten()
    pictures[6:] = [Picture(p.seed, p.category, p.split, decision="unmatched") for p in pictures[6:]]
    (tmp_path / "data").mkdir()
    made = Project(tmp_path, pictures).release(
        "1.0.0", "evidence", name="sem-dataset", include=["matched", "unmatched"]
    )
    made.parent.rename(tmp_path / "data/releases")
    code = """
from datasets import load_dataset
parts = load_dataset("data/releases/sem-dataset-1.0.0")
print(parts["train"][0]["pixel_size_m"], parts["test"][0]["pixel_size_m"], parts["test"][0]["evidence"])
"""
    assert run(code, tmp_path) == "2.5e-09 None none"
