"""Published names, label vocabularies, and what happens when one picture carries two labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Literal

from semtrace.core.errors import InputError
from semtrace.core.path_index import folded

_CATEGORY_NAME = re.compile(r"\w[\w .+-]*")
_FOLDER_NAME = re.compile(r"[^./\\|\x00-\x1f][^/\\|\x00-\x1f]*")  # tables join names by a vertical bar
_LABELLED_NAME = re.compile(r"L(?P<number>\d+)_(?:(?P<digits>[0-9a-f]{32})\.(?:jpe?g|jpe|jfif)$)?", re.IGNORECASE)


Depth = int | Literal["last"]
"""Which folder of a published path is its category: the first, the second, … from the top, or the last; 0: none is."""


class VocabularyError(InputError):
    """The published set and the vocabulary contradict each other."""


@dataclass(frozen=True)
class Vocabulary:
    """An ordered list of categories; a category's label is ``L<position>``.

    The vocabulary is data, not code: the published NFFA set and its documentation disagree in ten of ten numbers.

    Attributes:
        name: of the vocabulary.
        categories: names of folders, all different. Where they are ``found``, empty until ``fitted`` fills them.
        above: for each category that is a part of a larger one the name of that one (``Tips`` of ``Tips/AFM``).
        depth: which folder of a published path is its category.
        found: the categories are the folders of the published set.
        numbers: of a found category whose label is another than its position.

    """

    name: str
    categories: tuple[str, ...]
    above: Mapping[str, str] = field(default_factory=dict)
    depth: Depth = "last"
    found: bool = False
    numbers: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.categories and not self.found and self.depth != 0:
            raise VocabularyError(f"vocabulary {self.name!r} has no categories")
        keys = [folded(category) for category in self.categories]
        twice = {n: c for n, c in enumerate(self.categories) if keys.count(keys[n]) > 1}
        if twice and self.found:
            alike = ", ".join(map(repr, twice.values()))
            raise VocabularyError(
                f"labels={self.name}: folders of the published set are called alike: {alike}. "
                "Rename or join them, or let another level name the categories (labels.depth)"
            )
        if twice:
            named = ", ".join(f"{c!r} as L{n}" for n, c in twice.items())
            raise VocabularyError(f"vocabulary {self.name!r} names a category more than once: {named}")
        usable = _FOLDER_NAME if self.found else _CATEGORY_NAME
        bad = [c for c in (*self.categories, *self.above.values()) if not usable.fullmatch(c)]
        if bad:
            raise VocabularyError(f"vocabulary {self.name!r}: not usable as a folder name: {', '.join(map(repr, bad))}")

    def label(self, category: str) -> str:
        """``"L<n>"`` of a category; ``KeyError`` where it is not in the vocabulary."""
        try:
            return f"L{self.numbers.get(category, self.categories.index(category))}"
        except ValueError:
            raise KeyError(category) from None

    def category(self, path: str) -> str:
        """The category of a published path; empty where it has none."""
        return category_of(path, self.depth)

    def fitted(self, paths: Iterable[str]) -> Vocabulary:
        """The vocabulary with the folders of ``paths`` for categories, where they are ``found``; else itself.

        A category has the number after ``L`` in its file names, where no two names contradict each other; one without
        has the next free number. Else all are numbered by name.

        Raises:
            VocabularyError: folders are called alike, or a name cannot be that of a category.
        """
        if not self.found:
            return self
        paths = [path for path in paths if category_of(path, self.depth)]
        above: dict[str, tuple[str, ...]] = {}  # folders above a category, and above the folder that it is a part of
        outer: dict[str, tuple[str, ...]] = {}
        for path in paths:
            *higher, last = _folders(path, self.depth)
            self._one_place(above, last, tuple(higher))
            if higher and isinstance(self.depth, int):
                self._one_place(outer, higher[-1], tuple(higher[:-1]))
        names = sorted(above)
        numbers = {} if number_faults(paths, self.depth) else _numbers_in_names(paths, self.depth)
        if numbers:
            free = (n for n in range(len(names) + max(numbers.values()) + 1) if n not in numbers.values())
            numbers |= {name: next(free) for name in names if name not in numbers}
            names.sort(key=numbers.__getitem__)
        parts = {name: higher[-1] for name, higher in above.items() if higher and isinstance(self.depth, int)}
        return replace(self, categories=tuple(names), above=parts, numbers=numbers)

    def _one_place(self, places: dict[str, tuple[str, ...]], name: str, higher: tuple[str, ...]) -> None:
        """Refuse two folders of one name in different places, whose pictures would silently share a category."""
        if (first := places.setdefault(name, higher)) != higher:
            one, other = (repr("/".join(folders)) if folders else "the published set" for folders in (first, higher))
            raise VocabularyError(
                f"labels={self.name}: folder {name!r} lies in {one} and in {other}; a category has one name. Rename "
                "one, or let a higher level name the categories, e.g. labels.depth=1"
            )

    def top(self, category: str) -> str:
        """The category that a category is a part of; itself where it stands alone."""
        return self.above.get(category, category)


def vocabulary_of(name: str, entries: Sequence[str], depth: Depth = "last") -> Vocabulary:
    """A vocabulary from its entries, ``Category`` or ``Category/Subcategory``; the place of an entry is its number.

    Without entries the categories are found in the published set.

    Raises:
        VocabularyError: an entry has more than two levels, a name is no folder's, or a last level comes twice.

    """
    deep = [entry for entry in entries if entry.count("/") > 1]
    if deep:
        raise VocabularyError(f"vocabulary {name!r}: {deep[0]!r} has more than two levels, Category/Subcategory")
    above = {entry.partition("/")[2]: entry.partition("/")[0] for entry in entries if "/" in entry}
    names = tuple(entry.rpartition("/")[2] for entry in entries)
    return Vocabulary(name, names, above, depth, found=not entries and depth != 0)


@dataclass(frozen=True)
class PublishedName:
    """What a published path ``<Category>/L<n>_<32 hex>.jpg`` says; a part that it does not say is ``""`` or None.

    ``<Category>/L<n>_<any name>`` says its number, too.
    """

    category: str
    number: int | None
    digits: str


@lru_cache(maxsize=1 << 16)  # asked of each path several times
def parse_published(path: str) -> PublishedName:
    """Read category, label number and hex digits from a published path. Its last folder is the category."""
    if "//" in path or "./" in path:
        path = PurePosixPath(path).as_posix()
    folder, _, name = path.rpartition("/")
    found = _LABELLED_NAME.match(name)
    return PublishedName(
        category=folder.rpartition("/")[2],
        number=int(found["number"]) if found else None,
        digits=(found["digits"] or "").lower() if found else "",
    )


def category_of(path: str, depth: Depth) -> str:
    """The folder of a published path that is its category; empty where the file lies in no folder, or ``depth`` is 0.

    Where there are fewer folders than ``depth`` it is the last of them.
    """
    folders = _folders(path, depth)
    return folders[-1] if folders else ""


def _folders(path: str, depth: Depth) -> list[str]:
    """The folders of a published path down to that of its category.

    An absolute path, as tables of hashes alone have it, has no top to count from: its last folder is taken.
    """
    folders = [part for part in path.split("/")[:-1] if part not in ("", ".")]
    return folders if depth == "last" or (depth and path.startswith("/")) else folders[:depth]


def _numbers_in_names(paths: Iterable[str], depth: Depth) -> dict[str, int]:
    said = ((category_of(path, depth), parse_published(path).number) for path in sorted(paths, reverse=True))
    return {category: number for category, number in said if category and number is not None}


def number_faults(paths: Iterable[str], depth: Depth) -> list[str]:
    """What contradicts what among the numbers after ``L`` in published names: two of one category, one of two."""
    first: dict[tuple[str, int], str] = {}
    for path in sorted(paths):
        category, number = category_of(path, depth), parse_published(path).number
        if category and number is not None:
            first.setdefault((category, number), path)
    faults, by_category, by_number = [], dict[str, str](), dict[int, str]()
    for (category, number), path in first.items():
        for earlier in (by_category.setdefault(category, path), by_number.setdefault(number, path)):
            if earlier != path:
                faults.append(f"{earlier} and {path}")
    return faults


def check_vocabulary(paths: Iterable[str], vocabulary: Vocabulary) -> None:
    """Make sure that folders and label numbers of published files agree with the vocabulary.

    Raises:
        VocabularyError: they do not; the message lists each contradiction of ``vocabulary_faults``.

    """
    if faults := vocabulary_faults(paths, vocabulary):
        raise VocabularyError(
            f"vocabulary {vocabulary.name!r} does not fit the published set: {'; '.join(faults)}. "
            "Choose or write the vocabulary that does (conf/labels/)."
        )


def vocabulary_faults(paths: Iterable[str], vocabulary: Vocabulary) -> list[str]:
    """What contradicts the vocabulary in published paths: each folder and number once, with one file as an example.

    A file must lie in a folder that is called like a category and lies in no other category but the one above it; its
    name may say no other number than the vocabulary. For an unknown folder the nearest category is named.
    """
    if vocabulary.found or vocabulary.depth == 0:  # then folders say what categories there are, or there are none
        return []
    faults: dict[tuple[str, ...], str] = {}
    for path in sorted(paths):
        number, folders = parse_published(path).number, _folders(path, vocabulary.depth)
        folder, *higher = "/".join(folders), *folders[:-1]
        category = folders[-1] if folders else ""
        above = vocabulary.above.get(category, "")
        outer = [part for part in higher if part in vocabulary.categories and part != above]
        if not folder:
            faults.setdefault(("",), f"{path} lies in no folder; move it into that of its category")
        elif outer:
            said = f"folder {folder!r} ({path}) lies in category {outer[0]!r}; move its files out of it or up into it"
            faults.setdefault(("nested", folder), f"{said}, or labels.depth={folders.index(outer[0]) + 1}")
        elif category not in vocabulary.categories:
            near = nearest_category(category, vocabulary)
            said = f"folder {category!r} ({path}) is not one of its categories"
            faults.setdefault(("unknown", category), f"{said}; the nearest is {near!r}" if near else said)
        elif above and (not higher or higher[-1] != above):
            said = f"folder {folder!r} ({path}) must lie in {above!r}, as the vocabulary has {above}/{category}"
            faults.setdefault(("above", folder), said)
        elif number is not None and vocabulary.label(category) != f"L{number}":
            said = f"{category} is {vocabulary.label(category)}, but {path} says L{number}"
            faults.setdefault(("number", category, str(number)), said)
    return list(faults.values())


def nearest_category(written: str, vocabulary: Vocabulary) -> str:
    """The category most likely meant: equal but for case, Unicode form and spaces, or spelt alike; empty: none."""
    by_key = {folded(category): category for category in vocabulary.categories}
    key = folded(written).strip()
    alike = [key] if key in by_key else get_close_matches(key, by_key, 1)
    return by_key[alike[0]] if alike else ""


Rule = Literal["exclude", "keep_all", "priority", "verdicts"]
"""What becomes of a picture published under several categories: it is left out; it gets each of its labels; it gets the
one that stands first in a list of priorities, if one does; a person must have said which."""


@dataclass(frozen=True)
class Resolution:
    """The categories a picture is labelled with (none: it is left out), and the rule that had to decide (or ``""``)."""

    categories: tuple[str, ...]
    rule: Rule | Literal["verdict", ""] = ""


def resolve(votes: Iterable[str], rule: Rule, *, priority: Sequence[str] = (), said: str = "") -> Resolution:
    """What a picture is labelled with: never what the majority says.

    Args:
        votes: the categories it was published under.
        rule: what to do where they differ.
        priority: categories, the strongest first, for the rule of that name.
        said: the category that a person named, or ``""``; it stands above all votes.
    """
    named = sorted(set(votes))
    if said:
        return Resolution((said,), "verdict" if named != [said] else "")
    if len(named) < 2:
        return Resolution(tuple(named))
    if rule == "keep_all":
        return Resolution(tuple(named), rule)
    first = next((category for category in priority if category in named), None) if rule == "priority" else None
    return Resolution((first,) if first else (), rule)
