"""The verbs around DVC: ``repro``, the whole pipeline by one command, and ``claim``, its first stage."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from semtrace.cli import stages


def repro(given: argparse.Namespace) -> Any:
    """Compose params.yaml, let DVC run what has changed, print the report, log the run.

    Exits with the code of the stage that failed, where one has.
    """
    from semtrace.cli import preconditions
    from semtrace.cli.closing import run_summary
    from semtrace.config import params
    from semtrace.config.new_project import INSTALLED, write_installed
    from semtrace.discovery.corrections import ensure_corrections
    from semtrace.io.staging import locked
    from semtrace.io.verdict_store import ensure_verdicts
    from semtrace.stage import claim
    from semtrace.tracking import pipeline_run

    p = stages.checked_params(given.overrides)
    if not p.dataset.generate:  # what is made may not be there yet
        preconditions.check_inputs(p)
    preconditions.warn_of_names(p.dataset)
    mine = p.dataset.claim()
    stages.WORK.mkdir(parents=True, exist_ok=True)
    with locked(stages.WORK):
        if (stages.WORK / "inventory").is_dir() and claim.read_claim(stages.WORK) is None and stages.PARAMS.is_file():
            claim.run(
                stages.WORK, params.load(stages.PARAMS).dataset.claim()
            )  # made before results named their dataset
        claim.run(stages.WORK, mine, replace=given.replace)
    params.write_params(stages.CONF, stages.PARAMS, given.overrides)
    if (stages.PIPELINE.with_name(INSTALLED)).is_file():
        write_installed(Path())
    ensure_verdicts(p.dataset.verdicts)
    ensure_corrections(p.dataset.verdicts)
    preconditions.say(given, mine)
    start = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        code_file = Path(folder, "code")
        code = _dvc("repro", under=code_file, silent=stages.is_silent(given))
        if code:
            sys.exit(int(code_file.read_text()) if code_file.is_file() else 1)
    seconds = perf_counter() - start
    if not stages.is_silent(given):
        print("\n" + (stages.WORK / "validate" / "accuracy_report.txt").read_text(encoding="utf-8"), flush=True)
    tracked = pipeline_run.log_pipeline_run(params.load(stages.PARAMS), stages.PARAMS, stages.WORK, seconds=seconds)
    return run_summary(stages.WORK, tracked)


def claim(given: argparse.Namespace) -> Any:
    """Take data/work for the dataset of params.yaml."""
    from semtrace.config import params
    from semtrace.stage import claim

    return claim.run(given.work, params.load(stages.PARAMS).dataset.claim(), replace=given.replace)


def _without_scm(folder: Path) -> Path:
    """A folder with the system's configuration of DVC, and in it that there is no Git."""
    from dvc.dirs import system_config_dir

    there = Path(system_config_dir(), "config")
    text = there.read_text(encoding="utf-8") if there.is_file() else ""
    head, section, rest = text.partition("[core]\n")
    folder.mkdir()
    (folder / "config").write_text(f"{head}[core]\n    no_scm = true\n{rest if section else ''}", encoding="utf-8")
    return folder


def _dvc(*arguments: str, under: Path, silent: bool = False) -> int:
    """Run DVC; it is waited for when a person interrupts it, since it then puts its own files in order."""
    from semtrace.io.project_state import in_repository

    # Stages are started as `semtrace`, which must be this one.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, stages.CODE_FILE: str(under)}
    if not in_repository(Path()):  # a copy without .git: DVC would refuse to work
        environment["DVC_SYSTEM_CONFIG_DIR"] = str(_without_scm(under.with_name("dvc")))
    sys.stdout.flush()
    command, out = [sys.executable, "-m", "dvc", *arguments], subprocess.DEVNULL if silent else None
    with subprocess.Popen(command, env=environment, stdout=out) as process:  # noqa: S603
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise
