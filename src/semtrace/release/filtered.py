"""A release of curation's *Filtered* dataset: filtered.csv with its images, licences by dataset, a card, digests."""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tifffile
import yaml

from semtrace.core.errors import InputError
from semtrace.curation.patch_files import PATCHES_FOLDER
from semtrace.curation.tables import FILTERED
from semtrace.io import tables
from semtrace.io.digests import md5
from semtrace.io.files import place, read_regular, safe_join, sha256, walk, write_atomic
from semtrace.io.patches import file_and_member
from semtrace.io.staging import staged_folder
from semtrace.parallel.processes import progress
from semtrace.release import gates
from semtrace.release.build import SUMS, ReleaseOrder, check_new, last_release
from semtrace.release.settings import Settings
from semtrace.release.source_names import curation_parameters_alone
from semtrace.release.tables import PATCH_LICENCES


@dataclass(frozen=True)
class FilteredSummary:
    """What was released. ``digest`` (sha256 of SHA256SUMS) stands for every byte of it."""

    folder: str
    patches: int
    datasets: int
    files: int
    splits: dict[str, int]
    licences: dict[str, int]
    allowed: str
    digest: str


def run_filtered(
    work: Path, releases: Path, params_file: Path, settings: Settings, order: ReleaseOrder
) -> FilteredSummary:
    """Make ``<releases>/<name>-filtered-<version>/``; the files in it: docs/releases.md.

    Args:
        work: folder of curation's results.
        releases: folder of all releases.
        params_file: goes along as documentation.
        settings: what is said of the release; the licence is that of each dataset instead.
        order: version, date, accepted findings, state of the project.

    Raises:
        InputError: the folder exists already; a gate found something that is not allowed, such as a dataset without
            licence; there is nothing to release; an image is missing or is not what was classified.
    """
    name = f"{settings.name}-filtered"
    target = releases / f"{name}-{order.version}"
    check_new(target)
    source = work.resolve() / "filtered"
    rows = tables.read(source / FILTERED.name, FILTERED)
    if not rows:
        raise InputError(f"{source / FILTERED.name}: nothing to release, no patch was kept")
    without = [row["name"] for row in rows if not row["path"]]
    if without:
        raise InputError(
            f"{len(without)} patches have no image, such as {without[0]}; classify with images=tiff or tar"
        )
    found = check_licences(rows) + [
        one for one in gates.check_description(settings, order.again) if one.gate != "licence"
    ]
    last, _ = last_release(releases, name, order)
    found += gates.check_version(order.version, last, comparable=True) + gates.check_checkout(
        order.checkout, order.again
    )
    passed = gates.pass_gates(found, order.allowed)
    with staged_folder(target) as staged:
        check_new(target)  # another one may have made it while we waited
        folder = staged.resolve()  # below it no link is followed
        # Never the same file as in the folder of results, whatever `link` says: the next run may write there.
        _place_images(source, rows, folder, "copy" if settings.link == "copy" else "reflink")
        place(source / FILTERED.name, folder / FILTERED.name, link="copy")
        text = params_file.read_text(encoding="utf-8")
        shown = text if settings.source_paths == "full" else curation_parameters_alone(text)
        write_atomic(folder / "params.yaml", shown.encode())
        counts = Counter((row["dataset"], row["licence"]) for row in rows)
        licences = [{"dataset": d, "licence": said, "patches": n} for (d, said), n in sorted(counts.items())]
        tables.write(folder / PATCH_LICENCES.name, PATCH_LICENCES, licences)
        write_atomic(folder / "README.md", _card(rows, settings, order, passed).encode())
        sums = {path: sha256(file) for path, file in walk(folder)}
        write_atomic(folder / SUMS, "".join(f"{sums[path]}  {path}\n" for path in sorted(sums)).encode())
        digest = sha256(folder / SUMS)
    return FilteredSummary(
        folder=str(target),
        patches=len(rows),
        datasets=len({row["dataset"] for row in rows}),
        files=len(sums),
        splits=dict(sorted(Counter(row["split"] for row in rows).items())),
        licences=dict(sorted(Counter(row["licence"] or "none" for row in rows).items())),
        allowed=", ".join(one.gate for one in passed) or "nothing",
        digest=digest,
    )


