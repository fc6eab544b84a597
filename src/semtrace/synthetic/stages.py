"""The stage that makes the built-in archive."""

from __future__ import annotations

from semtrace.stage.declaration import Stage

STAGES = (
    Stage(
        "generate",
        "semtrace.synthetic.generate",
        "make the embedded synthetic archive with its published set and truth",
        params=("synthetic",),
        rejects=False,
    ),
)

EM_STAGES = (
    Stage(
        "curate generate",
        "semtrace.synthetic.em_dataset",
        "make the embedded synthetic volumes, images and videos, with their truth",
    ),
)
"""The input of curation, for its pipeline."""
