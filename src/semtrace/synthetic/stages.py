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
