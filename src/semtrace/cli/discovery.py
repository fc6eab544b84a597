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
    runs = {"features": _features, "discover": _discover}
    runs |= {"scale": scale.scale_stage, "validate-scale": scale.validate_stage}
    for declared in STAGES:
        parser = verb(declared.name, runs.get(declared.name, partial(stages.run_stage, declared)), declared.help)
        parser.add_argument("--workers", type=int, metavar="N", help="processes, 0 = one per core; no result changes")
        parser.add_argument(
            "--work", type=Path, default=stages.WORK, metavar="DIR", help="folder of the results (default: %(default)s)"
        )
        scale.add_scale_options(declared.name, parser)
        if declared.name in ("features", "discover"):
            parser.add_argument("folder", type=Path, nargs="?", help="of the images, in place of features.root")
        if declared.name == "discover":
            parser.add_argument("--within", metavar="CATEGORY", help="the tree of the images of one category alone")


def _features(given: argparse.Namespace) -> Any:
    from semtrace.discovery import features

    job = stages.job(given, stages.load_params(given))
    if given.folder is None:
        return features.stage(job)
    settings = replace(job.params.features, root=given.folder, table="")
    return features.run(settings, None, job.result("features"), job.executor)  # no table speaks of this folder


def _discover(given: argparse.Namespace) -> Any:
    from semtrace.discovery import discover

    job = stages.job(given, stages.load_params(given))
    settings, out = job.params.discover, job.result("discover")
    if given.within:  # beside the tree of all, which stays
        settings = replace(settings, within=given.within)
        out = out.with_name("discover-" + given.within.replace("/", "_"))
    root = given.folder or job.params.features.root
    return discover.run(job.work, root, out, settings, job.executor)
