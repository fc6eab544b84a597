"""`semtrace sweep` as a person runs it: the table, the runs in MLflow, several at once, servers that are not there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from semtrace.cli.main import main
from tests.contract import test_pipeline
from tests.contract.test_pipeline import ENVIRONMENT, call
from tests.pipeline import table
from tests.servers import free_port, mlflow_server, postgresql

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # MLflow's
PROJECT = Path(__file__).resolve().parents[2]
SMALL = test_pipeline.SMALL
GRID = ["hash.size=8,32", "match.hamming_threshold=40,150", "match.min_ssim=0.7,0.95"]


@pytest.fixture(scope="module")
def ready(tmp_path_factory) -> Path:
    """A project whose pipeline has run on a small archive."""
    folder = tmp_path_factory.mktemp("swept")
    shutil.copytree(PROJECT / "conf", folder / "conf")
    call("semtrace", "params", *SMALL, "synthetic.seed=11", cwd=folder)  # with a retake that is like the lost one
    call("semtrace", "generate", cwd=folder)
    call("semtrace", "run", cwd=folder)
    return folder


@pytest.fixture
def project(ready, tmp_path, monkeypatch) -> Path:
    """The same with no tracking store and no sweep yet, as the working folder."""
    shutil.copytree(ready, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def runs(uri: str) -> dict[str, list[dict]]:
    """Runs in a store by their kind."""
    client = MlflowClient(uri)
    [experiment] = [one for one in client.search_experiments() if one.name == "semtrace"]
    found: dict[str, list[dict]] = {"pipeline": [], "sweep": [], "point": []}
    for run in client.search_runs([experiment.experiment_id], max_results=5000):
        kind = run.data.tags["kind"]
        found[kind].append(
            {
                "id": run.info.run_id, "name": run.info.run_name, "status": run.info.status,
                "params": run.data.params, "metrics": run.data.metrics, "tags": run.data.tags,
                "inputs": [vars(one.dataset) for one in run.inputs.dataset_inputs],
                "files": [one.path for one in client.list_artifacts(run.info.run_id, "sweep")] if kind == "sweep"
                else [],
            }
        )  # fmt: skip
    return found


def check_logged(logged: dict[str, list[dict]], rows: list[dict[str, str]]) -> None:
    [parent] = logged["sweep"]
    assert {run["status"] for kind in logged.values() for run in kind} == {"FINISHED"}
    assert len(logged["point"]) == len(rows)
    assert {run["tags"]["mlflow.parentRunId"] for run in logged["point"]} == {parent["id"]}
    [best] = [run for run in logged["point"] if run["tags"]["recommended"] == "true"]
    for name, value in best["params"].items():
        assert parent["params"][name] == value  # people look at the parent first
    for name in ("accuracy/precision", "accuracy/recall", "accuracy/precision_low", "ambiguous_rate", "ssim_pairs"):
        assert parent["metrics"][name] == best["metrics"][name]
    assert parent["params"]["sweep.match.min_ssim"] == "0.7, 0.95"
    assert "Recommended: point" in parent["tags"]["mlflow.note.content"]
    assert {"sweep/heat_map.png", "sweep/sweep.csv", "sweep/sweep_report.txt"} <= set(parent["files"])
    assert {"git_commit", "dvc_lock_md5", "input_md5.archive", "device"} <= set(parent["tags"])
    inputs = {one["_name"]: one for one in parent["inputs"]}
    assert set(inputs) == {"synthetic archive", "synthetic published"}
    assert '"num_rows": 30' in inputs["synthetic published"]["_profile"]
    by_parameters = {(r["hash_size"], r["hamming_threshold"], r["min_ssim"]): r for r in rows}
    for run in logged["point"]:
        row = by_parameters[
            run["params"]["hash.size"], run["params"]["match.hamming_threshold"], run["params"]["match.min_ssim"]
        ]
        assert float(row["matched"]) == run["metrics"]["decisions/matched"]
        assert float(row["accuracy"]) == run["metrics"]["accuracy/accuracy"]


def test_a_sweep_and_a_pipeline_run_compare_in_one_table(project, capsys):
    assert main(["sweep", "-m", *GRID]) == 0
    said = capsys.readouterr().out
    assert "Recommended: point" in said
    assert "with a run for each of 8 points" in said
    assert main(["track"]) == 0
    said = capsys.readouterr().out
    assert "logged as run 'synthetic' of" in said  # a sweep of this state is no run of it
    assert "runs?workflowType=machine_learning&viewStateShareKey=semtrace" in said
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    view = json.loads(client.get_experiment_by_name("semtrace").tags["mlflow.sharedViewState.semtrace"])
    logged = runs(f"sqlite:///{project}/mlflow.db")
    check_logged(logged, table(project / "data/work/sweep/sweep.csv"))
    [pipeline], [parent] = logged["pipeline"], logged["sweep"]
    in_all = [set(run[what]) for what in ("params", "metrics") for run in (pipeline, parent, logged["point"][0])]
    assert {"hash.size", "match.min_ssim", "match.reach"} <= set.intersection(*in_all[:3])
    assert {"accuracy/precision", "decisions/ambiguous", "ambiguous_rate"} <= set.intersection(*in_all[3:])
    assert pipeline["inputs"] == parent["inputs"]
    known = {f"{kind}.`{name}`" for kind in ("params", "metrics") for name in logged["point"][0][kind]}
    assert {*view["selectedColumns"], view["orderByKey"]} <= known  # the view shows what there is


def examples() -> list[list[str]]:
    """The sweeps that docs/experiments.md shows."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (PROJECT / "docs/experiments.md").read_text(), re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("semtrace sweep")]
    return [shlex.split(line)[2:] for line in lines]


