"""claim: whose results a folder holds. The dataset is written there before the first stage, and replaced only if asked.

DVC removes or replaces the results of a stage before the stage starts, so no later stage could refuse in time. The file
is an output of the pipeline's first stage, and follows `git checkout` and `dvc checkout` as all results do.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from semtrace import __version__
from semtrace.core.errors import InputError
from semtrace.io.files import write_atomic

FILE = "dataset.json"
_PLAIN = re.compile(r"[\w/.-]+", re.ASCII)  # Hydra reads such a value without quotes


@dataclass(frozen=True)
class Claim:
    """A dataset as its results name it: its name and its folders, as params.yaml has them."""

    name: str
    archive: str
    published: str
    known: str

    def same_images(self, other: Claim) -> bool:
        """Whether both name one dataset. What is known of it may come from elsewhere."""
        return (self.name, self.archive, self.published) == (other.name, other.archive, other.published)

    def __str__(self) -> str:
        return f"dataset {self.name} (TIFFs {self.archive}, JPEGs {self.published}, known {self.known})"


def read_claim(work: Path) -> Claim | None:
    """The dataset whose results ``work`` holds; None where nothing says so.

    Raises:
        InputError: the file that says so is damaged.
    """
    file = work / FILE
    if not file.is_file():
        return None
    try:
        return Claim(**json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(f"{file}: damaged ({error}); remove it if these are results of this dataset") from error


def check_claim(work: Path, mine: Claim) -> None:
    """Refuse to mix the results of two datasets.

    Raises:
        InputError: ``work`` holds the results of another dataset than ``mine``; the message says what to do.
    """
    holder = read_claim(work)
    if holder and not holder.same_images(mine):
        raise InputError(
            f"{work}: holds the results of {holder}, but this run is of {mine}. Nothing was changed. "
            f"To go on with them, `{_run_of(holder)}`. "
            f"To keep them, `mv {work} {work}-{holder.name}` and run it again. To replace them, "
            "`semtrace repro --replace` with the same dataset and overrides (in a checkout also `make run replace=yes`)"
        )


def _run_of(claim: Claim) -> str:
    """The command that runs the pipeline on a dataset, as a shell and Hydra read it."""
    named = {"dataset": claim.name, "dataset.archive": claim.archive, "dataset.published": claim.published}
    words = (f"{key}={value if _PLAIN.fullmatch(value) else repr(value)}" for key, value in named.items())
    return shlex.join(["semtrace", "repro", *words])


def run(work: Path, mine: Claim, *, replace: bool = False) -> Claim:
    """Write into ``work`` that it holds the results of ``mine``; with ``replace``, remove those of another dataset.

    Raises:
        InputError: as in ``check``, without ``replace``.
    """
    if not replace:
        check_claim(work, mine)
    holder = read_claim(work)
    if holder and not holder.same_images(mine):
        for path in work.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if holder != mine:
        work.mkdir(parents=True, exist_ok=True)
        write_atomic(work / FILE, (json.dumps(asdict(mine), indent=2, ensure_ascii=False) + "\n").encode())
    return mine


def line(claim: Claim | None) -> str:
    """The first line of each report and each run: version, dataset, folders."""
    return f"semtrace {__version__}, {claim or 'dataset not recorded'}"


def headline(work: Path) -> str:
    """The first line of a report on the results in ``work``."""
    return f"{line(read_claim(work))}\n"
