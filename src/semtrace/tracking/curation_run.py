"""MLflow: one run per curation, with its funnel, the classifier's numbers and curves, and all figures."""

from __future__ import annotations

import json
from pathlib import Path

from semtrace.config.params import Params
from semtrace.core.errors import InputError
from semtrace.tracking import pipeline_run as tracking


def log_curation(params: Params, work: Path) -> str:
    """Log the results in ``work`` as one run; say where it is.

    Raises:
        InputError: there is nothing to log yet, or the tracking server does not answer.
    """
    funnel, trained = work / "show" / "funnel.json", work / "train" / "metrics.json"
    for file in (funnel, trained):
        if not file.is_file():
            raise InputError(f"{file}: nothing to log yet; run the pipeline first (`make curate`)")
    store = tracking.connect(params.tracking)
    if store is None:
        return "tracking is off (conf/tracking/off.yaml)"
    name = f"{params.curation_dataset.name} curation"
    tags = tracking.made_from(params) | {"kind": "curation"}
    with tracking.told(store.uri), tracking.run(store, name, tags) as run_id:
        numbers = {
            key: json.loads(file.read_text(encoding="utf-8")) for key, file in (("funnel", funnel), ("train", trained))
        }
        tracking.log(store, run_id, {"curation": params.tree["curation"]}, numbers)
        for folder in ("show", "train"):
            store.client.log_artifacts(run_id, str(work / folder), folder)
    return f"logged as run {name!r} of experiment {store.name!r}; `make ui` shows it"
