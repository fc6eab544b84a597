"""The view with which the MLflow UI opens on the answer: its columns and their order, kept with the experiment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from semtrace.tracking.pipeline_run import Store

KEY = "semtrace"
_TAG = f"mlflow.sharedViewState.{KEY}"  # what the UI's own button for sharing a view writes
_COLUMNS = (
    "params.`hash.size`",
    "params.`match.hamming_threshold`",
    "params.`match.min_ssim`",
    "metrics.`accuracy/precision`",
    "metrics.`accuracy/recall`",
    "metrics.`decisions/ambiguous`",
    "metrics.`accuracy/wrong`",
    "metrics.`precise/recall`",
    "metrics.`ssim_pairs`",
)
_SORTED_BY = "metrics.`precise/recall`"
_VIEW = {
    "selectedColumns": list(_COLUMNS),
    "columnOrder": list(_COLUMNS),
    "orderByKey": _SORTED_BY,
    "orderByAsc": False,
}


def prepare(store: Store) -> None:
    """Keep the view with the experiment, where it is not there as it should be."""
    text = json.dumps(_VIEW)
    if store.client.get_experiment(store.experiment).tags.get(_TAG) != text:
        store.client.set_experiment_tag(store.experiment, _TAG, text)


def link(store: Store, address: str = "http://127.0.0.1:5000") -> str:
    """Where the view is, in the UI at an address."""
    return f"{address}/#/experiments/{store.experiment}/runs?workflowType=machine_learning&viewStateShareKey={KEY}"


def where_to_look(store: Store) -> str:
    """What a person does to see the runs: the end of a sentence."""
    if store.uri.startswith(("http://", "https://")):
        return f"see {link(store, store.uri.rstrip('/'))}"
    return f"`semtrace ui` shows it at {link(store)}"
