"""Figures of earlier runs: one whose numbers and code are the same is not drawn again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from semtrace.io.code_digest import code_digest
from semtrace.io.digests import md5
from semtrace.io.files import write_atomic


class KeptFigures:
    """Figures of earlier runs, by what they show and the code that draws them; one that is there is not drawn again.

    They lie beside the side cache, and each name has one figure: the last.

    Args:
        cache: file of the side cache; None: nothing is kept.
    """

    def __init__(self, cache: Path | None) -> None:
        self._folder = cache.parent / "figures" if cache is not None else None

    def drawn(self, module: str, name: str, numbers: str, draw: Callable[[], bytes]) -> bytes:
        """The PNG ``name``: that of an earlier run where nothing of it has changed, else a new one.

        Args:
            module: full name of the module that draws it.
            name: of the figure; different in one module.
            numbers: all that it shows.
            draw: makes it.
        """
        picture = self.get(module, name, numbers)
        if picture is None:
            picture = draw()
            self.put(module, name, numbers, picture)
        return picture

    def get(self, module: str, name: str, numbers: str) -> bytes | None:
        """The PNG of an earlier run; None where it would be another one today."""
        if self._folder is None:
            return None
        try:
            key, digest, picture = (self._folder / f"{module}.{name}").read_bytes().split(b"\n", 2)
        except (OSError, ValueError):
            return None
        return picture if key == _figure_key(module, numbers) and digest == md5(picture).encode() else None

    def put(self, module: str, name: str, numbers: str, picture: bytes) -> None:
        """Keep a PNG; where the disk does not let it, it is drawn again."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._folder.mkdir(parents=True, exist_ok=True)
                kept = [_figure_key(module, numbers), md5(picture).encode(), picture]
                write_atomic(self._folder / f"{module}.{name}", b"\n".join(kept))


def _figure_key(module: str, numbers: str) -> bytes:
    libraries = [version(name) for name in ("matplotlib", "pillow")]
    return md5("\0".join([code_digest(module), *libraries, numbers]).encode()).encode()
