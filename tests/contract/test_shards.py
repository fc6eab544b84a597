"""An archive in shards under DVC: a change in one folder runs that shard alone; the tables are the whole archive's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.contract.test_pipeline import PROJECT, call, ran
from tests.crash.harness import digests
from tests.pipeline import grey, publish
from tests.small_archive import name, save, scene

pytestmark = pytest.mark.heavy
SHARDS = {"one": "first of all", "two": "Müller É", "three": "third"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    names = call("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=PROJECT).splitlines()
    for file in names:
        if (PROJECT / file).is_file() and file != "dvc.lock":
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / file, tmp_path / file)
    for number, folder in enumerate(SHARDS.values()):
        for seed in range(3):
            tiff = save(tmp_path / "data/raw/archive" / folder / f"{seed}.tif", scene(10 * number + seed))
            publish(
                grey(tiff), tmp_path / "data/raw/published/Tips" / name(5, f"{number} {seed}"), quality=90 + number * 5
            )
    dataset = {"defaults": ["archive", "_self_"], "shards": SHARDS, "joined": ["sharded"]}
    (tmp_path / "conf/dataset/mine.yaml").write_text(yaml.safe_dump(dataset, allow_unicode=True), encoding="utf-8")
    call("git", "init", "-q", cwd=tmp_path)
    call("semtrace", "params", "dataset=mine", "executor.workers=1", cwd=tmp_path)
    return tmp_path


def test_only_the_shard_that_changed_runs_again_and_the_tables_are_those_of_the_whole(project):
    repro = ["dvc", "repro", "-R", "pipelines/sharded"]

    def stages() -> set[str]:
        return {stage.rpartition(":")[2] for stage in ran(call(*repro, cwd=project))}

    ends = {"join@sharded", "trace@sharded"}
    assert stages() == {f"shard@{shard}" for shard in SHARDS} | ends
    archive = project / "data/raw/archive"
    shutil.copy(archive / SHARDS["one"] / "1.tif", archive / SHARDS["two"] / "copy.tif")
    save(archive / SHARDS["two"] / "new.tif", scene(99))
    assert stages() == {"shard@two"} | ends
    assert stages() == set()
    call("semtrace", "run", "--work", "data/whole", cwd=project)
    whole, sharded = digests(project / "data/whole"), digests(project / "data/sharded")
    apart = {path for path in whole if path.startswith("convert/images")}  # they stay in their shards
    assert {path: whole[path] for path in whole.keys() - apart} == sharded
    (archive / "a new folder").mkdir()
    (archive / "a new folder" / "x.tif").touch()
    assert "in none of dataset.shards (a new folder)" in call(*repro, cwd=project, code=255)
    assert call("git", "status", "--porcelain", "data/shards", "data/sharded", cwd=project) == ""
