"""The images that discovery is about: from a table with a column path, or all of a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from semtrace.core.errors import InputError
from semtrace.io import tables
from semtrace.io.schema import Column, Table
from semtrace.stage.inputs import check_folder
from semtrace.stage.listing import JPEG_EXTENSIONS, list_inputs
from semtrace.stage.rejects import Failure, Reject, printable

IMAGE_EXTENSIONS = JPEG_EXTENSIONS | {".tif", ".tiff", ".png", ".bmp"}
LISTING = Table(
    "images.csv",
    1,
    (
        Column("path", "text", "the image, relative to the root"),
        Column("md5", "text", "that its file must have"),
        Column("category", "text", "its label"),
        Column("group", "text", "its duplicate group"),
    ),
)
"""Of a person's table of images what is read here; all but ``path`` may be absent."""
READ_GROUPS = Table(
    "groups.csv", 1, (Column("path", "text", ""), Column("side", "text", ""), Column("group", "text", ""))
)
"""Of the table of the stage deduplicate what is read here."""
EXPLAINING = ("instrument", "user", "date", "pixel_size_m", "status")
"""Columns of the input table that are kept where it has them."""


@dataclass(frozen=True)
class ListedImages:
    """One image to be looked at.

    Attributes:
        path: relative to the root.
        md5: that its file must have; empty: any.
        category: empty where it has no label.
        group: of duplicates, from the input; empty: its content says.
        more: the explaining columns.

    """

    path: str
    md5: str = ""
    category: str = ""
    group: str = ""
    more: Mapping[str, str] = field(default_factory=dict)


def listed(root: Path, table: Path | None, groups: Path | None, side: str) -> tuple[list[ListedImages], list[Reject]]:
    """Images of a table, or of a folder with the first folder of a path as its category.

    Args:
        root: folder that paths are relative to.
        table: with a column ``path`` and, where there are, ``md5``, ``category``, ``group``; None: every file.
        groups: of the deduplicate stage (``path``, ``side``, ``group``); None or absent: contents alone count.
        side: ``tiff`` or ``jpeg``: which rows of ``groups`` are meant.

    Raises:
        InputError: no image at all, or a path comes twice.

    """
    check_folder(root, "images")
    rejects: list[Reject] = []
    if table is None:
        images = []
        for relative, path, reason in list_inputs(root):
            if reason is None and PurePosixPath(relative).suffix.lower() not in IMAGE_EXTENSIONS:
                reason = Failure("not_an_image", f"extension {path.suffix!r}")
            if reason is not None:
                rejects.append(Reject.of(printable(relative), "features", reason))
                continue
            folder = PurePosixPath(relative).parent
            images.append(ListedImages(relative, category=folder.parts[0] if folder.parts else ""))
    else:
        rows = tables.read(table, LISTING, required=("path",))
        kept = [name for name in EXPLAINING if rows and name in rows[0]]
        images = [
            ListedImages(
                row["path"],
                row.get("md5", ""),
                row.get("category", ""),
                row.get("group", ""),
                {k: row[k] for k in kept},
            )
            for row in rows
        ]
        seen = [image.path for image in images]
        if len(set(seen)) < len(seen):
            twice = next(path for path in sorted(seen) if seen.count(path) > 1)
            raise InputError(f"{table}: {twice} comes more than once; every image has one row")
    if not images:
        where = table or root
        raise InputError(
            f"{where}: no image in it (files named {', '.join(sorted(IMAGE_EXTENSIONS))}); name another folder"
        )
    known = {}
    if groups is not None and groups.is_file():
        known = {row["path"]: row["group"] for row in tables.read(groups, READ_GROUPS) if row["side"] == side}
    return [_with_group(image, known) for image in sorted(images, key=lambda image: image.path)], rejects


def _with_group(image: ListedImages, known: Mapping[str, str]) -> ListedImages:
    if image.group or image.path not in known:
        return image
    return ListedImages(image.path, image.md5, image.category, known[image.path], image.more)