@pytest.mark.parametrize("words", examples())
def test_every_example_of_the_documentation_shows_an_effect(project, words):
    assert main(["sweep", *words, "tracking=off"]) == 0
    rows = pd.DataFrame(table(project / "data/work/sweep/sweep.csv")).convert_dtypes()
    rows = rows.assign(
        **{name: pd.to_numeric(rows[name]) for name in ("recall", "wrong", "found", "hamming_threshold")}
    )
    [mine] = rows[rows["in_force"] == "True"].to_dict("records")
    [best] = rows[rows["recommended"] == "True"].to_dict("records")
    assert (mine["reach"], mine["wrong"]) == ("300", 0)
    assert best["point"] == mine["point"] or best["found"] > mine["found"]  # what is in force wins ties
    near, far = (rows[rows["hamming_threshold"] == some(rows["hamming_threshold"])] for some in (min, max))
    assert near["recall"].max() < far["recall"].min() or near["recall"].mean() < far["recall"].mean()
    if "+experiment" in words[0]:
        loose, strict = (rows[rows["min_ssim"] == value] for value in ("0.5", "0.95"))
        assert loose["wrong"].max() > strict["wrong"].max()
        assert loose["recall"].max() > strict["recall"].max()


def test_a_threshold_that_another_parameter_makes_up_for_is_told(project, capsys):
    assert main(["sweep", "match.hamming_threshold=140,160", "tracking=off"]) == 0
    assert "All points decide alike. `match.reach` compares again" in capsys.readouterr().out


def test_two_sweeps_at_once_on_one_new_store(project):
    commands = [["semtrace", "sweep", *GRID[1:], "--out", f"out{n}", f"executor.cache=cache{n}.sqlite"] for n in (0, 1)]
    started = [
        subprocess.Popen(command, cwd=project, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for command in commands
    ]
    for process in started:
        output = process.communicate(timeout=300)[0].decode()
        assert process.returncode == 0, output[-3000:]
    assert (project / "out0/sweep.csv").read_bytes() == (project / "out1/sweep.csv").read_bytes()
    logged = runs(f"sqlite:///{project}/mlflow.db")
    parents = [run["id"] for run in logged["sweep"]]
    assert len(parents) == 2
    assert {run["status"] for kind in logged.values() for run in kind} == {"FINISHED"}
    for parent in parents:
        mine = [run for run in logged["point"] if run["tags"]["mlflow.parentRunId"] == parent]
        assert len({run["name"] for run in mine}) == len(mine) == 4


def refused(capsys, *overrides: str) -> str:
    assert main(["sweep", *overrides]) == 2
    said = capsys.readouterr().err
    assert said.startswith("semtrace: error: ")
    return said


def test_a_server_that_is_not_there_is_told_before_any_work(project, capsys, monkeypatch):
    for uri in (f"http://127.0.0.1:{free_port()}", f"postgresql://me:secret@127.0.0.1:{free_port()}/x"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        said = refused(capsys, *GRID)
        assert "mend it, or switch it off with tracking=off" in said
        assert "secret" not in said
        assert not (project / "data/work/sweep").exists()


def test_bad_input(project, capsys):
    assert "nothing to sweep" in refused(capsys)
    assert "unknown parameter" in refused(capsys, "match.typo=1,2")
    assert "empty grid" in refused(capsys, "match.min_ssim=range(1,1)")
    assert "nowhere" in refused(capsys, "+experiment=nowhere")
    (project / "mine").mkdir()
    (project / "mine/thesis.tex").touch()
    assert "holds more than an earlier result" in refused(capsys, *GRID, "--out", "mine")


@pytest.mark.heavy
def test_against_an_mlflow_server_over_postgresql(project, tmp_path):
    (tmp_path / "servers").mkdir()
    with postgresql(tmp_path / "servers") as store, mlflow_server(tmp_path / "servers", store) as url:
        said = call("semtrace", "sweep", *GRID, cwd=project, MLFLOW_TRACKING_URI=url)
        assert "with a run for each of 8 points" in said
        check_logged(runs(url), table(project / "data/work/sweep/sweep.csv"))
        assert not (project / "mlflow.db").exists()
        # The artifacts went through the server, and a second client needs no creation.
        assert list((tmp_path / "servers/artifacts").rglob("heat_map.png"))
        call("semtrace", "track", cwd=project, MLFLOW_TRACKING_URI=url)
        # Straight into the database, without a server between: an experiment of its own, whose files lie here.
        asked = ("match.min_ssim=0.7,0.8", "tracking.experiment=straight")
        assert "a run for each of 2" in call("semtrace", "sweep", *asked, cwd=project, MLFLOW_TRACKING_URI=store)
        assert list((project / "mlartifacts").rglob("heat_map.png"))
        refused = call("semtrace", "sweep", *GRID, cwd=project, code=2, MLFLOW_TRACKING_URI=store)
        assert "a server keeps the files of experiment 'semtrace'" in refused
        assert {kind: len(found) for kind, found in runs(url).items()} == {"pipeline": 1, "sweep": 1, "point": 8}


def test_another_folder_of_results_is_the_one_that_is_swept(project):
    (project / "data/work").rename(project / "data/other")
    said = call("semtrace", "sweep", "--work", "data/other", "match.min_ssim=0.7,0.95", "tracking=off", cwd=project)
    assert "tracking is off" in said
    assert len(table(project / "data/other/sweep/sweep.csv")) == 2
    assert not (project / "data/work").exists()
