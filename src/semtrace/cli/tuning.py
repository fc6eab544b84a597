"""The verbs that look for parameters: thresholds for a requested precision, and sweeps over any of them."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from semtrace.cli import tables_alone
from semtrace.cli.stages import CONF, PARAMS, ready


def calibrate(given: argparse.Namespace) -> Any:
    """Thresholds for a requested precision."""
    from semtrace.config import params
    from semtrace.core.errors import UnreachableError
    from semtrace.io.verdicts import locate_verdicts
    from semtrace.tuning import calibrate

    p, file = ready(given), CONF / "match" / "calibrated.yaml"
    params.check_group_file(file)
    settings, data = p.calibrate.asked(given.precision, given.sample), p.dataset
    folders = data.archive, data.published, data.known
    done = calibrate.run(
        given.work, *folders, settings, p.match, p.hash, p.executor, exclude=data.exclude,
        verdicts=locate_verdicts(data.verdicts, data.known),
    )  # fmt: skip
    if done.chosen is None:
        print(done.report)
        raise UnreachableError(f"no thresholds have a precision of {settings.precision:g}; {file} not written")
    params.write_group_file(file, asdict(done.chosen), done.notes)
    return f"\n{done.report}\n{file} written; `semtrace params match=calibrated` uses it"


def sweep(given: argparse.Namespace) -> Any:
    """Every point of a grid judged, one recommended."""
    from semtrace.config import grid, params
    from semtrace.io.verdicts import locate_verdicts
    from semtrace.stage import claim
    from semtrace.tracking import pipeline_run, sweep_run
    from semtrace.tuning import sweep

    out = given.out or given.work / "sweep"
    if given.out:
        tables_alone.check_replaceable(out, sweep.SWEEP_FILES)
    in_force, asked = params.load(PARAMS), grid.expand(CONF, PARAMS, given.overrides, workers=given.workers)
    p, data = asked.params, asked.params.dataset
    claim.check_claim(given.work, data.claim())
    p.executor.check((data.archive, data.published), given.work)
    store = pipeline_run.connect(p.tracking)
    verdicts = locate_verdicts(data.verdicts, data.known)
    done = sweep.run(
        sweep.SweepInputs(data.archive, data.published, data.known, given.work, data.exclude, verdicts), asked.points,
        sweep.SweepPoint(in_force.hash.size, in_force.match), p.sweep, p.fingerprint, p.executor, out,
    )  # fmt: skip
    logged = sweep_run.log_sweep(store, asked, done, out, given.work) if store else "tracking is off"
    took = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in done.seconds.items())
    return f"\n{done.report}\n{out}: tables and pictures ({took})\n{logged}"
