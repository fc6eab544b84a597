"""match, deduplicate and label from hash tables alone, without any image: their options, and what these must be."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semtrace.core.errors import InputError

if TYPE_CHECKING:
    from semtrace.config.params import Params

RESULT_FILES = {
    "match": {"jpeg_to_tiff.csv", "tiff_to_jpeg.csv", "panels.csv", "rejects.csv"},
    "deduplicate": {"groups.csv", "rejects.csv"},
    "label": {"labels.csv", "conflicts.csv", "rejects.csv"},
}
"""The verbs that can do so, and what they write."""

_OPTIONS = {"tiff_hashes": "--tiff-hashes", "jpeg_hashes": "--jpeg-hashes", "matched": "--match", "out": "--out"}


def add_options(verb: str, parser: argparse.ArgumentParser) -> None:
    """The options of a verb."""
    parser.add_argument("--tiff-hashes", type=Path, metavar="CSV", help="from hash tables alone: the originals")
    parser.add_argument(
        "--jpeg-hashes", type=Path, metavar="CSV", nargs="+", help="the published images: one table or more"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the results from hash tables alone")
    if verb == "label":
        parser.add_argument(
            "--match", type=Path, metavar="DIR", dest="matched", help="folder of the match from these tables"
        )


def has_options(given: argparse.Namespace) -> bool:
    """Whether any hash table, or a folder for its results, was named."""
    return any(getattr(given, name, None) for name in _OPTIONS)


def run(given: argparse.Namespace, p: Params) -> Any:
    """Do it.

    Raises:
        InputError: an option is missing, or the folder holds more than an earlier result.

    """
    from semtrace.provenance import deduplicate, label, match

    _check(given)
    check_replaceable(given.out, RESULT_FILES[given.verb])
    if given.verb == "match":
        return match.run(given.tiff_hashes, given.jpeg_hashes, given.out, p.match, p.executor)
    if given.verb == "deduplicate":
        hashes = {"tiff": [given.tiff_hashes] if given.tiff_hashes else [], "jpeg": given.jpeg_hashes or []}
        return deduplicate.run({side: files for side, files in hashes.items() if files}, given.out, p.deduplicate,
                               p.executor)  # fmt: skip
    near = p.match.rules(p.hash.size**2).criteria.hamming_threshold
    tables = given.tiff_hashes, given.jpeg_hashes, given.matched
    return label.run(None, *tables, given.out, p.labels.parsed(), p.label, near=near)


def _check(given: argparse.Namespace) -> None:
    if given.verb == "deduplicate":
        if not given.out or not (given.tiff_hashes or given.jpeg_hashes):
            raise InputError("hash tables alone need --out, and --tiff-hashes or --jpeg-hashes or both")
        return
    needed = [name for name in _OPTIONS if name != "matched" or given.verb == "label"]
    if not all(getattr(given, name, None) for name in needed):
        options = ", ".join(_OPTIONS[name] for name in needed)
        raise InputError(f"{given.verb} from hash tables alone needs {options} together")


def check_replaceable(out: Path, written: set[str]) -> None:
    """Refuse to replace a folder that holds more than an earlier result.

    Raises:
        InputError: it does.

    """
    if out.exists() and {path.name for path in out.iterdir()} - written:
        raise InputError(f"{out}: holds more than an earlier result; name a new folder, it is replaced as a whole")
