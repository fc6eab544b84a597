"""Labels of contents from several published sets: a content under two categories has none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Labelled(NamedTuple):
    """A published file: its set, path, content (an md5), category and subcategory (empty where there is none)."""

    set_name: str
    path: str
    content: str
    category: str
    subcategory: str = ""


@dataclass(frozen=True)
class Label:
    """What all files of a content say: their category, subcategory (empty where they differ or have none)."""

    category: str
    subcategory: str
    files: tuple[Labelled, ...]


@dataclass(frozen=True)
class Conflict:
    """A content that lies under several categories, with all its files."""

    categories: tuple[str, ...]
    files: tuple[Labelled, ...]


def join_labels(files: Iterable[Labelled]) -> tuple[dict[str, Label], dict[str, Conflict]]:
    """Join the labels of files by content, over all sets.

    Returns:
        The label of each content that has one category, and the conflict of each that has more; by content.

    """
    groups: dict[str, list[Labelled]] = defaultdict(list)
    for file in sorted(files):
        groups[file.content].append(file)
    labels, conflicts = {}, {}
    for content, group in sorted(groups.items()):
        categories = sorted({file.category for file in group})
        if len(categories) > 1:
            conflicts[content] = Conflict(tuple(categories), tuple(group))
            continue
        finer = {file.subcategory for file in group if file.subcategory}
        labels[content] = Label(categories[0], finer.pop() if len(finer) == 1 else "", tuple(group))
    return labels, conflicts
