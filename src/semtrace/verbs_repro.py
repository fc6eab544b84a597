"""The verbs around DVC: ``repro``, the whole pipeline by one command, and ``claim``, its first stage."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from semtrace import verbs


def repro(given: argparse.Namespace) -> Any:
    """Compose params.yaml, let DVC run what has changed, print the report, log the run.

    Exits with the code of the stage that failed, where one has.
    """
    from semtrace import before, params, tracking
    from semtrace.io.staging import locked
    from semtrace.provenance import claim

    dataset = verbs.checked_dataset(given.overrides)
    mine = before.of(dataset)
    verbs.WORK.mkdir(parents=True, exist_ok=True)
    with locked(verbs.WORK):
        if (verbs.WORK / "inventory").is_dir() and claim.read(verbs.WORK) is None and verbs.PARAMS.is_file():
            claim.run(
                verbs.WORK, before.of(params.load(verbs.PARAMS).dataset)
            )  # made before results named their dataset
        claim.run(verbs.WORK, mine, replace=given.replace)
    params.write(verbs.CONF, verbs.PARAMS, given.overrides)
    before.say(mine)
    with tempfile.TemporaryDirectory() as folder:
        code_file = Path(folder, "code")
        code = _dvc("repro", under=code_file)
        if code:
            sys.exit(int(code_file.read_text()) if code_file.is_file() else 1)
    print("\n" + (verbs.WORK / "validate" / "accuracy_report.txt").read_text(encoding="utf-8"), flush=True)
    return tracking.track(params.load(verbs.PARAMS), verbs.PARAMS, verbs.WORK)


def claim(given: argparse.Namespace) -> Any:
    """Take data/work for the dataset of params.yaml."""
    from semtrace import before, params
    from semtrace.provenance import claim

    return claim.run(given.work, before.of(params.load(verbs.PARAMS).dataset), replace=given.replace)


def _dvc(*arguments: str, under: Path) -> int:
    """Run DVC; it is waited for when a person interrupts it, since it then puts its own files in order."""
    # Stages are started as `semtrace`, which must be this one.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, verbs.CODE_FILE: str(under)}
    sys.stdout.flush()
    with subprocess.Popen([sys.executable, "-m", "dvc", *arguments], env=environment) as process:  # noqa: S603
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise
