"""Text that is safe to show on a terminal."""

from __future__ import annotations


def harmless(text: str) -> str:
    """Text for a terminal: a strange file name may hold what moves the cursor or turns the line around."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)
