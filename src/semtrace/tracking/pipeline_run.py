"""MLflow: one run per pipeline run, one with nested runs per sweep, all in one experiment and under the same names.

Runs after the work, outside the pipeline: a stage taken from DVC's cache would log nothing.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from semtrace.config.composition import flat
from semtrace.config.params import Params, Tracking
from semtrace.core.errors import InputError
from semtrace.core.gpu.device import choose_device
from semtrace.io import tables
from semtrace.io.digests import md5
from semtrace.io.project_state import read_git
from semtrace.io.staging import locked
from semtrace.io.terminal import harmless
from semtrace.provenance.tables import HASHES, INVENTORY
from semtrace.tracking import landing

if TYPE_CHECKING:
    from mlflow import MlflowClient

_NOT_RESULTS = ("executor", "tracking", "sweep", "calibrate", "release")  # sections that no result depends on
VERBS = {
    "pipeline": "track",
    "sweep": "sweep",
    "point": "sweep",
    "scale": "validate-scale",
    "curation": "curate track",
    "discovery": "discover",
    "clustering": "discover",
    "reduction": "discover",
    "reductions": "reduce",
    "training": "discover",
}  # what made a run of this kind
FIRST = (
    "precise/recall",
    "accuracy/recall",
    "accuracy/precision",
    "accuracy/accuracy",
    "accuracy/wrong",
    "decisions/ambiguous",
)
_REFUSED = re.compile(r"[^/\w.\- :]")  # MLflow takes no other character in a name
_DATABASES = ("sqlite:", "postgresql", "mysql", "mssql")
_PLAIN = re.compile(r"[\w .-]+")
_NAMED = 3  # changed parameters in the name of a run
_CREATION = 300.0  # seconds: a new store takes up to ten on a machine that has nothing else to do


@dataclass(frozen=True)
class Store:
    """An open tracking store and the experiment in it."""

    client: MlflowClient
    experiment: str
    name: str
    uri: str


def connect(tracking: Tracking) -> Store | None:
    """Open the store, and make the experiment where it is new; None where tracking is off.

    Done before the work: an absent server is told at once, and what follows never races to create a database.

    Raises:
        InputError: the store cannot be had.
    """
    if not tracking.enabled:
        return None
    uri = os.environ.get("MLFLOW_TRACKING_URI") or tracking.uri
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # an absent server is told in seconds, not minutes
    _check_database(uri)
    import mlflow

    with told(uri), _alone(uri):
        mlflow.set_tracking_uri(uri)
        client = mlflow.MlflowClient()
        return Store(client, _experiment(client, tracking, uri), tracking.experiment, uri)


def log_pipeline_run(params: Params, params_file: Path, work: Path, *, seconds: float | None = None) -> str:
    """Log the state of ``work`` as one run, unless this very state was logged; say where it is.

    Args:
        params: checked parameters.
        params_file: the same as text, for the record.
        work: folder of the stages' outputs.
        seconds: that the pipeline took, where somebody measured it.

    Raises:
        InputError: there is nothing to log yet, or the tracking server does not answer.

    """
    if not params.tracking.enabled:
        return "tracking is off (conf/tracking/off.yaml)"
    metrics_file = work / "validate" / "metrics.json"
    if not metrics_file.is_file():
        raise InputError(f"{metrics_file}: nothing to log yet; run the pipeline first (`make run`)")
    store = connect(params.tracking)
    assert store is not None  # noqa: S101  (it is enabled)
    tags = made_from(params) | {"kind": "pipeline"}
    with told(store.uri):
        known = " and ".join(f"tags.{name} = '{tags[name]}'" for name in ("kind", "git_commit", "dvc_lock_md5"))
        logged = store.client.search_runs(
            [store.experiment], f"{known} and attributes.status = 'FINISHED'", max_results=1
        )
        if logged:
            return f"this state is logged already as run {logged[0].info.run_name!r}; {landing.where_to_look(store)}"
        tree = {name: params.tree[name] for name in params.tree if name not in _NOT_RESULTS}
        name = _what_changed(store, params.dataset.name, flat(tree))
        with run(store, name, tags) as run_id:
            report = (work / "validate" / "accuracy_report.txt").read_text(encoding="utf-8")
            numbers = json.loads(metrics_file.read_text(encoding="utf-8"))
            numbers |= precise(numbers, params.sweep.precision) | ({"time": {"pipeline_s": seconds}} if seconds else {})
            log(store, run_id, tree, numbers)
            describe(store, run_id, report)
            log_inputs(store, run_id, params.dataset.name, work)
            for folder in ("plot", "validate"):
                store.client.log_artifacts(run_id, str(work / folder), "plots" if folder == "plot" else folder)
            store.client.log_artifact(run_id, str(params_file))
        landing.prepare(store)
    return f"logged as run {name!r} of experiment {store.name!r}; {landing.where_to_look(store)}"


def precise(metrics: Mapping[str, Any], precision: float) -> dict[str, dict[str, float]]:
    """The recall once more, where the precision is the requested one: by this the runs are sorted."""
    accuracy = metrics["accuracy"]
    return {"precise": {"recall": accuracy["recall"]}} if (accuracy["precision"] or 0) >= precision else {}


def _what_changed(store: Store, dataset: str, params: Mapping[str, Any]) -> str:
    """A name for a pipeline run: the dataset, and what is different from the dataset's run before."""
    before = store.client.search_runs(
        [store.experiment],
        f"tags.kind = 'pipeline' and params.`dataset.name` = '{dataset}' and attributes.status = 'FINISHED'",
        max_results=1, order_by=["attributes.start_time DESC"],
    ) if _PLAIN.fullmatch(dataset) else []  # fmt: skip
    if not before:
        return dataset
    known = before[0].data.params
    changed = [f"{name}={value}" for name, value in params.items() if known.get(name, str(value)) != str(value)]
    if not changed:
        return f"{dataset}, other code or images"
    more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    return f"{dataset} {' '.join(changed[:_NAMED])}{more}"


