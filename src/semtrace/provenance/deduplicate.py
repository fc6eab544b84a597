"""deduplicate: groups of files that are one picture, or frames of one field, and the part of a split each belongs to.

Nothing is deleted or moved: the table names a keeper for each group and says why a file is in it. Rows in = rows
out (groups.csv) + rejects. Works from hash tables alone where the images are absent.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from semtrace.core.errors import InputError
from semtrace.core.grouping.groups import Link, diameters, group, link_distances, toward
from semtrace.core.grouping.splits import assign
from semtrace.core.tracing.labels import Depth, category_of
from semtrace.io import tables
from semtrace.io.staging import staged_folder
from semtrace.io.verdicts import locate_verdicts
from semtrace.provenance.duplicates.links import Limits, Pool, known_links, make_pool, near_links
from semtrace.provenance.tables import GROUPS, INVENTORY, JPEG_TO_TIFF
from semtrace.provenance.tracing.knowledge import read_knowledge
from semtrace.provenance.tracing.sides import read_rows, to_side
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Reject, write_rejects
from semtrace.stage.settings import REFERENCE_BITS, Bits, Number, Section, Whole

_COLOUR = frozenset({"RGB", "RGBA", "RGBX", "CMYK", "LAB", "YCbCr"})  # Pillow's names, as in the inventory


class Settings(Section, section="deduplicate"):
    """What belongs together, and how it is split (conf/deduplicate/)."""

    scope: Literal["within", "across"]
    radius: Bits
    radius_by_hash: Bits
    max_candidates: Annotated[Whole, Field(ge=1)]
    min_correlation: Annotated[Number, Field(gt=0, le=1)]
    splits: dict[str, Number]
    seed: Whole

    @model_validator(mode="after")
    def _splits_sum_to_1(self) -> Self:
        assign([], [], self.splits, self.seed)
        return self


@dataclass(frozen=True)
class Summary:
    """What was found: files, groups of more than one file, why files are in these, and the size of each part."""

    files: int
    groups: int
    largest: int
    evidence: dict[str, int]
    degenerate: int
    lists_cut: int
    splits: dict[str, int]
    rejects: dict[str, int]


@dataclass(frozen=True)
class File:
    """One file: its content (an index), its row in the hash table, what the inventory says of it."""

    content: int
    side: str
    row: Mapping[str, Any]
    facts: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Relative to the folder of its side."""
        return str(self.row["path"])

    @property
    def preference(self) -> tuple[bool, int, bool, bool, int, str]:
        """Sorts files, the best keeper first.

        An original before a published image; most pixels; as the microscope wrote it, with its pixel size;
        grey, for colour comes from later hands; most bits a sample; first by path.
        """
        pixels = (self.row.get("width") or 0) * (self.row.get("height") or 0)
        depth, colour = self.facts.get("bit_depth") or 0, self.facts.get("mode", "") in _COLOUR
        return self.side != "tiff", -pixels, self.facts.get("pixel_size_m") is None, colour, -depth, self.path


def stage(job: Job) -> Summary:
    """The stage on the dataset's images."""
    return run(
        {side: [job.hashes(side)] for side in ("tiff", "jpeg")}, job.result("deduplicate"), job.params.deduplicate,
        job.executor, roots={"tiff": job.archive, "jpeg": job.published},
        inventory=job.result("inventory/inventory.csv"), mapping=job.result("match/jpeg_to_tiff.csv"),
        verdicts=locate_verdicts(job.verdicts, job.known), depth=job.params.labels.depth,
    )  # fmt: skip


def run(
    hashes: Mapping[str, Sequence[Path]],
    out: Path,
    settings: Settings,
    executor: Executor,
    *,
    roots: Mapping[str, Path] | None = None,
    inventory: Path | None = None,
    mapping: Path | None = None,
    verdicts: Path | None = None,
    depth: Depth = "last",
) -> Summary:
    """Write ``groups.csv`` and ``rejects.csv`` to the folder ``out``.

    Args:
        hashes: hash tables of each side, ``tiff``, ``jpeg`` or both; path and phash are enough.
        out: folder to write.
        settings: what belongs together.
        executor: where to work.
        roots: folder of each side's images; None where they are absent.
        inventory: table of the archive; helps to choose keepers.
        mapping: ``jpeg_to_tiff.csv``; with scope ``across`` a published image belongs to its original.
        verdicts: table of a person's verdicts; it may be missing.
        depth: which folder of a published path is its category, by which the split is drawn.

    Raises:
        InputError: a table is empty, a path comes twice, or the sides hold hashes of different length.

    """
    rows = {side: read_rows(files) for side, files in hashes.items()}
    sides = {side: to_side(rows[side], ", ".join(file.name for file in files)) for side, files in hashes.items()}
    if len({side.bits for side in sides.values()}) > 1:
        raise InputError("the two sides have hashes of different length: fingerprint both with one hash.size")
    pool = make_pool(sides, across=settings.scope == "across")
    knowledge = read_knowledge(None, verdicts)
    known = known_links(pool, _traced(mapping), knowledge)
    scale = next(iter(sides.values())).bits / REFERENCE_BITS
    limits = Limits(
        settings.radius * scale, settings.radius_by_hash * scale, settings.max_candidates, settings.min_correlation
    )
    near, unread, cut = near_links(pool, known, limits, roots, knowledge, executor)
    files = _files(pool, rows, inventory)
    rejects = [
        Reject(file.path, "deduplicate", unread[file.content].reason, unread[file.content].detail)
        for file in files
        if file.content in unread
    ]
    links = [link for link in known + near if unread.keys().isdisjoint((link.first, link.second))]
    found = _rows(pool, [file for file in files if file.content not in unread], links)
    parts = assign(
        [row["group"] for row in found],
        [category_of(row["path"], depth) if row["side"] == "jpeg" else "" for row in found],
        settings.splits,
        settings.seed,
    )
    table = [{**row, "split": part} for row, part in zip(found, parts, strict=True)]
    with staged_folder(out) as folder:
        tables.write(folder / "groups.csv", GROUPS, table)
        counts = write_rejects(folder, rejects, rows_in=len(files), rows_out=len(table))
    return Summary(
        files=len(table),
        groups=sum(row["size"] > 1 and not row["linked_to"] for row in table),
        largest=max((row["size"] for row in table), default=0),
        evidence=dict(sorted(Counter(row["evidence"] for row in table if row["evidence"]).items())),
        degenerate=sum(row["health"] != "ok" for row in table),
        lists_cut=cut,
        splits={name: parts.count(name) for name in settings.splits},
        rejects=counts,
    )


