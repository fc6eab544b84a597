"""The verb ``init``: a new project, wherever semtrace is installed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from semtrace.cli.review import VerbMaker


def add(verb: VerbMaker) -> None:
    """Add the verb."""
    added = verb("init", _init, "lay out a project: conf/, pipeline, parameters, README, Git and DVC")
    added.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    added.add_argument("--archive", type=Path, metavar="DIR", help="your TIFFs; the project is then about them")
    added.add_argument("--published", type=Path, metavar="DIR", help="the published JPEGs that belong to them")


def _init(given: argparse.Namespace) -> Any:
    from semtrace.config.new_project import lay_out

    return lay_out(given.folder, given.archive, given.published)
