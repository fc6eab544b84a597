"""What a listing and a person's tables show before any work: all that would stop or mislead a later stage, at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from semtrace.core.errors import InputError
from semtrace.core.path_index import PathIndex
from semtrace.core.tracing.labels import (
    Depth,
    Vocabulary,
    VocabularyError,
    nearest_category,
    number_faults,
    vocabulary_faults,
    vocabulary_of,
)
from semtrace.io.tables import TableError
from semtrace.io.verdicts import LostRowsError, read_truth_table, read_verdicts
from semtrace.provenance.fingerprint import Selection
from semtrace.provenance.inventory import EXTENSIONS
from semtrace.provenance.label import Settings
from semtrace.stage.inputs import check_folder
from semtrace.stage.listing import JPEG_EXTENSIONS, check_not_own, index_inputs

_SHOWN = 20  # findings
_CATEGORIES_SHOWN = 12


def check_before_work(
    archive: Path,
    published: Path,
    known: Path,
    vocabulary: Vocabulary,
    settings: Settings,
    selection: Selection,
    exclude: Sequence[str] = (),
    verdicts: Path | None = None,
) -> list[str]:
    """Check what needs no look into an image: folders, categories, numbers in names, truth.csv, verdicts.csv.

    Args:
        archive: folder of the originals.
        published: folder of the published images.
        known: folder that may hold ``truth.csv``.
        vocabulary: the categories.
        settings: its priorities are categories.
        selection: which published images are taken.
        exclude: what is left out of archive and published set, see ``list_inputs``.
        verdicts: table of a person's verdicts, which may be missing; None: it is in ``known``.

    Returns:
        What was settled without doubt, a sentence each.

    Raises:
        InputError: something does not fit; the message lists every finding.

    """
    for folder, what in ((archive, "archive"), (published, "published")):
        check_folder(folder, what)
        check_not_own(folder, what)
    tiffs, jpegs = index_inputs(archive, exclude), index_inputs(published, exclude)
    truth, verdicts = known / "truth.csv", verdicts or known / "verdicts.csv"
    findings = _images({archive: tiffs, published: jpegs})
    paths, faults = _chosen(published, jpegs, vocabulary, selection)
    findings += faults
    misfits = vocabulary_faults(paths, vocabulary)
    where = f"{published} and vocabulary {vocabulary.name!r} (conf/labels/)"
    findings += [f"{where}: {misfit}" for misfit in misfits]
    notes = _notes(published, paths, vocabulary)
    vocabulary = vocabulary.fitted(paths)
    findings += _unknown("label.priority", settings.priority, vocabulary)
    said, lost = _read(truth, lambda: read_truth_table(truth, jpegs, tiffs))
    words, slips = _read(verdicts, lambda: read_verdicts(verdicts))
    findings += [*lost, *slips]
    if words is not None and vocabulary.categories:  # else nothing is labelled
        findings += _unknown(str(verdicts), words.categories.values(), vocabulary)
    if findings:
        more = [f"and {len(findings) - _SHOWN} more"] if len(findings) > _SHOWN else []
        listed = "\n  - ".join([*findings[:_SHOWN], *more])
        advice = own_vocabulary(paths, vocabulary) if misfits else ""
        count = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
        raise InputError(f"{count} in the input; nothing was done yet:\n  - {listed}{advice}")
    return notes + ([str(said)] if said is not None and said.adapted else [])


def own_vocabulary(paths: Sequence[str], vocabulary: Vocabulary) -> str:
    """How to go on where a vocabulary does not fit the folders of ``paths``: words to choose, and YAML to paste.

    The YAML is left out where no list fits, for example because numbers in names leave a gap.
    """
    nested = len({path.split("/")[0] for path in paths if "/" in path}) > 1
    depth: Depth = 1 if nested and vocabulary.depth == "last" else vocabulary.depth
    inside = [path for path in paths if vocabulary.category(path)]
    try:
        found = Vocabulary("mine", (), depth=depth, found=True).fitted(inside)
    except VocabularyError:
        return "\nlabels=none traces the pictures without labels"
    if not found.categories:
        return "\nlabels=none traces the pictures without labels"
    deeper = "" if depth == 1 else f" labels.depth={depth}"
    choices = f"\nlabels=folders{deeper} takes the folders for the categories, labels=none traces without labels"
    entries = [f"{found.above[name]}/{name}" if name in found.above else name for name in found.categories]
    try:
        if vocabulary_faults(inside, vocabulary_of("mine", entries, depth)):
            return choices
    except VocabularyError:
        return choices
    text = yaml.safe_dump(
        {"vocabulary": "mine", "categories": entries, "depth": depth}, sort_keys=False, allow_unicode=True
    )
    return (
        f"{choices}. Or write the list as conf/labels/mine.yaml, in the order that you want (the first is L0), and "
        f"choose labels=mine:\n\n{text}"
    )


def _images(sides: Mapping[Path, PathIndex]) -> list[str]:
    """What is wrong with the kinds of files in archive and published set, with the likely cause."""
    (archive, tiffs), (published, jpegs) = sides.items()
    counts = [Counter(PurePosixPath(path).suffix.lower() for path in one.paths) for one in (tiffs, jpegs)]
    wanted = EXTENSIONS, JPEG_EXTENSIONS

    def has(side: int, kind: int) -> bool:
        return any(counts[side][extension] for extension in wanted[kind])

    if not has(0, 0) and not has(1, 1) and has(0, 1) and has(1, 0):
        return [
            f"{archive} has JPEGs and no TIFF, {published} has TIFFs and no JPEG: the two folders seem to be swapped "
            "(dataset.archive is that of the TIFFs)"
        ]
    findings = []
    for side, (folder, kind) in enumerate(((archive, "TIFF"), (published, "JPEG"))):
        if not has(side, side):
            there = ", ".join(
                f"{count} {extension or 'without one'}" for extension, count in counts[side].most_common(4)
            )
            said = f"{folder}: no file with a {kind} extension ({', '.join(sorted(wanted[side]))}) in it"
            advice = "" if not there else _ADVICE[kind]
            findings.append(f"{said}" + (f"; there are {there}. {advice}" if there else "; it is empty"))
    return findings


_ADVICE = {
    "TIFF": "Originals are TIFFs: export other formats of the microscope as TIFF, or name the folder that has them",
    "JPEG": "Published pictures are JPEGs here: `semtrace find` takes single ones of other formats",
}


def _chosen(
    published: Path, there: PathIndex, vocabulary: Vocabulary, selection: Selection
) -> tuple[list[str], list[str]]:
    """The published JPEGs that are taken, and what is wrong with the choice."""
    jpegs = sorted(path for path in there.paths if PurePosixPath(path).suffix.lower() in JPEG_EXTENSIONS)
    if selection.category is None:
        return jpegs, []
    found = {vocabulary.category(path) for path in jpegs} - {""}
    if selection.category in found:
        return [path for path in jpegs if vocabulary.category(path) == selection.category], []
    said = f"fingerprint.category: {published} has no JPEG in {selection.category!r}; there are "
    return [], [said + (", ".join(sorted(found)) or "none")]


def _notes(published: Path, jpegs: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    """What a person should know of found categories: pictures without one, and numbers that are not taken."""
    if not vocabulary.found:
        return []
    loose = sum(not vocabulary.category(path) for path in jpegs)
    notes = []
    if loose:
        notes.append(
            f"{loose} of {len(jpegs)} JPEGs lie in no folder of {published}; they are traced and get no label. "
            "A folder named like its category gives them one"
        )
    top = {path.split("/")[0] for path in jpegs if "/" in path}
    below = {path.split("/")[1] for path in jpegs if path.count("/") > 1}
    if vocabulary.depth == 1 and len(top) == 1 and len(below) > 1:
        notes.append(
            f"all JPEGs lie in one folder, {min(top)!r}, so there is one category. labels.depth=2 takes the folders in "
            f"it: {', '.join(sorted(below)[:_CATEGORIES_SHOWN])}"
        )
    elif faults := number_faults(jpegs, vocabulary.depth):
        notes.append(
            f"labels={vocabulary.name}: numbers in file names contradict each other ({faults[0]}); categories are "
            "numbered by name"
        )
    return notes


def _unknown(where: str, named: Any, vocabulary: Vocabulary) -> list[str]:
    unknown = sorted(set(named) - set(vocabulary.categories))
    near = {category: nearest_category(category, vocabulary) for category in unknown}
    return [
        f"{where}: {category!r} is not in vocabulary {vocabulary.name!r}"
        + (f"; the nearest is {near[category]!r}" if near[category] else "")
        for category in unknown
    ]


def _read(file: Path, read: Callable[[], Any]) -> tuple[Any, list[str]]:
    """What a table says, if it is there, and what is wrong with it."""
    if not file.is_file():
        return None, []
    try:
        return read(), []
    except LostRowsError as error:
        return None, [f"{file}: {finding}" for finding in error.findings]
    except TableError as error:
        return None, [str(error)]
