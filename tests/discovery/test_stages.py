"""The stages of scales are declared as those of the main pipeline are, and their blocks in dvc.yaml say the same."""

import pytest
import yaml

from semtrace.cli.main import main
from semtrace.discovery.stages import STAGES
from tests.meta.imports import PROJECT, SOURCE

OF_SCALES = ("flat", "scale", "subset", "validate-scale")
BLOCKS = yaml.safe_load((PROJECT / "pipelines/discovery/dvc.yaml").read_text())["stages"]
PARAMS = yaml.safe_load((PROJECT / "params.yaml").read_text())
every_stage = pytest.mark.parametrize(
    "stage", [stage for stage in STAGES if stage.name in OF_SCALES], ids=lambda stage: stage.name
)


def paths(outs):
    """Outputs without their options."""
    return {next(iter(out)) if isinstance(out, dict) else str(out) for out in outs}


def test_all_four_are_declared_before_what_reads_them():
    assert tuple(stage.name for stage in STAGES)[:4] == OF_SCALES


@every_stage
def test_a_stage_has_its_module_its_verb_and_its_test(stage, capsys):
    assert "\ndef stage(job: Job)" in (SOURCE.parent / f"{stage.module.replace('.', '/')}.py").read_text()
    assert (PROJECT / "tests/discovery" / f"test_{stage.module.rpartition('.')[2]}.py").is_file()
    with pytest.raises(SystemExit, match=r"^0$"):
        main([stage.name, "--help"])
    assert stage.help[1:] in " ".join(capsys.readouterr().out.split())


@every_stage
def test_its_block_says_what_its_declaration_says(stage):
    block = BLOCKS[stage.name].get("do", BLOCKS[stage.name])
    assert block["cmd"] == f"semtrace {stage.name}"
    assert set(block.get("params", [])) == set(stage.params)
    assert all(name.partition(".")[0] in PARAMS for name in stage.params)
    data = {dep for dep in block["deps"] if not dep.startswith("src/")} - {"constraints.txt"}
    inputs = {f"${{dataset.{name}}}" + "/scale.csv" * (name == "verdicts") for name in stage.inputs}
    assert data == inputs | {f"data/work/{path}" for path in stage.reads}
    [folder] = stage.writes
    outs = paths([*block["outs"], *block.get("metrics", [])])
    assert outs
    assert all(out.startswith(f"data/work/{folder}") for out in outs)
    if block["outs"] != [f"data/work/{folder}"]:
        assert stage.rejects == (f"data/work/{folder}/rejects.csv" in outs)
