"""`curate track` against MLflow itself, on a store of its own."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml
from mlflow import MlflowClient
from sqlalchemy import Engine, event

from semtrace.config.params import load
from semtrace.core.errors import InputError
from semtrace.curation import tables as contracts
from semtrace.io import tables
from semtrace.tracking.curation_run import fold_numbers, log_curation
from tests.meta.imports import PROJECT

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")  # MLflow's own


def with_tracking(folder, **changed):
    """The parameters of the project, with other values of tracking."""
    tree = yaml.safe_load((PROJECT / "params.yaml").read_text())
    tree["tracking"] |= changed
    (folder / "params.yaml").write_text(yaml.safe_dump(tree))
    return load(folder / "params.yaml")


@pytest.fixture
def params(tmp_path, monkeypatch):
    """The parameters of the project, with a new store in a folder of its own."""

    def hurry(connection, _):
        connection.execute("PRAGMA synchronous = OFF")  # MLflow writes a new store in hundreds of transactions

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    event.listen(Engine, "connect", hurry)
    yield with_tracking(tmp_path, uri=f"sqlite:///{tmp_path}/mlflow.db", artifacts=str(tmp_path / "artifacts"))
    event.remove(Engine, "connect", hurry)


@pytest.fixture
def work(tmp_path):
    """What show and train leave, of two folds of which one was trained in two epochs."""
    folder = tmp_path / "work"
    (folder / "show").mkdir(parents=True)
    (folder / "train").mkdir()
    (folder / "show" / "funnel.json").write_text(json.dumps({"raw": 9, "filtered": 4, "truth": {}}))
    (folder / "show" / "index.html").write_text("the page")
    (folder / "train" / "metrics.json").write_text(json.dumps({"constructed": {"auc": 0.9}, "labels": {"auc": None}}))
    scores = [(0, "assumed", True, 0.75), (0, "resin", False, 0.25), (1, "assumed", True, 0.5), (1, "doubted", True, 0)]
    rows = [
        {"name": f"p{number}", "dataset": "d", "group": "d", "fold": fold, "kind": kind, "informative": good,
         "texture": score, "score": score}
        for number, (fold, kind, good, score) in enumerate(scores)
    ]  # fmt: skip
    tables.write(folder / "train" / "folds.csv", contracts.FOLDS, rows)
    epochs = [(0, 1, 0.7, 0.6, 0.8), (0, 2, 0.5, 0.4, None), (-1, 1, 0.3, None, None)]
    named = [dict(zip(contracts.EPOCHS.names, row, strict=True)) for row in epochs]
    tables.write(folder / "train" / "epochs.csv", contracts.EPOCHS, named, sort=False)
    return folder


def test_a_curation_is_a_run_with_its_page_and_below_it_one_for_each_fold(params, work):
    assert "logged as run" in log_curation(params, work)
    client = MlflowClient(params.tracking.uri)
    experiment = client.get_experiment_by_name(params.tracking.experiment)
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    name = f"{params.curation_dataset.name} curation"
    assert set(runs) == {name, f"{name}, fold 0", f"{name}, fold 1"}
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    whole, first, second = runs[name], runs[f"{name}, fold 0"], runs[f"{name}, fold 1"]
    assert {run.data.tags["mlflow.parentRunId"] for run in (first, second)} == {whole.info.run_id}
    assert whole.data.tags["mlflow.source.name"] == "semtrace curate track"
    assert whole.data.metrics == {
        "funnel/raw": 9,
        "funnel/filtered": 4,
        "train/constructed/auc": 0.9,
        "epoch.loss": 0.3,
    }
    assert whole.data.params["curation.crop.size"] == str(params.curation_crop.size)
    assert first.data.params["curation.train.folds"] == str(params.curation_train.folds)
    assert [run.data.params["fold"] for run in (first, second)] == ["0", "1"]
    assert first.data.metrics["loss"] == pytest.approx(-np.log(0.75))
    assert (first.data.metrics["informative"], first.data.metrics["empty"], first.data.metrics["auc"]) == (1, 1, 1)
    assert second.data.metrics["informative"] == 1  # the doubted patch is not counted
    curve = client.get_metric_history(first.info.run_id, "epoch.loss")
    assert [(point.step, point.value) for point in curve] == [(1, 0.7), (2, 0.5)]
    assert len(client.get_metric_history(first.info.run_id, "epoch.held_auc")) == 1
    assert "epoch.loss" not in second.data.metrics
    files = {file.path for folder in ("show", "train") for file in client.list_artifacts(whole.info.run_id, folder)}
    assert {"show/index.html", "train/folds.csv", "train/metrics.json"} <= files


def test_without_results_nothing_is_logged_and_without_tracking_it_is_said(params, work, tmp_path):
    assert "tracking is off" in log_curation(with_tracking(tmp_path, enabled=False), work)
    (work / "train" / "metrics.json").unlink()
    with pytest.raises(InputError, match=r"metrics\.json: nothing to log yet"):
        log_curation(params, work)


def test_a_fold_of_one_class_has_a_loss_and_no_area():
    row = {"fold": 3, "kind": "assumed", "informative": True, "score": 1.0}
    found = fold_numbers([row])
    assert (found[3]["informative"], found[3]["empty"], found[3]["loss"]) == (1, 0, 0)
    assert found[3]["auc"] is None or np.isnan(found[3]["auc"])
    assert fold_numbers([]) == {}
