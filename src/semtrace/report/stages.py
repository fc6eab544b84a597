"""The declaration of the stage that shows the result of the main pipeline."""

from __future__ import annotations

from semtrace.stage.declaration import Stage

STAGES = (
    Stage(
        "report",
        "semtrace.report.report",
        "make the page that shows the whole result: data/work/report/index.html",
        params=(
            "convert", "deduplicate", "fingerprint", "hash", "label", "labels", "match", "report", "review.audit",
            "review.seed", "review.weak_margin", "review.weak_ssim",
        ),
        inputs=("archive", "published", "known", "verdicts"),
        reads=(
            "convert", "deduplicate", "fingerprint/jpeg", "fingerprint/tiff", "inventory", "label", "match", "plot",
            "validate/metrics.json",
        ),
        writes=("report",),
        rejects=False,
    ),
)  # fmt: skip
