"""How a stage accounts for what it leaves out: rows in are rows out plus rejects."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from semtrace.core.errors import AccountingError
from semtrace.io import tables
from semtrace.io.schema import Column, Table

REJECTS = Table(
    "rejects.csv",
    1,
    (
        Column("path", "text", "the file that the stage could not pass on"),
        Column("stage", "text", "`inventory`, `convert`, `fingerprint`, `match`, `deduplicate` or `label`"),
        Column("reason", "text", "a code from the list below"),
        Column("detail", "text", "one line for people; the same bytes always give the same line"),
    ),
)

_OF_THE_MACHINE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)
_OF_THE_FILE = {errno.EFBIG: "too_large", errno.ELOOP: "symbolic_link", errno.EINVAL: "not_a_file"}


@dataclass(frozen=True)
class Failure:
    """Why there is no value for an item: a reason code and one line of detail."""

    reason: str
    detail: str


OUT_OF_MEMORY = Failure("out_of_memory", "not enough memory for the picture: it is too large, or memory is short")
PASSING = frozenset({"unreadable", "out_of_memory", "changed", "decoder_crashed"})
"""Reasons that may be gone at the next run, though the file is the same."""
CHANGED = Failure("changed", "not the file that was seen before; run the pipeline again")


@dataclass(frozen=True)
class Reject:
    """A row that a stage could not pass on, with its reason code and one line of detail."""

    path: str
    stage: str
    reason: str
    detail: str

    @classmethod
    def of(cls, path: str, stage: str, failure: Failure) -> Reject:
        """The row of an item that failed."""
        return cls(path, stage, failure.reason, failure.detail)


def write_rejects(folder: Path, rejects: Iterable[Reject], *, rows_in: int, rows_out: int) -> dict[str, int]:
    """Write ``rejects.csv`` into ``folder``; return how many there are of each reason, by name.

    Raises:
        AccountingError: rows in are not rows out plus rejects: an image was lost or made up.

    """
    rows = list(rejects)
    if rows_in != rows_out + len(rows):
        raise AccountingError(f"{folder.name}: {rows_in} rows in, but {rows_out} out and {len(rows)} rejected")
    tables.write(folder / "rejects.csv", REJECTS, (asdict(row) for row in rows))
    return dict(sorted(Counter(row.reason for row in rows).items()))


def why_unreadable(error: OSError) -> Failure:
    """Why a file could not be read; raises ``error`` again where the file is not to blame."""
    if error.errno in _OF_THE_MACHINE:
        raise error
    return Failure(_OF_THE_FILE.get(error.errno or 0, "unreadable"), error.strerror or "input/output error")


def printable(relative: str) -> str:
    """A path as it can stand in a UTF-8 table."""
    return relative.encode("utf-8", "backslashreplace").decode()
