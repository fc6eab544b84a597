"""The verb ``run``: every stage from inventory to plot, without DVC."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from semtrace.cli import stages


def run(given: argparse.Namespace) -> Any:
    """All stages from inventory to plot, in two processes; with overrides, params.yaml is composed with them first."""
    from semtrace.parallel.background import Beside

    if given.overrides:
        from semtrace.cli import before
        from semtrace.config import params

        before.hold(given, params.parse(params.composed(stages.CONF, given.overrides), "conf/").dataset)
        params.write(stages.CONF, stages.PARAMS, given.overrides)
    executor, say = stages.load(given).executor, partial(print, flush=True)
    # Much of each stage runs on one core where little is new, so those that need nothing of one another go together.
    with Beside(alone=executor.workers == 1 or bool(executor.address)) as other:
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


def _load_comparison() -> None:
    from semtrace.provenance.tracing.compare_pairs import load_kernels

    load_kernels()


def _load_label_and_plot() -> None:
    from semtrace.provenance import label, match, plot  # noqa: F401  (label asks match for its thresholds)


def _one(given: argparse.Namespace, stage: str) -> str:
    from semtrace.io.files import harmless

    name, _, given.side = stage.partition(" ")
    return harmless(f"{stage}: {stages.describe(_STAGES[name](given))}")


_STAGES = {
    "inventory": stages.inventory,
    "convert": stages.convert,
    "fingerprint": stages.fingerprint,
    "match": stages.match,
    "deduplicate": stages.deduplicate,
    "label": stages.label,
    "plot": stages.plot,
    "validate": stages.validate,
}
