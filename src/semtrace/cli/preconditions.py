"""Before a verb works: the project's own code runs, params.yaml agrees with conf/, the results are this dataset's."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from semtrace.cli import stages
from semtrace.config import composition, own_code, params
from semtrace.core.errors import InputError
from semtrace.io.terminal import harmless
from semtrace.io.verdicts import locate_verdicts, said_of_look_alikes
from semtrace.stage import claim
from semtrace.stage.claim import Claim

_COMPOSES = ("params", "repro")
_OF_NO_RESULTS = (
    *_COMPOSES,
    "generate",
    "generate-scales",
    "shard",
    "join",
    "claim",
    "curate",
    "ui",
    "verdicts",
)  # no folder of results, or they claim it themselves
_READS = ("track", "sweep", "release", "doctor", "review", "find")


def begin(given: argparse.Namespace) -> None:
    """Check what must hold, warn of what may be forgotten, and say what is worked on.

    Raises:
        InputError: other code than the project's runs, or the results are another dataset's.
    """
    own_code.check_own_code(Path())
    composes = given.verb in _COMPOSES or (given.verb == "run" and given.overrides)
    if not composes:
        _check_composition(stop=given.verb == "claim")
    if given.verb not in _OF_NO_RESULTS and not composes and not _is_elsewhere(given):
        hold(given, params.load(stages.PARAMS).dataset)


def hold(given: argparse.Namespace, dataset: params.Dataset) -> None:
    """Take the folder of results for ``dataset`` where it is no other's, and say the first line of a run."""
    work, mine = getattr(given, "work", stages.WORK), dataset.claim()
    warn_of_names(dataset)
    if given.verb in _READS:
        claim.check_claim(work, mine)
    else:
        claim.run(work, mine)
    say(given, mine)


def warn_of_names(dataset: params.Dataset) -> None:
    """Point out what lies beside a person's tables and is not read because of its name; once in a pipeline."""
    if stages.CODE_FILE not in os.environ:
        for folder in (dataset.known, dataset.verdicts):
            for line in said_of_look_alikes(folder):
                _warn(line)


def check_inputs(p: params.Params) -> None:
    """Check all that needs no look into an image, and say what was settled.

    Raises:
        InputError: something would stop or mislead a later stage; the message lists every finding.
    """
    from semtrace.io.verdict_paths import names_paths, store_by_content
    from semtrace.provenance.check_inputs import check_before_work
    from semtrace.provenance.tracing.feature_search import check_available
    from semtrace.stage.listing import index_inputs

    if p.match.geometry == "full":
        check_available()
    data = p.dataset
    folders = data.archive, data.published, data.known
    verdicts = locate_verdicts(data.verdicts, data.known)
    if verdicts.parent == data.verdicts and names_paths(verdicts):
        sides = {folder: index_inputs(folder, data.exclude) for folder in (data.archive, data.published)}
        _warn(store_by_content(verdicts, sides))
    for line in check_before_work(*folders, p.labels.parsed(), p.label, p.fingerprint, data.exclude, verdicts):
        _warn(line)


def _warn(line: str) -> None:
    print(harmless(f"semtrace: warning: {line}"), file=sys.stderr)


def say(given: argparse.Namespace, mine: Claim) -> None:
    """Print the first line of a run, unless `semtrace repro` has, or a program reads what is printed."""
    if stages.CODE_FILE not in os.environ and not stages.is_silent(given):
        print(harmless(claim.line(mine)), flush=True)


def _is_elsewhere(given: argparse.Namespace) -> bool:
    """Whether the verb neither reads nor writes the folder of results."""
    if given.verb == "validate-scale":
        return bool(given.out and given.scale)
    return given.verb in ("match", "deduplicate", "label", "scale") and bool(given.out)


def _check_composition(*, stop: bool) -> None:
    """Say that conf/ has changed; to the pipeline's first stage an error, for DVC would not start it a second time."""
    try:
        drift = composition.drift(stages.CONF, stages.PARAMS)
    except params.ParamsError as error:
        drift, broken = None, f"conf/ has changed since params.yaml was composed, and composes no more: {error}"
        if stop:
            raise InputError(broken) from error
        _warn(broken)
    if drift and drift.differing and stop:
        raise InputError(str(drift))
    if drift:
        _warn(str(drift))
