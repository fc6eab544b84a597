"""MLflow: one run for a discovery, with the page and all pictures; under it a run for each feature set and method.

The curves of agreement are metrics whose step is the number of clusters. Each row of the table of reductions and each
training are runs of their own, too.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from semtrace.config.params import Params
from semtrace.core.errors import InputError
from semtrace.discovery.tables import AGREEMENT, DISTANCES, GRID, PER_CLASS, PLATEAU
from semtrace.io import tables
from semtrace.tracking import pipeline_run as tracking

SECTIONS = ("features", "finetune", "reduce", "dimension", "distances", "cluster", "agree", "discover")
CURVES = ("nmi", "ami", "purity")
"""Scores that are logged for every number of clusters; the tables have them all."""
LOGGED = (
    "reduce/grid.csv", "dimension/dimension.csv", "dimension/plateau.csv", "distances/distances.csv",
    "agree/agreement.csv", "agree/reference.csv",
)  # fmt: skip
"""Tables of results that are logged beside the pictures; those of every point stay in the folder of results."""
_AT_ONCE = 1000  # metrics in one request


def log_discovery(params: Params, work: Path) -> str:
    """Log the results of discovery in ``work``; say where they are.

    Raises:
        InputError: ``discover`` has not run, or the tracking server does not answer.

    """
    if not (work / "discover/tree.csv").is_file():
        raise InputError(f"{work}/discover: no tree; run `semtrace discover` first")
    store = tracking.connect(params.tracking)
    if store is None:
        return "tracking is off (conf/tracking/off.yaml)"
    name, tags = f"{params.dataset.name} discovery", tracking.made_from(params) | {"kind": "discovery"}
    with tracking.told(store.uri), tracking.run(store, name, tags) as parent:
        tracking.log(store, parent, {section: params.tree[section] for section in SECTIONS}, _numbers(work))
        for stage in SECTIONS:
            for file in sorted((work / stage).glob("**/*.png")):
                store.client.log_artifact(parent, str(file), f"figures/{stage}")
        for table in LOGGED:
            if (work / table).is_file():
                store.client.log_artifact(parent, str(work / table), f"tables/{table.partition('/')[0]}")
        store.client.log_artifacts(parent, str(work / "discover"), "discover")
        count = 0
        for kind, title, about, metrics, curves in _children(work):
            with tracking.run(store, title, tags | {"kind": kind}, parent) as child:
                tracking.log(store, child, about, metrics)
                _log_curves(store, child, curves)
            count += 1
    return f"logged as run {name!r} of experiment {store.name!r}, with {count} runs under it; `semtrace ui` shows it"


def log_grid(store: tracking.Store, params: Params, axes: Mapping[str, list[Any]], folder: Path) -> str:
    """Log a grid of autoencoders: a run with the table and the picture, and under it a run for each row of the table.

    Args:
        store: see there.
        params: as far as no point changes them.
        axes: what was varied, and its values.
        folder: of the results.

    """
    name, tags = f"{params.dataset.name} autoencoders", tracking.made_from(params)
    with tracking.told(store.uri), tracking.run(store, name, tags | {"kind": "reductions"}) as parent:
        tracking.log(store, parent, {f"grid.{key}": ", ".join(map(str, values)) for key, values in axes.items()}, {})
        store.client.log_artifacts(parent, str(folder), "reduce-grid")
        count = 0
        for kind, title, about, metrics, _ in _reductions(folder / "grid.csv"):
            with tracking.run(store, title, tags | {"kind": kind}, parent) as child:
                tracking.log(store, child, about, metrics)
            count += 1
    return f"logged as run {name!r} of experiment {store.name!r}, with {count} runs under it; `semtrace ui` shows it"


Child = tuple[str, str, dict[str, Any], dict[str, Any], dict[str, list[tuple[int, float]]]]
"""Kind, title, parameters, metrics, and curves: name -> pairs of step and value."""


def _children(work: Path) -> Iterator[Child]:
    yield from _clusterings(work / "agree/agreement.csv")
    yield from _reductions(work / "reduce/grid.csv")
    yield from _trainings(work / "finetune")


def _clusterings(file: Path) -> Iterator[Child]:
    """A run for each feature set and method."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in tables.read(file, AGREEMENT) if file.is_file() else ():
        groups[row["features"], row["method"]].append(row)
    for (features, method), rows in groups.items():
        curves = {
            f"{row['against']}.{score}": [(r["k"], r[score]) for r in rows if r["against"] == row["against"]]
            for row in rows
            for score in CURVES
        }
        best = max(rows, key=lambda row: (row["against"] == "category", row["ami"]))
        metrics = {"best": {"ami": best["ami"], "k": best["k"]}}
        yield "clustering", f"{features} {method}", {"features": features, "method": method}, metrics, curves


def _reductions(file: Path) -> Iterator[Child]:
    """A run for each row of the table of reductions."""
    measured = ("error", "held_out_error", "parameters", "points", "held_out")
    for row in tables.read(file, GRID) if file.is_file() else ():
        metrics = {name: row[name] for name in measured if row[name] is not None}
        about = {name: value for name, value in row.items() if name not in measured and value not in (None, "")}
        built = f" {row['hidden']}" if row["hidden"] else ""
        yield "reduction", f"{row['features']} {row['method']}{built} {row['size']}", about, metrics, {}


def _trainings(folder: Path) -> Iterator[Child]:
    """A run for each training, its figures of every category."""
    for file in sorted(folder.glob("*/metrics.json")):
        about = json.loads(file.read_text(encoding="utf-8"))
        rates = {
            f"{row['of']}.{row['category']}": {name: row[name] for name in ("recall", "precision", "images")}
            for row in tables.read(file.with_name("per_class.csv"), PER_CLASS)
        }
        metrics = {name: value for name, value in about.items() if isinstance(value, (int, float, dict))}
        said = {name: about[name] for name in ("method", "features", "weights_sha256")}
        yield "training", file.parent.name, said, metrics | {"category": rates}, {}


def _numbers(work: Path) -> dict[str, Any]:
    """What the parent says of every feature set."""
    found: dict[str, Any] = {}
    distances, plateaus = work / "distances/distances.csv", work / "dimension/plateau.csv"
    for row in tables.read(distances, DISTANCES) if distances.is_file() else ():
        scores = {name: row[name] for name in ("pearson", "spearman", "overlap_1") if row[name] is not None}
        found.setdefault("distances", {})[row["features"]] = scores
    for row in tables.read(plateaus, PLATEAU) if plateaus.is_file() else ():
        if row["dimension"] is not None:
            found.setdefault("dimension", {})[f"{row['features']}.{row['fraction']}"] = row["dimension"]
    return found


def _log_curves(store: tracking.Store, run_id: str, curves: Mapping[str, list[tuple[int, float]]]) -> None:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = [
        Metric(name, float(value), now, step)
        for name, points in curves.items()
        for step, value in points
        if value is not None
    ]
    for start in range(0, len(metrics), _AT_ONCE):
        store.client.log_batch(run_id, metrics=metrics[start : start + _AT_ONCE])
