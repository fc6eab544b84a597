"""Adding a stage touches its module, its declaration, its block in a dvc.yaml and its test: nothing is forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from semtrace.cli.main import main
from semtrace.config.dvc_yaml import code_paths, with_code
from semtrace.config.pipeline import MAIN, pipelines
from semtrace.provenance.stages import WITH_REJECTS
from semtrace.stage.declaration import Stage
from tests.meta.imports import PROJECT, SOURCE

DVC = yaml.safe_load((PROJECT / "dvc.yaml").read_text())
BLOCKS = {name: block.get("do", block) for name, block in DVC["stages"].items()}
PARAMS = yaml.safe_load((PROJECT / "params.yaml").read_text())
every_stage = pytest.mark.parametrize("stage", MAIN, ids=lambda stage: stage.name)


def paths(outs: list[object]) -> set[str]:
    """Outputs without their options."""
    return {next(iter(out)) if isinstance(out, dict) else str(out) for out in outs}


@every_stage
def test_a_stage_has_its_module_its_block_its_verb_and_its_test(stage: Stage, capsys):
    module = SOURCE.parent / f"{stage.module.replace('.', '/')}.py"
    assert "\ndef stage(job: Job)" in module.read_text(), f"{module}: write `def stage(job: Job)`"
    test = PROJECT / "tests" / stage.house / f"test_{stage.name}.py"
    assert test.is_file(), f"write the test {test}"
    assert stage.name in BLOCKS, f"write the block of {stage.name} in dvc.yaml"
    with pytest.raises(SystemExit, match=r"^0$"):
        main([stage.name, "--help"])
    assert stage.help[1:] in " ".join(capsys.readouterr().out.split())


@every_stage
def test_the_block_of_a_stage_says_what_its_declaration_says(stage: Stage):
    block = BLOCKS[stage.name]
    assert block["cmd"].split()[:2] == ["semtrace", stage.name]
    assert set(block.get("params", [])) == set(stage.params)
    if stage.sides:
        assert paths(block["outs"]) == {f"data/work/{stage.name}/${{key}}"}
        return
    data = {dep for dep in block["deps"] if not dep.startswith("src/")} - {"constraints.txt", "data/work/dataset.json"}
    tables = ("verdicts", "subcategories")  # of a person's word
    inputs = {f"${{dataset.verdicts}}/{n}.csv" if n in tables else f"${{dataset.{n}}}" for n in stage.inputs}
    assert data == inputs | {f"data/work/{path}" for path in stage.reads}
    outs = paths([*block.get("outs", []), *block.get("metrics", []), *block.get("plots", [])])
    folders = tuple(f"data/work/{folder}" for folder in stage.writes) or ("data/raw/",)
    assert outs
    assert all(out.startswith(folders) for out in outs)


@every_stage
def test_a_stage_names_parameters_that_exist(stage: Stage):
    for name in stage.params:
        section, _, key = name.partition(".")
        assert section in PARAMS, f"write conf/{section}/"
        assert not key or key in PARAMS[section]


def test_stages_run_after_those_whose_results_they_read():
    written: set[str] = set()
    for stage in MAIN:
        for path in stage.reads:
            assert path in written or path.split("/")[0] in written, f"{stage.name} reads {path} before it is written"
        written |= set(stage.writes)


def test_dvc_knows_no_stage_that_is_not_declared():
    assert set(BLOCKS) == {"claim", *(stage.name for stage in MAIN)}


def test_rejects_of_every_stage_are_counted():
    assert set(WITH_REJECTS) == {
        folder for stage in MAIN if stage.house == "provenance" and stage.rejects for folder in stage.writes
    }


def test_dvc_yaml_names_the_code_that_stages_import():
    outdated = [str(file) for file, text in pipelines(PROJECT) if file.read_text() != text]
    assert not outdated, "run `semtrace params`"


def test_code_is_written_where_it_stood_and_all_else_stays():
    text = """stages:
  one: # a comment
    cmd: semtrace match
    deps:
      - data
      - src/semtrace/old.py # a remark on it
      - src/semtrace/older.py
      - constraints.txt
    outs: [x]

  other:
    cmd: echo semtrace
    deps: [y]
"""
    made = with_code(text, {"match": ("semtrace.core.names",)})
    assert made == text.replace(
        "      - src/semtrace/old.py # a remark on it\n      - src/semtrace/older.py\n",
        "".join(f"      - {path}\n" for path in code_paths(["semtrace.core.names"])),
    )
    assert with_code(made, {"match": ("semtrace.core.names",)}) == made


def test_a_folder_stands_for_its_modules_where_half_of_them_are_used():
    paths = code_paths(["semtrace.provenance.match"])
    assert "src/semtrace/provenance/tracing" in paths
    assert "src/semtrace/provenance" not in paths
    assert all((PROJECT / path).exists() for path in paths)
    assert not any(Path(path).name == "__init__.py" and "core" in path for path in paths)
