"""The last lines of a run: where the answer lies, and what to look at next."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunSummary:
    """What a whole run came to; as text the last lines for people.

    Attributes:
        published: pictures with a decision.
        decisions: how many are matched, ambiguous and unmatched.
        labelled: originals with a label.
        questions: that a person may answer.
        page: the result as a page.
        mapping: the table of published images and their originals.
        labels: the folder of labelled originals.
        report: the report as text.
        tracked: what MLflow knows of it; empty where it was not asked.
    """

    published: int
    decisions: dict[str, int]
    labelled: int
    questions: int
    page: str
    mapping: str
    labels: str
    report: str
    tracked: str = ""

    def __str__(self) -> str:
        lines = [
            "Where the answer lies",
            f"  {self.page}  the whole result as a page; open it in a browser",
            f"  {self.mapping}  the original of each of {self.published} published images",
        ]
        if self.labelled:
            lines.append(f"  {self.labels}/  {self.labelled} originals under their categories")
        lines.append("Next")
        if self.questions:
            many = f"{self.questions} pictures that" if self.questions > 1 else "1 picture that"
            lines.append(f"  semtrace review --open  asks about {many} a person should see")
        lines.append("  semtrace find PICTURE   says whether a picture is in the archive")
        if self.tracked:
            lines.append(f"MLflow: {self.tracked}")
        return "\n".join(lines)


def run_summary(work: Path, tracked: str = "") -> RunSummary:
    """The summary of the results in ``work``, which are complete."""
    metrics: dict[str, Any] = json.loads((work / "validate/metrics.json").read_text(encoding="utf-8"))
    with (work / "report/queue.csv").open("rb") as queue:
        questions = sum(1 for _ in queue) - 1
    return RunSummary(
        published=metrics["images"]["jpegs"],
        decisions=metrics["decisions"],
        labelled=metrics["labels"].get("labelled", 0),
        questions=questions,
        page=str(work / "report/index.html"),
        mapping=str(work / "match/jpeg_to_tiff.csv"),
        labels=str(work / "label/images"),
        report=str(work / "validate/accuracy_report.txt"),
        tracked=tracked,
    )
