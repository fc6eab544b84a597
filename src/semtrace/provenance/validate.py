"""validate: how good is the mapping? Counts, tiers, distributions, and accuracy where the truth is known."""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from semtrace.core.statistics.accuracy import TIERS, Accuracy, Distribution, accuracies, code_of, distribution, tier
from semtrace.core.tracing.labels import Depth, category_of
from semtrace.io import tables
from semtrace.io.files import write_atomic
from semtrace.io.staging import staged_folder
from semtrace.io.terminal import harmless
from semtrace.io.verdicts import Verdicts, locate_verdicts, read_truth_table, read_verdicts, said_of_look_alikes
from semtrace.provenance.accuracy_report import accuracy_report
from semtrace.provenance.reference_check import ReferenceCheck, check_hashes, check_proofs
from semtrace.provenance.stages import WITH_REJECTS
from semtrace.provenance.tables import ACCURACY_BY_CATEGORY, HASHES, JPEG_TO_TIFF, LABELS, WRONG_MATCHES
from semtrace.stage.claim import headline
from semtrace.stage.declaration import Job
from semtrace.stage.listing import index_inputs
from semtrace.stage.rejects import REJECTS

_HASHES_CHECKED, _PROOFS_CHECKED = 64, 16  # files; a second of work on two cores
DECISIONS = ("matched", "ambiguous", "unmatched")


@dataclass(frozen=True)
class Truth:
    """What is known of published images.

    Attributes:
        basis: ``truth.csv``, ``equal file stems`` or ``nothing``.
        right: per picture the original pictures that are right (none: its original is not in the archive).
        paths: per picture the original as the truth names it.
        notes: what a person should know of the table, a sentence each.
        same_place: per picture the other pictures that show its place, as other exposures, where that is known.
    """

    basis: str
    right: Mapping[str, frozenset[str]]
    paths: Mapping[str, str]
    notes: tuple[str, ...] = ()
    same_place: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class JudgedRow:
    """One row of the forward table beside the truth.

    Attributes:
        cells: the row.
        contents: the original pictures that are right; None where nothing is known of it.
        right: the original named is one of them.
        right_place: the row claims the place alone (level ``field``), and names another exposure of the right place.
    """

    cells: Mapping[str, Any]
    contents: frozenset[str] | None
    right: bool
    right_place: bool = False

    @property
    def matched(self) -> bool:
        """Whether the picture was traced to an original."""
        return bool(self.cells["decision"] == "matched")


def stage(job: Job) -> Path:
    """The stage on the results of all stages before; its summary is the report."""
    checks = (check_hashes(job, _HASHES_CHECKED), check_proofs(job, _PROOFS_CHECKED))
    for check in checks:
        if check.differing:
            print(harmless(f"semtrace: warning: {check}; `semtrace doctor` looks at more"), file=sys.stderr)
    folders = job.archive, job.published, job.known
    run(
        job.work,
        *folders,
        job.result("validate"),
        checks,
        exclude=job.params.dataset.exclude,
        verdicts=locate_verdicts(job.verdicts, job.known),
        depth=job.params.labels.depth,
        geometry=job.params.match.geometry,
    )
    return job.result("validate/accuracy_report.txt")


