"""The verbs as a person runs them, from a folder to a tree, in the project's own configuration."""

from __future__ import annotations

import pytest
import yaml

from semtrace.cli.main import main
from tests.discovery.conftest import configure

VERBS = ("features", "finetune", "predict", "dimension", "reduce", "distances", "cluster", "agree", "discover")


@pytest.fixture
def place(project, tmp_path, monkeypatch, work):
    """A folder with params.yaml whose features are those of the small pictures."""
    configure(
        tmp_path, project, features__encoders=["texture"], features__root=str(work.root), reduce__size=8,
        dimension__smallest=10, dimension__repeats=4, dimension__ranks=[1, 2, 4], cluster__k=[4],
        cluster__neighbours=5, cluster__search=10, cluster__stability_samples=2, agree__most=8, agree__draws=1,
        discover__leaves=6, discover__samples=2, executor__workers=1,
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_from_a_folder_to_a_tree(place, work, capsys):
    for verb in VERBS:
        assert main([verb, "--work", "out"]) == 0, capsys.readouterr().err
    assert (place / "out/discover/index.html").is_file()
    assert main(["discover", "--work", "out", "--within", "Fibres"]) == 0
    assert (place / "out/discover-Fibres/index.html").is_file()
    assert main(["features", str(work.root / "Fibres"), "--work", "one"]) == 0
    assert "images           12" in capsys.readouterr().out


def test_mistakes_have_their_exit_code_and_no_trace(place, capsys):
    assert main(["cluster", "--work", "nothing"]) == 2
    assert "run `semtrace features`" in capsys.readouterr().err
    assert main(["features", "gone"]) == 2
    assert main(["features", "--work", "out"]) == 0
    assert main(["reduce", "--work", "out"]) == 0
    text = yaml.safe_load((place / "params.yaml").read_text())
    text["cluster"]["neighbours"] = text["cluster"]["search"] = 48
    (place / "params.yaml").write_text(yaml.safe_dump(text))
    capsys.readouterr()
    assert main(["cluster", "--work", "out"]) == 1
    said = capsys.readouterr().err
    assert "48 points are fewer than cluster.neighbours = 48" in said
    assert "Traceback" not in said


def test_the_pipeline_names_code_and_params_of_every_stage(project):
    from tests.meta.imports import SOURCE, reached

    stages = yaml.safe_load((project / "pipelines/discovery/dvc.yaml").read_text())["stages"]
    stages = {
        name: stage for name, stage in stages.items() if name not in ("flat", "scale", "subset", "validate-scale")
    }
    assert tuple(sorted(stages)) == tuple(sorted(VERBS))
    for verb, stage in stages.items():
        assert stage.get("params", []) == [verb] * (verb != "predict")  # it takes what finetune learnt
        declared = [project / dep for dep in stage["deps"] if dep.startswith("src/")]
        missing = [
            file
            for file in reached(SOURCE / "discovery" / f"{verb}.py")
            if not any(file == dep or dep in file.parents for dep in declared)
        ]
        assert not missing, f"add to deps of {verb}: {missing}"
