"""Who answers."""

from __future__ import annotations

import getpass


def own_name() -> str:
    """The name of the user of this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
