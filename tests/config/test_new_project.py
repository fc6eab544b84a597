"""`semtrace init` and the wheel: a project wherever semtrace is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from semtrace.cli.main import main
from semtrace.config import new_project, params
from semtrace.config.new_project import installed_pipeline
from tests.pipeline import table
from tests.small_archive import save, scene

PROJECT = Path(__file__).resolve().parents[2]
BUILT_FROM = (
    "pyproject.toml", "setup.py", "MANIFEST.in", "LICENSE", "README.md", "src", "conf", "pipelines", "dvc.yaml",
    ".dvcignore", ".gitignore", "constraints.txt",
)  # fmt: skip


def own_images(folder: Path) -> tuple[Path, Path]:
    for seed in range(3):
        save(folder / f"my tiffs/{seed}.tif", scene(seed))
        (folder / "my jpegs/Coils").mkdir(parents=True, exist_ok=True)
        Image.fromarray(scene(seed)).save(folder / f"my jpegs/Coils/p{seed}.jpg", quality=90)
    return folder / "my tiffs", folder / "my jpegs"


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project about images of one's own."""
    folder = tmp_path_factory.mktemp("laid out")
    archive, published = own_images(folder)
    done = new_project.lay_out(folder / "project", archive, published)
    assert done.next == f"cd '{folder}/project' && semtrace run", "it can be pasted"
    return folder / "project"


def test_a_project_is_complete_and_composes(laid_out):
    there = {path.name for path in laid_out.iterdir()}
    assert {"conf", "pipelines", "dvc.yaml", "params.yaml", "README.md", ".gitignore", ".git", ".dvc"} <= there
    p = params.load(laid_out / "params.yaml")
    assert (p.dataset.name, p.dataset.archive.name, p.dataset.published.name) == ("archive", "my tiffs", "my jpegs")
    assert p.dataset.sets == {"published": str(p.dataset.published)}
    assert p.labels.vocabulary == "folders"
    readme = (laid_out / "README.md").read_text()
    verbs = re.findall(r"^semtrace (\w+)", readme, re.MULTILINE)
    assert verbs == list(dict.fromkeys(verbs)), "each command stands once"


def test_its_pipelines_depend_on_the_installed_code(laid_out):
    for file in (laid_out / "dvc.yaml", *laid_out.glob("pipelines/*/dvc.yaml")):
        text = file.read_text()
        assert "src/semtrace" not in text.replace("src/semtrace/...", "")
        assert "constraints.txt" not in text
        for name, stage in yaml.safe_load(text)["stages"].items():
            inner = stage.get("do", stage)
            if str(inner["cmd"]).startswith("semtrace") and "deps" in inner:
                assert inner["deps"].count("installed.json") <= 1, name
    assert "installed.json" in yaml.safe_load((laid_out / "dvc.yaml").read_text())["stages"]["match"]["deps"]
    assert json.loads((laid_out / "installed.json").read_text()) == json.loads(new_project.installed_text())


def test_dvc_and_git_know_it(laid_out):
    listed = subprocess.run(
        ["git", "diff", "--cached", "--name-only"], cwd=laid_out, capture_output=True, text=True, check=True
    )
    assert {"dvc.yaml", "params.yaml", "conf/config.yaml", ".dvc/config"} <= set(listed.stdout.split("\n"))
    assert "analytics = false" in (laid_out / ".dvc/config").read_text()
    assert (laid_out / ".dvcignore").read_text() == (PROJECT / ".dvcignore").read_text()


def test_another_code_is_noticed(laid_out, monkeypatch, capsys):
    monkeypatch.chdir(laid_out)
    assert main(["params", "--check"]) == 0
    before = (laid_out / "installed.json").read_text()
    (laid_out / "installed.json").write_text('{"semtrace": "0.0.9", "code": "0"}\n')
    assert main(["params", "--check"]) == 1
    assert "installed.json" in capsys.readouterr().err
    assert main(["params"]) == 0
    assert (laid_out / "installed.json").read_text() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((".",), "is not empty; name a new folder"),
        (("new", "--archive", "."), "Where you have one picture alone, put it into a folder of its own and name that"),
        (("new", "--archive", "nowhere", "--published", "."), "nowhere: no such folder"),
    ],
)
def test_what_cannot_be_laid_out(tmp_path, monkeypatch, capsys, words, said):
    (tmp_path / "something").touch()
    monkeypatch.chdir(tmp_path)
    assert main(["init", *words]) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["something"]


def test_code_lines_become_one():
    text = (
        "# A comment.\nstages:\n  match:\n    cmd: semtrace match\n    deps:\n      - data\n      - src/semtrace/core\n"
        "      - src/semtrace/io/a.py # why\n      - constraints.txt\n    params: [match]\n"
    )
    deps = yaml.safe_load(installed_pipeline(text))["stages"]["match"]["deps"]
    assert deps == ["data", "installed.json"]


@pytest.mark.heavy
def test_a_wheel_works_outside_the_checkout(tmp_path):
    """Built, installed into an empty folder beside this environment's libraries: commands give a first result."""
    source, site, wheels = (tmp_path / name for name in ("source", "site", "wheels"))
    source.mkdir()
    for name in BUILT_FROM:
        (shutil.copytree if (PROJECT / name).is_dir() else shutil.copyfile)(PROJECT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", wheels, source], check=True)
    (wheel,) = wheels.iterdir()
    subprocess.run([*pip, "install", "-q", "--no-deps", "--target", site, wheel], check=True)
    shutil.rmtree(source)
    archive, published = own_images(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(site), "PATH": f"{site / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    def semtrace(*words: object, cwd: Path = tmp_path) -> str:
        command = [sys.executable, "-m", "semtrace.cli", *map(str, words)]
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    project = tmp_path / "project"
    semtrace("init", project, "--archive", archive, "--published", published)
    where = [sys.executable, "-c", "import semtrace; print(semtrace.__file__)"]
    running = subprocess.run(where, cwd=project, env=environment, capture_output=True, text=True, check=True).stdout
    assert running.startswith(str(site))
    assert "Where the answer lies" in semtrace("run", cwd=project)
    answer = json.loads(semtrace("find", "--json", published / "Coils/p1.jpg", cwd=project))
    assert answer["pictures"][0]["original"] == "1.tif"
    assert {row["decision"] for row in table(project / "data/work/match/jpeg_to_tiff.csv")} == {"matched"}
    assert "Where the answer lies" in semtrace("repro", cwd=project)


def test_the_files_of_a_wheel_are_those_of_the_checkout():
    """setup.py and `init` name the same files, and all of them exist."""
    said = {"conf", "pipelines", "dvc.yaml", ".dvcignore", ".gitignore"}
    assert said == set(new_project._COPIED)
    text = (PROJECT / "setup.py").read_text()
    assert all(f'"{name}"' in text and (PROJECT / name).exists() for name in said)
