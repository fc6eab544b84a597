"""The code that runs must be the code that dvc.lock records: the project's own ``src/``."""

from __future__ import annotations

import sys
from pathlib import Path

from semtrace.core.errors import InputError


def check_own_code(project: Path, running: Path = Path(__file__).parents[1]) -> None:
    """Refuse to work in a project with other code than its own; outside of a project any code may run.

    Args:
        project: folder that is a project of semtrace where it has ``src/semtrace`` and ``dvc.yaml``.
        running: folder of the package that is imported.

    Raises:
        InputError: the project's code differs from the code that runs; equal copies do not.
    """
    own = project / "src" / "semtrace"
    if not (own.is_dir() and (project / "dvc.yaml").is_file()) or running.samefile(own):
        return
    here, there = _modules(own), _modules(running)
    differing = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
    if differing:
        raise InputError(
            f"{running}: this code runs, but it is not that of the project, {own.absolute()}, which dvc.lock names "
            f"({len(differing)} files differ, {differing[0]} first). Install the project so that its own code runs: "
            f"`{sys.executable} -m pip install --no-deps --editable .`"
        )


def _modules(package: Path) -> dict[str, bytes]:
    return {path.relative_to(package).as_posix(): path.read_bytes() for path in package.rglob("*.py")}
