"""The command line of discovery: from features to a tree of sub-categories, one verb a stage."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semtrace.config.params import Params


def add(verb: Callable[[str, Any, str], argparse.ArgumentParser], params_file: Path, work: Path) -> None:
    """Add the verbs with ``verb(name, function, help)``; they read ``params_file`` and the results in ``work``."""
    added = {
        "features": verb("features", _features, "what encoders see in every image, its data bar cut off"),
        "dimension": verb("dimension", _dimension, "the intrinsic dimension of every feature set"),
        "reduce": verb("reduce", _reduce, "features in few columns: principal components or an autoencoder"),
        "distances": verb("distances", _distances, "how well distances follow the known categories"),
        "cluster": verb("cluster", _cluster, "cluster every feature set by every method"),
        "agree": verb("agree", _agree, "how much every clustering agrees with the known categories"),
        "discover": verb("discover", _discover, "propose a tree of sub-categories, with a page to look at"),
    }
    for name, parser in added.items():
        parser.set_defaults(params_file=params_file)
        parser.add_argument("--workers", type=int, metavar="N", help="processes, 0 = one per core; no result changes")
        parser.add_argument(
            "--work", type=Path, default=work, metavar="DIR", help="folder of the results (default: %(default)s)"
        )
        if name in ("features", "discover"):
            parser.add_argument("folder", type=Path, nargs="?", help="of the images, in place of features.root")
    added["discover"].add_argument("--within", metavar="CATEGORY", help="the tree of the images of one category alone")


def _load(given: argparse.Namespace) -> Params:
    from semtrace.config import params

    return params.load(given.params_file, workers=given.workers)


def _features(given: argparse.Namespace) -> Any:
    from semtrace.discovery import features

    p = _load(given)
    settings, groups = p.section("features"), given.work / "deduplicate/groups.csv"
    if given.folder is not None:  # a folder of its own: no table speaks of it
        settings, groups = replace(settings, root=given.folder, table=""), None
    return features.run(settings, groups, given.work / "features", p.executor)


def _dimension(given: argparse.Namespace) -> Any:
    from semtrace.discovery import dimension

    return dimension.run(given.work / "features", given.work / "dimension", _load(given).section("dimension"))


def _reduce(given: argparse.Namespace) -> Any:
    from semtrace.discovery import reduce

    return reduce.run(given.work / "features", given.work / "reduce", _load(given).section("reduce"))


def _distances(given: argparse.Namespace) -> Any:
    from semtrace.discovery import distances

    work, settings = given.work, _load(given).section("distances")
    return distances.run(work / "features", work / "reduce", work / "distances", settings)


def _cluster(given: argparse.Namespace) -> Any:
    from semtrace.discovery import cluster

    return cluster.run(given.work / "reduce", given.work / "cluster", _load(given).section("cluster"))


def _agree(given: argparse.Namespace) -> Any:
    from semtrace.discovery import agree

    work, settings = given.work, _load(given).section("agree")
    return agree.run(work / "features", work / "cluster", work / "agree", settings)


def _discover(given: argparse.Namespace) -> Any:
    from semtrace.discovery import discover

    p = _load(given)
    settings, out = p.section("discover"), given.work / "discover"
    if given.within:  # beside the tree of all, which stays
        settings = replace(settings, within=given.within)
        out = out.with_name("discover-" + given.within.replace("/", "_"))
    return discover.run(given.work, given.folder or p.section("features").root, out, settings, p.executor)
