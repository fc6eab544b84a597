"""What every stage stands on, in one place: where it runs, how it refuses its input, how it accounts for its rows."""

from __future__ import annotations

from semtrace.parallel import Crashed
from semtrace.provenance.common import (
    AccountingError,
    Executor,
    InputError,
    Reject,
    check_folder,
    printable,
    unfit,
    why_unreadable,
    write_rejects,
)

__all__ = [
    "AccountingError",
    "Crashed",
    "Executor",
    "InputError",
    "Reject",
    "check_folder",
    "printable",
    "unfit",
    "why_unreadable",
    "write_rejects",
]
