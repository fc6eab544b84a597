"""MLflow: one run per comparison of scales with known ones, with its tables and the review page."""

from __future__ import annotations

import json
from pathlib import Path

from semtrace.config.params import Params
from semtrace.tracking import pipeline_run as tracking


def log_scale(params: Params, compared: Path, review: Path) -> str:
    """Log the metrics and tables of ``compared`` and the page ``review`` as one run; say where it is.

    Raises:
        InputError: the tracking server does not answer.

    """
    store = tracking.connect(params.tracking)
    if store is None:
        return "tracking is off (conf/tracking/off.yaml)"
    tags = tracking.made_from(params) | {"kind": "scale"}
    with tracking.told(store.uri), tracking.run(store, f"{params.dataset.name} scale", tags) as run_id:
        numbers = json.loads((compared / "metrics.json").read_text(encoding="utf-8"))
        tracking.log(store, run_id, {"scale": params.tree["scale"]}, numbers)
        store.client.log_artifacts(run_id, str(compared), "validate_scale")
        if review.is_dir():
            store.client.log_artifacts(run_id, str(review), "review")
    return f"logged as run '{params.dataset.name} scale' of experiment {store.name!r}; `semtrace ui` shows it"
