"""flat: the set of unique images, TIFF and JPEG one to one, with the labels of any number of published sets.

Unique contents in (inventory.csv) = rows out (flat.csv) + rejects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semtrace.discovery import flat_figures, flat_labels
from semtrace.discovery.main_tables import MAIN_CONVERTED, MAIN_GROUPS, MAIN_HASHES, MAIN_INVENTORY, MAIN_JPEG_TO_TIFF
from semtrace.discovery.scale_tables import FLAT, FLAT_COUNTS, FLAT_LABELS, JPEG_ONLY, LABEL_CONFLICTS, SETS
from semtrace.io import tables
from semtrace.io.files import open_regular, write_atomic
from semtrace.io.staging import staged_folder
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.inputs import check_folder
from semtrace.stage.listing import list_inputs
from semtrace.stage.rejects import Reject, write_rejects

_MAGIC = {
    b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "TIFF", b"MM\0+": "TIFF", b"\xff\xd8\xff": "JPG", b"%PDF": "PDF",
    b"BM": "BMP", b"\0\0\0\x03\0": "DM3", b"AT&TFORM": "DJVU",
}  # fmt: skip


@dataclass(frozen=True)
class FlatTables:
    """The tables of the main pipeline that the flat set is made of: files of inventory, convert, deduplicate, match."""

    inventory: Path
    converted: Path
    groups: Path
    jpeg_hashes: Path
    jpeg_to_tiff: Path


@dataclass(frozen=True)
class Summary:
    """What the flat set holds."""

    files: dict[str, int]
    unique_tiffs: int
    images: int
    same_jpeg: int
    labelled: int
    in_conflict: int
    rejects: dict[str, int]


def stage(job: Job) -> Summary:
    """List the unique images of a dataset."""
    tables_read = FlatTables(
        job.result("inventory/inventory.csv"), job.result("convert/converted.csv"),
        job.result("deduplicate/groups.csv"), job.result("fingerprint/jpeg/hashes.csv"),
        job.result("match/jpeg_to_tiff.csv"),
    )  # fmt: skip
    data = job.params.dataset
    sets = {name: Path(folder) for name, folder in data.sets.items()}
    return run(job.archive, tables_read, sets, job.result("flat"), job.executor, exclude=data.exclude)


def run(
    archive: Path, work: FlatTables, sets: Mapping[str, Path], out: Path, executor: Executor, *,
    exclude: Sequence[str] = (),
) -> Summary:  # fmt: skip
    """Write ``flat.csv``, ``counts.csv``, the tables of labels and two figures to the folder ``out``.

    Args:
        archive: folder of the originals, for the count of its files by format.
        work: results of the main pipeline.
        sets: published sets, name to folder: ``Category/file`` or ``Category/Subcategory/file``.
        out: folder to write.
        executor: where files are read.
        exclude: what is left out of archive and sets, see ``list_inputs``.

    Raises:
        InputError: a folder is missing.
        TableError: a stage of the main pipeline has not run.

    """
    check_folder(archive, "archive")
    for name, folder in sets.items():
        check_folder(folder, f"published set {name!r}")
    inventory = tables.read(work.inventory, MAIN_INVENTORY)
    unique = [row for row in inventory if not row["duplicate_of"]]
    converted = {row["path"]: row for row in tables.read(work.converted, MAIN_CONVERTED)}
    groups = {row["md5"]: row["group"] for row in tables.read(work.groups, MAIN_GROUPS) if row["side"] == "tiff"}
    rows, rejects = _flat(unique, converted, groups)
    kept = {row["jpeg_md5"]: row["md5"] for row in rows if not row["left_out_for"]}
    traced = _traced(work, {row["path"]: row["md5"] for row in inventory}, {row["md5"] for row in rows})
    keeper = {row["md5"]: row["left_out_for"] or row["md5"] for row in rows}
    traced = {jpeg: (keeper[tiff], evidence) for jpeg, (tiff, evidence) in traced.items()}
    labels = flat_labels.join_sets(sets, kept, traced, executor.cache, exclude)
    formats = count_formats(archive, exclude)
    with staged_folder(out) as folder:
        tables.write(folder / "flat.csv", FLAT, rows)
        counts = write_rejects(folder, rejects, rows_in=len(unique), rows_out=len(rows))
        tables.write(folder / "counts.csv", FLAT_COUNTS, _counts(formats, inventory, unique, rows, counts), sort=False)
        tables.write(folder / "sets.csv", SETS, labels.sets)
        tables.write(folder / "labels.csv", FLAT_LABELS, labels.labels)
        tables.write(folder / "label_conflicts.csv", LABEL_CONFLICTS, labels.conflicts)
        tables.write(folder / "jpeg_only.csv", JPEG_ONLY, labels.jpeg_only)
        write_atomic(folder / "labels_by_category.png", flat_figures.by_category(labels.labels, labels.jpeg_only))
        write_atomic(folder / "subcategories.png", flat_figures.subcategories(labels.labels))
    removed = sum(bool(row["left_out_for"]) for row in rows)
    return Summary(
        dict(formats), len(unique), len(rows) - removed, removed, len(labels.labels), len(labels.conflicts), counts
    )


def count_formats(archive: Path, exclude: Sequence[str] = ()) -> Counter[str]:
    """Files of the archive by what their first bytes are: TIFF, JPG, PDF, BMP, DM3, DJVU, other."""
    found: Counter[str] = Counter()
    for _, path, _ in list_inputs(archive.resolve(), exclude):
        if path.is_dir():  # left out
            continue
        try:
            with open_regular(path) as file:
                start = file.read(16)
        except OSError:
            start = b""
        found[next((name for magic, name in _MAGIC.items() if start.startswith(magic)), "other")] += 1
    return Counter(dict(sorted(found.items(), key=lambda one: (-one[1], one[0]))))


def _flat(
    unique: Sequence[Mapping[str, Any]], converted: Mapping[str, Mapping[str, Any]], groups: Mapping[str, str]
) -> tuple[list[dict[str, Any]], list[Reject]]:
    """One row a content; of contents with the same JPEG the first by path stays, the others name it."""
    rows, rejects = [], []
    first: dict[str, str] = {}
    for row in sorted(unique, key=lambda row: row["path"]):
        made = converted.get(row["path"])
        if made is None:
            rejects.append(Reject(row["path"], "flat", "not_converted", "convert/rejects.csv says why"))
            continue
        keeper = first.setdefault(made["jpeg_md5"], row["md5"])
        rows.append({
            "md5": row["md5"], "tiff_path": row["path"], "jpeg_md5": made["jpeg_md5"], "width": row["width"],
            "height": row["height"], "duplicate_group": groups.get(row["md5"], ""),
            "left_out_for": "" if keeper == row["md5"] else keeper,
        })  # fmt: skip
    return rows, rejects


def _traced(work: FlatTables, digests: Mapping[str, str], known: set[str]) -> dict[str, tuple[str, str]]:
    """JPEG md5 -> TIFF md5 and the evidence, of published images that the match traced, mostly re-encodings."""
    found = {}
    jpegs = {row["path"]: row["md5"] for row in tables.read(work.jpeg_hashes, MAIN_HASHES)}
    for row in tables.read(work.jpeg_to_tiff, MAIN_JPEG_TO_TIFF):
        digest = digests.get(row["matched_tiff_path"], "")
        if row["decision"] == "matched" and digest in known and row["jpeg_path"] in jpegs:
            found[jpegs[row["jpeg_path"]]] = digest, row["evidence"]
    return found


def _counts(
    formats: Mapping[str, int], inventory: Sequence[Any], unique: Sequence[Any], rows: Sequence[Mapping[str, Any]],
    rejects: Mapping[str, int],
) -> Iterable[dict[str, Any]]:  # fmt: skip
    removed = sum(bool(row["left_out_for"]) for row in rows)
    whole = sum(formats.values())
    yield from ({"what": "files by format", "kind": name, "files": count} for name, count in formats.items())
    for what, kind, count in (
        ("files", "no readable TIFF: inventory/rejects.csv says why", whole - len(inventory)),
        ("readable TIFF files", "", len(inventory)),
        ("removed", "same bytes as another TIFF", len(inventory) - len(unique)),
        ("unique contents", "TIFF", len(unique)),
        *(("rejected", reason, count) for reason, count in rejects.items()),
        ("removed", "same JPEG as another TIFF", removed),
        ("images", "TIFF and JPEG, one to one", len(rows) - removed),
    ):
        yield {"what": what, "kind": kind, "files": count}
