"""One MLflow run per pipeline run: parameters, metrics, pictures, and what it was made from.

Runs after ``dvc repro``, outside the pipeline: a stage taken from DVC's cache would log nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from semtrace.io import tables
from semtrace.io.files import md5
from semtrace.params import Dataset, Params, Tracking
from semtrace.provenance.common import InputError

_NOT_RESULTS = ("executor", "tracking")  # sections that no result depends on


def track(params: Params, params_file: Path, work: Path) -> str:
    """Log the state of ``work`` as one run, unless this very state was logged; say where it is.

    Args:
        params: checked parameters.
        params_file: the same as text, for the record.
        work: folder of the stages' outputs.

    Raises:
        InputError: there is nothing to log yet, or the tracking server does not answer.

    """
    if not params.tracking.enabled:
        return "tracking is off (conf/tracking/off.yaml)"
    metrics_file = work / "validate" / "metrics.json"
    if not metrics_file.is_file():
        raise InputError(f"{metrics_file}: nothing to log yet; run the pipeline first (`make run`)")
    import mlflow
    from mlflow.data.pandas_dataset import from_pandas
    from mlflow.exceptions import MlflowException

    uri = os.environ.get("MLFLOW_TRACKING_URI") or params.tracking.uri
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # an absent server is told in seconds, not minutes
    tags = _tags(params.dataset)
    try:
        mlflow.set_tracking_uri(uri)
        experiment = _experiment(params.tracking, uri)
        known = " and ".join(f"tags.{name} = '{tags[name]}'" for name in ("git_commit", "dvc_lock_md5"))
        known += " and attributes.status = 'FINISHED'"
        logged = mlflow.search_runs([experiment], filter_string=known, max_results=1, output_format="list")
        if logged:
            return f"this state is logged already as run {logged[0].info.run_name!r}; `make ui` shows it"
        with mlflow.start_run(
            experiment_id=experiment, run_name=f"{params.dataset.name} {tags['dvc_lock_md5'][:8]}"
        ) as run:
            report = (work / "validate" / "accuracy_report.txt").read_text(encoding="utf-8")
            mlflow.set_tags({**tags, "mlflow.note.content": f"```\n{report}```"})  # shown as the run's description
            tree = yaml.safe_load(params_file.read_text(encoding="utf-8"))
            mlflow.log_params(_flat({name: tree[name] for name in tree if name not in _NOT_RESULTS}))
            numbers = _flat(json.loads(metrics_file.read_text(encoding="utf-8")))
            mlflow.log_metrics({k: float(v) for k, v in numbers.items() if isinstance(v, (int, float))})
            mapping = tables.frame(work / "match" / "jpeg_to_tiff.csv", tables.JPEG_TO_TIFF)
            mlflow.log_input(from_pandas(mapping, name=params.dataset.name), context="mapping")
            mlflow.log_artifacts(str(work / "plot"), "plots")
            mlflow.log_artifacts(str(work / "validate"), "validate")
            mlflow.log_artifact(str(params_file))
            name = run.info.run_name
    except MlflowException as error:
        raise InputError(f"MLflow at {uri}: {error.message}; mend it, or switch it off with tracking=off") from error
    return f"logged as run {name!r} of experiment {params.tracking.experiment!r}; `make ui` shows it"


def _experiment(tracking: Tracking, uri: str) -> str:
    import mlflow

    found = mlflow.get_experiment_by_name(tracking.experiment)
    if found is not None:
        return str(found.experiment_id)
    local = Path(tracking.artifacts).absolute().as_uri() if uri.startswith("sqlite:") else None
    # The kind makes the UI open on runs and metrics, not on the traces of language models.
    kind = {"mlflow.experimentKind": "custom_model_development"}
    return str(mlflow.create_experiment(tracking.experiment, artifact_location=local, tags=kind))


def _tags(dataset: Dataset) -> dict[str, str]:
    """What the results were made from: code, pipeline state, and the digests of the input folders."""
    lock_file = Path("dvc.lock")
    lock = lock_file.read_bytes() if lock_file.is_file() else b""
    stages = (yaml.safe_load(lock) or {}).get("stages", {})
    digests = {dep["path"]: dep["md5"] for stage in stages.values() for dep in stage.get("deps", []) if "md5" in dep}
    return {
        "git_commit": _git("rev-parse", "HEAD"),
        "git_dirty": str(bool(_git("status", "--porcelain"))).lower(),
        "dvc_lock_md5": md5(lock),
        "input_md5.archive": digests.get(str(dataset.archive), ""),
        "input_md5.published": digests.get(str(dataset.published), ""),
        "device": "cpu",
    }


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)  # noqa: S603, S607  (fixed words)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
