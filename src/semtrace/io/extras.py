"""Libraries that only some verbs need: extras, which an installation may lack."""

from __future__ import annotations

from importlib.util import find_spec

from semtrace.core.errors import InputError

_MODULES = {"curation": ("av", "mrcfile", "nrrd", "zarr")}
"""By extra of pyproject.toml the names under which its libraries are imported."""


class MissingExtraError(InputError):
    """A library that a verb needs is not installed; the message says how to install it."""


def require_extra(extra: str) -> None:
    """Refuse to begin without the libraries of an extra.

    Raises:
        MissingExtraError: one cannot be found.
    """
    missing = [name for name in _MODULES[extra] if find_spec(name) is None]
    if missing:
        raise MissingExtraError(f"{', '.join(missing)} not installed: `pip install 'semtrace[{extra}]'` brings it")
