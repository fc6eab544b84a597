"""The verbs around DVC: ``repro``, the whole pipeline by one command, and ``claim``, its first stage."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from semtrace.cli import stages


def repro(given: argparse.Namespace) -> Any:
    """Compose params.yaml, let DVC run what has changed, print the report, log the run.

    Exits with the code of the stage that failed, where one has.
    """
    from semtrace.cli import before
    from semtrace.config import params
    from semtrace.io.staging import locked
    from semtrace.io.verdict_store import ensure_verdicts
    from semtrace.stage import claim
    from semtrace.tracking import pipeline_run

    dataset = stages.checked_dataset(given.overrides)
    mine = before.of(dataset)
    stages.WORK.mkdir(parents=True, exist_ok=True)
    with locked(stages.WORK):
        if (stages.WORK / "inventory").is_dir() and claim.read_claim(stages.WORK) is None and stages.PARAMS.is_file():
            claim.run(
                stages.WORK, before.of(params.load(stages.PARAMS).dataset)
            )  # made before results named their dataset
        claim.run(stages.WORK, mine, replace=given.replace)
    params.write_params(stages.CONF, stages.PARAMS, given.overrides)
    ensure_verdicts(dataset.verdicts)
    before.say(mine)
    with tempfile.TemporaryDirectory() as folder:
        code_file = Path(folder, "code")
        code = _dvc("repro", under=code_file)
        if code:
            sys.exit(int(code_file.read_text()) if code_file.is_file() else 1)
    print("\n" + (stages.WORK / "validate" / "accuracy_report.txt").read_text(encoding="utf-8"), flush=True)
    return pipeline_run.log_pipeline_run(params.load(stages.PARAMS), stages.PARAMS, stages.WORK)


def claim(given: argparse.Namespace) -> Any:
    """Take data/work for the dataset of params.yaml."""
    from semtrace.cli import before
    from semtrace.config import params
    from semtrace.stage import claim

    return claim.run(given.work, before.of(params.load(stages.PARAMS).dataset), replace=given.replace)


def _dvc(*arguments: str, under: Path) -> int:
    """Run DVC; it is waited for when a person interrupts it, since it then puts its own files in order."""
    # Stages are started as `semtrace`, which must be this one.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, stages.CODE_FILE: str(under)}
    sys.stdout.flush()
    with subprocess.Popen([sys.executable, "-m", "dvc", *arguments], env=environment) as process:  # noqa: S603
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise
