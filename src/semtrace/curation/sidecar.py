"""The optional table datasets.csv beside volumes or images, where a person says their licence and experiment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from semtrace.core.errors import InputError
from semtrace.curation.tables import SIDECAR
from semtrace.io import tables

SIDECAR_NAME = SIDECAR.name
UNSAID: Mapping[str, str] = {"licence": "", "experiment": ""}
"""What is known of a volume, or a folder of images, that the table does not name."""


def read_licences(root: Path, paths: Collection[str]) -> dict[str, dict[str, str]]:
    """Path relative to ``root`` -> licence and experiment; empty where there is no table.

    Args:
        root: folder of volumes or of images.
        paths: what lies in it: volumes, or folders of images, of which the root is ``.``.

    Raises:
        InputError: the table names something else.
    """
    file = root / SIDECAR_NAME
    if not file.is_file():
        return {}
    rows = {row["path"]: row for _, row in tables.read_own(file, SIDECAR)}
    unknown = sorted(set(rows) - set(paths))
    if unknown:
        raise InputError(f"{file}: {unknown[0]!r} is not here; paths are relative to the folder of this table")
    return {path: {name: row[name] for name in UNSAID} for path, row in rows.items()}
