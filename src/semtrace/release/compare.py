"""diff: what changed from one release to another, from their manifests alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semtrace.core.errors import InputError
from semtrace.curation.tables import FILTERED
from semtrace.io import tables
from semtrace.release.patch_shards import holds_patches
from semtrace.release.tables import FIRST_COLUMNS, MANIFEST

ManifestRow = Mapping[str, Any]
KINDS = ("added", "removed", "relabelled", "re-encoded", "retraced", "moved", "unchanged")
ORIGINALS = ("original added", "original removed")
REPORTED = (*KINDS[:-1], *ORIGINALS)
_WHO = ("published_path", "source_md5")  # what says that other bytes are the same picture, the surest first


@dataclass(frozen=True)
class Change:
    """One picture, or original, in both releases; a path is empty where it is not inside."""

    kind: str
    old_path: str
    new_path: str


@dataclass(frozen=True)
class Difference:
    """All pictures of two releases and the originals that only one has, sorted by kind and path."""

    changes: Sequence[Change]

    def rows(self, kind: str) -> list[dict[str, str]]:
        """Old and new path of the pictures, or originals, of one kind."""
        return [{"old_path": c.old_path, "new_path": c.new_path} for c in self.changes if c.kind == kind]

    @property
    def counts(self) -> dict[str, int]:
        """How many pictures of each kind, and how many originals, where there are any."""
        found = Counter(change.kind for change in self.changes)
        return {kind: found[kind] for kind in (*KINDS, *ORIGINALS) if kind in KINDS or found[kind]}


def compare(old: Sequence[ManifestRow], new: Sequence[ManifestRow]) -> Difference:
    """Compare the rows of two manifests.

    A picture is the same if its bytes are (md5). Of the rest, the same published file, or the only pictures of one
    original on both sides, are one picture, ``re-encoded``. The same picture in another category is ``relabelled``, of
    other bytes or not; traced to another original, ``retraced``; in another part of the split, ``moved``. Originals
    that go along are told by their bytes.
    """
    before, after = {row["md5"]: row for row in old}, {row["md5"]: row for row in new}
    pairs = [(before[key], after[key]) for key in sorted(before.keys() & after.keys())]
    gone = [row for key, row in sorted(before.items()) if key not in after]
    come = [row for key, row in sorted(after.items()) if key not in before]
    for name in _WHO:
        left, right = _by(gone, name), _by(come, name)
        for key in sorted(left.keys() & right.keys()):
            if len(left[key]) == len(right[key]) == 1:
                pairs.append((left[key][0], right[key][0]))
        paired = {row["md5"] for pair in pairs for row in pair}
        gone = [row for row in gone if row["md5"] not in paired]
        come = [row for row in come if row["md5"] not in paired]
    changes = [Change(_kind(one, two), one["path"], two["path"]) for one, two in pairs]
    changes += [Change("removed", row["path"], "") for row in gone]
    changes += [Change("added", "", row["path"]) for row in come]
    changes += [Change("original removed", path, "") for path in _missing(old, new)]
    changes += [Change("original added", "", path) for path in _missing(new, old)]
    return Difference(sorted(changes, key=lambda c: ((*KINDS, *ORIGINALS).index(c.kind), c.old_path, c.new_path)))


def compare_patches(old: Sequence[ManifestRow], new: Sequence[ManifestRow]) -> Difference:
    """Compare the rows of two filtered.csv; names of patches stand in the place of paths.

    A patch is the same if its pixels (md5) and its name are. Of the rest, the same pixels are one patch, ``retraced``
    to another dataset or place, and the same name is one patch, ``re-encoded`` with other pixels. The same patch with
    another label of a person is ``relabelled``; in another part of the split, ``moved``.
    """
    before, after = list(old), list(new)
    pairs: list[tuple[ManifestRow, ManifestRow]] = []
    for who in (("md5", "name"), ("md5",), ("name",)):
        left, right = (_queues(rows, who) for rows in (before, after))
        met = [pair for key in sorted(left.keys() & right.keys()) for pair in zip(left[key], right[key], strict=False)]
        pairs += met
        before, after = ([row for row in rows if id(row) not in {id(pair[side]) for pair in met}]
                         for side, rows in enumerate((before, after)))  # fmt: skip
    changes = [Change(_patch_kind(one, two), one["name"], two["name"]) for one, two in pairs]
    changes += [Change("removed", row["name"], "") for row in before]
    changes += [Change("added", "", row["name"]) for row in after]
    return Difference(sorted(changes, key=lambda c: (KINDS.index(c.kind), c.old_path, c.new_path)))


def _queues(rows: Sequence[ManifestRow], who: Sequence[str]) -> dict[tuple[str, ...], list[ManifestRow]]:
    """Rows by some of their cells, those of one key by name."""
    found = defaultdict(list)
    for row in sorted(rows, key=lambda row: str(row["name"])):
        found[tuple(row[name] for name in who)].append(row)
    return found


def _patch_kind(old: ManifestRow, new: ManifestRow) -> str:
    for kind, column in (("relabelled", "label"), ("re-encoded", "md5"), ("retraced", "name"), ("moved", "split")):
        if old[column] != new[column]:
            return kind
    return "unchanged"


def run(old: Path, new: Path) -> Difference:
    """Compare two release folders, of labelled pictures or of patches.

    Raises:
        InputError: one has no manifest and is no release of patches, or only one of the two is.
        TableError: a manifest cannot be read.

    """
    patches = [holds_patches(folder) for folder in (old, new)]
    if all(patches):
        return compare_patches(*(tables.read(folder / FILTERED.name, FILTERED) for folder in (old, new)))
    if any(patches):
        raise InputError(f"{old} and {new}: one has patches, the other labelled pictures; name two of one sort")
    for folder in (old, new):
        if not (folder / "manifest.csv").is_file():
            raise InputError(f"{folder}: not a release, it has no manifest.csv")
    return compare(*(tables.read(folder / "manifest.csv", MANIFEST, required=FIRST_COLUMNS) for folder in (old, new)))


def _kind(old: ManifestRow, new: ManifestRow) -> str:
    if any(old.get(name, "") != new.get(name, "") for name in ("category", "label", "subcategory")):
        return "relabelled"
    if old["md5"] != new["md5"]:
        return "re-encoded"
    if old["source_md5"] != new["source_md5"]:
        return "retraced"
    return "moved" if old["split"] != new["split"] else "unchanged"


def _missing(here: Sequence[ManifestRow], there: Sequence[ManifestRow]) -> list[str]:
    """Originals that go along here and not there."""
    other = {row["source_md5"] for row in there if row["source_file"]}
    return sorted({row["source_file"] for row in here if row["source_file"] and row["source_md5"] not in other})


def _by(rows: Iterable[ManifestRow], name: str) -> dict[str, list[ManifestRow]]:
    found = defaultdict(list)
    for row in rows:
        if row[name]:
            found[row[name]].append(row)
    return found
