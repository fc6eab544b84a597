"""The plan of a batch: which picture goes where, before anything moves."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from semtrace.io.folders import entries, path_in
from semtrace.io.journal import Item
from semtrace.io.moves import holds
from semtrace.watch.decide import Decision
from semtrace.watch.picture import Picture
from semtrace.watch.places import Places


class Names:
    """Names that are free in the folders that pictures go to, also where only case or accents differ."""

    def __init__(self) -> None:
        self._taken: dict[str, dict[str, str]] = {}

    def give(self, base: str, relative: str, size: int, digest: str) -> str:
        """Native path below ``base`` for a picture, and take it.

        A name that is taken by the same bytes is given again: the picture is there already. One that is taken by
        others gets ``_<8 digits of the md5>`` before its ending, and all digits where that is taken too.
        """
        posix = PurePosixPath(relative)
        folder = path_in(base, "" if str(posix.parent) == "." else str(posix.parent))
        taken = self._names_in(folder)
        name = posix.name
        for wanted in (name, *(f"{posix.stem}_{digest[:n]}{posix.suffix}" for n in (8, 32))):
            there = taken.get(_fold(wanted))
            if there is None:
                taken[_fold(wanted)] = wanted
                return path_in(folder, wanted)
            if there == wanted and _holds(path_in(folder, wanted), size, digest):
                return path_in(folder, wanted)
        return path_in(folder, f"{posix.stem}_{digest}{posix.suffix}")

    def _names_in(self, folder: str) -> dict[str, str]:
        if folder not in self._taken:
            try:
                self._taken[folder] = {_fold(entry.name): entry.name for entry in entries(folder)}
            except OSError:  # not made yet
                self._taken[folder] = {}
        return self._taken[folder]


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _holds(path: str, size: int, digest: str) -> bool:
    try:
        return holds(path, size, digest)
    except OSError:
        return False


def planned(pictures: Sequence[Picture], decisions: Sequence[Decision], places: Places) -> list[Item]:
    """Items of a batch, those that travel on first: what repeats them is put away only when they have arrived."""
    names = Names()
    items = []
    for picture, decision in zip(pictures, decisions, strict=True):
        size = picture.signature.bytes
        items.append(
            Item(
                id=0, batch=0, path=picture.path, bytes=size, mtime_ns=picture.signature.mtime_ns,
                md5=picture.md5, width=picture.width, height=picture.height,
                decision=decision.kind, keeper=decision.keeper,
                distance=decision.distance, likeness=decision.likeness,
                target=names.give(places.of(decision.kind), picture.path, size, picture.md5),
                state="planned", detail="",
            )
        )  # fmt: skip
    return sorted(items, key=lambda item: item.decision != "unique")