@contextmanager
def run(store: Store, name: str, tags: Mapping[str, str], parent: str = "") -> Iterator[str]:
    """A run, by its id; FINISHED at the end, FAILED where an error goes through."""
    more = {"mlflow.parentRunId": parent} if parent else {}
    more |= {"mlflow.source.name": f"semtrace {VERBS[tags['kind']]}", "mlflow.source.type": "LOCAL"}
    run_id = str(store.client.create_run(store.experiment, run_name=name, tags={**tags, **more}).info.run_id)
    try:
        yield run_id
    except BaseException:
        store.client.set_terminated(run_id, "FAILED")
        raise
    store.client.set_terminated(run_id)


def log(store: Store, run_id: str, params: Mapping[str, Any], metrics: Mapping[str, Any]) -> None:
    """Log nested parameters under dotted names, nested numbers under names with ``/``, by which the UI groups them.

    What is no number is no metric.
    """
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    numbers = {name: value for name, value in flat(metrics, joined="/").items() if isinstance(value, (int, float))}
    # The UI lists metrics as they were logged, and draws the first one.
    first = [name for name in FIRST if name in numbers]
    numbers = {name: numbers[name] for name in (*first, *numbers)}
    named = zip(names_allowed(numbers), numbers.values(), strict=True)
    store.client.log_batch(
        run_id,
        metrics=[Metric(name, float(value), now, 0) for name, value in named],
        params=[Param(name, str(value)) for name, value in flat(params).items()],
    )


def names_allowed(names: Iterable[str]) -> list[str]:
    """Names as MLflow takes them, in their order: other characters than its own become ``_``; all stay different."""
    found: dict[str, None] = {}
    for name in names:
        plain = _REFUSED.sub("_", name)
        again = (f"{plain} {number}" for number in count(2))
        found[plain if plain not in found else next(other for other in again if other not in found)] = None
    return list(found)


def describe(store: Store, run_id: str, report: str) -> None:
    """Show a report as the run's description."""
    store.client.set_tag(run_id, "mlflow.note.content", f"```\n{report}```")


