"""Writing a file that must not be there yet."""

from __future__ import annotations


def write_new(path: str, data: bytes) -> None:
    """Write a new file; FileExistsError where the name is taken."""
    with open(path, "xb") as file:  # noqa: PTH123
        file.write(data)
