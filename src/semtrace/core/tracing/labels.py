"""Published names, label vocabularies, and what happens when one picture carries two labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Literal

from semtrace.core.errors import InputError
from semtrace.core.path_index import folded

_LABELLED_NAME = re.compile(r"L(?P<number>\d+)_(?:(?P<digits>[0-9a-f]{32})\.(?:jpe?g|jpe|jfif)$)?", re.IGNORECASE)


class VocabularyError(InputError):
    """The published set and the vocabulary contradict each other."""


@dataclass(frozen=True)
class Vocabulary:
    """An ordered list of categories; a category's label is ``L<position>``.

    The vocabulary is data, not code: the published NFFA set and its documentation disagree in ten of ten numbers.

    Attributes:
        name: of the vocabulary.
        categories: names of folders, all different.
        above: for each category that is a part of a larger one the name of that one (``Tips`` of ``Tips/AFM``).

    """

    name: str
    categories: tuple[str, ...]
    above: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.categories:
            raise VocabularyError(f"vocabulary {self.name!r} has no categories")
        folded = [category.casefold() for category in self.categories]
        twice = [f"{c!r} as L{n}" for n, c in enumerate(self.categories) if folded.count(c.casefold()) > 1]
        if twice:
            raise VocabularyError(f"vocabulary {self.name!r} names a category more than once: {', '.join(twice)}")
        bad = [c for c in (*self.categories, *self.above.values()) if not re.fullmatch(r"[\w][\w .+-]*", c)]
        if bad:
            raise VocabularyError(f"vocabulary {self.name!r}: not usable as a folder name: {', '.join(map(repr, bad))}")

    def label(self, category: str) -> str:
        """``"L<n>"`` of a category; ``KeyError`` where it is not in the vocabulary."""
        try:
            return f"L{self.categories.index(category)}"
        except ValueError:
            raise KeyError(category) from None

    def top(self, category: str) -> str:
        """The category that a category is a part of; itself where it stands alone."""
        return self.above.get(category, category)


def vocabulary_of(name: str, entries: Sequence[str]) -> Vocabulary:
    """A vocabulary from its entries, ``Category`` or ``Category/Subcategory``; the place of an entry is its number.

    Raises:
        VocabularyError: an entry has more than two levels, a name is no folder's, or a last level comes twice.

    """
    deep = [entry for entry in entries if entry.count("/") > 1]
    if deep:
        raise VocabularyError(f"vocabulary {name!r}: {deep[0]!r} has more than two levels, Category/Subcategory")
    above = {entry.partition("/")[2]: entry.partition("/")[0] for entry in entries if "/" in entry}
    return Vocabulary(name, tuple(entry.rpartition("/")[2] for entry in entries), above)


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
    faults: dict[tuple[str, ...], str] = {}
    for path in sorted(paths):
        name, folder = parse_published(path), path.rpartition("/")[0]
        higher = folder.split("/")[:-1]
        above = vocabulary.above.get(name.category, "")
        outer = [part for part in higher if part in vocabulary.categories and part != above]
        if not folder:
            faults.setdefault(("",), f"{path} lies in no folder; move it into that of its category")
        elif outer:
            said = f"folder {folder!r} ({path}) lies in category {outer[0]!r}; move its files out of it or up into it"
            faults.setdefault(("nested", folder), said)
        elif name.category not in vocabulary.categories:
            near = nearest_category(name.category, vocabulary)
            said = f"folder {name.category!r} ({path}) is not one of its categories"
            faults.setdefault(("unknown", name.category), f"{said}; the nearest is {near!r}" if near else said)
        elif above and (not higher or higher[-1] != above):
            said = f"folder {folder!r} ({path}) must lie in {above!r}, as the vocabulary has {above}/{name.category}"
            faults.setdefault(("above", folder), said)
        elif name.number is not None and vocabulary.label(name.category) != f"L{name.number}":
            said = f"{name.category} is {vocabulary.label(name.category)}, but {path} says L{name.number}"
            faults.setdefault(("number", name.category, str(name.number)), said)
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
