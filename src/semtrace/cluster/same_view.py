"""What can be seen of files and folders from here, to compare with what another machine sees."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semtrace.io.digests import md5
from semtrace.io.files import open_regular

_HEAD = 1 << 16  # bytes: enough to tell two images apart, and read in no time


def look(path: str) -> str:
    """What can be seen of a file or folder, as a text: the same on every machine that sees the same."""
    try:
        if Path(path).is_dir():
            return f"a folder, {'' if os.access(path, os.W_OK) else 'not '}writable"
        with open_regular(Path(path).resolve()) as file:
            return f"{os.fstat(file.fileno()).st_size} bytes beginning {md5(file.read(_HEAD))[:8]}"
    except OSError as error:
        return error.strerror or "not readable"


def any_file(folder: Path) -> Path | None:
    """A plain file somewhere below ``folder``, without listing it all."""
    for place, _, names in os.walk(folder):
        for name in names:
            if not (path := Path(place, name)).is_symlink() and path.is_file():
                return path
    return None


@contextmanager
def token(folder: Path) -> Iterator[Path]:
    """A file in ``folder`` for the time being that is nowhere else."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".seen.") as made:
        made.write(uuid.uuid4().bytes)
        made.flush()
        yield Path(made.name)
