"""Patches of a release of the *Filtered* dataset as samples of WebDataset: of each its TIFF and its row."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from semtrace.curation.tables import FILTERED
from semtrace.io import tables
from semtrace.io.files import open_plain, safe_join
from semtrace.io.patches import file_and_member
from semtrace.io.tar import Member


def holds_patches(release: Path) -> bool:
    """Whether a folder is a release of patches, not of labelled pictures."""
    return (release / FILTERED.name).is_file()


def patch_rows(release: Path, sums: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows of filtered.csv by md5 and name, with a key that no other has, and where the TIFF lies.

    Further keys: ``key``, ``file`` (below the release), ``sha256`` of that file, ``start`` (its first byte in the file;
    None: the file is the TIFF) and ``bytes``. ``sums`` are the digests that the release promises.
    """
    rows = tables.read(release / FILTERED.name, FILTERED)
    shards: dict[str, dict[str, tarfile.TarInfo]] = {}
    seen = Counter[str]()
    found = []
    for row in sorted(rows, key=lambda row: (row["md5"], row["name"])):
        file, member = file_and_member(row["path"])
        path = safe_join(release, file)
        size, start = path.stat().st_size, None
        if member:
            if file not in shards:
                with tarfile.open(path) as tar:
                    shards[file] = {one.name: one for one in tar}
            size, start = shards[file][member].size, shards[file][member].offset_data
        seen[row["md5"]] += 1
        key = row["md5"] if seen[row["md5"]] == 1 else f"{row['md5']}-{seen[row['md5']]}"
        found.append(row | {"key": key, "file": file, "sha256": sums[file], "start": start, "bytes": size})
    return found


def patch_members(release: Path, row: dict[str, Any]) -> Iterator[Member]:
    """The files of one patch: its TIFF, and its row of filtered.csv as JSON."""
    path = safe_join(release, row["file"])
    if row["start"] is None:
        yield f"{row['key']}.tiff", path, row["sha256"]
    else:
        with open_plain(path) as shard:  # compared with its digest just now, as every file of such a release
            shard.seek(row["start"])
            yield f"{row['key']}.tiff", shard.read(row["bytes"]), ""
    cells = {name: tables.as_cell(row[name]) for name in FILTERED.names}
    yield f"{row['key']}.json", json.dumps(cells, ensure_ascii=False, indent=1).encode(), ""
