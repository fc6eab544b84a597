"""The command line of what a person is asked: ``review`` and ``verdicts``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from semtrace.cli import scale
from semtrace.cli.stages import PARAMS, WORK

VerbMaker = Callable[[str, Any, str], argparse.ArgumentParser]


def add(verb: VerbMaker) -> None:
    """Add the verbs."""
    review = verb("review", _review, "answer questions about doubtful pictures in a browser on this machine")
    review.add_argument("--who", help="who answers; default: your name on this machine")
    review.add_argument("--port", type=int, default=0, metavar="N", help="to listen on; 0: any that is free")
    review.add_argument(
        "--kind", choices=("ambiguous", "conflict", "weak", "near_miss", "audit"), help="begin with these"
    )
    review.add_argument("--open", action="store_true", help="open a browser")
    review.add_argument(
        "--work", type=Path, default=WORK, metavar="DIR", help="folder of the results (default: %(default)s)"
    )
    verdicts = verb(
        "verdicts", None, "check a person's verdicts, join another table of them, or set the pixel size of an image"
    )
    actions = verdicts.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="read verdicts.csv and list contradictions", description=_check.__doc__)
    check.set_defaults(run=_check)
    merge = actions.add_parser("merge", help="take over the verdicts of another table", description=_merge.__doc__)
    merge.add_argument("other", type=Path, metavar="OTHER.csv", help="a table of verdicts")
    merge.add_argument(
        "--prefer", choices=("mine", "theirs", "newer"), help="whose verdict stands where two contradict each other"
    )
    merge.add_argument("--who", help="who joins them, for the history; default: your name on this machine")
    merge.set_defaults(run=_merge)
    scale.add_correction(actions)


def add_report_options(report: argparse.ArgumentParser) -> None:
    """Add the options of the stage ``report``."""
    text = "write one HTML file instead: the table, and pictures of the questions"
    report.add_argument("--single", type=Path, metavar="FILE", help=text)


def report_single(given: argparse.Namespace) -> str:
    """The report as one file."""
    from semtrace.cli.stages import job, ready
    from semtrace.report.report import write_single

    return write_single(job(given, ready(given)), given.single)


def _review(given: argparse.Namespace) -> str:
    """Serve the page until Ctrl+C."""
    import contextlib

    from semtrace.config import composition, params
    from semtrace.core.errors import InputError
    from semtrace.io.verdicts import locate_verdicts
    from semtrace.review.app import make_app
    from semtrace.review.desk import Desk, ReviewFolders
    from semtrace.review.people import own_name
    from semtrace.web.pictures import PictureService, pictures_beside
    from semtrace.web.serve import browser_opened, listen, serve_page

    p = params.load(PARAMS)
    data, who = p.dataset, given.who or own_name()
    file = locate_verdicts(data.verdicts, data.known)
    if file.parent != data.verdicts:
        raise InputError(f"{file}: answers go to {data.verdicts}; move it first: mv {file} {data.verdicts}/")
    folders = ReviewFolders(data.archive, data.published, data.verdicts, given.work)
    desk = Desk(folders, p.review, who, given.kind or "", p.labels.depth)
    cache = pictures_beside(p.executor.cache, p.review.cache_mb)
    pictures = PictureService(cache)
    with contextlib.ExitStack() as held:
        held.callback(pictures.close)
        listening = held.enter_context(listen(given.port))

        def ready(address: str) -> None:
            print(f"review: open {address}\nreview: answers go to {data.verdicts} as {who}; Ctrl+C ends it", flush=True)
            if given.open:
                held.enter_context(browser_opened(address))

        serve_page(make_app(desk, pictures), listening, ready)
    answers = "1 answer" if desk.saved == 1 else f"{desk.saved} answers"
    return f"{answers} saved; `{composition.run_again(PARAMS)}` uses them"


def _check(given: argparse.Namespace) -> str:
    """Read the verdicts strictly, and list those that cannot all be true; exit code 1 where there are any."""
    from semtrace.config import params
    from semtrace.io.verdict_store import read_rows_by_subject
    from semtrace.io.verdicts import locate_verdicts
    from semtrace.review.contradictions import ContradictionError, contradictions

    dataset = params.load(PARAMS).dataset
    file = locate_verdicts(dataset.verdicts, dataset.known)
    rows = read_rows_by_subject(file).values()
    if found := contradictions(rows):
        raise ContradictionError(f"{file}: {len(found)} contradictions:\n  " + "\n  ".join(found))
    counts = {name: sum(row["verdict"] == name for row in rows) for name in ("same", "different", "category")}
    return f"{file}: {', '.join(f'{count} {name}' for name, count in counts.items())}; no contradiction"


def _merge(given: argparse.Namespace) -> str:
    """Take over the verdicts of another table. Where two contradict each other nothing is written without --prefer."""
    from semtrace.config import params
    from semtrace.core.errors import InputError
    from semtrace.io.verdict_store import VerdictStore, read_rows_by_subject
    from semtrace.review.contradictions import merge_changes
    from semtrace.review.people import own_name

    if not given.other.is_file():
        raise InputError(f"{given.other}: no such file; name the table of verdicts to take over")
    store = VerdictStore(params.load(PARAMS).dataset.verdicts)
    mine = store.rows()
    changes = merge_changes(mine, read_rows_by_subject(given.other), given.prefer)
    expected = {change.subject: mine.get(change.subject) for change in changes}
    count = store.record(changes, who=given.who or own_name(), origin="merge", expected=expected)
    return f"{store.file}: {count} verdicts taken over from {given.other}"
