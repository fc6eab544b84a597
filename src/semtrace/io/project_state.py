"""What Git and DVC say of the project's folder: which commit it is, and what has changed since."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_NOT_RELEASED = ("pipelines/curation/", "pipelines/discovery/")
# What makes a dataset: code, parameters, pipeline, versions. Notes and documentation do not.
_MAKES = ("src", "conf", "params.yaml", "dvc.yaml", "dvc.lock", "constraints.txt", "pyproject.toml", "installed.json")
DVC_FAILS = ("(`dvc status` fails here)",)
"""What ``Checkout.stale`` is where DVC cannot be asked."""


@dataclass(frozen=True)
class GitState:
    """What Git says of the working folder.

    Attributes:
        commit: 40 hex digits; empty where Git could not be asked, or the folder is in no repository of its own.
        dirty: whether files differ from that commit; None where that is not known.
        unknown: why nothing is known; empty where all is.
    """

    commit: str = ""
    dirty: bool | None = None
    unknown: str = ""


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


def read_state(inputs: Sequence[Path], pipeline: str = "") -> Checkout:
    """Ask Git and DVC about the working folder. Without Git, or without DVC, all counts as changed.

    Args:
        inputs: archive, published set and what is known, relative to that folder or absolute.
        pipeline: the file of the pipeline that matters, such as ``pipelines/curation/dvc.yaml``; empty: the main one.
    """
    commit = read_git().commit
    status = _output("git", "status", "--porcelain", "--untracked-files=all", "--", *_MAKES)
    changed = ["? (`git status` fails here)"] if status is None else status.splitlines()
    return Checkout(
        commit=commit,
        date=_git("show", "--no-patch", "--format=%cs", "HEAD") if commit else "",
        tags=tuple(_git("tag", "--list").splitlines()) if commit else (),
        uncommitted=tuple(line.split(maxsplit=1)[1] for line in changed) if commit else ("(no Git commit here)",),
        stale=_stale(inputs, pipeline),
    )


def read_git() -> GitState:
    """Ask Git about the working folder; a repository around it counts only where it has the project's files."""
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "--show-toplevel"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        return GitState(unknown=f"there is no Git ({error.strerror})")
    if asked.returncode:
        said = next((line for line in asked.stderr.splitlines() if line.strip()), "git rev-parse fails")
        return GitState(unknown=said.removeprefix("fatal: "))
    top = asked.stdout.rstrip("\n")
    if Path(top).resolve() != Path.cwd().resolve() and not _git("ls-files", "--", *_MAKES):
        return GitState(unknown=f"the repository here is that of {top}, which has none of the project's files")
    commit, status = _output("git", "rev-parse", "--verify", "HEAD"), _output("git", "status", "--porcelain")
    if commit is None:
        return GitState(unknown="the repository has no commit yet")
    return GitState(commit.strip(), None if status is None else bool(status), "git status fails" * (status is None))


def in_repository(folder: Path) -> bool:
    """Whether a folder or one above it is a Git repository, whoever owns it."""
    return any((place / ".git").exists() for place in (folder.resolve(), *folder.resolve().parents))


def _git(*arguments: str) -> str:
    """What a Git command prints; empty where it fails or there is no Git."""
    return (_output("git", *arguments) or "").strip()


def _stale(inputs: Sequence[Path], pipeline: str) -> tuple[str, ...]:
    said = _output(sys.executable, "-m", "dvc", "status", "--json", *([pipeline] if pipeline else []))
    if said is None:
        return DVC_FAILS
    # DVC tracks other data as well, such as earlier releases and the results of pipelines that no release holds.
    changed = [name for name in json.loads(said or "{}") if pipeline or not name.startswith(_NOT_RELEASED)]
    tracked = {name: Path(name.removesuffix(".dvc")) for name in changed}
    return tuple(
        sorted(
            name
            for name, data in tracked.items()
            if not name.endswith(".dvc") or any(data.is_relative_to(one) or one.is_relative_to(data) for one in inputs)
        )
    )


def _output(*command: str) -> str | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603  (fixed words)
    except (OSError, subprocess.CalledProcessError):
        return None
