"""release: make the folder that others cite, verify, fetch and compare years later; whole, or not at all."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semtrace.core.errors import InputError
from semtrace.core.tracing.labels import Vocabulary
from semtrace.io import tables
from semtrace.io.files import place, sha256, walk, write_atomic
from semtrace.io.project_state import Checkout
from semtrace.io.schema import Table
from semtrace.io.staging import staged_folder
from semtrace.provenance.tables import CONFLICTS, GROUPS, JPEG_TO_TIFF, LABELS, TIFF_TO_JPEG
from semtrace.release import card, compare, croissant, describe, gates, images
from semtrace.release.contents import Chosen, choose_pictures, read_sources, viewer_file, viewer_rows
from semtrace.release.settings import Settings, Version, parse_version
from semtrace.release.source_names import SourceNames, parameters_alone, source_names
from semtrace.release.tables import CHANGES, COLUMNS, COUNTS, FIRST_COLUMNS, LEFT_OUT, MANIFEST, METADATA
from semtrace.stage.inputs import check_folder

SUMS = "SHA256SUMS"
FOLDERS = ("data/", "originals/")  # of images; all else describes them
_MAPPINGS: Mapping[str, Table] = {  # tables of the stages that go along
    "match/jpeg_to_tiff.csv": JPEG_TO_TIFF,
    "match/tiff_to_jpeg.csv": TIFF_TO_JPEG,
    "label/labels.csv": LABELS,
    "label/conflicts.csv": CONFLICTS,
    "deduplicate/groups.csv": GROUPS,
}
_REPORTS = ("validate/metrics.json", "validate/accuracy_by_category.csv")  # they may be absent
_REPORT_WITH_FOLDERS = "validate/accuracy_report.txt"  # it names the folders of the dataset
_KINDS = {
    ".csv": "text/csv", ".json": "application/json", ".md": "text/markdown", ".txt": "text/plain", ".png": "image/png",
}  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """What was released. ``digest`` (sha256 of SHA256SUMS) stands for every byte of it."""

    folder: str
    pictures: int
    originals: int
    bytes: int
    splits: dict[str, int]
    left_out: dict[str, int]
    allowed: str
    changes: dict[str, int]
    placed_by: dict[str, int]
    digest: str


@dataclass(frozen=True)
class ReleaseOrder:
    """Who asks for which release, and from which state of the project; ``again`` is the command that renews that."""

    version: Version
    date: str
    allowed: Collection[str]
    checkout: Checkout
    again: str


def run(
    work: Path,
    published: Path,
    archive: Path,
    releases: Path,
    params_file: Path,
    settings: Settings,
    vocabulary: Vocabulary,
    order: ReleaseOrder,
) -> Summary:
    """Make ``<releases>/<name>-<version>/``; the files in it: docs/releases.md.

    Args:
        work: folder of the stages' results.
        published: root of the published images.
        archive: root of the originals; looked into only where they go along.
        releases: folder of all releases.
        params_file: goes along as documentation.
        settings: what is said of the release.
        vocabulary: categories and their numbers.
        order: version, date, accepted findings, state of the project.

    Raises:
        InputError: the folder exists already; a gate found something that is not allowed; there is nothing to release;
            a picture, or an original that goes along, is not the file any more that was traced.

    """
    target = releases / f"{settings.name}-{order.version}"
    check_new(target)
    check_folder(published, "published")
    if settings.originals:
        check_folder(archive, "archive")
    work, params_file = work.resolve(), params_file.resolve()  # no link is followed when they are read
    sources = read_sources(work)
    licence = settings.licence.strip()
    vocabulary = vocabulary.fitted(row["path"] for row in sources.hashes)
    chosen = choose_pictures(sources, settings.include, vocabulary, licence, with_originals=settings.originals)
    if not chosen.pictures:
        raise InputError(f"nothing to release: none of {len(chosen.left_out)} published images is traced and labelled")
    last, previous = last_release(releases, settings.name, order)
    found = gates.check_pictures(chosen.pictures, sources.conflicts, sources.groups)
    found += gates.check_description(settings, order.again)
    found += gates.check_version(order.version, last, comparable=previous is not None)
    passed = gates.pass_gates(found + gates.check_checkout(order.checkout, order.again), order.allowed)

    with staged_folder(target) as folder:
        check_new(target)  # another one may have made it while we waited
        placed = images.place_all(chosen.pictures, published, archive, folder, settings.link)
        names = source_names(settings.source_paths, sources)
        for row in chosen.pictures:
            row["source_path"] = names.of(row["source_path"])
        for row in chosen.left_out:
            row["detail"] = names.of_any(row["detail"])
        release = _release(chosen, sources.inventory, settings, vocabulary, order, passed)
        difference = None
        if previous is not None:
            old = tables.read(previous / "manifest.csv", MANIFEST, required=FIRST_COLUMNS)
            difference = compare.compare(old, chosen.pictures)
        _write_tables(folder, work, names, release, chosen, difference)
        documentation = folder / "metadata/documentation/params.yaml"
        text = params_file.read_text(encoding="utf-8")
        _write(documentation, text if settings.source_paths == "full" else parameters_alone(text))
        write_atomic(folder / card.CONTACT_SHEET, images.contact_sheet(folder, chosen.pictures))
        before = (previous / "CHANGELOG.md").read_text(encoding="utf-8") if previous else ""
        since = str(last) if last else ""
        _write(folder / "CHANGELOG.md", card.changelog(release, since, difference, before))
        _write(folder / "README.md", card.card(release))
        _write(folder / "CITATION.cff", card.citation_file(release))
        total = sum(dict(images.release_files(chosen.pictures)).values())
        _write_json(folder / "datacite.json", describe.datacite(release, total))
        _write_json(folder / "croissant.json", croissant.croissant(release, sha256(folder / "manifest.csv")))
        inside = {name for name, _ in images.release_files(chosen.pictures)}
        about = [(name, path) for name, path in walk(folder) if name not in inside]
        files = [
            (name, _KINDS.get(path.suffix, "application/octet-stream"), path.stat().st_size) for name, path in about
        ]
        _write_json(folder / "ro-crate-metadata.json", describe.ro_crate(release, files))
        sums = {row["path"]: row["sha256"] for row in chosen.pictures}
        sums |= {row["source_file"]: row["source_sha256"] for row in chosen.pictures if row["source_file"]}
        sums |= {name: sha256(path) for name, path in walk(folder) if name not in sums}
        _write(folder / SUMS, "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))
        digest = sha256(folder / SUMS)
    return Summary(
        folder=str(target),
        pictures=len(chosen.pictures),
        originals=release.originals,
        bytes=total,
        splits={part: sum(counts.values()) for part, counts in release.parts.items()},
        left_out=dict(release.left_out),
        allowed=", ".join(one.gate for one in passed) or "nothing",
        changes=difference.counts if difference else {},
        placed_by=placed,
        digest=digest,
    )


def check_new(target: Path) -> None:
    """Make sure that a release is not there yet; raises ``InputError``."""
    if os.path.lexists(target):
        raise InputError(f"{target}: exists already. A release is never changed; choose the next version")


def last_release(releases: Path, name: str, order: ReleaseOrder) -> tuple[Version | None, Path | None]:
    """The last release that is known of, and its folder if it is here.

    Known from its folder, from what DVC tracks (``<name>-1.0.0.dvc``), or from a tag of GTO (``<name>@v1.0.0``).
    """
    names = [path.name for path in releases.iterdir()] if releases.is_dir() else []
    texts = {entry.removeprefix(f"{name}-").removesuffix(".dvc") for entry in names if entry.startswith(f"{name}-")}
    texts |= {tag.removeprefix(f"{name}@v") for tag in order.checkout.tags if tag.startswith(f"{name}@v")}
    versions = set()
    for text in texts:
        try:
            versions.add(parse_version(text))
        except InputError:
            continue  # a bag or a note of somebody, or a tag of another thing
    if not versions:
        return None, None
    last = max(versions)
    folder = releases / f"{name}-{last}"
    return last, folder if (folder / "manifest.csv").is_file() else None


def _order(part: str) -> tuple[int, str]:
    usual = ("train", "validation", "test")
    return (usual.index(part) if part in usual else len(usual)), part


def _release(
    chosen: Chosen,
    inventory: Sequence[Mapping[str, Any]],
    settings: Settings,
    vocabulary: Vocabulary,
    order: ReleaseOrder,
    passed: Sequence[gates.Finding],
) -> describe.Release:
    pictures = chosen.pictures
    shown = {row["source_md5"] for row in pictures} - {""}
    instruments = {row["md5"]: row["instrument"] for row in inventory if row["md5"] in shown}
    parts: dict[str, Counter[str]] = {}
    sizes = Counter[str]()
    for row in pictures:
        parts.setdefault(row["split"], Counter())[row["category"]] += 1
        sizes[row["split"]] += row["bytes"]
    return describe.Release(
        settings=settings,
        version=order.version,
        date=order.date,
        commit=order.checkout.commit,
        categories={name: vocabulary.label(name) for name in vocabulary.categories},
        parts={name: dict(sorted(parts[name].items())) for name in sorted(parts, key=_order)},
        sizes=sizes,
        originals=len({row["source_file"] for row in pictures} - {""}),
        evidence=dict(sorted(Counter(row["evidence"] or "none" for row in pictures).items())),
        left_out=dict(sorted(Counter(row["reason"] for row in chosen.left_out).items())),
        pixel_sizes=sum(row["pixel_size_m"] is not None for row in pictures),
        instruments=dict(sorted(Counter(instruments.values()).items())),
        allowed=[(one.gate, one.flaw) for one in passed],
    )


def _write_tables(
    folder: Path,
    work: Path,
    names: SourceNames,
    release: describe.Release,
    chosen: Chosen,
    difference: compare.Difference | None,
) -> None:
    mappings, statistics, documentation = (folder / "metadata" / n for n in ("mappings", "statistics", "documentation"))
    for place_ in (mappings, statistics, documentation):
        place_.mkdir(parents=True)
    tables.write(folder / "manifest.csv", MANIFEST, chosen.pictures)
    tables.write_parquet(folder / "manifest.parquet", MANIFEST, chosen.pictures)
    for part, rows in viewer_rows(chosen.pictures).items():
        tables.write(folder / viewer_file(part), METADATA, rows)
    reports: tuple[str, ...] = _REPORTS
    if names.kind == "full":
        reports += (_REPORT_WITH_FOLDERS,)
        for name in _MAPPINGS:
            place(work / name, mappings / Path(name).name, link="copy")
    else:
        for name, table in _MAPPINGS.items():
            names.write_table(work / name, table, mappings / Path(name).name)
    for name in reports:
        if (work / name).is_file():
            place(work / name, statistics / Path(name).name, link="copy")
    counts = [
        {"category": category, "split": part, "pictures": count}
        for part, its in release.parts.items()
        for category, count in its.items()
    ]
    tables.write(statistics / "counts.csv", COUNTS, counts)
    tables.write(documentation / "left_out.csv", LEFT_OUT, chosen.left_out)
    meanings = [{"column": name, "meaning": text} for name, text in describe.MEANINGS.items()]
    tables.write(documentation / "columns.csv", COLUMNS, meanings, sort=False)
    if difference is not None:
        changes = [vars(change) for change in difference.changes if change.kind != "unchanged"]
        tables.write(documentation / "changes.csv", CHANGES, changes)


def _write(path: Path, text: str) -> None:
    write_atomic(path, text.encode())


def _write_json(path: Path, tree: Mapping[str, Any]) -> None:
    _write(path, json.dumps(tree, indent=2, ensure_ascii=False) + "\n")
