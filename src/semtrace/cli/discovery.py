"""The command line of discovery: the flat set, scales, and the tree of sub-categories; one verb a stage."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from semtrace.cli import scale, stages
from semtrace.discovery.stages import STAGES


def add(verb: Callable[[str, Any, str], argparse.ArgumentParser]) -> None:
    """Add the verbs with ``verb(name, function, help)``."""
    runs = {"features": _features, "discover": _discover, "reduce": _reduce}
    runs |= {"scale": scale.scale_stage, "validate-scale": scale.validate_stage}
    for declared in STAGES:
        parser = verb(declared.name, runs.get(declared.name, partial(stages.run_stage, declared)), declared.help)
        _options(parser)
        scale.add_scale_options(declared.name, parser)
        if declared.name in ("features", "discover"):
            parser.add_argument("folder", type=Path, nargs="?", help="of the images, in place of features.root")
        if declared.name == "reduce":
            said = "try autoencoders of a grid, e.g. reduce.hidden=[[500,150]],[[300,100]] reduce.rate=0.001,0.01"
            parser.add_argument("overrides", nargs="*", help=f"Hydra overrides: {said}")
            parser.add_argument(
                "-m", "--multirun", action="store_true", help="as Hydra has it; overrides always are one"
            )
        if declared.name == "discover":
            parser.add_argument("--within", metavar="CATEGORY", help="the tree of the images of one category alone")
            parser.add_argument(
                "--track", action="store_true", help="log curves, tables, pictures and page of all stages to MLflow"
            )
    parser = verb("assign", _assign, "assign new images to a sub-category of the tree, or call them new")
    parser.add_argument("folder", type=Path, help="of the new images")
    parser.add_argument("--within", metavar="CATEGORY", help="into the tree that `discover --within` made")
    _options(parser)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=int, metavar="N", help="processes, 0 = one per core; no result changes")
    parser.add_argument(
        "--work", type=Path, default=stages.WORK, metavar="DIR", help="folder of the results (default: %(default)s)"
    )


def _assign(given: argparse.Namespace) -> Any:
    from semtrace.discovery import assign

    job = stages.job(given, stages.load_params(given))
    tree, out = job.result("discover"), job.result("assign")
    if given.within:
        tree, out = _within(tree, given.within), _within(out, given.within)
    return assign.run(job.work, tree, given.folder, out, job.params.assign, job.params.features, job.executor)


def _within(folder: Path, category: str) -> Path:
    """Beside the result of all images, which stays."""
    return folder.with_name(f"{folder.name}-{category.replace('/', '_')}")


def _features(given: argparse.Namespace) -> Any:
    from semtrace.discovery import features

    job = stages.job(given, stages.load_params(given))
    if given.folder is None:
        return features.stage(job)
    settings = replace(job.params.features, root=given.folder, table="")
    return features.run(settings, None, job.result("features"), job.executor)  # no table speaks of this folder


def _reduce(given: argparse.Namespace) -> Any:
    """The stage; with overrides every point of their grid is tried instead, and the stage's result stays."""
    declared = next(stage for stage in STAGES if stage.name == "reduce")
    if not given.overrides and not given.multirun:
        return stages.run_stage(declared, given)
    from semtrace.config import grid
    from semtrace.discovery import reduce
    from semtrace.tracking import discovery_run, pipeline_run

    p, points, axes = grid.expand_params(
        stages.CONF, stages.PARAMS, given.overrides, grid.REDUCED, workers=given.workers
    )
    job = stages.job(given, p)
    store = pipeline_run.connect(p.tracking)
    out = given.work / "reduce-grid"
    best = reduce.search_autoencoders(
        job.result("features"), out, [one.reduce for one in points], tuned=job.result("finetune")
    )
    logged = discovery_run.log_grid(store, p, axes, out) if store else "tracking is off"
    lines = "".join(f"\n  {name}: {said}" for name, said in best.items())
    return f"{len(points)} points; the smallest held-out errors:{lines}\n{out}: grid.csv, grid.png\n{logged}"


def _discover(given: argparse.Namespace) -> Any:
    from semtrace.discovery import discover

    job = stages.job(given, stages.load_params(given))
    settings, out = job.params.discover, job.result("discover")
    if given.within:
        settings, out = replace(settings, within=given.within), _within(out, given.within)
    root = given.folder or job.params.features.root
    done = discover.run(job.work, root, out, settings, job.executor)
    if given.track:
        from semtrace.tracking import discovery_run

        print(discovery_run.log_discovery(job.params, job.work))
    return done
