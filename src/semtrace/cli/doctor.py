"""The verb ``doctor``: whether this machine and project are well, and whether reference libraries give the results."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semtrace.cli import stages

if TYPE_CHECKING:
    from semtrace.config.installation import Condition
    from semtrace.stage.declaration import Job


def add(verb: Any) -> None:
    """Add the verb and its option."""
    text = "say whether this machine and project are well, and recompute a sample of results by other libraries"
    added = verb("doctor", doctor, text)
    added.add_argument(
        "--sample", type=_count, default=64, metavar="N", help="values of each kind to recompute (default: %(default)s)"
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of values; give 1 or more")
    return int(text)


def doctor(given: argparse.Namespace) -> None:
    """Print a line for each condition; exit with 1 where something needs a person.

    Raises:
        UnreachableError: something needs a person.
    """
    from semtrace.config import installation
    from semtrace.core.errors import UnreachableError
    from semtrace.io.terminal import harmless

    p = stages.load_params(given)
    conditions = chain(
        installation.versions(Path("constraints.txt")),
        installation.machine(given.work, p.executor.device),
        installation.project(p, stages.CONF, stages.PARAMS),
        _results(stages.job(given, p), given.sample),
    )
    unwell = 0
    for condition in conditions:
        print(harmless(str(condition)), flush=True)
        unwell += bool(condition.remedy)
    if unwell:
        raise UnreachableError(f"{unwell} lines above need your attention; each says what to do")


def _results(job: Job, sample: int) -> Iterator[Condition]:
    """The results of the last run, recomputed by reference libraries."""
    from semtrace.config.composition import run_again
    from semtrace.config.installation import Condition
    from semtrace.provenance import reference_check

    hashes, mapping = (job.hashes("tiff"), job.hashes("jpeg")), job.result("match/jpeg_to_tiff.csv")
    checks = (
        (reference_check.check_hashes, "hashes", hashes),
        (reference_check.check_ssim, "SSIM", (*hashes, mapping)),
        (reference_check.check_proofs, "proofs", (*hashes, mapping)),
    )
    again = run_again(stages.PARAMS)
    for check, name, needed in checks:
        if absent := [table for table in needed if not table.is_file()]:
            yield Condition(name, f"{absent[-1]} is not there", f"run the pipeline (`{again}`)")
            continue
        found = check(job, sample)
        remedy = ""
        if found.differing:
            remedy = "compare the versions above, test the memory, run the pipeline with an empty side cache (.cache)"
        elif found.unreadable:
            remedy = "files have changed or gone since the run: run the pipeline again"
        yield Condition(name, str(found), remedy)
