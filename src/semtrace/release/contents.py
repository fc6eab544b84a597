"""Which published images go into a release, and what its manifest says of each; all others are left out by name.

Published images = rows of the manifest + rows of left_out.csv.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semtrace.core.errors import InputError
from semtrace.core.tracing.labels import Vocabulary
from semtrace.io import tables
from semtrace.provenance.tables import CONFLICTS, GROUPS, HASHES, INVENTORY, JPEG_TO_TIFF, LABELS
from semtrace.provenance.tracing.sides import content_of
from semtrace.stage.rejects import REJECTS

PictureRow = Mapping[str, Any]
_GROUPS = ("path", "side", "group", "split")
_OF_JPEG = ("path", "md5", "bytes", "width", "height", "phash", "content_id")
_OF_TIFF = ("path", "md5", "bytes", "width", "height", "pixel_size_m", "instrument")
_OF_LABEL = ("tiff_path", "category", "status", "subcategory")
LEFT_OUT_REASONS = {
    "rejected": "not readable, or without a usable hash",
    "ambiguous": "original not certain",
    "unmatched": "no original found",
    "matched": "traced, but not asked for",
    "no_single_category": "published under several categories, or its original has no label",
    "no_group": "not compared with the others for duplicates",
    "same_pixels": "same pixels as another one that is inside",
}
_LABELLED = ("labelled", "duplicate_labelled")
_SAME_SHAPE = 0.01  # a picture shows the whole width of its original if their aspect ratios agree to this


@dataclass(frozen=True)
class Chosen:
    """What is released (``tables.MANIFEST`` without sha256, sorted by path) and what is not (``tables.LEFT_OUT``)."""

    pictures: list[dict[str, Any]]
    left_out: list[dict[str, str]]


@dataclass(frozen=True)
class ReleaseSources:
    """The tables of the pipeline that a release is made of."""

    hashes: Sequence[PictureRow]
    rejects: Sequence[PictureRow]
    mapping: Sequence[PictureRow]
    originals: Sequence[PictureRow]
    inventory: Sequence[PictureRow]
    labels: Sequence[PictureRow]
    conflicts: Sequence[PictureRow]
    groups: Sequence[PictureRow]


def read_sources(work: Path) -> ReleaseSources:
    """Read them from the folder of the stages' results.

    Raises:
        TableError: a stage has not run.

    """
    fingerprint, match = work / "fingerprint", work / "match"
    return ReleaseSources(
        hashes=_only(tables.read(fingerprint / "jpeg/hashes.csv", HASHES), _OF_JPEG),
        rejects=[
            row for folder in (fingerprint / "jpeg", match) for row in tables.read(folder / "rejects.csv", REJECTS)
        ],
        mapping=tables.read(match / "jpeg_to_tiff.csv", JPEG_TO_TIFF),
        originals=_only(tables.read(fingerprint / "tiff/hashes.csv", HASHES), ("path", "bar_top")),
        inventory=_only(tables.read(work / "inventory/inventory.csv", INVENTORY), _OF_TIFF),
        labels=_only(tables.read(work / "label/labels.csv", LABELS), _OF_LABEL),
        conflicts=tables.read(work / "label/conflicts.csv", CONFLICTS),
        groups=_only(tables.read(work / "deduplicate/groups.csv", GROUPS, required=_GROUPS), _GROUPS),
    )


def _only(rows: Iterable[PictureRow], columns: Sequence[str]) -> list[PictureRow]:
    """Rows with these columns alone, for memory."""
    return [{name: row[name] for name in columns} for row in rows]


def choose_pictures(
    sources: ReleaseSources,
    include: Sequence[str],
    vocabulary: Vocabulary,
    licence: str,
    *,
    with_originals: bool = False,
) -> Chosen:
    """Choose one picture of each content that has a decision of ``include``, one category, and a group.

    Of pictures with equal pixels the first by path goes in. A traced picture has the category of its original, which
    may be another than it was published under (verdicts, priorities); an untraced one that of its folder.

    Raises:
        InputError: a part of the split cannot be the name of a folder.

    """
    mapping = {row["jpeg_path"]: row for row in sources.mapping}
    groups = {row["path"]: row for row in sources.groups if row["side"] == "jpeg"}
    labels: dict[str, set[str]] = {}
    for row in sources.labels:
        labels.setdefault(row["tiff_path"], set()).add(row["category"] if row["status"] in _LABELLED else "")
    below = {row["tiff_path"]: row["subcategory"] for row in sources.labels}
    folders: dict[str, set[str]] = {}
    for row in sources.hashes:
        folders.setdefault(content_of(row), set()).add(vocabulary.category(row["path"]))
    originals = _originals(sources)

    left = {
        row["path"]: _left(row["path"], "rejected", f"{row['stage']}: {row['reason']} {row['detail']}".strip())
        for row in sources.rejects
    }
    pictures: list[dict[str, Any]] = []
    first: dict[str, str] = {}
    for row in sorted(sources.hashes, key=lambda row: row["path"]):
        path, traced = row["path"], mapping.get(row["path"])
        if traced is None:
            left.setdefault(path, _left(path, "rejected", "no row in jpeg_to_tiff.csv; run the match stage again"))
            continue
        if traced["decision"] not in include:
            left[path] = _left(path, traced["decision"], traced["reason"])
            continue
        matched = traced["decision"] == "matched"
        category = labels.get(traced["matched_tiff_path"], {""}) if matched else folders[content_of(row)]
        if len(category) > 1 or category == {""}:
            left[path] = _left(path, "no_single_category", traced["matched_tiff_path"] or "|".join(sorted(category)))
        elif path not in groups:
            left[path] = _left(path, "no_group", "not in groups.csv; deduplicate/rejects.csv may say why")
        elif (kept := first.setdefault(content_of(row), path)) != path:
            left[path] = _left(path, "same_pixels", kept)
        else:
            [name] = category
            original = originals.get(traced["matched_tiff_path"]) if matched else None
            pictures.append(_picture(row, traced, groups[path], name, vocabulary, original, licence))
            named = below.get(traced["matched_tiff_path"], "") if matched else ""
            pictures[-1]["subcategory"] = name if name in vocabulary.above else named
            if not with_originals:
                pictures[-1] |= {"source_file": "", "source_bytes": None}
    return Chosen(
        sorted(pictures, key=lambda picture: picture["path"]),
        [left[path] for path in sorted(left)],
    )


def picture_file(part: str, category: str, label: str, md5: str) -> str:
    """Where a picture is in a release: as every reader of image folders has it."""
    return f"data/{part}/{category}/{label}_{md5}.jpg"


def viewer_rows(pictures: Iterable[PictureRow]) -> dict[str, list[dict[str, Any]]]:
    """By part of the split the rows of its ``metadata.csv`` (``tables.METADATA``).

    Args:
        pictures: rows of the manifest.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for row in pictures:
        shown = {
            "file_name": row["path"].partition(f"data/{row['split']}/")[2],
            "label": row["category"],
            "evidence": row["evidence"] or "none",
            "duplicate_group": f"group {row['duplicate_group']}",
        }
        found.setdefault(row["split"], []).append(
            shown | {name: row[name] for name in ("pixel_size_m", "width", "height")}
        )
    return found


