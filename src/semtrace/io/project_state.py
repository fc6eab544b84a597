"""What Git and DVC say of the project's folder: which commit it is, and what has changed since."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

# What makes a dataset: code, parameters, pipeline, versions. Notes and documentation do not.
_MAKES = ("src", "conf", "params.yaml", "dvc.yaml", "dvc.lock", "constraints.txt", "pyproject.toml")


@dataclass(frozen=True)
class Checkout:
    """The state of the project's folder.

    Attributes:
        commit: 40 hex digits; empty where there is no Git.
        date: of the commit, YYYY-MM-DD.
        tags: all tags.
        uncommitted: files of code and parameters that are not as in the commit.
        stale: stages whose results are not what code, parameters and inputs would give now.
    """

    commit: str
    date: str
    tags: tuple[str, ...]
    uncommitted: tuple[str, ...]
    stale: tuple[str, ...]


def look() -> Checkout:
    """Ask Git and DVC about the working folder. Without Git, or without DVC, all counts as changed."""
    commit = git("rev-parse", "HEAD")
    status = _output("git", "status", "--porcelain", "--untracked-files=all", "--", *_MAKES)
    changed = ["? (`git status` fails here)"] if status is None else status.splitlines()
    return Checkout(
        commit=commit,
        date=git("show", "--no-patch", "--format=%cs", "HEAD"),
        tags=tuple(git("tag", "--list").splitlines()),
        uncommitted=tuple(line.split(maxsplit=1)[1] for line in changed) if commit else ("(no Git commit here)",),
        stale=_stale(),
    )


def git(*arguments: str) -> str:
    """What a Git command prints; empty where it fails or there is no Git."""
    return (_output("git", *arguments) or "").strip()


def _stale() -> tuple[str, ...]:
    said = _output(sys.executable, "-m", "dvc", "status", "--json")
    if said is None:
        return ("(`dvc status` fails here)",)
    # Releases are tracked by DVC as well, and what makes a new one is no result of an old one.
    return tuple(sorted(name for name in json.loads(said or "{}") if not name.startswith("data/releases/")))


def _output(*command: str) -> str | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603  (fixed words)
    except (OSError, subprocess.CalledProcessError):
        return None
