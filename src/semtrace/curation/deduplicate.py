"""deduplicate: of patches that are alike by dHash one stays, inside each dataset; what datasets share is reported.

dHash at 12 bits removes near-identical patches only, such as neighbouring sections of one place.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Mapping
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
from semtrace.curation.across import Exemplars, groups, shared_patches
from semtrace.curation.crop import CropInputs, crop_inputs
from semtrace.curation.recut import PatchGroup, PatchSources, group_patches, patches_of
from semtrace.io import tables
from semtrace.io.cache import Cache, Kind
from semtrace.io.columns import Columns, read_columns, take_rows, write_columns
from semtrace.io.digests import md5
from semtrace.io.files import write_atomic
from semtrace.io.images import UnreadableImage
from semtrace.io.staging import scratch_folder, staged_folder
from semtrace.io.volumes.volume import ReadingChoices, UnreadableVolume
from semtrace.parallel.processes import Crashed, available_cores
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure, Reject, why_unreadable, write_rejects
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
    read = {name: read_columns(raw / f"{name}.parquet", contracts.RAW) for name in names}
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
        joined = {name: read[name] | _unpacked(kept, read[name]) for name, kept in known.items() if kept is not None}
        fresh = _join({name: read[name] for name in names if name not in joined}, settings, workers)
        failed = _add_digests(fresh, sources, executor, cache, keys)
        joined = {name: (joined | fresh)[name] for name in names}
        for name, reject in sorted(failed.items()):
            rejects.append(Reject.of(name, "deduplicate", reject))
            del joined[name]
        for name, columns in joined.items():
            write_columns(folder / f"{name}.parquet", columns)
        chosen = _exemplars(joined)
        pairs = [] if settings.across != "report" else shared_patches(chosen, settings.distance, workers)
        tables.write(folder / "across.csv", contracts.ACROSS, pairs)
        counted = {name: _counts(columns) for name, columns in joined.items()}
        parents = {name: parent_name(name, row["roi"]) for name, row in sources.volumes.items() if row["roi"]}
        group = groups({name: counts["exemplars"] for name, counts in counted.items()}, pairs, parents)
        rows: list[dict[str, Any]] = [{"dataset": name, "group": group[name], **counted[name]} for name in joined]
        tables.write(folder / "datasets.csv", contracts.DATASETS, rows)
        _write_file_list(folder, chosen)
        counts = write_rejects(folder, rejects, rows_in=len(listed), rows_out=len(rows))
    sums = Counter[str]()
    for row in rows:
        sums.update({key: int(row[key]) for key in ("patches", "gated", "exemplars")})
    return Summary(len(rows), sums["patches"], sums["gated"], sums["exemplars"], len(pairs), counts)


_DONE = Kind("exemplars", (__name__,))


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


def _packed(columns: Columns) -> dict[str, Any]:
    """The columns that are added to Raw, as the side cache takes them."""
    order = {name: row for row, name in enumerate(columns["name"].tolist())}
    owner = np.array([order.get(name, -1) for name in columns["exemplar"].tolist()], np.int64)
    digests = b"".join(bytes.fromhex(text) for text in columns["md5"].tolist())
    return {
        "owner": owner, "distance": columns["distance"], "members": columns["members"],
        "md5": np.frombuffer(digests, np.uint8),
    }  # fmt: skip


def _unpacked(kept: Mapping[str, Any], raw: Columns) -> Columns:
    owner = np.asarray(kept["owner"])
    exemplar = np.full(len(owner), "", object)
    exemplar[owner >= 0] = raw["name"][owner[owner >= 0]]
    digests = np.full(len(owner), "", object)
    texts = np.asarray(kept["md5"]).tobytes().hex()
    own = np.flatnonzero(owner == np.arange(len(owner)))
    digests[own] = [texts[start : start + 32] for start in range(0, len(texts), 32)]
    distance, members = np.array(kept["distance"]), np.array(kept["members"])
    return {"exemplar": exemplar, "distance": distance, "members": members, "md5": digests}


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


def _add_digests(
    joined: dict[str, Columns], sources: PatchSources, executor: Executor, cache: Cache, keys: Mapping[str, str]
) -> dict[str, Failure]:
    """Fill the column md5 of exemplars; return the datasets whose pixels cannot be read any more, and why.

    A dataset that is done is kept in the cache at once, so that a killed run does not do it again.
    """
    work: list[tuple[str, NDArray[np.int64], PatchGroup]] = []
    failed: dict[str, Failure] = {}
    for name, columns in joined.items():
        rows = np.flatnonzero(_is_exemplar(columns))
        try:
            some = group_patches(name, take_rows(columns, rows), sources, _MEMORY)
        except KeyError:
            failed[name] = Failure("changed", "it is not among the sources any more; run crop again")
            continue
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
        if last[name] == number and name not in failed and name in keys:
            cache.put([(_DONE, keys[name], _packed(joined[name]))])
    return failed


def _seen(group: PatchGroup) -> tuple[str, ...]:
    return (group.source if isinstance(group.source, str) else group.source.path,)


def _digest_group(group: PatchGroup) -> list[str] | Failure:
    try:
        return [md5(patch.tobytes()) for patch in patches_of(group)]
    except (UnreadableVolume, UnreadableImage) as error:
        return Failure(error.reason, error.detail)
    except OSError as error:
        return why_unreadable(error)
    except MemoryError:
        return Failure("out_of_memory", "not enough memory for a block of voxels")


def _exemplars(joined: dict[str, Columns]) -> Exemplars:
    parts = [(name, take_rows(columns, _is_exemplar(columns))) for name, columns in joined.items()]
    text: Any = np.empty(0, object)
    names = np.concatenate([text, *(part["name"] for _, part in parts)])
    datasets = np.concatenate([text, *(np.full(len(part["name"]), name, object) for name, part in parts)])
    md5s = np.concatenate([text, *(part["md5"] for _, part in parts)])
    hashes = [hashes_from_hex(part["dhash"].tolist()) for _, part in parts]
    return Exemplars(names, datasets, md5s, np.concatenate([np.empty(0, np.uint64), *hashes]))


def _counts(columns: Columns) -> dict[str, int]:
    patches, gated = len(columns["name"]), int(np.count_nonzero(columns["gate"] != ""))
    kept = int(np.count_nonzero(_is_exemplar(columns)))
    return {"patches": patches, "gated": gated, "exemplars": kept, "removed": patches - gated - kept}


def _write_file_list(folder: Path, chosen: Exemplars) -> None:
    """Exemplars as a table, and their paths as text of fixed width, which maps into memory without pickle."""
    paths = [f"{dataset}/{name}.tiff" for dataset, name in zip(chosen.datasets, chosen.names, strict=True)]
    values = zip(chosen.names, chosen.datasets, paths, strict=True)
    rows = [dict(zip(contracts.FILE_LIST.names, row, strict=True)) for row in values]
    tables.write(folder / "deduplicated_fpaths.csv", contracts.FILE_LIST, rows)
    stream = io.BytesIO()
    np.save(stream, np.array(sorted(paths) or [""][:0], dtype=np.str_), allow_pickle=False)
    write_atomic(folder / "deduplicated_fpaths.npy", stream.getvalue())
