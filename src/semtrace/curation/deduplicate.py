"""deduplicate: of patches that are alike by dHash one stays, inside each dataset; what datasets share is reported.

dHash at 12 bits removes near-identical patches only, such as neighbouring sections of one place.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from semtrace.core.grouping.exemplars import exemplars
from semtrace.core.hashing.patch_hash import hashes_from_hex
from semtrace.core.volume.sample import parent_name
from semtrace.curation import tables as contracts
from semtrace.curation.across import Exemplars, groups, shared_patches, shared_rows
from semtrace.curation.crop import CropInputs, crop_inputs
from semtrace.curation.recut import PatchGroup, PatchSources, group_patches, patches_or_failure
from semtrace.io import tables
from semtrace.io.cache import Cache, Kind
from semtrace.io.columns import Columns, columns_as_parquet, read_columns, take_rows
from semtrace.io.digests import md5
from semtrace.io.files import write_atomic
from semtrace.io.staging import scratch_folder, staged_folder
from semtrace.io.volumes.volume import ReadingChoices
from semtrace.parallel.processes import Crashed, available_cores
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure, Reject, write_rejects
from semtrace.stage.settings import Section, Whole

_MEMORY = 256 * 10**6


class Settings(Section, section="curation.deduplicate"):
    """Which patches are alike, and which of them stays (conf/curation/deduplicate).

    Attributes:
        distance: patches alike differ in at most so many of the 64 bits of their dHash.
        order: who becomes an exemplar first: ``sharpest`` (most structure above noise), ``first`` (by name) or
            ``seeded`` (by chance).
        seed: of that chance.
        across: what datasets share: ``report`` it, ``remove`` what an earlier dataset (by name) has, or ``off``.
    """

    distance: Annotated[Whole, Field(ge=0, le=64)] = 12
    order: Literal["sharpest", "first", "seeded"] = "sharpest"
    seed: Annotated[Whole, Field(ge=0)] = 0
    across: Literal["report", "remove", "off"] = "report"


@dataclass(frozen=True)
class Summary:
    """What stays."""

    datasets: int
    patches: int
    gated: int
    exemplars: int
    shared: int
    rejects: dict[str, int]


def stage(job: Job) -> Summary:
    """Keep one of patches that are alike."""
    reading, folders = job.params.import_volumes.reading(), (job.result("raw"), job.result("deduplicated"))
    return run(folders[0], crop_inputs(job), folders[1], job.params.deduplicate, reading, job.executor)


def run(
    raw: Path, inputs: CropInputs, out: Path, settings: Settings, reading: ReadingChoices, executor: Executor
) -> Summary:
    """Write the *Deduplicated* dataset to the folder ``out``.

    ``<dataset>.parquet`` has each row of Raw with its exemplar, ``deduplicated_fpaths.csv`` and ``.npy`` one row for
    each exemplar, ``across.csv`` what datasets share, ``datasets.csv`` the counts and the group that no split may part.

    Args:
        raw: folder of the crop stage.
        inputs: where the pixels are.
        out: folder to write.
        settings: what is alike.
        reading: how volumes are read, as at import.
        executor: where to work.
    """
    listed = tables.read(raw / "datasets.csv", contracts.CROPPED)
    names = sorted(row["dataset"] for row in listed)
    workers = executor.workers or available_cores()
    rejects: list[Reject] = []
    with (
        staged_folder(out) as folder,
        scratch_folder(out.with_name(f".{out.name}.scratch")) as scratch,
        Cache(executor.cache) as cache,
    ):
        sources = PatchSources(inputs.root, inputs.imported, inputs.cleaned, reading, scratch)
        keys = _keys(raw, names, sources, settings)
        known = dict(zip(keys, cache.get_many(_DONE, list(keys.values())), strict=True))
        done = {name: kept for name, kept in known.items() if kept is not None}
        read = {name: read_columns(raw / f"{name}.parquet", contracts.RAW) for name in names if name not in done}
        fresh, failed = _with_digests(_join(read, settings, workers), sources, executor, cache, keys)
        done |= fresh
        rejects += [Reject.of(name, "deduplicate", reject) for name, reject in sorted(failed.items())]
        names = [name for name in names if name not in failed]
        for name in names:
            write_atomic(folder / f"{name}.parquet", np.asarray(done[name]["table"]).tobytes())
        chosen = _exemplars([done[name] for name in names])
        shared = shared_patches(chosen, settings.distance, workers) if settings.across == "report" else None
        tables.write(folder / "across.csv", contracts.ACROSS, shared_rows(chosen, shared) if shared else [])
        parents = {name: parent_name(name, row["roi"]) for name, row in sources.volumes.items() if row["roi"]}
        group = groups(names, chosen, shared, parents)
        rows = [{"dataset": name, "group": group[name], **_counts(done[name])} for name in names]
        tables.write(folder / "datasets.csv", contracts.DATASETS, rows)
        _write_file_list(folder, names, chosen)
        counts = write_rejects(folder, rejects, rows_in=len(listed), rows_out=len(rows))
    sums = Counter[str]()
    for row in rows:
        sums.update({key: int(row[key]) for key in ("patches", "gated", "exemplars")})
    pairs = len(shared.same_pixels) if shared else 0
    return Summary(len(rows), sums["patches"], sums["gated"], sums["exemplars"], pairs, counts)


_DONE = Kind("exemplars", (__name__,))
_BETWEEN = "\0"  # in no name of a file


def _keys(raw: Path, names: list[str], sources: PatchSources, settings: Settings) -> dict[str, str]:
    """Dataset -> digest of all that its rows follow from; none where datasets take patches from each other."""
    if settings.across == "remove":
        return {}
    chosen = f"{settings.distance} {settings.order} {settings.seed}"
    found = {}
    for name in names:
        if name in sources.volumes or name in sources.images:
            table = md5((raw / f"{name}.parquet").read_bytes())
            found[name] = md5(f"{table} {chosen} {name} {sources.identity(name)}".encode())
    return found


def _finished(columns: Columns) -> dict[str, Any]:
    """A dataset that is done, as the side cache takes it: the bytes of its table, its exemplars, its counts."""
    kept = take_rows(columns, _is_exemplar(columns))
    digests = np.frombuffer(b"".join(bytes.fromhex(text) for text in kept["md5"].tolist()), np.uint64)
    return {
        "table": np.frombuffer(columns_as_parquet(columns), np.uint8),
        "names": np.frombuffer(_BETWEEN.join(kept["name"].tolist()).encode(), np.uint8),
        "hashes": hashes_from_hex(kept["dhash"].tolist()).astype(np.uint64), "digests": digests.reshape(-1, 2),
        "patches": len(columns["name"]), "gated": int(np.count_nonzero(columns["gate"] != "")),
    }  # fmt: skip


def _join(read: dict[str, Columns], settings: Settings, workers: int) -> dict[str, Columns]:
    """Give each row its exemplar: within its dataset, or over all datasets one after the other."""
    order = {name: _order(name, columns, settings) for name, columns in read.items()}
    together = [list(read)] if settings.across == "remove" else [[name] for name in read]
    for names in together:
        words = [hashes_from_hex(read[name]["dhash"][order[name]].tolist()) for name in names]
        labels = [read[name]["name"][order[name]] for name in names]
        if not names:
            continue
        every = np.concatenate(labels)
        owner, apart = exemplars(np.concatenate(words).astype(np.uint64), settings.distance, workers=workers)
        members = np.bincount(owner, minlength=len(every))
        start = 0
        for name in names:
            rows, size = order[name], len(read[name]["name"])
            part = slice(start, start + len(rows))
            start += len(rows)
            added = {
                "exemplar": np.full(size, "", object), "distance": np.full(size, -1, np.int16),
                "members": np.zeros(size, np.int64), "md5": np.full(size, "", object),
            }  # fmt: skip
            added["exemplar"][rows] = every[owner[part]]
            added["distance"][rows] = apart[part]
            own = owner[part] == np.arange(part.start, part.stop)
            added["members"][rows] = np.where(own, members[part], 0)
            read[name] = read[name] | added
    return read


def _order(dataset: str, columns: Columns, settings: Settings) -> NDArray[np.int64]:
    """Numbers of the rows that the gate lets pass, in the order in which they may become exemplars."""
    rows = np.flatnonzero(columns["gate"] == "")
    if settings.order == "sharpest":  # tables are sorted by name, and this sort is stable
        return rows[np.argsort(-columns["structure"][rows], kind="stable")]
    if settings.order == "first":
        return rows
    digest = hashlib.md5(f"{settings.seed} {dataset}".encode(), usedforsecurity=False).digest()
    return rows[np.random.default_rng(int.from_bytes(digest, "little")).permutation(len(rows))]


def _is_exemplar(columns: Columns) -> NDArray[np.bool_]:
    return np.asarray(columns["exemplar"] == columns["name"])


def _with_digests(
    joined: dict[str, Columns], sources: PatchSources, executor: Executor, cache: Cache, keys: Mapping[str, str]
) -> tuple[dict[str, dict[str, Any]], dict[str, Failure]]:
    """Fill the column md5 of exemplars; datasets that are done, and those whose pixels cannot be read, and why.

    A dataset that is done is kept in the cache at once, so that a killed run does not do it again.
    """
    work: list[tuple[str, NDArray[np.int64], PatchGroup]] = []
    done: dict[str, dict[str, Any]] = {}
    failed: dict[str, Failure] = {}
    for name, columns in joined.items():
        rows = np.flatnonzero(_is_exemplar(columns))
        try:
            some = group_patches(name, take_rows(columns, rows), sources, _MEMORY)
        except KeyError:
            failed[name] = Failure("changed", "it is not among the sources any more; run crop again")
            continue
        if not some:  # all of it is gated, or an earlier dataset has it
            done[name] = _finished(columns)
            cache.put([(_DONE, keys[name], done[name])] if name in keys else [])
        work += [(name, rows[group.rows], group) for group in some]
    found = executor.map(_digest_group, [group for *_, group in work], what="deduplicate", reads=_seen, chunk=1)
    last = {name: number for number, (name, *_) in enumerate(work)}
    for number, ((name, rows, _), result) in enumerate(zip(work, found, strict=True)):
        if isinstance(result, Crashed):
            failed[name] = Failure("decoder_crashed", result.detail)
        elif isinstance(result, Failure):
            failed[name] = result
        else:
            joined[name]["md5"][rows] = result
        if last[name] == number and name not in failed:
            done[name] = _finished(joined[name])
            cache.put([(_DONE, keys[name], done[name])] if name in keys else [])
    return done, failed


def _seen(group: PatchGroup) -> tuple[str, ...]:
    return (group.source if isinstance(group.source, str) else group.source.path,)


def _digest_group(group: PatchGroup) -> list[str] | Failure:
    patches = patches_or_failure(group)
    return patches if isinstance(patches, Failure) else [md5(patch.tobytes()) for patch in patches]


def _exemplars(done: Sequence[Mapping[str, Any]]) -> Exemplars:
    texts = [np.asarray(one["names"]).tobytes().decode() for one in done]
    names = np.array([name for text in texts if text for name in text.split(_BETWEEN)], object)
    datasets = np.repeat(np.arange(len(done)), [len(one["hashes"]) for one in done]).astype(np.int64)
    digests = np.concatenate([np.empty((0, 2), np.uint64), *(one["digests"] for one in done)])
    hashes = np.concatenate([np.empty(0, np.uint64), *(one["hashes"] for one in done)])
    return Exemplars(names, datasets, digests, hashes)


def _counts(done: Mapping[str, Any]) -> dict[str, int]:
    patches, gated, kept = int(done["patches"]), int(done["gated"]), len(done["hashes"])
    return {"patches": patches, "gated": gated, "exemplars": kept, "removed": patches - gated - kept}


def _write_file_list(folder: Path, datasets: Sequence[str], chosen: Exemplars) -> None:
    """Exemplars as a table, and their paths as text of fixed width, which maps into memory without pickle."""
    rows = [
        {"name": name, "dataset": datasets[number], "path": f"{datasets[number]}/{name}.tiff"}
        for name, number in zip(chosen.names.tolist(), chosen.datasets.tolist(), strict=True)
    ]
    tables.write(folder / "deduplicated_fpaths.csv", contracts.FILE_LIST, rows)
    stream = io.BytesIO()
    paths = sorted(row["path"] for row in rows)
    np.save(stream, np.array(paths or [""][:0], dtype=np.str_), allow_pickle=False)
    write_atomic(folder / "deduplicated_fpaths.npy", stream.getvalue())