def run(
    work: Path,
    archive: Path,
    published: Path,
    known: Path,
    out: Path,
    checks: Sequence[ReferenceCheck] = (),
    *,
    exclude: Sequence[str] = (),
    verdicts: Path | None = None,
    depth: Depth = "last",
    geometry: bool | str = "full",
) -> dict[str, Any]:
    """Write ``metrics.json``, ``summary.json``, ``accuracy_report.txt`` and two tables to the folder ``out``.

    Args:
        work: folder with the folders of the earlier stages.
        archive: folder of the originals; only names are read.
        published: folder of the published images; only names are read.
        known: folder that may hold ``truth.csv`` (jpeg_path, tiff_path, category).
        out: folder to write.
        checks: samples of the results that were recomputed with the reference libraries.
        exclude: what is left out of both, see ``list_inputs``.
        verdicts: table of a person's verdicts; it may be missing.
        depth: which folder of a published path is its category.
        geometry: what ``match.geometry`` was; the report says what was not looked for.

    Returns:
        What ``metrics.json`` says.

    Raises:
        TableError: see ``read_truth_table``.
    """
    mapping = tables.read(work / "match" / "jpeg_to_tiff.csv", JPEG_TO_TIFF)
    originals = tables.read(work / "fingerprint" / "tiff" / "hashes.csv", HASHES)
    # An original kept with and without its data bar is one picture: either is a right answer.
    content = {row["path"]: row["picture_id"] for row in originals}
    folders = published, archive
    truth = read_truth(known / "truth.csv", [row["jpeg_path"] for row in mapping], content, folders, exclude)
    rows = judged_rows(mapping, truth, content)
    rejects = {
        folder: dict(
            sorted(Counter(row["reason"] for row in tables.read(work / folder / "rejects.csv", REJECTS)).items())
        )
        for folder in WITH_REJECTS
    }
    statuses = {row["tiff_path"]: row["status"] for row in tables.read(work / "label" / "labels.csv", LABELS)}
    labels = Counter(statuses.values())
    said = read_verdicts(verdicts) if verdicts is not None and verdicts.is_file() else Verdicts()
    accuracy = accuracy_of(rows)
    metrics = {
        "images": {
            "tiffs": len(originals),
            "tiff_contents": len({row["content_id"] for row in originals}),
            "jpegs": len(mapping),
            "rejected": sum(sum(reasons.values()) for reasons in rejects.values()),
        },
        **mapping_metrics(rows, accuracy, truth.basis),
        "labels": dict(sorted(labels.items())),
        "verdicts": {"same": len(said.same), "different": len(said.different), "category": len(said.categories)},
        "reference": {check.what: {"checked": check.checked, "equal": check.equal} for check in checks},
    }
    wrong = [
        {
            **{name: row.cells[name] for name in WRONG_MATCHES.names if name in row.cells},
            "true_tiff_path": truth.paths[jpeg],
        }
        for row in rows
        if row.matched and not (row.right or row.right_place) and (jpeg := row.cells["jpeg_path"]) in truth.right
    ]
    with staged_folder(out) as folder:
        tables.write(folder / "wrong_matches.csv", WRONG_MATCHES, wrong)
        tables.write(folder / "accuracy_by_category.csv", ACCURACY_BY_CATEGORY, _by_category(rows, depth))
        report = headline(work) + accuracy_report(metrics, rejects, accuracy, checks, truth.notes, geometry)
        write_atomic(folder / "accuracy_report.txt", report.encode())
        write_atomic(folder / "metrics.json", (json.dumps(metrics, indent=2) + "\n").encode())
        write_atomic(folder / "summary.json", (json.dumps(_summary(metrics), indent=2) + "\n").encode())
    return metrics


