"""The results of a run in a notebook: its tables as data frames, its numbers, and further pictures beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from semtrace.config import params
from semtrace.core.errors import InputError
from semtrace.io.verdicts import locate_verdicts
from semtrace.provenance.find import FindFolders, FoundPicture, find_originals
from semtrace.stage.claim import Claim, check_claim, read_claim


@dataclass(frozen=True)
class Results:
    """The results of a run.

    Attributes:
        project: folder with params.yaml.
        work: folder of the results.
    """

    project: Path
    work: Path

    @property
    def dataset(self) -> Claim | None:
        """Which dataset they are of."""
        return read_claim(self.work)

    @property
    def metrics(self) -> dict[str, Any]:
        """What ``validate/metrics.json`` says."""
        text = self._file("validate/metrics.json").read_text(encoding="utf-8")
        return dict(json.loads(text))

    @property
    def matches(self) -> pd.DataFrame:
        """The answer: ``match/jpeg_to_tiff.csv``, a row for each published image."""
        return self.table("match/jpeg_to_tiff.csv")

    @property
    def originals(self) -> pd.DataFrame:
        """``inventory/inventory.csv``, a row for each image of the archive."""
        return self.table("inventory/inventory.csv")

    @property
    def labels(self) -> pd.DataFrame:
        """``label/labels.csv``, a row for each original and label."""
        return self.table("label/labels.csv")

    @property
    def groups(self) -> pd.DataFrame:
        """``deduplicate/groups.csv``, a row for each file."""
        return self.table("deduplicate/groups.csv")

    def tables(self) -> list[str]:
        """All tables that there are, by the path that ``table`` takes; docs/tables.md explains their columns."""
        return sorted(file.relative_to(self.work).as_posix() for file in self.work.rglob("*.csv"))

    def table(self, name: str) -> pd.DataFrame:
        """A table, e.g. ``fingerprint/tiff/hashes.csv``; an empty cell is an empty text or a missing number.

        Raises:
            InputError: there is no such table.
        """
        frame = pd.read_csv(self._file(name), encoding="utf-8-sig", low_memory=False)
        text = frame.columns[frame.dtypes.map(lambda kind: not pd.api.types.is_numeric_dtype(kind))]
        return frame.fillna(dict.fromkeys(text, ""))

    def find(self, *pictures: str | Path) -> list[FoundPicture]:
        """Whether pictures are in the archive, as ``semtrace find`` says it.

        Raises:
            InputError: the archive or params.yaml is missing, or these are the results of another dataset.
        """
        p = params.load(self.project / "params.yaml")
        data, here = p.dataset, p.executor.on_this_machine()
        check_claim(self.work, data.claim())
        verdicts = locate_verdicts(self.project / data.verdicts, self.project / data.known)
        here = replace(here, cache=self.project / here.cache)
        folders = FindFolders(self.project / data.archive, self.work, verdicts)
        return find_originals([Path(picture) for picture in pictures], folders, p.match, here)

    def _file(self, name: str) -> Path:
        file = self.work / name
        if not file.is_file():
            raise InputError(f"{file}: not there; the stage that writes it has not run")
        return file


def open_results(project: str | Path = ".", work: str | Path = "data/work") -> Results:
    """Open the results of the last run of a project.

    Args:
        project: its folder.
        work: folder of the results, relative to it or absolute.

    Raises:
        InputError: there are none.
    """
    project = Path(project)
    folder = project / work
    if not (folder / "match/jpeg_to_tiff.csv").is_file():
        if (project / "match/jpeg_to_tiff.csv").is_file():
            raise InputError(f"{project}: this is a folder of results; name the folder of its project")
        raise InputError(f"{folder}: no results of a run; `semtrace run` in {project.resolve()} makes them")
    return Results(project, folder)