def check_licences(rows: Sequence[Mapping[str, Any]]) -> list[gates.Finding]:
    """The gate on the licences of datasets."""
    bare = sorted({row["dataset"] for row in rows if not row["licence"].strip()})
    if not bare:
        return []
    flaw = f"{len(bare)} of {len({row['dataset'] for row in rows})} datasets have no licence, such as {bare[0]}"
    return [
        gates.Finding("licence", flaw, "Write datasets.csv (path, licence, experiment) beside the volumes or images")
    ]


def _place_images(source: Path, rows: Sequence[Mapping[str, Any]], folder: Path, link: str) -> None:
    """Put the images in their places, and make sure that each has the pixels that its row says.

    Raises:
        InputError: an image is missing or has others, or a shard has an image without a row.
    """
    wanted: dict[str, dict[str, str]] = {}
    for row in rows:
        file, member = file_and_member(row["path"])
        wanted.setdefault(file, {})[member] = row["md5"]
    for file in progress(sorted(wanted), len(wanted), "release"):
        if not file.startswith(f"{PATCHES_FOLDER}/"):
            raise InputError(f"{source / FILTERED.name}: {file!r} lies outside {PATCHES_FOLDER}/; run classify again")
        target = safe_join(folder, file)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            place(safe_join(source, file), target, link=link)
            said = dict(_pixels(target))
        except (OSError, tarfile.TarError, ValueError) as error:
            raise InputError(f"{source / file}: cannot be read ({error}); run classify again") from error
        for member, digest in wanted[file].items():
            if said.get(member) != digest:
                raise InputError(f"{source / file}: {member or 'it'} is not what was classified; run classify again")
        if more := sorted(said.keys() - wanted[file].keys()):
            raise InputError(
                f"{source / file}: {len(more)} images are in no row of {FILTERED.name}, such as {more[0]}; "
                "run classify again"
            )


def _pixels(file: Path) -> Iterator[tuple[str, str]]:
    """Member of a shard, or nothing for a plain image, and md5 of its pixels."""
    if file.suffix != ".tar":
        yield "", md5(tifffile.imread(io.BytesIO(read_regular(file))).tobytes())
        return
    with tarfile.open(file) as tar:
        for member in tar:
            if member.name.endswith(".tiff") and (stream := tar.extractfile(member)) is not None:
                yield member.name, md5(tifffile.imread(io.BytesIO(stream.read())).tobytes())


def _card(
    rows: Sequence[Mapping[str, Any]], settings: Settings, order: ReleaseOrder, passed: Sequence[gates.Finding]
) -> str:
    splits = dict(sorted(Counter(row["split"] for row in rows).items()))
    licences = sorted({row["licence"] for row in rows} - {""})
    header = {
        "pretty_name": settings.title,
        "version": str(order.version),
        "license": [licence.lower() for licence in licences] or ["unknown"],
        "task_categories": ["image-feature-extraction"],
    }
    flaws = "".join(f"- {one.flaw}\n" for one in passed) or "None was found that had to be accepted.\n"
    people = "; ".join(creator.name for creator in settings.creators) or "not said"
    table = "".join(f"| {part} | {count} |\n" for part, count in splits.items())
    return (
        f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---\n\n"
        f"# {settings.title or 'Patches'} {order.version}\n\n{settings.description.strip()}\n\n"
        f"{len(rows)} patches of {len({row['dataset'] for row in rows})} datasets, of {order.date}. "
        f"Creators: {people}. Commit: {order.checkout.commit or 'not known'}.\n\n"
        "`filtered.csv` has a row for each patch: name, which says where it lies in its dataset to the voxel, score,\n"
        "who decided, weight for fair sampling, part of the split, image, licence, pixel size, md5 of its pixels.\n"
        "`licences.csv` has the licence of each dataset: the licence of a patch is that of its dataset.\n"
        "`SHA256SUMS` has the digest of every file.\n\n"
        f"| split | patches |\n|---|---|\n{table}\nDatasets that share patches are in one part.\n\n"
        "## Personal data\n\n"
        "A dataset is named after the folders and the file that it was read from, and a patch after its dataset.\n\n"
        f"## Known flaws\n\n{flaws}"
    )
