"""What a person said of patches, by the md5 of their pixels: it holds whatever they are called."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from semtrace.core.errors import InputError
from semtrace.curation.tables import PATCH_LABELS
from semtrace.io import tables
from semtrace.io.staging import locked

WORDS = ("informative", "uninformative", "unsure")
HISTORY_NAME = "history.jsonl"
PatchRow = Mapping[str, str]
LabelOrigin = Literal["page", "undo", "import"]


def read_patch_labels(folder: Path) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The rows of ``patches.csv`` in a folder by md5, and what is wrong with others, in words; both may be empty.

    Raises:
        TableError: it is no such table.
    """
    file = folder / PATCH_LABELS.name
    if not file.is_file():
        return {}, []
    rows: dict[str, dict[str, str]] = {}
    wrong = []
    for line, row in tables.read_own(file, PATCH_LABELS):
        if row["label"] in WORDS:
            rows[row["md5"].lower()] = dict(row)
        else:
            wrong.append(f"{file}: line {line}: label {row['label']!r} is none of {', '.join(WORDS)}; it is not used")
    return rows, wrong


def write_patch_labels(
    folder: Path, changes: Mapping[str, PatchRow | None], *, who: str, origin: LabelOrigin, now: datetime | None = None
) -> None:
    """Replace rows (None: take one away), and append each change to ``history.jsonl``; both are on the disk after.

    Rows with an unknown word stay as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file, history = folder / PATCH_LABELS.name, folder / HISTORY_NAME
    stamp = (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    with locked(folder):
        rows = (
            {row["md5"].lower(): dict(row) for _, row in tables.read_own(file, PATCH_LABELS)} if file.exists() else {}
        )
        lines = []
        for digest, row in changes.items():
            before = rows.pop(digest, None)
            if row is not None:
                rows[digest] = {"md5": digest, "who": who, "when": stamp, **row}
            change = {"when": stamp, "who": who, "origin": origin, "md5": digest, "before": before}
            lines.append(json.dumps(change | {"after": rows.get(digest)}, ensure_ascii=False) + "\n")
        with history.open("a", encoding="utf-8") as stream:
            stream.writelines(lines)
        tables.write(file, PATCH_LABELS, rows.values())


def import_labels(names: Path, labels: Path, known: Mapping[str, str]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Labels of the two arrays that the published notebook saves, by md5; and names that no patch has.

    Args:
        names: .npy of text, the paths or names of patches.
        labels: .npy of text as long: good or informative, bad or uninformative, none.
        known: name of a patch -> md5 of its pixels.

    Raises:
        InputError: a file is none of these arrays, or they have different lengths, or a word is unknown.
    """
    said = {"good": "informative", "bad": "uninformative", "none": "", "": "", "unlabeled": ""} | dict(
        zip(WORDS, WORDS, strict=True)
    )
    texts = []
    for file in (names, labels):
        texts.append(_texts(file))
    if len(texts[0]) != len(texts[1]):
        raise InputError(f"{labels}: {len(texts[1])} labels for {len(texts[0])} names in {names}")
    rows: dict[str, dict[str, str]] = {}
    unknown = []
    for path, word in zip(*texts, strict=True):
        if (label := said.get(word.strip().lower())) is None:
            raise InputError(f"{labels}: {word!r} is no label; known are {', '.join(sorted(said))}")
        name = path.rpartition("/")[2].removesuffix(".tiff").removesuffix(".tif")
        if not label:
            continue
        if name not in known:
            unknown.append(name)
            continue
        rows[known[name]] = {"label": label, "name": name}
    return rows, unknown


def _texts(file: Path) -> list[str]:
    import numpy as np

    try:
        array = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{file}: not an array of text without pickle ({error}); save it with dtype str") from error
    if array.ndim != 1 or array.dtype.kind != "U":
        raise InputError(f"{file}: {array.dtype} {array.shape}; one column of text is expected")
    return [str(text) for text in array]


def counted(rows: Iterable[Mapping[str, str]]) -> dict[str, int]:
    """How many rows have each label."""
    found = dict.fromkeys(WORDS, 0)
    for row in rows:
        found[row["label"]] += 1
    return found