def log_inputs(store: Store, run_id: str, name: str, work: Path) -> None:
    """Log archive and published set as input data: name, digest of paths and contents, rows."""
    from mlflow.entities import Dataset as InputData
    from mlflow.entities import DatasetInput, InputTag

    inputs = []
    for what, file, columns in (
        ("archive", work / "inventory" / "inventory.csv", INVENTORY),
        ("published", work / "fingerprint" / "jpeg" / "hashes.csv", HASHES),
    ):
        if file.is_file():
            rows = [(row["path"], row["md5"]) for row in tables.read(file, columns)]
            data = InputData(
                name=f"{name} {what}",
                digest=md5("\n".join(f"{path}\0{digest}" for path, digest in rows).encode()),
                source_type="local",
                source=json.dumps({"uri": str(file)}),
                schema=json.dumps({"mlflow_colspec": [{"name": key, "type": "string"} for key in ("path", "md5")]}),
                profile=json.dumps({"num_rows": len(rows)}),
            )
            inputs.append(DatasetInput(data, [InputTag("mlflow.data.context", what)]))
    store.client.log_inputs(run_id, inputs)


def made_from(params: Params) -> dict[str, str]:
    """What the results were made from: code, pipeline state, and the digests of the input folders.

    Where Git cannot say, one line tells why, and ``git_dirty`` is ``unknown``.
    """
    state = read_git()
    if state.unknown:
        line = f"Git could not be asked for the commit: {state.unknown}. The run's tag git_dirty is unknown"
        print(harmless(f"semtrace: warning: {line}"), file=sys.stderr)
    lock_file = Path("dvc.lock")
    lock = lock_file.read_bytes() if lock_file.is_file() else b""
    stages = (yaml.safe_load(lock) or {}).get("stages", {})
    digests = {dep["path"]: dep["md5"] for stage in stages.values() for dep in stage.get("deps", []) if "md5" in dep}
    return {
        "git_commit": state.commit,
        "mlflow.source.git.commit": state.commit,
        "git_dirty": "unknown" if state.dirty is None else str(state.dirty).lower(),
        "dvc_lock_md5": md5(lock),
        "input_md5.archive": digests.get(str(params.dataset.archive), ""),
        "input_md5.published": digests.get(str(params.dataset.published), ""),
        "device": choose_device(params.executor.device),
    }


def _experiment(client: MlflowClient, tracking: Tracking, uri: str) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(tracking.experiment)
    if found is None:
        local = Path(tracking.artifacts).absolute().as_uri() if uri.startswith(_DATABASES) else None
        # The kind makes the UI open on runs and metrics, not on the traces of language models.
        kind = {"mlflow.experimentKind": "custom_model_development"}
        try:
            return str(client.create_experiment(tracking.experiment, artifact_location=local, tags=kind))
        except MlflowException as error:
            found = client.get_experiment_by_name(tracking.experiment)  # somebody else was faster
            if found is None:
                raise error
    if uri.startswith(_DATABASES) and str(found.artifact_location).startswith("mlflow-artifacts:"):
        raise InputError(
            f"MLflow at {_shown(uri)}: a server keeps the files of experiment {tracking.experiment!r}; set "
            "MLFLOW_TRACKING_URI to that server (http://…), or choose another tracking.experiment"
        )
    return str(found.experiment_id)


def _check_database(uri: str) -> None:
    """Try to connect once: MLflow tries a database for an hour."""
    if uri.startswith(_DATABASES) and not uri.startswith("sqlite:"):
        from sqlalchemy import create_engine
        from sqlalchemy.exc import SQLAlchemyError

        try:
            create_engine(uri).connect().close()
        except (SQLAlchemyError, ModuleNotFoundError) as error:
            reason = " ".join(str(error).split("(Background")[0].split())
            raise InputError(f"MLflow at {_shown(uri)}: {reason}; {_WAY_OUT}") from error


_WAY_OUT = "mend it, or switch it off with tracking=off"


def _shown(uri: str) -> str:
    """Without a password."""
    before, at, after = uri.rpartition("@")
    return f"{before.partition('://')[0]}://…@{after}" if at else uri


@contextmanager
def told(uri: str) -> Iterator[None]:
    """Turn an error of MLflow into one that says what to do."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise InputError(f"MLflow at {_shown(uri)}: {error.message}; {_WAY_OUT}") from error


def _alone(uri: str) -> Any:
    """Hold a SQLite file while its tables are made: two processes would make them twice."""
    if not uri.startswith("sqlite:///"):
        return nullcontext()
    file = Path(uri.removeprefix("sqlite:///").partition("?")[0]).absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    return locked(file, patience=_CREATION)
