"""What a stage is: declared once, as data, in the ``stages.py`` of its house.

From the declarations follow the verbs of the command line and their help, the order of ``semtrace run``, the tables of
rejects that validate counts, the code dependencies in dvc.yaml, and the pipeline that tests run. This module and the
declarations import nothing heavy: ``semtrace --help`` reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        name: its verb, and the name of its block in dvc.yaml.
        module: full name of the module whose ``stage(job)`` does the work.
        help: one line for the command line, without a full stop.
        params: sections of params.yaml, or keys as ``match.hamming_threshold``, on which its results depend.
        inputs: folders of the dataset that it reads: ``archive``, ``published``, ``known``; ``verdicts`` and
            ``subcategories`` are the tables of these names in the folder of a person's word.
        reads: results of earlier stages that it reads, folders or files below the folder of results.
        writes: the folders of results that it writes; the side of one that runs once for each side is the last part.
        rejects: whether each of these folders has a ``rejects.csv``.
    """

    name: str
    module: str
    help: str
    params: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    rejects: bool = True

    @property
    def house(self) -> str:
        """The folder of the package that the stage lives in."""
        return self.module.split(".")[1]

    @property
    def sides(self) -> tuple[str, ...]:
        """What the stage runs for, once for each; empty where it runs once."""
        return tuple(folder.split("/")[1] for folder in self.writes if "/" in folder)

    def run(self, job: Job) -> Any:
        """Do the work; return the summary."""
        return import_module(self.module).stage(job)


@dataclass(frozen=True)
class Job:
    """What a stage is given.

    Attributes:
        params: the parameters.
        archive: folder of the originals.
        published: folder of the published images.
        known: folder of known truth.
        verdicts: folder of a person's word: ``verdicts.csv`` and its history.
        work: folder of the results.
        executor: where to work.
        side: for a stage that runs once for each side, ``tiff`` or ``jpeg``.
        ahead: computed for later stages of every file that this one decodes (each a ``decode_files.Ahead``).
    """

    params: Any
    archive: Path
    published: Path
    known: Path
    verdicts: Path
    work: Path
    executor: Any
    side: str = ""
    ahead: Sequence[Any] = ()

    def result(self, path: str) -> Path:
        """A folder or file of results."""
        return self.work / path

    def hashes(self, side: str) -> Path:
        """The hash table of a side, ``tiff`` or ``jpeg``."""
        return self.work / "fingerprint" / side / "hashes.csv"
