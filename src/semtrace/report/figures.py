"""The figures of a report's page: those of the stage plot and the contact sheets, each with its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semtrace.io import tables
from semtrace.io.code_digest import code_digest
from semtrace.io.kept_figures import KeptFigures
from semtrace.provenance.funnel import SIDES
from semtrace.provenance.tables import FUNNEL, OUTCOMES_BY_CATEGORY
from semtrace.report import sheets
from semtrace.report.sheets import PlannedSheet
from semtrace.web import pictures

_TITLES = {
    "funnel.png": "What became of all files",
    "outcomes_by_category.png": "Published images by category",
    "ssim_plot_by_row.png": "SSIM of each row, lowest first, over the four tiers",
    "hamming_histogram_logscale.png": "Hamming distances with the thresholds, logarithmic counts",
    "ssim_histogram.png": "SSIM of the best candidates",
    "ssim_histogram_logscale.png": "SSIM of the best candidates, logarithmic counts",
}
_FIRST = ("funnel.png", "outcomes_by_category.png")  # above all other parts of the page


@dataclass(frozen=True)
class PageFigure:
    """A figure of the page.

    Attributes:
        name: of its file.
        title: below it.
        alt: the same for people who do not see it, with the numbers where they are few.
        place: ``first``, ``plot`` or ``sheet``.
        data: PNG.
    """

    name: str
    title: str
    alt: str
    place: str
    data: bytes

    def entry(self, address: str) -> dict[str, str]:
        """What the page's script is told of it."""
        return {"src": address, "title": self.title, "alt": self.alt, "place": self.place}


def plots_of(work: Path) -> list[PageFigure]:
    """The figures of the stage plot; none where it has not run."""
    found = {file.name: file for file in (work / "plot").glob("*.png")}
    names = [*(name for name in _TITLES if name in found), *sorted(found.keys() - _TITLES)]
    numbers = _numbers(work / "plot")
    return [
        PageFigure(
            name, title := _TITLES.get(name, name.removesuffix(".png").replace("_", " ")), numbers.get(name, title),
            "first" if name in _FIRST else "plot", found[name].read_bytes(),
        )
        for name in names
    ]  # fmt: skip


@dataclass(frozen=True)
class SheetFigures:
    """The contact sheets of a report.

    Attributes:
        planned: what they show.
        known: by name, those of an earlier run that are the same today.
        kept: where figures are kept.
    """

    planned: list[PlannedSheet]
    known: Mapping[str, bytes]
    kept: KeptFigures

    @property
    def missing(self) -> set[str]:
        """The md5 of each file whose picture is needed."""
        return {digest for sheet in self.planned if sheet.name not in self.known for digest in sheet.digests}

    def figures(self, grays: Mapping[str, NDArray[np.uint8]]) -> list[PageFigure]:
        """All sheets; one with a picture that could not be read is drawn again the next time.

        Args:
            grays: by md5 the pictures of ``missing`` that could be read, shape (H, W), uint8.
        """
        made = []
        for sheet in self.planned:
            data = self.known.get(sheet.name)
            if data is None:
                data = sheet.draw(grays)
                if grays.keys() >= set(sheet.digests):
                    self.kept.put(sheets.__name__, sheet.name, _shown_by(sheet), data)
            made.append(PageFigure(sheet.name, sheet.title, sheet.title, "sheet", data))
        return made


def known_sheets(planned: list[PlannedSheet], kept: KeptFigures) -> SheetFigures:
    """The sheets, with those that an earlier run has drawn already."""
    found = {sheet.name: kept.get(sheets.__name__, sheet.name, _shown_by(sheet)) for sheet in planned}
    return SheetFigures(planned, {name: data for name, data in found.items() if data is not None}, kept)


def _shown_by(sheet: PlannedSheet) -> str:
    """What a sheet shows, and the code that makes pictures of the files: other code may give other pixels."""
    return f"{code_digest(pictures.__name__)} {sheet.numbers}"


def _numbers(plot: Path) -> dict[str, str]:
    """The numbers of figures in words."""
    said = {}
    if (plot / FUNNEL.name).is_file():
        steps: dict[str, list[str]] = {}
        for row in tables.read(plot / FUNNEL.name, FUNNEL):
            if not row["reason"]:
                steps.setdefault(row["side"], []).append(f"{row['count']:,} {row['step']}")
        words = "; ".join(f"{SIDES[side]}: {', '.join(counts)}" for side, counts in steps.items())
        said["funnel.png"] = f"{_TITLES['funnel.png']}. {words}"
    if (plot / OUTCOMES_BY_CATEGORY.name).is_file():
        rows = tables.read(plot / OUTCOMES_BY_CATEGORY.name, OUTCOMES_BY_CATEGORY)
        words = "; ".join(
            f"{row['category']}: {row['matched']} matched, {row['ambiguous']} ambiguous, {row['unmatched']} unmatched"
            for row in rows
        )
        said["outcomes_by_category.png"] = f"{_TITLES['outcomes_by_category.png']}. {words}"
    return said
