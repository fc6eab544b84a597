"""The contact sheets of a report: conflicts, groups, and the parts of originals that were published."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import cos, radians, sin
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.placement import read_rectangle
from semtrace.core.tracing.labels import category_of
from semtrace.provenance.page_data import PageTables
from semtrace.web.contact_sheet import SheetPicture, SheetRow, draw_sheet

_MOST_ROWS, _MOST_PICTURES, _PAIRS = 8, 6, 3
_Cells = Mapping[str, Any]
Corner = tuple[float, float]


@dataclass(frozen=True)
class PlannedPicture:
    """A picture by the md5 of its file.

    Attributes:
        md5: of the file; empty where no file is known.
        words: lines below it.
        framed: whether it is marked.
        corners: of a part of it, (x, y) as parts of its width and height.
    """

    md5: str
    words: tuple[str, ...]
    framed: bool = False
    corners: tuple[Corner, ...] = ()


@dataclass(frozen=True)
class PlannedSheet:
    """A sheet before its pictures are read.

    Attributes:
        name: of its PNG.
        title: above it.
        rows: title and pictures of each.
    """

    name: str
    title: str
    rows: tuple[tuple[str, tuple[PlannedPicture, ...]], ...]

    @property
    def digests(self) -> list[str]:
        """The md5 of each file that it shows, once."""
        return list(dict.fromkeys(one.md5 for _, pictures in self.rows for one in pictures if one.md5))

    @property
    def numbers(self) -> str:
        """All that it shows, as text."""
        return json.dumps(asdict(self))

    def draw(self, grays: Mapping[str, NDArray[np.uint8]]) -> bytes:
        """The PNG.

        Args:
            grays: by md5, shape (H, W), uint8, of any size.
        """
        rows = [SheetRow(title, [_sheet_picture(one, grays) for one in pictures]) for title, pictures in self.rows]
        return draw_sheet(self.title, rows)


def plan_sheets(given: PageTables) -> list[PlannedSheet]:
    """The sheets that have something to show."""
    published = {row["path"]: row for row in given.published}
    originals = {row["path"]: row for row in given.originals}
    sheets = [
        _conflicts(given, published, originals),
        _groups(given.groups),
        _parts(given.forward, published, originals),
    ]
    return [sheet for sheet in sheets if sheet.rows]


def published_part(row: _Cells, published: _Cells, original: _Cells) -> tuple[Corner, ...]:
    """The corners of what a picture shows of its original, as parts of its width and height, 0 to 1.

    A picture that was turned freely shows a turned rectangle in the middle of ``crop``, which is what it covers.

    Args:
        row: of ``jpeg_to_tiff.csv``.
        published: row of the picture in its hash table.
        original: the same of its original.
    """
    part = read_rectangle(row["crop"])
    if part is None:
        return ()
    half = part.width / 2, part.height / 2
    turn = radians(row["angle"] or 0.0)
    if row["angle"] is not None:
        on_page = read_rectangle(row["place"])
        size = (on_page.width, on_page.height) if on_page else (published["width"], published["height"])
        half = size[0] / 2 / row["scale"], size[1] / 2 / row["scale"]
    middle = part.x + part.width / 2, part.y + part.height / 2
    corners = []
    for across, down in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        x, y = across * half[0], down * half[1]
        x, y = middle[0] + x * cos(turn) - y * sin(turn), middle[1] + x * sin(turn) + y * cos(turn)
        corners.append((_bounded(x / original["width"]), _bounded(y / original["height"])))
    return tuple(corners)


def _bounded(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 6)


def _sheet_picture(planned: PlannedPicture, grays: Mapping[str, NDArray[np.uint8]]) -> SheetPicture:
    gray = grays.get(planned.md5)
    height, width = gray.shape if gray is not None else (0, 0)
    corners = tuple((x * width, y * height) for x, y in planned.corners)
    return SheetPicture(gray, planned.words, planned.framed, corners)


def _conflicts(given: PageTables, published: Mapping[str, _Cells], originals: Mapping[str, _Cells]) -> PlannedSheet:
    rows = []
    for row in given.conflicts[:_MOST_ROWS]:
        pictures = []
        if row["content"] in originals:
            words = "original", _short(row["content"])
            pictures.append(PlannedPicture(originals[row["content"]]["md5"], words, framed=True))
        for path in row["files"].split("|"):
            if path in published:
                words = category_of(path, given.depth), PurePosixPath(path).name
                pictures.append(PlannedPicture(published[path]["md5"], words))
        title = f"{row['kind'].replace('_', ' ')}: {row['categories'].replace('|', ' or ')} → {row['resolution']}"
        if pictures:
            rows.append((title, tuple(pictures[:_MOST_PICTURES])))
    return PlannedSheet(
        "conflicts.png", f"Conflicts, the original framed ({_shown(len(rows), len(given.conflicts))})", tuple(rows)
    )


def _groups(groups: Sequence[_Cells]) -> PlannedSheet:
    members: dict[str, list[_Cells]] = defaultdict(list)
    for row in groups:
        members[row["group"]].append(row)
    several = sorted(
        (its for its in members.values() if len(its) > 1),
        key=lambda its: (-len(its), its[0]["keeper"], its[0]["group"]),
    )
    rows = []
    for its in several[:_MOST_ROWS]:
        ordered = sorted(its, key=lambda row: (row["path"] != row["keeper"], row["side"] != "tiff", row["path"]))
        pictures = tuple(_member(row) for row in ordered[:_MOST_PICTURES])
        more = f", {len(its) - _MOST_PICTURES} not shown" if len(its) > _MOST_PICTURES else ""
        rows.append((f"{len(its)} files, part {its[0]['split']}{more}", pictures))
    title = f"Groups of files that show one field, the keeper first and framed ({_shown(len(rows), len(several))})"
    return PlannedSheet("groups.png", title, tuple(rows))


def _member(row: _Cells) -> PlannedPicture:
    kept = row["path"] == row["keeper"]
    side = "original" if row["side"] == "tiff" else "published"
    how = "keeper" if kept else row["evidence"].replace("_", " ")
    return PlannedPicture(row["md5"], (f"{side}, {how}", _short(row["path"])), framed=kept)


def _parts(forward: Iterable[_Cells], published: Mapping[str, _Cells], originals: Mapping[str, _Cells]) -> PlannedSheet:
    found = []
    for row in forward:
        path, tiff = row["jpeg_path"], row["matched_tiff_path"]
        if row["decision"] == "matched" and row["crop"] and path in published and tiff in originals:
            corners = published_part(row, published[path], originals[tiff])
            found.append((_share(corners), path, row, corners))
    found.sort(key=lambda one: one[:2])  # the smallest parts first: they are the hardest to see
    pictures = []
    for share, path, row, corners in found[: _MOST_ROWS * _PAIRS]:
        turned = f", turned {row['angle']:.3g}°" if row["angle"] else ""
        whole = originals[row["matched_tiff_path"]]["md5"]
        pictures.append(PlannedPicture(whole, ("original", _short(row["matched_tiff_path"])), corners=corners))
        words = f"{100 * share:.3g} % of it{turned}", _short(path)
        pictures.append(PlannedPicture(published[path]["md5"], words))
    lines = tuple(
        ("", tuple(pictures[start : start + 2 * _PAIRS])) for start in range(0, len(pictures), 2 * _PAIRS)
    )  # fmt: skip
    title = f"Published parts, drawn on their originals ({_shown(len(pictures) // 2, len(found))})"
    return PlannedSheet("parts.png", title, lines)


def _share(corners: Sequence[Corner]) -> float:
    """The area of a parallelogram from three of its corners, as part of the whole picture's."""
    (ax, ay), (bx, by), (cx, cy) = corners[0], corners[1], corners[2]
    return abs((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))


def _shown(rows: int, total: int) -> str:
    return f"{total:,}" if rows == total else f"{rows:,} of {total:,}"


def _short(path: str) -> str:
    """The end of a path: the folder and the name."""
    return "/".join(PurePosixPath(path).parts[-2:])
