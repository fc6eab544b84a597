"""The verb ``ui``: the logged runs in MLflow, where there is no Makefile either."""

from __future__ import annotations

import argparse

from semtrace.cli.review import VerbMaker


def add(verb: VerbMaker) -> None:
    """Add the verb."""
    added = verb("ui", _ui, "show the logged runs in MLflow, in a browser on this machine")
    added.add_argument("--port", type=int, default=5000, metavar="N", help="of the server (default: %(default)s)")


def _ui(given: argparse.Namespace) -> None:
    from semtrace.tracking.ui import serve_ui

    serve_ui(given.port)
