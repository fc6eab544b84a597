"""The command line of the watcher: watch a folder, try rules, put back, report, serve, generate."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semtrace.watch.settings import Settings

JOURNALS = Path("data/watch")
_OVERRIDES = "settings, e.g. watch=loose watch.quiet_s=30 (docs/watch.md)"


def add(verb: Any) -> None:
    """Add ``watch`` and its own verbs with ``verb(name, function, help)``."""
    watch = verb("watch", None, "sort a folder: send new pictures on, archive the rest, lose none")
    parts = watch.add_subparsers(dest="part", required=True, metavar="PART")

    def part(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = parts.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        added.set_defaults(run=run)
        return added

    run = part("run", _run, "watch a folder")
    _places(run)
    run.add_argument("--once", action="store_true", help="end when every picture there is decided, or cannot be read")
    tried = part("try", _try, "show which pictures of some folders several thresholds would keep; nothing is moved")
    tried.add_argument("folders", type=Path, nargs="+", metavar="DIR", help="folders of pictures; then settings")
    back = part("undo", _undo, "put back the moved pictures that are unchanged")
    back.add_argument("folder", nargs="?", help="its name below the watched folder; none: the last batch")
    back.add_argument("--batch", type=int, metavar="N", help="one batch; the journal and the log number them")
    state = part(
        "status",
        _status,
        "list the sorted and the waiting pictures, and why they wait; exit 1 where a person is needed",
    )
    state.add_argument("--json", action="store_true", help="for programs")
    for reading in (back, state):
        reading.add_argument("--state", type=Path, metavar="FILE", help=f"the journal (default: those in {JOURNALS}/)")
    service = part("service", _service, "print a systemd unit or a Windows task that runs the watcher")
    service.add_argument("system", choices=("systemd", "windows"))
    _places(service)
    service.add_argument("--user", action="store_true", help="for the user who installs it, not for the machine")
    make = part("generate", _generate, "make folders of invented pictures with a table of the truth")
    make.add_argument("folder", type=Path, metavar="DIR")
    make.add_argument("--total-images", type=int, default=6, metavar="N", help="in each folder (default: %(default)s)")
    make.add_argument(
        "--similar-images", type=int, default=2, metavar="N", help="of these, repeats (default: %(default)s)"
    )
    make.add_argument("--folders", type=int, default=1, metavar="N", help="(default: %(default)s)")
    make.add_argument("--size", default="512x512", metavar="WxH", help="pixels (default: %(default)s)")
    make.add_argument("--kind", choices=("scene", "particle", "empty"), default="scene")
    make.add_argument("--format", choices=("bmp", "png", "tif"), default="bmp")
    make.add_argument("--seed", type=int, default=0, metavar="N")


def _places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("root", type=Path, metavar="ROOT", help="the folder to watch")
    parser.add_argument("--unique", type=Path, required=True, metavar="DIR", help="where pictures that are new go")
    parser.add_argument("--archive", type=Path, required=True, metavar="DIR", help="where the others go")
    parser.add_argument("--copy", action="store_true", help="copy, and leave the watched folder as it is")
    parser.add_argument("--prune", action="store_true", help="remove folders that have become empty")
    parser.add_argument("--method", choices=("hash", "mse", "opencv"), help="in place of watch.method; opencv is mse")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help=_OVERRIDES)


def _run(given: argparse.Namespace) -> None:
    from semtrace.io.decision_log import DecisionLog
    from semtrace.watch.clock import Clock
    from semtrace.watch.console import Console
    from semtrace.watch.reading import picture_reader
    from semtrace.watch.watcher import Watcher

    rules, places, state = _prepared(given)
    clock, console = Clock(), Console(lambda line: print(line, flush=True))
    with _trouble(state), _opened(state, console) as journal, _one_watcher(journal, places):
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), lambda *_: clock.stop())
        log = DecisionLog(state.with_name(f"{state.stem}.watch.jsonl"))
        try:
            watcher = Watcher(
                places, rules, journal, log, clock, console, picture_reader(rules),
                once=given.once, copies=given.copy, prune=given.prune,
            )  # fmt: skip
            code = watcher.run()
        finally:
            log.close()
    if code:
        raise SystemExit(code)


def _prepared(given: argparse.Namespace) -> tuple[Settings, Any, Path]:
    """Settings, checked folders and the file of the journal."""
    from semtrace.cli.watch_settings import settings
    from semtrace.core.errors import InputError
    from semtrace.watch.places import PlacesError, checked

    method = [f"watch.method={given.method}"] if given.method else []
    rules = settings([*given.overrides, *method])
    try:
        places = checked(given.root, given.unique, given.archive)
    except PlacesError as error:
        raise InputError(str(error)) from error
    return rules, places, Path(rules.state or JOURNALS / f"{given.root.absolute().name or 'root'}.sqlite")


@contextmanager
def _trouble(state: Path) -> Iterator[None]:
    """Faults of the journal become one message."""
    import sqlite3

    from semtrace.core.errors import UnreachableError
    from semtrace.io.journal import JournalError

    try:
        yield
    except JournalError as error:
        raise UnreachableError(str(error)) from error
    except sqlite3.Error as error:
        raise UnreachableError(f"{state}: {error}; start again: a damaged journal is then set aside") from error


@contextmanager
def _opened(state: Path, console: Any) -> Iterator[Any]:
    """The journal, begun anew where it was damaged."""
    from semtrace.io.journal import opened

    journal, aside = opened(state)
    try:
        if aside is not None:
            console.say(f"The journal was damaged; it is kept as {aside}. A new one is begun; nothing moves twice")
        yield journal
    finally:
        journal.close()


@contextmanager
def _one_watcher(journal: Any, places: Any) -> Iterator[None]:
    """Hold the archive, where it is mounted; a second watcher, also of another machine, is refused."""
    from filelock import FileLock, Timeout

    from semtrace.core.errors import InputError, UnreachableError
    from semtrace.watch.places import not_mounted

    mount = journal.known(places.root, "archive mount")
    if mount is not None and not_mounted(places.archive, mount):
        raise UnreachableError(f"{places.archive} is not there; mount it, or make it")
    Path(places.archive).mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(Path(places.archive) / ".semtrace-watch.lock", timeout=0):
            yield
    except Timeout as error:
        raise InputError(f"{places.archive}: another watcher works with this archive; stop it first") from error


def _try(given: argparse.Namespace) -> None:
    import csv

    from semtrace.cli.watch_settings import settings
    from semtrace.core.errors import InputError
    from semtrace.io.terminal import harmless
    from semtrace.watch.reading import picture_reader
    from semtrace.watch.tryout import try_rules

    words = [str(path) for path in given.folders]
    overrides = [word for word in words if word.startswith(("watch=", "watch.")) and not Path(word).exists()]
    folders = [Path(word).absolute() for word in words if word not in overrides]
    if missing := [folder for folder in folders if not folder.is_dir()]:
        raise InputError(f"{missing[0]}: no such folder")
    rules = settings(overrides)
    scenes: dict[str, str] | None = None
    for table in (folder / "truth.csv" for folder in folders):
        if table.is_file():
            with table.open(newline="", encoding="utf-8") as file:
                found = {str(table.parent / row["file"]): row["scene"] for row in csv.DictReader(file)}
            scenes = {**(scenes or {}), **found}
    print(harmless(str(try_rules([str(folder) for folder in folders], rules, picture_reader(rules), scenes))))


def _journals(given: argparse.Namespace) -> list[Path]:
    from semtrace.core.errors import InputError

    found = [given.state] if given.state else sorted(JOURNALS.glob("*.sqlite"))
    if not found:
        raise InputError(f"no journal in {JOURNALS}/; run this where the watcher runs, or name it with --state")
    return found


def _undo(given: argparse.Namespace) -> None:
    from semtrace.core.errors import InputError
    from semtrace.io.journal import Journal
    from semtrace.io.terminal import harmless
    from semtrace.watch.clock import Clock
    from semtrace.watch.places import Places
    from semtrace.watch.undo import undo

    paths = _journals(given)
    if len(paths) > 1:
        raise InputError(f"there are several journals, name one with --state: {', '.join(map(str, paths))}")
    if not paths[0].is_file():
        raise InputError(f"{paths[0]}: no such journal")
    with _trouble(paths[0]):
        journal = Journal(paths[0])
        try:
            batches = [batch for root in journal.roots() for batch in journal.batches(root) if batch.state != "undone"]
            if given.batch is not None:
                batches = [batch for batch in batches if batch.id == given.batch]
            elif given.folder is not None:
                batches = [batch for batch in batches if batch.folder == given.folder.strip("/").removeprefix("./")]
            else:
                batches = sorted(batches, key=lambda batch: batch.id)[-1:]
            if not batches:
                raise InputError("no such batch that could be undone; `semtrace watch status` lists the batches")
            root = batches[0].root
            places = Places(root, *(journal.known(root, name) or root for name in ("unique", "archive")))
            with _one_watcher(journal, places):
                result = undo(journal, batches, Clock().now())
        finally:
            journal.close()
    lines = [f"Back:      {path}" for path in result.back]
    lines += [f"Not back:  {path}: {reason}" for path, reason in result.gone]
    print(harmless("".join(f"{line}\n" for line in lines)), end="")
    print(f"{len(result.back)} put back, {len(result.gone)} not")
    if result.gone:
        raise SystemExit(1)


def _status(given: argparse.Namespace) -> None:
    from semtrace.io.journal import Journal
    from semtrace.io.terminal import harmless
    from semtrace.watch.status import status

    found = []
    for path in _journals(given):
        with _trouble(path):
            journal = Journal(path, readonly=True)
            try:
                found += [status(journal, root) for root in journal.roots()]
            finally:
                journal.close()
    text = json.dumps([one.as_json() for one in found], indent=2) if given.json else "\n".join(map(str, found))
    print(harmless(text))
    if any(one.needs_a_person for one in found):
        raise SystemExit(1)


def _service(given: argparse.Namespace) -> None:
    from semtrace.watch.service import systemd_unit, windows_task

    _prepared(given)
    words = [sys.executable, "-m", "semtrace.cli", "watch", "run", str(given.root.absolute())]
    words += ["--unique", str(given.unique.absolute()), "--archive", str(given.archive.absolute())]
    words += [f"--{name}" for name in ("copy", "prune") if getattr(given, name)]
    words += [*(["--method", given.method] if given.method else []), *given.overrides]
    make = systemd_unit if given.system == "systemd" else windows_task
    print(make(words, str(Path.cwd()), user=given.user), end="")


def _generate(given: argparse.Namespace) -> None:
    from tqdm import tqdm

    from semtrace.core.errors import InputError
    from semtrace.watch.generate import FrameOrder, generate_frames

    width, _, height = given.size.partition("x")
    try:
        order = FrameOrder(
            given.total_images, given.similar_images, given.folders, int(width), int(height),
            given.kind, given.format, given.seed,
        )  # fmt: skip
    except ValueError as error:
        raise InputError(f"watch generate: {error}") from error
    steps = tqdm(
        generate_frames(str(given.folder), order), total=order.total * order.folders + 1, unit="image", disable=None
    )
    try:
        written = sum(1 for _ in steps)
    except FileExistsError as error:
        raise InputError(f"{error.filename}: there already; choose another folder") from error
    print(f"{written - 1} images in {order.folders} folder(s) of {given.folder}, and truth.csv")
