"""The verb ``find``: whether pictures are in the archive, as lines for people."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semtrace.cli.review import VerbMaker
from semtrace.cli.stages import PARAMS

if TYPE_CHECKING:
    from semtrace.provenance.find import FoundPicture


def add(verb: VerbMaker) -> None:
    """Add the verb."""
    found = verb("find", _find, "say whether pictures are in the archive, and which originals are behind them")
    found.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE", help="JPEG, PNG, TIFF or BMP, anywhere")
    look = found.add_mutually_exclusive_group()
    look.add_argument(
        "--quick", action="store_true", help="only the picture as it is: not turned, cut out, or within a screenshot"
    )
    look.add_argument(
        "--full", action="store_true",
        help="in any framing: skewed, on a slide (0.12 s for each original the first time; the extra geometry)",
    )  # fmt: skip


@dataclass(frozen=True)
class FindSummary:
    """The answers of ``find``; as text they are for people."""

    pictures: tuple[FoundPicture, ...]
    originals: int
    advice: str

    def __str__(self) -> str:
        answers = [answer_text(answer) for answer in self.pictures]
        missed = any(answer.decision == "unmatched" for answer in self.pictures)
        return "\n\n".join(
            [*answers, *([f"Looked for in {self.originals} originals. {self.advice}"] if missed else [])]
        )


def _find(given: argparse.Namespace) -> FindSummary:
    """Look for the original of each picture in the tables of the last run."""
    from semtrace.config import params
    from semtrace.core.errors import InputError
    from semtrace.io.verdicts import locate_verdicts
    from semtrace.provenance.find import FindFolders, find_originals
    from semtrace.provenance.tracing.feature_search import check_available
    from semtrace.provenance.tracing.trace import Geometry

    hashes = given.work / "fingerprint/tiff/hashes.csv"
    if not hashes.is_file():
        raise InputError(
            f"{given.work}: no hashes of an archive in it; `semtrace run dataset=archive` makes them once, "
            "then pictures are found in about a second"
        )
    for picture in given.pictures:
        if not picture.is_file():
            raise InputError(f"{picture}: no such file")
    p = params.load(PARAMS, workers=given.workers)
    data = p.dataset
    folders = FindFolders(data.archive, given.work, locate_verdicts(data.verdicts, data.known))
    closer: Geometry = "full" if given.full else not given.quick
    if closer == "full":
        check_available()
    answers = find_originals(given.pictures, folders, p.match, p.executor.on_this_machine(), closer=closer)
    if "full" in (p.match.geometry, closer):
        advice = "Any framing was looked for. What came into the archive after the last run is not found"
    elif given.quick and not p.match.geometry:
        advice = "The picture was compared as it is. Without --quick turned and cut pictures are found, too"
    else:
        advice = (
            "Turned, mirrored and negative pictures, parts, and pictures on a page were looked for, too. "
            "`--full` looks for any framing. What came into the archive after the last run is not found"
        )
    return FindSummary(tuple(answers), hashes.read_bytes().count(b"\n") - 1, advice)


def answer_text(answer: FoundPicture) -> str:
    """An answer as lines for people."""
    lines = [f"{answer.picture}: {answer.decision}"]

    def add(name: str, *parts: str) -> None:
        if said := ", ".join(part for part in parts if part):
            lines.append(f"  {name:<10} {said}")

    add("original", f"{answer.original}  ({answer.file})" if answer.original else "")
    measures, facts = answer.measures or {}, answer.facts or {}
    add("evidence", _EVIDENCE.get(answer.evidence, answer.evidence), *_numbers(measures, answer.bits))
    how = [measures[name] for name in ("symmetry",) if measures.get(name) not in (None, "", "identity")]
    how += [f"{words} {measures[name]}" for name, words in _HOW.items() if measures.get(name)]
    add("published", *how)
    if answer.decision != "matched":
        add("because", f"{answer.meaning or answer.reason} ({answer.reason})")
    if answer.original:
        add(
            "image",
            f"{facts['width']} x {facts['height']} pixels",
            f"{facts['bit_depth']} bit" if "bit_depth" in facts else "",
            facts.get("instrument", "instrument not recorded"),
        )
        pixel = facts.get("pixel_size_m")
        own = facts.get("picture_pixel_size_m")
        add(
            "pixel size",
            f"{metres_text(pixel)} in the original" if pixel else "not recorded in the original",
            f"{metres_text(own)} in this picture" if own else "",
        )
        add("label", *answer.labels)
    for other in answer.candidates:
        add("next", other["path"], *_numbers(other, answer.bits))
    return "\n".join(lines)


_HOW = {"crop": "the part", "place": "within a larger picture, at"}
_EVIDENCE = {
    "verdict": "a person said so",
    "identical_bytes": "the very bytes that this original was converted to",
    "name_digest": "its name is the digest of this original, and both are alike",
    "reencoded": "this original, encoded again, gives the very same picture",
    "ssim": "alike",
    "blocks": "alike, block by block",
    "hamming": "near by hash",
}


def _numbers(measures: Any, bits: int) -> list[str]:
    said = []
    if measures.get("ssim_value") is not None:
        said.append(f"SSIM {measures['ssim_value']:.3f}")
    if measures.get("hamming_distance") is not None:
        said.append(f"{measures['hamming_distance']} of {bits} bits differ")
    if measures.get("correlation") is not None:
        said.append(f"correlation {measures['correlation']:.3f}")
    return said


def metres_text(metres: float) -> str:
    """A length in the unit that a microscopist would use."""
    for unit, size in (("mm", 1e-3), ("µm", 1e-6), ("nm", 1e-9)):
        if metres >= size:
            return f"{metres / size:.4g} {unit}"
    return f"{metres / 1e-12:.4g} pm"
