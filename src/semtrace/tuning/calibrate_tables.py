"""The rows of the tables of a calibration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from semtrace.core.image.align import Comparison
from semtrace.core.image.symmetry import inverse
from semtrace.core.statistics.accuracy import AMBIGUOUS, RIGHT, UNMATCHED, WRONG, Codes
from semtrace.core.statistics.operating_points import Point
from semtrace.stage.rejects import Failure
from semtrace.tuning.judge import Evaluation
from semtrace.tuning.tables import CALIBRATION

OUTCOMES = {RIGHT: "right", WRONG: "wrong", AMBIGUOUS: "ambiguous", UNMATCHED: "unmatched"}


def point_rows(judged: Evaluation) -> Iterator[dict[str, Any]]:
    """One row per operating point (CALIBRATION)."""
    for point, accuracy in zip(judged.points, judged.accuracies, strict=True):
        row = vars(point) | accuracy.rates()
        yield {name: row[name] for name in CALIBRATION.names}


def pair_rows(judged: Evaluation) -> Iterator[dict[str, Any]]:
    """One row per measured pair (PAIRS)."""
    right = {(trial.source, trial.j): trial.right for trial in judged.trials if trial.original != "left out"}
    for number, (source, measured) in enumerate(zip(judged.sources, judged.measured, strict=True)):
        for j, compared in measured.compared.items():
            if isinstance(compared, Failure):
                continue
            for pair, seen in zip(measured.pairs[j], compared, strict=False):
                one = seen if isinstance(seen, Comparison) else None
                yield {
                    "source": source.name,
                    "jpeg_path": measured.published.contents[j].paths[0],
                    "tiff_path": judged.originals.contents[pair.original].paths[0],
                    "same_picture": pair.original in right[number, j],
                    "hamming_distance": pair.hamming,
                    "symmetry": inverse(pair.symmetry),
                    "ssim_value": one.ssim if one else None,
                    "correlation": one.correlation if one else None,
                    "whole_frame": one.whole if one else None,
                    "reencoded": one.proven if one else None,
                }


def trial_rows(judged: Evaluation, point: Point) -> list[dict[str, Any]]:
    """One row per trial, decided by similarity alone at ``point`` (TRIALS)."""
    rows = []
    for trial in judged.trials:
        decision = judged.decide(trial, point)
        if isinstance(decision, Failure):
            continue
        best = decision.best
        rows.append(
            {
                "source": judged.sources[trial.source].name,
                "jpeg_path": judged.measured[trial.source].published.contents[trial.j].paths[0],
                "original": trial.original,
                "true_tiff_path": trial.truth,
                "outcome": OUTCOMES[judged.code(trial, decision)],
                "best_tiff_path": best.path if best else "",
                "hamming_distance": best.hamming if best else None,
                "ssim_value": best.ssim if best else None,
                "correlation": best.correlation if best else None,
                "margin": decision.margin,
                "reason": decision.reason,
            }
        )
    return rows


def encoder_rows(judged: Evaluation, codes: Codes, *, thresholds: str, proofs: str) -> list[dict[str, Any]]:
    """Files by how they were published and whether their original is there (BY_ENCODER).

    Args:
        judged: see there.
        codes: uint8 (trials,), what became of them.
        thresholds: ``"current"`` or ``"chosen"``.
        proofs: ``"yes"`` or ``"no"``.
    """
    counts = Counter(
        (kind, trial.original, OUTCOMES[int(code)])
        for trial, code in zip(judged.trials, codes, strict=True)
        for kind in trial.kinds
    )
    return [
        {"published_as": kind, "original": original, "thresholds": thresholds, "proofs": proofs}
        | {outcome: counts[kind, original, outcome] for outcome in OUTCOMES.values()}
        for kind, original in sorted({(kind, original) for kind, original, _ in counts})
    ]
