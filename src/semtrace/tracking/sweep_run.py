"""A sweep in MLflow: a run with the recommended point, its reason and the pictures; under it a run for every point."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from semtrace.config.grid import SweepGrid
from semtrace.tracking import landing, pipeline_run
from semtrace.tuning.sweep import ScoredPoint, Sweep
from semtrace.tuning.sweep_report import SHORT

MOST_NESTED = 1000  # runs of points: some 20 ms each in a local store; sweep.csv has them all


def log_sweep(store: pipeline_run.Store, grid: SweepGrid, done: Sweep, out: Path, work: Path) -> str:
    """Log a sweep and say where it is.

    Args:
        store: see there.
        grid: what was asked for.
        done: what came of it.
        out: folder of its tables and pictures.
        work: folder of the stages' outputs.

    Raises:
        InputError: the store does not answer any more.
    """
    dataset = grid.params.dataset
    made_from = pipeline_run.made_from(grid.params)
    name = f"sweep of {' × '.join(grid.axes)}: {len(done.judged)} points"
    best = done.judged[done.recommended.index] if done.recommended else None
    nested = len(done.judged) <= MOST_NESTED
    with pipeline_run.told(store.uri), pipeline_run.run(store, name, made_from | {"kind": "sweep"}) as parent:
        axes = {f"sweep.{key}": ", ".join(map(str, values)) for key, values in grid.axes.items()}
        wanted = grid.params.sweep.precision
        asked = {"sweep.precision": wanted}
        about = {"sweep": {"points": len(done.judged), **{f"{key}_s": value for key, value in done.seconds.items()}}}
        # The recommended point is what the run as a whole says: it stands in one table with those of the pipeline.
        of_best = _params(best) if best else {}
        pipeline_run.log(store, parent, {**axes, **asked, **of_best}, (_metrics(best, wanted) if best else {}) | about)
        pipeline_run.describe(store, parent, done.report)
        pipeline_run.log_inputs(store, parent, dataset.name, work)
        store.client.log_artifacts(parent, str(out), "sweep")
        for judged in done.judged if nested else ():
            in_force = judged is done.judged[done.in_force]
            tags = {"kind": "point", "recommended": str(judged is best).lower(), "in_force": str(in_force).lower()}
            with pipeline_run.run(store, _name(judged, done.varied, tags), tags, parent) as child:
                pipeline_run.log(store, child, _params(judged), _metrics(judged, wanted))
        landing.prepare(store)
    runs = f"with a run for each of {len(done.judged)} points" if nested else f"{len(done.judged)} points in sweep.csv"
    return f"logged as run {name!r} of experiment {store.name!r}, {runs}; {landing.where_to_look(store)}"


def _params(judged: ScoredPoint) -> dict[str, Any]:
    return {"hash": {"size": judged.point.hash_size}, "match": asdict(judged.point.match)}


def _metrics(judged: ScoredPoint, precision: float) -> dict[str, Any]:
    more = {"rejected": judged.rejected, "time": {"decide_s": judged.decide_s, "match_s": judged.match_s}}
    return judged.metrics | more | pipeline_run.precise(judged.metrics, precision)


def _name(judged: ScoredPoint, varied: list[str], tags: dict[str, str]) -> str:
    """What is different about a point; first, because the UI cuts long names, whether it is a special one."""
    values = judged.point.values()
    what = " and ".join(name.replace("_", " ") for name in ("recommended", "in_force") if tags[name] == "true")
    name = " ".join(f"{SHORT.get(name, name)}={values[name]}" for name in varied) or "the only point"
    return f"{what}: {name}" if what else name
