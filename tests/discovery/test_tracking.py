from __future__ import annotations

from collections import Counter

import pytest

from semtrace.core.errors import InputError
from semtrace.discovery import tables as of
from semtrace.io import tables
from semtrace.tracking import discovery_run, pipeline_run
from tests.discovery.conftest import AGREE


class Client:
    """What MLflow is told."""

    def __init__(self):
        self.runs, self.metrics, self.files = [], Counter(), []

    def create_run(self, _experiment, run_name, tags):
        self.runs.append((run_name, tags))
        info = type("Info", (), {"run_id": str(len(self.runs))})
        return type("Run", (), {"info": info})

    def log_batch(self, run_id, metrics=(), params=()):
        assert len(metrics) <= 1000
        self.metrics.update((run_id, metric.key, metric.step) for metric in metrics)

    def log_artifact(self, _run, file, folder):
        self.files.append(f"{folder}/{file.rpartition('/')[2]}")

    def log_artifacts(self, _run, _folder, name):
        self.files.append(name)

    def set_terminated(self, *_):
        pass


def test_a_run_for_each_set_and_method_with_its_curve_under_one_with_page_and_pictures(work, project, monkeypatch):
    from semtrace.config.params import load

    client = Client()
    store = pipeline_run.Store(client, "1", "semtrace", "sqlite://")
    monkeypatch.setattr(pipeline_run, "connect", lambda _: store)
    monkeypatch.setattr(pipeline_run, "made_from", lambda _: {})
    said = discovery_run.log_discovery(load(project / "params.yaml"), work.folder)
    kinds = Counter(tags["kind"] for _, tags in client.runs)
    assert kinds == {"discovery": 1, "clustering": 4 * 10, "reduction": 4, "training": 1}
    assert "with 45 runs under it" in said
    assert all(tags.get("mlflow.parentRunId") == "1" for _, tags in client.runs[1:])
    number = str(1 + next(i for i, (name, _) in enumerate(client.runs) if name == "small_lite0_1280_in_10 ward"))
    steps = sorted(step for run, key, step in client.metrics if (run, key) == (number, "category.ami"))
    rows = tables.read(work / "agree/agreement.csv", of.AGREEMENT)
    wanted = [r["k"] for r in rows if (r["features"], r["method"]) == ("small_lite0_1280_in_10", "ward")]
    assert steps == sorted(wanted) == list(range(2, AGREE.most + 1))
    files = {
        "discover", "figures/agree/ami_by_k_category.png", "figures/finetune/confusion.png", "tables/reduce/grid.csv",
        "tables/agree/agreement.csv", "tables/dimension/plateau.csv",
    }  # fmt: skip
    assert files <= set(client.files)


def test_without_a_tree_nothing_is_logged_and_without_tracking_it_is_said(work, project, tmp_path, monkeypatch):
    from semtrace.config.params import load

    params = load(project / "params.yaml")
    with pytest.raises(InputError, match="run `semtrace discover` first"):
        discovery_run.log_discovery(params, tmp_path)
    monkeypatch.setattr(pipeline_run, "connect", lambda _: None)
    assert "tracking is off" in discovery_run.log_discovery(params, work.folder)
