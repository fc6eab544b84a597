"""Patches as files: a TIFF of each, its hash beside it as the published scripts have it, or shards for WebDataset."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray

from semtrace.core.hashing.patch_hash import hashes_from_hex
from semtrace.curation.recut import PatchGroup, PatchSources, group_patches, patches_of, patches_or_failure
from semtrace.io.columns import Columns
from semtrace.io.files import safe_join, write_staged
from semtrace.io.tar import write_tar
from semtrace.parallel.processes import Crashed
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure

PATCHES_FOLDER = "patches"
_SHARD = 10_000
_MEMORY = 256 * 10**6


def patch_tiff(patch: NDArray[np.uint8]) -> bytes:
    """A patch, shape (H, W), as the bytes of an 8-bit grey TIFF."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, patch, photometric="minisblack", metadata=None)
    return stream.getvalue()


def hash_bits(dhash: str) -> NDArray[np.bool_]:
    """16 hex digits as the array of 8 x 8 bits that ``imagehash.dhash(…).hash`` is."""
    return np.unpackbits(hashes_from_hex([dhash]).astype(">u8").view(np.uint8)).reshape(8, 8).astype(np.bool_)


def encoded_patches(tables: Mapping[str, Columns], sources: PatchSources) -> Iterator[tuple[str, str, bytes]]:
    """Dataset, name and TIFF of each patch of some tables."""
    for dataset, columns in tables.items():
        for group in group_patches(dataset, columns, sources, _MEMORY):
            for number, patch in zip(group.rows, patches_of(group), strict=True):
                yield dataset, columns["name"][number], patch_tiff(patch)


def write_patch_files(folder: Path, tables: Mapping[str, Columns], sources: PatchSources) -> dict[str, str]:
    """Write ``patches/<dataset>/<name>.tiff``; patch -> path relative to ``folder``."""
    paths = {}
    for dataset, name, data in encoded_patches(tables, sources):
        paths[name] = f"{PATCHES_FOLDER}/{dataset}/{name}.tiff"
        target = safe_join(folder, paths[name])
        target.parent.mkdir(parents=True, exist_ok=True)
        write_staged(target, data)
    return paths


def write_shards(folder: Path, tables: Mapping[str, Columns], sources: PatchSources) -> dict[str, str]:
    """Write shards of WebDataset: of each patch a picture and its facts, under one number; patch -> its path."""
    paths: dict[str, str] = {}
    encoded = enumerate(encoded_patches(tables, sources))
    count = sum(len(columns["name"]) for columns in tables.values())
    for start in range(0, count, _SHARD):
        shard = f"{PATCHES_FOLDER}/{start // _SHARD:06}.tar"

        def members(shard: str = shard, stop: int = min(start + _SHARD, count)) -> Iterator[tuple[str, bytes, str]]:
            while len(paths) < stop:
                number, (dataset, name, data) = next(encoded)
                facts = json.dumps({"name": name, "dataset": dataset}, ensure_ascii=False).encode()
                paths[name] = f"{shard}/{number:09}.tiff"
                yield f"{number:09}.tiff", data, ""
                yield f"{number:09}.json", facts, ""

        write_tar(folder / shard, members())
    return paths


class _PairTask(NamedTuple):
    """Patches that are read together, with their names and hashes."""

    group: PatchGroup
    names: list[str]
    hashes: list[str]
    folder: str


def write_pairs(
    folder: Path, tables: Mapping[str, Columns], sources: PatchSources, executor: Executor
) -> dict[str, Failure]:
    """Write ``patches/<dataset>/<name>.tiff`` and ``.npy``, as the published scripts do; datasets that could not be.

    The ``.npy`` is the hash as 8 x 8 truth values.
    """
    tasks, owners = [], []
    for dataset, columns in tables.items():
        target = safe_join(folder, f"{PATCHES_FOLDER}/{dataset}")
        target.mkdir(parents=True, exist_ok=True)
        for group in group_patches(dataset, columns, sources, _MEMORY):
            names, hashes = columns["name"][group.rows].tolist(), columns["dhash"][group.rows].tolist()
            tasks.append(_PairTask(group, names, hashes, str(target)))
            owners.append(dataset)
    done = executor.map(_write_pairs, tasks, what="crop: files", reads=partial(_seen, str(folder)), chunk=1)
    failed: dict[str, Failure] = {}
    for dataset, result in zip(owners, done, strict=True):
        if isinstance(result, Crashed):
            failed[dataset] = Failure("decoder_crashed", result.detail)
        elif result is not None:
            failed[dataset] = result
    return failed


def _seen(folder: str, task: _PairTask) -> tuple[str, ...]:
    source: Any = task.group.source
    return (source if isinstance(source, str) else source.path, folder)


def _write_pairs(task: _PairTask) -> Failure | None:
    patches = patches_or_failure(task.group)
    if isinstance(patches, Failure):
        return patches
    for name, dhash, patch in zip(task.names, task.hashes, patches, strict=True):
        write_staged(Path(task.folder, f"{name}.tiff"), patch_tiff(patch))
        stream = io.BytesIO()
        np.save(stream, hash_bits(dhash), allow_pickle=False)
        write_staged(Path(task.folder, f"{name}.npy"), stream.getvalue())
    return None
