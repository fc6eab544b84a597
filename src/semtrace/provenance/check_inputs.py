"""What a listing and a person's tables show before any work: all that would stop or mislead a later stage, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from semtrace.core.errors import InputError
from semtrace.core.path_index import PathIndex
from semtrace.core.tracing.labels import Vocabulary, nearest_category, parse_published, vocabulary_faults
from semtrace.io.tables import TableError
from semtrace.io.verdicts import LostRowsError, read_truth_table, read_verdicts
from semtrace.provenance.fingerprint import Selection
from semtrace.provenance.inventory import EXTENSIONS
from semtrace.provenance.label import Settings
from semtrace.stage.inputs import check_folder
from semtrace.stage.listing import JPEG_EXTENSIONS, check_not_own, index_inputs

_SHOWN = 20  # findings


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
    findings = [*_images(archive, tiffs, EXTENSIONS, "TIFF"), *_images(published, jpegs, JPEG_EXTENSIONS, "JPEG")]
    findings += _categories(published, jpegs, vocabulary, selection)
    findings += _unknown("label.priority", settings.priority, vocabulary)
    said, lost = _read(truth, lambda: read_truth_table(truth, jpegs, tiffs))
    words, slips = _read(verdicts, lambda: read_verdicts(verdicts))
    findings += [*lost, *slips]
    if words is not None:
        findings += _unknown(str(verdicts), words.categories.values(), vocabulary)
    if findings:
        more = [f"and {len(findings) - _SHOWN} more"] if len(findings) > _SHOWN else []
        listed = "\n  - ".join([*findings[:_SHOWN], *more])
        raise InputError(f"{len(findings)} findings in the input; nothing was done yet:\n  - {listed}")
    return [str(said)] if said is not None and said.adapted else []


def _images(folder: Path, there: PathIndex, extensions: frozenset[str], kind: str) -> Iterator[str]:
    if not any(PurePosixPath(path).suffix.lower() in extensions for path in there.paths):
        yield f"{folder}: no file with a {kind} extension ({', '.join(sorted(extensions))}) in it"


def _categories(published: Path, there: PathIndex, vocabulary: Vocabulary, selection: Selection) -> list[str]:
    jpegs = [path for path in there.paths if PurePosixPath(path).suffix.lower() in JPEG_EXTENSIONS]
    if selection.category is not None:
        found = {parse_published(path).category for path in jpegs}
        if selection.category not in found:
            return [
                f"fingerprint.category: {published} has no JPEG in {selection.category!r}; "
                f"there are {', '.join(sorted(found)) or 'none'}"
            ]
        jpegs = [path for path in jpegs if parse_published(path).category == selection.category]
    where = f"{published} and vocabulary {vocabulary.name!r} (conf/labels/)"
    return [f"{where}: {fault}" for fault in vocabulary_faults(jpegs, vocabulary)]


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
