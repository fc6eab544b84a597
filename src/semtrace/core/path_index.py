"""Which path of a list a person meant: separators, Unicode form, case, a missing folder, where only one path fits."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import PurePosixPath

_SHOWN = 3  # of the nearest names


@dataclass(frozen=True)
class FoundPath:
    """What a written path stands for.

    Attributes:
        path: the one path that fits; None where none does, or several do.
        differs: in what the written path differs from it: ``"separator"``, ``"Unicode form"``, ``"case"``, ``"folder"``
            (the written one has none); empty where they are equal.
        several: the paths that fit equally well, where there is more than one.

    """

    path: str | None
    differs: str = ""
    several: tuple[str, ...] = ()


class PathIndex:
    """POSIX paths of one folder, asked by what a person wrote.

    Args:
        paths: relative to one root, with forward slashes.

    """

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = frozenset(paths)

    def find(self, written: str) -> FoundPath:
        """The path that ``written`` stands for.

        The path itself comes first. Then separators are turned, Unicode is composed (NFC), and case is folded, each on
        top of the one before; the first step at which a path fits decides. A name without any folder stands for the
        only file of that name.
        """
        if written in self.paths:
            return FoundPath(written)
        plain = _posix(written)
        steps: list[tuple[str, dict[str, list[str]], str]] = [
            ("separator", {plain: [plain]} if plain in self.paths else {}, plain),
            ("Unicode form", self._composed, one_form(plain)),
            ("case", self._folded, folded(plain)),
        ]
        if "/" not in plain:
            steps += [("folder", self._names, one_form(plain)), ("folder", self._folded_names, folded(plain))]
        for differs, table, key in steps:
            fitting = table.get(key, [])
            if len(fitting) == 1:
                return FoundPath(fitting[0], differs)
            if fitting:
                return FoundPath(None, differs, tuple(sorted(fitting)))
        return FoundPath(None)

    def nearest(self, written: str) -> tuple[str, ...]:
        """Up to three paths that a person may have meant: of the same name elsewhere, of the same stem, or alike."""
        plain = folded(_posix(written))
        name = PurePosixPath(plain).name
        if same := self._folded_names.get(name):
            return tuple(sorted(same)[:_SHOWN])
        stem = PurePosixPath(plain).stem
        same = [path for key, paths in self._folded_names.items() if PurePosixPath(key).stem == stem for path in paths]
        if same:
            return tuple(sorted(same)[:_SHOWN])
        alike = get_close_matches(plain, self._folded, _SHOWN, 0.8) if len(self._folded) < _MOST_ALIKE else []
        return tuple(path for key in alike for path in self._folded[key])[:_SHOWN]

    @cached_property
    def _composed(self) -> dict[str, list[str]]:
        return self._by(one_form)

    @cached_property
    def _folded(self) -> dict[str, list[str]]:
        return self._by(folded)

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        return self._by(lambda path: one_form(PurePosixPath(path).name))

    @cached_property
    def _folded_names(self) -> dict[str, list[str]]:
        return self._by(lambda path: folded(PurePosixPath(path).name))

    def _by(self, key: Callable[[str], str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(key(path), []).append(path)
        return found


_MOST_ALIKE = 20_000  # paths; among more, the search for those that are spelt alike takes too long


def one_form(text: str) -> str:
    """Text in Unicode's composed form (NFC): a letter and its accent are one character."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """Text for a comparison that heeds neither case nor Unicode form."""
    if text.isascii():
        return text.casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _posix(written: str) -> str:
    path = PurePosixPath(written.strip().replace("\\", "/")).as_posix()  # without "./", "//" and a slash at the end
    return "" if path == "." else path
