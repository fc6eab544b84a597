"""The verb ``run``: every stage, without DVC; none where nothing has changed since the last run."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semtrace.cli import stages
from semtrace.config.pipeline import BY_VERB, MAIN

if TYPE_CHECKING:
    from semtrace.config.params import Params

_RESULTS = tuple(folder for stage in MAIN for folder in stage.writes)
_NOTHING_NEW = "Nothing has changed since the last run: inputs, parameters, code and results are the same."


def run(given: argparse.Namespace) -> Any:
    """All stages, in two processes; with overrides, params.yaml is composed with them first."""
    from semtrace.cli import preconditions
    from semtrace.cli.closing import run_summary
    from semtrace.config import params
    from semtrace.parallel.background import BackgroundProcess
    from semtrace.stage import unchanged

    if given.overrides:
        p = params.parse_params(params.composed(stages.CONF, given.overrides), "conf/")
        preconditions.check_inputs(p)
        preconditions.hold(given, p.dataset)
        params.write_params(stages.CONF, stages.PARAMS, given.overrides)
    else:
        preconditions.check_inputs(stages.load_params(given))
    p = stages.load_params(given)
    executor, data = p.executor, p.dataset

    def say(text: str) -> None:
        if not stages.is_silent(given):
            print(text, flush=True)

    seen = unchanged.inputs_state(
        (data.archive, data.published), (data.known, data.verdicts), stages.PARAMS.read_bytes(), data.exclude
    )
    if unchanged.is_unchanged(executor.cache, given.work, seen, _RESULTS):
        summary = run_summary(given.work)
        report = Path(summary.report).read_text(encoding="utf-8").partition("\n")[2]  # its first line is said
        say(f"{report}{_NOTHING_NEW}")
        return summary
    # Much of each stage runs on one core where little is new, so those that need nothing of one another go together.
    with BackgroundProcess(alone=executor.workers == 1 or bool(executor.address)) as other:
        other.begin("loading", _load_label_and_plot)
        say(_one(given, "inventory"))
        other.begin("convert", partial(_one, given, "convert"))
        say(_one(given, "fingerprint tiff"))
        _load_comparison()  # for the next stages, while the other process may still convert
        other.result()
        say(other.result())
        say(_one(given, "fingerprint jpeg"))
        say(_one(given, "match"))
        for stage in ("label", "plot"):
            other.begin(stage, partial(_one, given, stage))
        say(_one(given, "deduplicate"))
        say(other.result())
        accuracy = _one(given, "validate")
        say(f"{other.result()}\n{accuracy}")
        page = _stage(given, "report")
        say(_said("report", page))
    if not page.missing_pictures:  # the next run may have the memory that this one lacked
        unchanged.note_run(executor.cache, given.work, seen, _RESULTS)
    return run_summary(given.work)


def _load_comparison() -> None:
    from semtrace.provenance.tracing.compare_pairs import load_kernels

    load_kernels()


def _load_label_and_plot() -> None:
    from semtrace.provenance import label, match, plot  # noqa: F401  (label asks match for its thresholds)


def _one(given: argparse.Namespace, words: str) -> str:
    """Run the stage of these words, e.g. ``fingerprint tiff``; its summary as text."""
    return _said(words, _stage(given, words))


def _stage(given: argparse.Namespace, words: str) -> Any:
    """Run the stage of these words; its summary."""
    name, _, side = words.partition(" ")
    p = stages.ready(given)
    return BY_VERB[name].run(stages.job(given, p, side=side, ahead=_ahead(given, p, words)))


def _said(words: str, summary: Any) -> str:
    from semtrace.io.terminal import harmless

    return harmless(f"{words}: {stages.summary_text(summary)}")


def _ahead(given: argparse.Namespace, p: Params, words: str) -> list[Any]:
    """What the stage of these words computes for later stages while it has a file decoded."""
    from semtrace.core.gpu.device import choose_device
    from semtrace.io.verdicts import locate_verdicts
    from semtrace.provenance.tracing import prefetch

    job, found = stages.job(given, p), list[Any]()
    if words == "inventory" and p.fingerprint.sample_tiff is None:
        found.append(prefetch.Hashes(p.hash))
    if words == "fingerprint jpeg" and not p.executor.address and choose_device(p.executor.device) == "cpu":
        found.append(prefetch.Comparisons(
            job.archive, job.published, job.hashes("tiff"), job.result("convert/converted.csv"),
            locate_verdicts(job.verdicts, job.known), p.match.rules(p.hash.size**2), p.executor.cache,
        ))  # fmt: skip
    root = {"inventory": job.archive, "fingerprint jpeg": job.published}.get(words)
    if root is not None and not p.executor.address and _shows_all(p, root):
        found.append(prefetch.Thumbnails(p.executor.cache, p.review.cache_mb))
    return found


def _shows_all(p: Params, root: Path) -> bool:
    """Whether the report has room for pictures of all files of a folder; else only it knows which it shows."""
    from itertools import islice

    from semtrace.stage.listing import list_inputs

    most = p.report.pictures
    return most == "all" or sum(1 for _ in islice(list_inputs(root, p.dataset.exclude), most + 1)) <= most