def viewer_file(part: str) -> str:
    """Where the table of a part lies in a release: where Hugging Face's readers of image folders look for it."""
    return f"data/{part}/metadata.csv"


def original_file(category: str, label: str, md5: str) -> str:
    """Where an original is, ``md5`` being its own.

    Not by part of the split: readers that look for ``train`` anywhere would take it for a further picture.
    """
    return f"originals/{category}/{label}_{md5}.tif"


def _left(path: str, reason: str, detail: str) -> dict[str, str]:
    return {"published_path": path, "reason": reason, "detail": detail}


def _originals(sources: ReleaseSources) -> dict[str, PictureRow]:
    bars = {row["path"]: row["bar_top"] for row in sources.originals}
    return {row["path"]: {**row, "bar_top": bars.get(row["path"])} for row in sources.inventory}


def _picture(
    row: PictureRow,
    traced: PictureRow,
    group: PictureRow,
    category: str,
    vocabulary: Vocabulary,
    original: PictureRow | None,
    licence: str,
) -> dict[str, Any]:
    if not re.fullmatch(r"\w[\w-]*", group["split"]):
        raise InputError(f"groups.csv: {row['path']} is in part {group['split']!r}, which cannot be a folder's name")
    label = vocabulary.label(category)
    return {
        "path": picture_file(group["split"], category, label, row["md5"]),
        "md5": row["md5"],
        "bytes": row["bytes"],
        "width": row["width"],
        "height": row["height"],
        "label": label,
        "category": category,
        "split": group["split"],
        "phash": row["phash"],
        "duplicate_group": group["group"],
        "published_path": row["path"],
        "source_path": original["path"] if original else "",
        "source_md5": original["md5"] if original else "",
        "source_file": original_file(category, label, original["md5"]) if original else "",
        "source_sha256": "",
        "source_bytes": original["bytes"] if original else None,
        "decision": traced["decision"],
        "evidence": traced["evidence"] if original else "",
        "pixel_size_m": _pixel_size(row, traced, original) if original else None,
        "licence": licence,
        "top_category": vocabulary.top(category),
        "subcategory": "",
    }


def _pixel_size(row: PictureRow, traced: PictureRow, original: PictureRow) -> float | None:
    """Metres per pixel of the JPEG: its original's, times how much smaller it was made; None where that is not sure."""
    width, height = row["width"], row["height"]
    if traced["place"]:  # it stands on a larger page
        width, height = (int(n) for n in traced["place"].split("+")[0].split("x"))
    if traced["symmetry"].endswith(("90", "270")):
        width, height = height, width
    full, size = original["width"], original["pixel_size_m"]
    if size is None:
        return None
    if traced["scale"] is not None:  # found in another framing: how much smaller it was made is known
        return float(f"{size / traced['scale']:.6g}")
    if traced["crop"]:  # the part that it shows is known
        return float(f"{size * int(traced['crop'].split('x')[0]) / width:.6g}")
    shown = [rows for rows in (original["height"], original["bar_top"]) if rows]
    whole = any(abs(width / height * rows / full - 1) < _SAME_SHAPE for rows in shown)
    return float(f"{size * full / width:.6g}") if whole else None
