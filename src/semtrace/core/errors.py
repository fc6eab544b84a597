"""What can go wrong in a way that a person can mend: one base class, and the exit code that the command line gives."""

from __future__ import annotations


class SemtraceError(Exception):
    """The base of the errors whose message is meant for a person: it says what, where, why and what to do."""

    exit_code = 1


class InputError(SemtraceError, ValueError):
    """The input cannot be processed; the message says how to fix it."""

    exit_code = 2


class UnreachableError(SemtraceError, RuntimeError):
    """The work was done, but the requested quality cannot be reached; the message says which."""


class AccountingError(RuntimeError):
    """A stage lost an image, or made one up: a fault of this program, so the stage writes nothing."""
