"""label: give every traced TIFF the category of its published pictures, and place a labelled copy.

A label comes from the forward table: each JPEG traced to an original votes for the category it was published in.
A content with votes for several categories is a conflict: listed, and left out, never settled silently.
Rows in (the archive's hashes) = rows out (labels.csv, each with its status) + rejects.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from semtrace.core.labels import Vocabulary, check_vocabulary, parse_published, resolve
from semtrace.core.names import distinct
from semtrace.io import tables
from semtrace.io.files import place, safe_join, staged_folder
from semtrace.provenance.common import InputError, Reject, write_rejects

RULE = "exclude"  # what happens to a conflict


@dataclass(frozen=True)
class LabelsSettings:
    """The vocabulary (conf/labels/): position in ``categories`` is the label's number."""

    vocabulary: str
    categories: list[str]

    def __post_init__(self) -> None:
        self.parsed()

    def parsed(self) -> Vocabulary:
        """The vocabulary, checked."""
        return Vocabulary(self.vocabulary, tuple(self.categories))


@dataclass(frozen=True)
class Settings:
    """How labelled copies are made (conf/label/)."""

    link: str

    def __post_init__(self) -> None:
        if self.link not in ("reflink", "hardlink", "copy"):
            raise ValueError(f"label.link is {self.link!r}; it must be reflink, hardlink or copy")


@dataclass(frozen=True)
class Summary:
    """What was labelled."""

    tiffs: int
    statuses: dict[str, int]
    categories: dict[str, int]
    renamed: int
    conflicts: int
    placed_by: dict[str, int]
    rejects: dict[str, int]


def run(
    archive: Path,
    tiff_hashes: Path,
    jpeg_hashes: Path,
    match: Path,
    out: Path,
    vocabulary: Vocabulary,
    settings: Settings,
) -> Summary:
    """Write ``images/<Category>/L<n>_<name>``, ``labels.csv``, ``conflicts.csv`` and ``rejects.csv`` to ``out``.

    Args:
        archive: root of the TIFF paths.
        tiff_hashes: the archive's hash table.
        jpeg_hashes: the published set's hash table.
        match: folder of the match stage.
        out: folder to write.
        vocabulary: categories and their numbers.
        settings: how copies are made.

    Raises:
        InputError: the vocabulary does not fit the published set.

    """
    originals = tables.read(tiff_hashes, tables.HASHES)
    published = tables.read(jpeg_hashes, tables.HASHES)
    forward = tables.read(match / "jpeg_to_tiff.csv", tables.JPEG_TO_TIFF)
    backward = tables.read(match / "tiff_to_jpeg.csv", tables.TIFF_TO_JPEG)
    decisions = {row["TIFF_path"]: row["decision"] for row in backward}
    try:
        check_vocabulary((row["path"] for row in published), vocabulary)
    except ValueError as error:
        raise InputError(str(error)) from error
    if {row["path"] for row in originals} != set(decisions):
        raise InputError(f"{match}: made from other hashes than {tiff_hashes}; run the match stage again")
    votes: dict[str, list[str]] = defaultdict(list)  # keeper -> published pictures traced to it
    for traced in forward:
        if traced["decision"] == "matched":
            votes[traced["matched_tiff_path"]].append(traced["jpeg_path"])

    rows: list[dict[str, Any]] = []
    for keeper, *copies in _contents(originals):
        jpegs = sorted(votes.get(keeper, ()))
        category = resolve([parse_published(path).category for path in jpegs])
        status = "labelled" if category else "conflict" if jpegs else decisions[keeper]
        row = {
            "tiff_path": keeper,
            "category": category or "",
            "label": vocabulary.label(category) if category else "",
            "jpeg_path": jpegs[0] if jpegs else "",
            "output_path": "",
            "status": status,
            "detail": "" if category or not jpegs else f"published under {_categories(jpegs)}",
        }
        rows.append(row)
        rows += [
            {
                **row,
                "tiff_path": copy,
                "status": f"duplicate_{status}",
                "detail": f"same picture as {keeper}",
            }
            for copy in copies
        ]
    renamed = _name_outputs(rows, {row["path"]: row["md5"] for row in originals})
    conflicts = _conflicts(votes, published, forward)

    with staged_folder(out) as folder:
        rejects, placed = _place(archive, folder / "images", rows, settings.link)
        failed = {reject.path for reject in rejects}
        rows = [row for row in rows if row["tiff_path"] not in failed]
        tables.write(folder / "labels.csv", tables.LABELS, rows)
        tables.write(folder / "conflicts.csv", tables.CONFLICTS, conflicts)
        counts = write_rejects(folder, rejects, rows_in=len(originals), rows_out=len(rows))
    return Summary(
        tiffs=len(originals),
        statuses=dict(sorted(Counter(row["status"] for row in rows).items())),
        categories=dict(sorted(Counter(row["category"] for row in rows if row["status"] == "labelled").items())),
        renamed=renamed,
        conflicts=len(conflicts),
        placed_by=placed,
        rejects=counts,
    )


def _contents(originals: list[dict[str, str]]) -> list[list[str]]:
    """Paths grouped by equal pixels, each group and all groups sorted: the first path is the keeper."""
    groups: dict[str, list[str]] = {}
    for row in sorted(originals, key=lambda row: row["path"]):
        groups.setdefault(row["content_id"], []).append(row["path"])
    return list(groups.values())


def _categories(jpegs: list[str]) -> str:
    return "|".join(sorted({parse_published(path).category for path in jpegs}))


def _name_outputs(rows: list[dict[str, Any]], digests: dict[str, str]) -> int:
    labelled = [row for row in rows if row["status"] == "labelled"]
    wanted = [f"{row['category']}/{row['label']}_{PurePosixPath(row['tiff_path']).name}" for row in labelled]
    names = distinct(wanted, [digests[row["tiff_path"]] for row in labelled])
    renamed = 0
    for row, want, name in zip(labelled, wanted, names, strict=True):
        row["output_path"] = name
        if name != want:
            renamed += 1
            row["detail"] = f"renamed: another file is called {PurePosixPath(want).name} too"
    return renamed


def _place(archive: Path, images: Path, rows: list[dict[str, Any]], link: str) -> tuple[list[Reject], dict[str, int]]:
    rejects, placed = [], Counter[str]()
    images.mkdir()
    for row in rows:
        if row["status"] != "labelled":
            continue
        target = safe_join(images, row["output_path"])
        target.parent.mkdir(exist_ok=True)
        try:
            placed[place(safe_join(archive, row["tiff_path"]), target, link=link)] += 1
        except (FileNotFoundError, PermissionError) as error:
            rejects.append(Reject(row["tiff_path"], "label", "unreadable", error.strerror or "cannot be copied"))
    return rejects, dict(sorted(placed.items()))


def _conflicts(
    votes: dict[str, list[str]], published: list[dict[str, str]], forward: list[dict[str, str]]
) -> list[dict[str, str]]:
    """Contents under several categories: of traced pictures by original, of the others by their own pixels."""
    traced = {row["jpeg_path"] for row in forward if row["decision"] == "matched"}
    groups: dict[str, list[str]] = {keeper: list(jpegs) for keeper, jpegs in votes.items()}
    for row in published:
        if row["path"] not in traced:
            groups.setdefault(row["content_id"], []).append(row["path"])
    return [
        {
            "content": content,
            "categories": _categories(jpegs),
            "files": "|".join(sorted(jpegs)),
            "resolution": "excluded",
            "rule": RULE,
        }
        for content, jpegs in groups.items()
        if resolve([parse_published(path).category for path in jpegs]) is None
    ]
