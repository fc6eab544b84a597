"""The verb ``completion``: the script by which a shell completes verbs and options."""

from __future__ import annotations

import argparse
from functools import partial

from semtrace.cli.review import VerbMaker


def add(verb: VerbMaker, parser: argparse.ArgumentParser) -> None:
    """Add the verb; its script completes what ``parser`` takes."""
    added = verb("completion", partial(_completion, parser), "print the script that completes verbs and options")
    added.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="which shell")


def _completion(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    import shtab  # once, when a person sets it up

    print(shtab.complete(parser, shell=given.shell))