def _summary(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The seven numbers that DVC compares between runs; None where the truth is unknown."""
    rates = {name: metrics["accuracy"][name] for name in ("precision", "recall", "accuracy")}
    rounded = {name: None if rate is None else round(rate, 4) for name, rate in rates.items()}
    return {**rounded, "wrong": metrics["accuracy"]["wrong"], **metrics["decisions"]}


def read_truth(
    file: Path,
    jpegs: Sequence[str],
    content: Mapping[str, str],
    folders: tuple[Path, Path],
    exclude: Sequence[str] = (),
) -> Truth:
    """Read ``truth.csv``; where there is none, take equal file stems for the truth.

    Args:
        file: ``truth.csv``, which may be missing.
        jpegs: the published paths.
        content: per original's path what identifies its picture.
        folders: of the published set and of the archive, whose files the table may name.
        exclude: what is left out of both.

    Raises:
        TableError: see ``read_truth_table``.
    """
    if file.is_file():
        said = read_truth_table(file, *(index_inputs(folder, exclude) for folder in folders))
        named = said.hashed(content)
        right = {jpeg: frozenset({content[tiff]} if tiff in content else ()) for jpeg, tiff in named.items()}
        unhashed = len(said.originals) - len(named)
        lost = f"truth.csv: {unhashed} rows name a TIFF without a hash, rejected or not chosen; they do not count"
        notes = (*filter(None, (str(said),)), *([lost] if unhashed else []))
        places = {
            jpeg: frozenset(content[tiff] for tiff in tiffs if tiff in content)
            for jpeg, tiffs in said.same_place.items()
        }
        return Truth("truth.csv", right, named, notes, places)
    stems: dict[str, list[str]] = {}
    for path in content:
        stems.setdefault(_stem(path), []).append(path)
    same = {jpeg: stems[_stem(jpeg)] for jpeg in jpegs if _stem(jpeg) in stems}
    return Truth(
        "equal file stems" if same else "nothing",
        {jpeg: frozenset(content[path] for path in paths) for jpeg, paths in same.items()},
        {jpeg: "|".join(paths) for jpeg, paths in same.items()},
        tuple(said_of_look_alikes(file.parent)),
    )


def _stem(path: str) -> str:
    """Give the file name without extension and without a label such as ``L3_``."""
    stem = PurePosixPath(path).stem.casefold()
    label, _, rest = stem.partition("_")
    return rest if rest and label[:1] == "l" and label[1:].isdigit() else stem


def judged_rows(mapping: Sequence[Mapping[str, Any]], truth: Truth, content: Mapping[str, str]) -> list[JudgedRow]:
    """Rows of the forward table beside the truth; ``content`` says per original's path what identifies its picture."""
    rows = []
    for cells in mapping:
        contents = truth.right.get(cells["jpeg_path"])
        named = content.get(cells["matched_tiff_path"], "")
        right, in_place = named in (contents or ()), named in truth.same_place.get(cells["jpeg_path"], ())
        rows.append(JudgedRow(cells, contents, right, in_place and not right and cells["level"] == "field"))
    return rows


def mapping_metrics(rows: Sequence[JudgedRow], accuracy: Accuracy, basis: str) -> dict[str, Any]:
    """What ``metrics.json`` says of a mapping."""
    decisions = Counter(row.cells["decision"] for row in rows)
    return {
        "decisions": {name: decisions[name] for name in DECISIONS},
        "ambiguous_rate": round(decisions["ambiguous"] / len(rows), 6) if rows else None,
        "tiers": _tiers(rows),
        "ssim": asdict(_spread(rows, "ssim_value")),
        "hamming": asdict(_spread(rows, "hamming_distance")),
        "accuracy": {"basis": basis, **accuracy.rates()},
    }


def accuracy_of(rows: Sequence[JudgedRow]) -> Accuracy:
    """Counts against truth of the rows of which something is known."""
    known = [row for row in rows if row.contents is not None]
    codes = [code_of(row.cells["decision"], right=row.right, right_place=row.right_place) for row in known]
    present = np.array([bool(row.contents) for row in known], bool)
    return accuracies(np.array(codes, np.uint8).reshape(-1, 1), present)[0]


def _spread(rows: Sequence[JudgedRow], column: str) -> Distribution:
    values = [row.cells[column] for row in rows if row.matched and row.cells[column] is not None]
    return distribution(np.array(values, dtype=np.float64))


def _tiers(rows: Sequence[JudgedRow]) -> dict[str, int]:
    counts = Counter(
        tier(row.cells["ssim_value"]) for row in rows if row.matched and row.cells["ssim_value"] is not None
    )
    return {name: counts[name] for name, _ in TIERS}


def _by_category(rows: Sequence[JudgedRow], depth: Depth) -> list[dict[str, Any]]:
    """Rows of ``accuracy_by_category.csv``; distances and SSIM are those of the matches."""
    groups = defaultdict[str, list[JudgedRow]](list)
    for row in rows:
        groups[category_of(row.cells["jpeg_path"], depth)].append(row)
    result = []
    for category, group in sorted(groups.items()):
        accuracy, decisions = accuracy_of(group), Counter(row.cells["decision"] for row in group)
        result.append(
            {
                "category": category,
                "jpegs": len(group),
                **{name: decisions[name] for name in DECISIONS},
                **_tiers(group),
                "mean_ssim": _spread(group, "ssim_value").mean,
                "mean_hamming": _spread(group, "hamming_distance").mean,
                "precision": accuracy.precision,
                "recall": accuracy.recall,
                "wrong": accuracy.wrong,
            }
        )
    return result
