"""The command line of releases: make one, verify it, compare two, pack one."""

from __future__ import annotations

import argparse
import errno
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from semtrace.cli.curate import CURATION_WORK

RELEASES = Path("data/releases")
CURATION_PIPELINE = "pipelines/curation/dvc.yaml"


def add(verb: Any, params_file: Path, work: Path) -> None:
    """Add the verbs with ``verb(name, function, help)``; they read ``params_file`` and the results in ``work``."""
    from semtrace.release.gates import GATES

    make = verb(
        "release",
        partial(_release, params_file, work),
        "make a dataset release in data/releases/: whole, described, with digests",
    )
    make.add_argument("--version", required=True, metavar="X.Y.Z", help="greater than that of the last release")
    make.add_argument("--date", metavar="YYYY-MM-DD", help="day of publication; else that of the Git commit")
    make.add_argument(
        "--filtered", action="store_true", help="release the Filtered dataset of curation instead of labelled pictures"
    )
    gates = "; ".join(f"{name}: {text}" for name, text in GATES.items())
    make.add_argument(
        "--allow", action="append", default=[], choices=GATES, metavar="NAME",
        help=f"release in spite of it, and record it in the card; may be repeated. {gates}",
    )  # fmt: skip
    check = verb("verify", _verify, "check that a release is as it was made: nothing missing, unexpected or changed")
    check.add_argument("release", type=Path, help="its folder")
    check.add_argument("--full", action="store_true", help="read every picture, not only its size")
    pack = verb("pack", _pack, "pack a release into tar files that are the same byte for byte each time")
    pack.add_argument("release", type=Path, help="its folder")
    pack.add_argument("form", choices=("bagit", "webdataset"), help="one BagIt bag to deposit, or shards to train from")
    pack.add_argument(
        "--out", type=Path, metavar="DIR", default=RELEASES, help="folder to write (default: %(default)s)"
    )
    pack.add_argument("--shard-mb", type=int, metavar="MB", default=500, help="size of a shard (default: %(default)s)")
    check.add_argument("--workers", type=int, metavar="N", help="processes, 0 = one per core; no result changes")
    diff = verb("diff", _diff, "list what changed between two releases")
    diff.add_argument("old", type=Path, help="folder of the one")
    diff.add_argument("new", type=Path, help="folder of the other")


def _release(params_file: Path, work: Path, given: argparse.Namespace) -> Any:
    from datetime import date

    from semtrace.config import composition, params
    from semtrace.core.errors import InputError
    from semtrace.io import project_state
    from semtrace.release import build
    from semtrace.release.settings import parse_version

    p, version = params.load(params_file), parse_version(given.version)
    if given.filtered:
        data = p.curation_dataset
        state = project_state.read_state((data.volumes, data.images, data.known), CURATION_PIPELINE)
    else:
        state = project_state.read_state((p.dataset.archive, p.dataset.published, p.dataset.known))
    day = given.date or state.date or date.today().isoformat()
    try:
        day = date.fromisoformat(day).isoformat()
    except ValueError:
        raise InputError(f"--date {day!r} is no date; write YYYY-MM-DD") from None
    if given.filtered:
        again = f"{composition.run_again(params_file, verb='params')} && dvc repro {CURATION_PIPELINE}"
    else:
        again = composition.run_again(params_file)
    order = build.ReleaseOrder(version, day, given.allow, state, again)
    if given.filtered:
        from semtrace.release.filtered import run_filtered

        return run_filtered(CURATION_WORK, RELEASES, params_file, p.release, order)
    folders = work, p.dataset.published, p.dataset.archive, RELEASES, params_file
    return build.run(*folders, p.release, p.labels.parsed(), order)


def _verify(given: argparse.Namespace) -> Any:
    from semtrace.io.terminal import harmless
    from semtrace.release import verify

    _check_release(given.release)
    failures = verify.run(given.release, full=given.full, workers=given.workers or 0)
    for failure in failures:
        print(harmless(f"{failure.kind}: {failure.path}: {failure.detail}"))
    counts = Counter(failure.kind for failure in failures)
    if failures:
        raise OSError(
            errno.EBADMSG,
            "is not as it was released: " + ", ".join(f"{kind} {n}" for kind, n in counts.items()),
            str(given.release),
        )
    other = len(verify.renamed(given.release))
    form = f"; {other} names came back in another Unicode form" if other else ""
    files, images = verify.counts(given.release)
    how = "every byte read" if given.full or not images else "sizes; --full reads every image"
    counted = f", {images:,} images" if images else ""  # a release of patches has no manifest: all of it is read
    return f"{given.release}, {how}{form}\nOK: {files:,} files{counted}"


def _pack(given: argparse.Namespace) -> Any:
    from semtrace.release import pack

    _check_release(given.release)
    if given.form == "bagit":
        return pack.bag(given.release, given.out)
    return pack.shards(given.release, given.out, given.shard_mb)


def _check_release(folder: Path) -> None:
    from semtrace.core.errors import InputError

    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name that of a release, such as {RELEASES}/<name>-1.0.0")


def _diff(given: argparse.Namespace) -> Any:
    from semtrace.release import compare

    difference = compare.run(given.old, given.new)
    for kind in compare.REPORTED:
        for row in difference.rows(kind):
            print(f"{kind}: {' -> '.join(path for path in row.values() if path)}")
    return ", ".join(f"{kind} {count}" for kind, count in difference.counts.items())
