"""A person's pixel sizes by content: read strictly, written under a lock, each change kept in a history."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from semtrace.discovery.scale_tables import CORRECTIONS
from semtrace.io import tables
from semtrace.io.staging import locked

CORRECTIONS_FILE, CORRECTIONS_HISTORY = "scale.csv", "scale_history.jsonl"
"""In the folder ``dataset.verdicts``: one row a content, and a line for each change."""
_SMALLEST, _LARGEST = 1e-13, 1e-2  # metres a pixel


def read_corrections(file: Path | None) -> dict[str, tuple[float, str]]:
    """A person's pixel size in metres and name by md5; empty where there is no file.

    Raises:
        TableError: a row is no md5 with a pixel size, or a content comes twice.

    """
    return {row["md5"]: (row["pixel_size_m"], row["who"]) for row in _rows(file)}


def ensure_corrections(folder: Path) -> None:
    """Make an empty table where there is none: DVC stops at a dependency that is not there."""
    if not (folder / CORRECTIONS_FILE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        tables.write(folder / CORRECTIONS_FILE, CORRECTIONS, [])


def record_correction(folder: Path, digest: str, size: float | None, who: str, now: datetime | None = None) -> bool:
    """Give a content its pixel size, or take its row away; what others wrote meanwhile stays.

    Args:
        folder: ``dataset.verdicts``; made where it is not there.
        digest: md5 of the image's bytes.
        size: metres a pixel; None: the row goes.
        who: says so.
        now: the time of the row; None: the clock's.

    Returns:
        Whether anything changed.

    Raises:
        ValueError: no md5, or no pixel size of an electron microscope.
        TableError: the table on the disk is malformed; it is not touched.
        OSError: no room or no permission; the table is not changed.

    """
    digest = digest.lower()
    if not _is_digest(digest):
        raise ValueError(f"{digest!r} is no md5 of 32 hexadecimal digits")
    if size is not None and not _SMALLEST < size < _LARGEST:
        raise ValueError(f"{size:g} m is no pixel size; it must be between {_SMALLEST:g} and {_LARGEST:g} m")
    stamp = (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        rows = {row["md5"]: row for row in _rows(folder / CORRECTIONS_FILE)}
        before = rows.pop(digest, None)
        if (before["pixel_size_m"] if before else None) == size:
            return False
        after = None if size is None else {"md5": digest, "pixel_size_m": size, "who": who, "when": stamp}
        line = {"when": stamp, "who": who, "subject": f"scale {digest}", "before": before, "after": after}
        with (folder / CORRECTIONS_HISTORY).open("a", encoding="utf-8") as history:
            history.write(json.dumps(line, ensure_ascii=False) + "\n")
            history.flush()
            os.fsync(history.fileno())
        tables.write(folder / CORRECTIONS_FILE, CORRECTIONS, [*rows.values(), *([after] if after else [])])
    return True


def _rows(file: Path | None) -> list[dict[str, Any]]:
    if file is None or not file.is_file():
        return []
    found: dict[str, dict[str, Any]] = {}
    for line, row in tables.read_own(file, CORRECTIONS):
        digest, size = row["md5"].lower(), row["pixel_size_m"] or 0.0
        if not _is_digest(digest) or not _SMALLEST < size < _LARGEST:
            raise tables.TableError(f"{file}: line {line}: needs an md5 of 32 hex digits and a pixel size in metres")
        if digest in found:
            raise tables.TableError(f"{file}: line {line} speaks of {digest} a second time; keep one")
        found[digest] = {**row, "md5": digest}
    return list(found.values())


def _is_digest(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{32}", text) is not None
