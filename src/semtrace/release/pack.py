"""pack: a release as one BagIt bag to deposit, or as WebDataset shards to train from; tar files, byte for byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from semtrace.core.errors import InputError
from semtrace.io import tables
from semtrace.io.files import safe_join
from semtrace.io.staging import staged_folder
from semtrace.io.tar import ChangedMemberError, Member, write_tar
from semtrace.release import verify
from semtrace.release.build import SUMS
from semtrace.release.card import header
from semtrace.release.patch_shards import holds_patches, patch_members, patch_rows
from semtrace.release.tables import FIRST_COLUMNS, MANIFEST


def bag(release: Path, out: Path) -> str:
    """Write ``<out>/<release>.bag.tar``: BagIt 1.0 (RFC 8493) with the whole release as its payload.

    Its payload manifest is SHA256SUMS; each file is checked against it while it is packed.

    Raises:
        InputError: the release is not as it was made.

    """
    _check(release)
    name, sums = f"{release.resolve().name}.bag", verify.sums(release)
    sums[SUMS] = hashlib.sha256((release / SUMS).read_bytes()).hexdigest()
    total = sum(safe_join(release, path).stat().st_size for path in sums)
    card = header((release / "README.md").read_text(encoding="utf-8"))
    info = {
        "External-Identifier": release.resolve().name,
        "External-Description": " ".join(str(card["pretty_name"]).split()),
        "Payload-Oxum": f"{total}.{len(sums)}",
    }
    tags = {
        "bagit.txt": "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": "".join(f"{key}: {value}\n" for key, value in info.items()),
        "manifest-sha256.txt": "".join(f"{sums[path]}  data/{path}\n" for path in sorted(sums)),
    }
    listed = {tag: hashlib.sha256(text.encode()).hexdigest() for tag, text in tags.items()}
    tags["tagmanifest-sha256.txt"] = "".join(f"{listed[tag]}  {tag}\n" for tag in sorted(listed))
    members: list[Member] = [(f"{name}/{tag}", text.encode(), "") for tag, text in tags.items()]
    members += [(f"{name}/data/{path}", safe_join(release, path), sums[path]) for path in sorted(sums)]
    _write(out / f"{name}.tar", members)
    return f"{out / name}.tar, {len(sums)} files"


def shards(release: Path, out: Path, shard_mb: int) -> str:
    """Write ``<out>/<release>.shards/<part>-<nnnnnn>.tar``: for each picture its JPEG, ``.cls`` and ``.json``.

    ``.cls`` is n of the label L<n>, ``.json`` the row of the manifest. Pictures come in the order of their md5, so that
    the categories are mixed. Of a patch there are its TIFF and ``.json``, its row of filtered.csv.

    Args:
        release: the folder.
        out: folder to write to.
        shard_mb: a shard is closed when the next picture would make it larger than this, in 10^6 bytes.

    Raises:
        InputError: the release is not as it was made, or the shards exist.

    """
    _check(release)
    if shard_mb < 1:
        raise InputError(f"--shard-mb {shard_mb}: a shard has at least 1 MB")
    target = out / f"{release.resolve().name}.shards"
    of_patches = holds_patches(release)
    if of_patches:
        rows, sample = patch_rows(release, verify.sums(release)), patch_members
    else:
        rows, sample = tables.read(release / "manifest.csv", MANIFEST, required=FIRST_COLUMNS), _sample
    written = 0
    with staged_folder(target) as folder:
        if target.exists():
            raise InputError(f"{target}: exists already; nothing is overwritten")
        for part in sorted({row["split"] for row in rows}):
            its = sorted((row for row in rows if row["split"] == part), key=lambda row: row["md5"])
            for number, chunk in enumerate(_chunks(its, shard_mb * 1_000_000)):
                _write(folder / f"{part}-{number:06}.tar", (one for row in chunk for one in sample(release, row)))
                written += 1
    return f"{target}, {written} shards, {len(rows)} {'patches' if of_patches else 'pictures'}"


def _check(release: Path) -> None:
    found = verify.run(release, full=False, workers=1)
    if found:
        raise InputError(
            f"{release}: not as it was released, `semtrace verify` says how: {found[0].kind} {found[0].path}"
        )
    if other := verify.renamed(release):
        raise InputError(
            f"{release}: {len(other)} names came back in another Unicode form; pack the folder as released"
        )


def _write(target: Path, members: Iterable[Member]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_tar(target, members)
    except ChangedMemberError as error:
        raise InputError(f"{error}; `semtrace verify --full` lists all that is not") from error


def _chunks(rows: Sequence[dict[str, Any]], most: int) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        if chunk and size + row["bytes"] > most:
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += row["bytes"]
    if chunk:
        yield chunk


def _sample(release: Path, row: dict[str, Any]) -> Iterator[Member]:
    yield f"{row['md5']}.jpg", safe_join(release, row["path"]), row["sha256"]
    yield f"{row['md5']}.cls", row["label"].removeprefix("L").encode(), ""
    cells = {name: tables.as_cell(value) for name, value in row.items()}
    yield f"{row['md5']}.json", json.dumps(cells, ensure_ascii=False, indent=1).encode(), ""
