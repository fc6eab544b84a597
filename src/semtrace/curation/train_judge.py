"""How well scores of held-out patches tell classes apart: in numbers, as curves, by dataset, and the worst mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.statistics.accuracy import wilson
from semtrace.core.statistics.ranking import area_under_curve, curve, found_while_keeping, keeping_threshold
from semtrace.curation import tables as contracts
from semtrace.curation.train_sample import Sample
from semtrace.io import tables


def judge(sample: Sample, scores: NDArray[np.float64]) -> dict[str, Any]:
    """How well scores tell the classes apart: against constructed empties, and against a person's labels alone."""
    labelled = sample.kind == "label"
    recipes = sorted(set(sample.kind) - {"assumed", "label"})
    return {
        "constructed": _rates(scores[~labelled], sample.informative[~labelled]),
        "labels": _rates(scores[labelled], sample.informative[labelled]),
        "by_recipe": {str(name): _found_at_half(scores[sample.kind == name]) for name in recipes},
        "by_dataset": {
            str(name): _rates(scores[sample.dataset == name], sample.informative[sample.dataset == name])
            for name in sorted(set(sample.dataset))
        },
    }


def _found_at_half(scores: NDArray[np.float64]) -> dict[str, Any]:
    return {"empty": len(scores), "found_at_half": round(float((scores < 0.5).mean()), 6)}


def _rates(scores: NDArray[np.float64], informative: NDArray[np.bool_]) -> dict[str, Any]:
    good, empty = scores[informative], scores[~informative]
    found: dict[str, Any] = {"informative": len(good), "empty": len(empty)}
    found["auc"] = _round(area_under_curve(scores, informative))
    found["found_at_95_kept"] = _round(found_while_keeping(scores, informative, 0.95))
    found["found_at_99_kept"] = _round(found_while_keeping(scores, informative, 0.99))
    found["kept_at_half"] = _round(float((good >= 0.5).mean())) if len(good) else None
    found["found_at_half"] = _round(float((empty < 0.5).mean())) if len(empty) else None
    if len(good):
        found["threshold_at_99_kept"] = _round(keeping_threshold(good, 0.99))
    for name, hits, size in (
        ("kept", int((good >= 0.5).sum()), len(good)),
        ("found", int((empty < 0.5).sum()), len(empty)),
    ):
        bounds = wilson(hits, size)
        found[f"{name}_at_half_95_percent"] = None if bounds is None else [_round(end) for end in bounds]
    return found


def write_curves(folder: Path, sample: Sample, scores: NDArray[np.float64]) -> None:
    """Write ``curves.csv``."""
    rows = []
    labelled = sample.kind == "label"
    for name, some in (("constructed", ~labelled), ("labels", labelled)):
        if some.any():
            made = curve(scores[some], sample.informative[some])
            for values in zip(*made, strict=True):
                numbers = [round(float(value), 6) for value in values]
                rows.append(dict(zip(contracts.CURVES.names, (name, *numbers), strict=True)))
    tables.write(folder / "curves.csv", contracts.CURVES, rows, sort=False)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def confusion_rows(sample: Sample, scores: NDArray[np.float64], threshold: float) -> list[dict[str, Any]]:
    """Of each dataset how many patches of both classes lie on either side of a threshold; columns of confusion.csv."""
    above = scores >= threshold
    rows = []
    for name in sorted(set(sample.dataset)):
        here = sample.dataset == name
        good, empty = here & sample.informative, here & ~sample.informative
        rows.append({
            "dataset": str(name), "informative_kept": int((good & above).sum()),
            "informative_removed": int((good & ~above).sum()), "empty_kept": int((empty & above).sum()),
            "empty_removed": int((empty & ~above).sum()),
        })  # fmt: skip
    return rows


def worst_mistakes(sample: Sample, scores: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Rows on the wrong side of 0.5, the surest mistake first, at most so many."""
    error = np.where(sample.informative, 1 - scores, scores)
    order = np.lexsort([sample.name.astype(str), -error])
    return order[error[order] > 0.5][:most]
