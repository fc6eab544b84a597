"""find: is this picture in the archive? Any picture beside the tables of the last run, by the algorithm of match."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isqrt
from pathlib import Path
from typing import Any

from semtrace.core.image.frame import place_in_frame
from semtrace.core.tracing.decision import Candidate, rank
from semtrace.io import tables
from semtrace.provenance.fingerprint import HashSettings, examination
from semtrace.provenance.match import Settings
from semtrace.provenance.reasons import REASONS
from semtrace.provenance.tables import HASHES, INVENTORY, LABELS
from semtrace.provenance.tracing.evidence import FreshEvidence
from semtrace.provenance.tracing.knowledge import read_knowledge
from semtrace.provenance.tracing.mapping import Sides, forward_rows
from semtrace.provenance.tracing.sides import load_side, nearest_full, to_side
from semtrace.provenance.tracing.trace import Geometry, Rules, Trace, trace_all
from semtrace.stage.decode_files import FileSource, examine
from semtrace.stage.executor import Executor
from semtrace.stage.inputs import check_folder
from semtrace.stage.rejects import Failure

_NEXT = 3  # candidates that an answer names beside the best
_MEASURES = (
    "ssim_value",
    "hamming_distance",
    "correlation",
    "agreement",
    "margin",
    "level",
    "symmetry",
    "crop",
    "place",
)


@dataclass(frozen=True)
class FoundPicture:
    """The answer for one picture.

    Attributes:
        picture: the file that was asked about.
        decision: ``matched``, ``ambiguous``, ``unmatched``, or ``unreadable``.
        original: path of the best original in the archive; ``""`` where none is like it.
        evidence: as in ``jpeg_to_tiff.csv``.
        reason: a code of ``jpeg_to_tiff.csv``, or why the picture cannot be read.
        meaning: the reason in words.
        file: the original's file.
        measures: SSIM, distance and the like, by the names of ``jpeg_to_tiff.csv``.
        facts: of the original: size, depth, instrument, pixel size in metres; ``picture_pixel_size_m`` is that of the
            picture itself, where its frame is known.
        labels: categories that the last run gave the original.
        candidates: the next originals, best first, with what was measured of each.
        bits: length of the hashes, which a distance counts; 0 where the picture is unreadable.
        looked_for: ``as_it_is``, or ``other_framings`` where it had to be looked for turned, as a part, or on a page.
    """

    picture: str
    decision: str
    original: str = ""
    evidence: str = ""
    reason: str = ""
    meaning: str = ""
    file: str = ""
    measures: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] | None = None
    labels: tuple[str, ...] = ()
    candidates: tuple[Mapping[str, Any], ...] = ()
    looked_for: str = "as_it_is"
    bits: int = 0


@dataclass(frozen=True)
class FindFolders:
    """The archive, the folder of the last run's results, and the table of a person's verdicts, which may be missing."""

    archive: Path
    work: Path
    verdicts: Path | None = None


def find_originals(
    pictures: Sequence[Path], folders: FindFolders, settings: Settings, executor: Executor, *, closer: Geometry = True
) -> list[FoundPicture]:
    """Look for the originals of pictures that may lie anywhere, in any format that semtrace reads.

    Args:
        pictures: files.
        folders: where to look.
        settings: those of ``match``; every picture is looked for by itself.
        executor: where to work.
        closer: where nothing is found, look again with this ``match.geometry``; False: do not.

    Returns:
        One answer for each picture, in their order. A file that cannot be read has the answer ``unreadable``.

    Raises:
        TableError: there is no table of hashes.
        InputError: the archive is missing.
    """
    check_folder(folders.archive, "archive")
    originals = load_side([folders.work / "fingerprint/tiff/hashes.csv"])
    knowledge = read_knowledge(folders.work / "convert/converted.csv", folders.verdicts)
    rules = replace(settings.rules(originals.bits), one_to_one=False)
    facts = _examined(pictures, isqrt(originals.bits), executor)
    together: dict[Path, list[Path]] = defaultdict(list)
    for picture, seen in facts.items():
        if not isinstance(seen, Failure):
            together[picture.parent].append(picture)
    known = _Known(folders)
    found: dict[Path, FoundPicture] = {}
    for folder, several in together.items():
        rows = sorted(({"path": picture.name, **facts[picture]} for picture in several), key=lambda row: row["path"])
        side = to_side(rows, str(folder))
        index = {path: j for j, content in enumerate(side.contents) for path in content.paths}
        asked = FreshEvidence(originals, side, knowledge, (folders.archive, folder), executor, bool(rules.geometry))
        traces = _traces(asked, rules, closer=closer)
        near = nearest_full(side, originals, 1)
        for row in forward_rows(Sides(originals, side, near, []), {j: trace for j, (trace, _) in traces.items()}):
            picture = folder / row["jpeg_path"]
            trace, closely = traces[index[row["jpeg_path"]]]
            size = facts[picture]["width"], facts[picture]["height"]
            found[picture] = replace(_answer(row, trace, known, size, closely), bits=originals.bits)
    answers = []
    for picture in pictures:
        seen = facts[_resolved(picture)]
        if isinstance(seen, Failure):
            answers.append(FoundPicture(str(picture), "unreadable", reason=seen.reason, meaning=seen.detail))
        elif (answer := found.get(_resolved(picture))) is not None:
            answers.append(replace(answer, picture=str(picture)))
        else:
            answers.append(FoundPicture(str(picture), "unreadable", reason="changed", meaning="it changed meanwhile"))
    return answers


def _resolved(picture: Path) -> Path:
    return picture.resolve()  # no link is followed where files are read


def _examined(pictures: Iterable[Path], size: int, executor: Executor) -> dict[Path, Any]:
    files = list(dict.fromkeys(_resolved(picture) for picture in pictures))
    what = examination("jpeg", HashSettings.read({"size": size}))
    seen = examine([FileSource(str(file)) for file in files], what, executor=executor, what="pictures")
    return dict(zip(files, seen, strict=True))


class _Known:
    """What the tables of the last run say of originals."""

    def __init__(self, folders: FindFolders) -> None:
        self.archive = folders.archive.resolve()
        self.hashes = {row["path"]: row for row in tables.read(folders.work / "fingerprint/tiff/hashes.csv", HASHES)}
        inventory, labels = folders.work / "inventory/inventory.csv", folders.work / "label/labels.csv"
        self.inventory = {row["path"]: row for row in tables.read(inventory, INVENTORY)} if inventory.is_file() else {}
        self.labels: dict[str, list[str]] = defaultdict(list)
        for row in tables.read(labels, LABELS) if labels.is_file() else ():
            if row["category"]:
                self.labels[row["tiff_path"]].append(f"{row['category']} ({row['label']})")

    def facts(self, path: str) -> dict[str, Any]:
        row = self.inventory.get(path) or self.hashes[path]
        names = "width", "height", "bit_depth", "instrument", "pixel_size_m", "pixel_size_source"
        return {name: row[name] for name in names if row.get(name) not in (None, "")}


def _traces(evidence: FreshEvidence, rules: Rules, *, closer: Geometry) -> dict[int, tuple[Trace, bool]]:
    """The trace of each picture of a folder, and whether other framings had to be looked for."""
    traces = {j: (trace, False) for j, trace in trace_all(evidence, rules).items()}
    missed = [j for j, (trace, _) in traces.items() if trace.is_open]
    if not missed or not closer or rules.geometry in (closer, "full"):
        return traces
    again = trace_all(replace(evidence, geometry=True), replace(rules, geometry=closer), missed)
    better = {j: (trace, True) for j, trace in again.items() if _outcome(trace) != "unmatched"}
    return traces | better


def _outcome(trace: Trace) -> str:
    return "unmatched" if isinstance(trace.decision, Failure) else trace.decision.outcome


def _answer(row: Mapping[str, Any], trace: Trace, known: _Known, size: tuple[int, int], closely: bool) -> FoundPicture:
    original, words = row["matched_tiff_path"], REASONS.get(row["reason"])
    facts = known.facts(original) if original else {}
    if row["decision"] == "matched" and (pixel := _pixel_size(facts, size, row)) is not None:
        facts["picture_pixel_size_m"] = pixel
    shown = original or row["runner_up_path"]
    others = [one for one in rank(trace.candidates) if one.path != original][:_NEXT]
    if not original and not others and shown:
        others = [Candidate(shown, row["hamming_distance"])]
    return FoundPicture(
        row["jpeg_path"],
        row["decision"],
        original,
        row["evidence"] if original else "",
        row["reason"],
        words.meaning if words else "",
        str(known.archive / original) if original else "",
        {name: row[name] for name in _MEASURES if row[name] not in (None, "")} if original else {},
        facts,
        tuple(known.labels.get(original, ())),
        tuple(
            {"path": one.path, "ssim_value": one.ssim, "hamming_distance": one.hamming, "correlation": one.correlation}
            for one in others
        ),
        "other_framings" if closely else "as_it_is",
    )


def _pixel_size(facts: Mapping[str, Any], picture: tuple[int, int], row: Mapping[str, Any]) -> float | None:
    """What a pixel of the picture measures, in metres; None where the original does not say.

    Args:
        facts: of the original.
        picture: width and height, pixels.
        row: of the mapping table, matched.
    """
    size = facts.get("pixel_size_m")
    if size is None:
        return None
    if row["scale"]:
        return float(size / row["scale"])
    place = place_in_frame(picture, (facts["width"], facts["height"]), row["symmetry"], row["crop"], row["place"])
    return float(size * place.width / picture[place.quarters % 2])