def _traced(mapping: Path | None) -> dict[str, str]:
    if mapping is None:
        return {}
    rows = tables.read(mapping, JPEG_TO_TIFF)
    return {row["jpeg_path"]: row["matched_tiff_path"] for row in rows if row["decision"] == "matched"}


def _files(pool: Pool, rows: Mapping[str, Sequence[Mapping[str, Any]]], inventory: Path | None) -> list[File]:
    facts = {row["path"]: row for row in tables.read(inventory, INVENTORY)} if inventory else {}
    content = {
        (side, path): i
        for i, (one, side) in enumerate(zip(pool.contents, pool.sides, strict=True))
        for path in one.paths
    }
    return [
        File(content[side, row["path"]], side, row, facts.get(row["path"], {}) if side == "tiff" else {})
        for side, its in rows.items()
        for row in its
    ]


def _rows(pool: Pool, files: Sequence[File], links: Sequence[Link]) -> list[dict[str, Any]]:
    """One row per file (GROUPS), without its part of the split."""
    by_content: dict[int, list[File]] = {}
    for file in sorted(files, key=lambda file: file.preference):
        by_content.setdefault(file.content, []).append(file)
    groups = [members for members in group(len(pool.contents), links) if members[0] in by_content]
    number = {member: k for k, members in enumerate(groups) for member in members}
    inside: list[list[Link]] = [[] for _ in groups]
    for one in links:
        inside[number[one.first]].append(one)
    keepers = [min((by_content[i][0] for i in members), key=lambda file: file.preference) for members in groups]
    pairs = [(i, keeper.content) for members, keeper in zip(groups, keepers, strict=True) for i in members]
    to_keeper = dict(zip((i for i, _ in pairs), link_distances(pool.words, pool.owners, pairs).tolist(), strict=True))
    result = []
    for members, its, keeper, diameter in zip(
        groups, inside, keepers, diameters(pool.words, pool.owners, groups).tolist(), strict=True
    ):
        way = toward(keeper.content, its)
        correlations = [link.correlation for _, link in way.values() if link.correlation is not None]
        of_group = {
            "group": _identity(min(pool.contents[i].key for i in members)),
            "size": sum(len(by_content[i]) for i in members),
            "keeper": keeper.path,
            "diameter": diameter,
            "lowest_correlation": min(correlations, default=None),
        }
        for i in members:
            first, *copies = by_content[i]
            to = {**of_group, "keeper_hamming": to_keeper[i]}
            if i == keeper.content:
                row = _row(pool, first)
            else:
                via, link = way[i]
                row = _row(pool, first, by_content[via][0], link)
            rows = [row, *(_row(pool, copy, first, _copy(pool, copy, first)) for copy in copies)]
            result += [{**row, **to} for row in rows]
    return result


def _row(pool: Pool, file: File, linked_to: File | None = None, link: Link | None = None) -> dict[str, Any]:
    return {
        "path": file.path,
        "side": file.side,
        "md5": file.row.get("md5", ""),
        "linked_to": linked_to.path if linked_to else "",
        "evidence": link.evidence if link else "",
        "hamming": link.hamming if link else None,
        "correlation": link.correlation if link else None,
        "drift": link.drift if link else None,
        "health": "ok" if pool.healthy[file.content] else "degenerate",
    }


def _copy(pool: Pool, file: File, first: File) -> Link:
    """The link between two files of one content."""
    if file.row.get("md5") and file.row["md5"] == first.row["md5"]:
        return Link(file.content, file.content, "identical_bytes", 0)
    known = pool.contents[file.content].picture
    return Link(file.content, file.content, "identical_pixels" if known else "hamming", 0)


def _identity(content: str) -> str:
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()
