"""report: one page that shows the whole result, with nothing but files beside it, and the queue of questions.

The page opens from the disk: classic scripts, data as scripts, pictures as files. The same inputs give the same bytes,
so neither a time nor a commit is in it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from semtrace import __version__
from semtrace.core.errors import InputError
from semtrace.io import tables
from semtrace.io.code_digest import code_digest
from semtrace.io.digests import md5
from semtrace.io.files import safe_name, write_atomic, write_staged
from semtrace.io.kept_figures import KeptFigures
from semtrace.io.staging import staged_folder
from semtrace.io.verdicts import locate_verdicts
from semtrace.parallel.processes import Crashed
from semtrace.provenance.not_looked_for import not_looked_for
from semtrace.provenance.page_data import (
    READ,
    ROW_COLUMNS,
    PagePairs,
    overview,
    page_rows,
    queue_entry,
    read_page_tables,
)
from semtrace.provenance.queue import QUEUE
from semtrace.report.figures import SheetFigures, known_sheets, plots_of
from semtrace.report.sheets import plan_sheets
from semtrace.stage.claim import line, read_claim
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.settings import Section, Whole
from semtrace.web.assets import ICON, POLICY, SCRIPTS, STYLE, asset, data_script, page_html, single_html
from semtrace.web.maps import map_bytes
from semtrace.web.pictures import MapTask, Unavailable, picture_bytes, pictures_beside

_SOURCE = "files.js"
_SHOWN_PARAMS = ("match", "hash", "convert", "fingerprint", "deduplicate", "label", "review", "report")


class Settings(Section, section="report"):
    """The report (conf/report/).

    Attributes:
        pictures: pairs with pictures, those of the queue first; ``all`` for all.
    """

    pictures: Annotated[Whole, Field(ge=0)] | Literal["all"]


@dataclass(frozen=True)
class Summary:
    """What the report shows."""

    page: str
    images: int
    questions: int
    pairs_with_pictures: int
    missing_pictures: int


@dataclass(frozen=True)
class PageContent:
    """What the page shows, before it is written.

    Attributes:
        run: the overview.
        rows: a row for each published image.
        pairs: single pairs by item, those that have pictures.
        queue: rows of queue.csv.
        files: by md5 the file of each picture that is shown.
        maps: the pairs whose map is shown, by the name of its file.
        sheets: the contact sheets.
        others: by md5 further files that only the sheets show.
    """

    run: dict[str, Any]
    rows: list[list[Any]]
    pairs: dict[str, dict[str, Any]]
    queue: list[Mapping[str, Any]]
    files: dict[str, str]
    maps: dict[str, MapTask]
    sheets: SheetFigures
    others: dict[str, str]
    failures: dict[str, str] = field(default_factory=dict)


def stage(job: Job) -> Summary:
    """The stage on the results of all stages before."""
    content = collect(job, job.params.report.pictures)
    out = job.result("report")
    with staged_folder(out) as folder:
        for name in ("assets", "pictures", "maps"):
            (folder / name).mkdir()
        grays: dict[str, NDArray[np.uint8]] = {}
        missing = content.sheets.missing
        for md5_, data in _drawn(content, job.executor, job.params.review.cache_mb, missing):
            if md5_ in content.files:
                write_staged(folder / "pictures" / f"{md5_}.jpg", data)
            if md5_ in missing:
                grays[md5_] = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
        for name, data in _maps(content, job.executor, job.params.review.cache_mb):
            write_staged(folder / "maps" / f"{name}.jpg", data)
        content.run["plots"] = []
        for figure in [*plots_of(job.work), *content.sheets.figures(grays)]:
            write_staged(folder / "assets" / figure.name, figure.data)
            content.run["plots"].append(figure.entry(f"assets/{figure.name}"))
        scripts = {"run.js": _run_script(content), "rows.js": _rows_script(content)}
        for name, text in scripts.items():
            write_staged(folder / "assets" / name, text.encode())
        for name in (STYLE, ICON, _SOURCE, *SCRIPTS):
            write_staged(folder / "assets" / name, asset(name))
        addresses = [f"assets/{name}" for name in ("run.js", "rows.js", *SCRIPTS[:-1], _SOURCE, SCRIPTS[-1])]
        # A page that is a file cannot forbid frames, and must not be told so.
        policy = POLICY.replace("frame-ancestors 'none'; ", "")
        page = page_html(content.run["title"], addresses, policy=policy, mode="file")
        write_staged(folder / "index.html", page.encode())
        tables.write(folder / "queue.csv", QUEUE, content.queue, sort=False)
    return Summary(
        str(out / "index.html"), content.run["images_in"], len(content.queue), len(content.pairs), len(content.failures)
    )


def write_single(job: Job, file: Path) -> str:
    """Write one HTML file with the table, and with pictures of the queue.

    Raises:
        InputError: the file's folder is not there.
    """
    if not file.parent.is_dir():
        raise InputError(f"{file}: the folder {file.parent} is not there; make it or name another")
    content = collect(job, 0)
    drawn: dict[str, str] = {}
    for md5_, data in _drawn(content, job.executor, job.params.review.cache_mb, frozenset()):
        drawn[md5_] = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    inside = [
        figure.entry(f"data:image/png;base64,{base64.b64encode(figure.data).decode()}") for figure in plots_of(job.work)
    ]
    content.run.update(pictures=drawn, plots=inside)
    own = [asset(name).decode() for name in (*SCRIPTS[:-1], _SOURCE, SCRIPTS[-1])]
    page = single_html(content.run["title"], [_run_script(content), _rows_script(content), *own])
    write_atomic(file, page.encode())
    return f"{file}: {len(content.rows)} rows, {len(drawn)} pictures, {len(page.encode()):,} bytes"


def collect(job: Job, most: int | Literal["all"]) -> PageContent:
    """What the page shows.

    Args:
        job: as for the stage.
        most: pairs with pictures beside those of the queue.

    Raises:
        TableError: the match has not run, or a table is damaged.
        AccountingError: the counts do not add up.
    """
    given = read_page_tables(job.work, locate_verdicts(job.verdicts, job.known), job.params.labels.depth)
    pairs = PagePairs(given, job.params.review, {})
    claim = read_claim(job.work)
    asked = [question.cells["item"] for question in pairs.queue]
    shown = dict.fromkeys([*asked, *_sample(pairs.items(), asked, most)])
    data = {item: pair for item in shown if (pair := pairs.pair(item)) is not None}
    where = pairs.files()
    roots = {"jpeg": job.published.resolve(), "tiff": job.archive.resolve()}
    digests = dict.fromkeys(
        picture["md5"] for pair in data.values() for picture in (pair["jpeg"], *pair["originals"])
    )  # fmt: skip
    files = {digest: safe_name(roots[where[digest][0]], where[digest][1]) for digest in digests}
    sheets = known_sheets(plan_sheets(given), KeptFigures(job.executor.cache))
    others = {digest: safe_name(roots[where[digest][0]], where[digest][1]) for digest in sheets.missing - files.keys()}
    tree = job.params.tree
    run = overview(given)
    unlooked = not_looked_for(run["decisions"]["unmatched"], run["originals"], job.params.match.geometry)
    run |= {
        "not_looked_for": [said.strip() for said in unlooked],
        "title": f"semtrace: {claim.name if claim else 'results'}",
        "headline": line(claim),
        "columns": list(ROW_COLUMNS),
        "provenance": {
            "version": __version__,
            "code": code_digest(__name__),
            "parameters": {name: dict(tree[name]) for name in _SHOWN_PARAMS if name in tree},
            "tables": {name: md5((job.work / name).read_bytes()) for name in READ if (job.work / name).is_file()},
        },
    }
    run["provenance"]["parameters"]["review"].pop("cache_mb", None)  # no result depends on it
    maps = {}
    for item in asked:
        for original in data[item]["originals"][:1]:  # of the best candidate; the review page has all
            jpeg = data[item]["jpeg"]
            maps[f"{jpeg['md5']}-{original['md5']}"] = MapTask(
                files[jpeg["md5"]], jpeg["md5"], files[original["md5"]], original["md5"],
                pairs.bar_top(original["path"]), original["symmetry"], original["crop"],
                original["page"], original["angle"],
            )  # fmt: skip
    return PageContent(
        run, page_rows(given), data, [question.cells for question in pairs.queue], files, maps, sheets, others
    )


def _sample(items: Sequence[str], asked: Sequence[str], most: int | Literal["all"]) -> list[str]:
    """Items that are not asked about, evenly from all, so that with those asked there are at most ``most``."""
    rest = [item for item in items if item not in set(asked)]
    count = len(rest) if most == "all" else max(0, min(len(rest), most - len(asked)))
    return [rest[k * len(rest) // count] for k in range(count)]


def _drawn(
    content: PageContent, executor: Executor, cache_mb: int, more: Collection[str]
) -> Iterator[tuple[str, bytes]]:
    """Pictures of all files and of ``more`` ones, by md5; what cannot be shown is noted with its reason."""
    cache = pictures_beside(executor.cache, cache_mb)
    todo = []
    wanted = content.files | {digest: file for digest, file in sorted(content.others.items()) if digest in more}
    for digest, file in wanted.items():
        known = cache.get(f"{digest}-thumb")
        if known is None:
            todo.append((file, digest))
        else:
            yield digest, known
    local = executor.on_this_machine()
    drawn = local.map(_draw, todo, what="pictures of the report", reads=lambda task: [task[0]])
    for (_, digest), made in zip(todo, drawn, strict=True):
        if isinstance(made, dict):
            cache.put(f"{digest}-thumb", made["thumb"])
            yield digest, made["thumb"]
        elif digest in content.files:
            content.failures[digest] = _words(made)


def _maps(content: PageContent, executor: Executor, cache_mb: int) -> Iterator[tuple[str, bytes]]:
    """The map of each question that can have one."""
    cache = pictures_beside(executor.cache, cache_mb)
    known = {name: cache.get(task.name) for name, task in content.maps.items()}
    tasks = [task for name, task in content.maps.items() if known[name] is None]
    local, what = executor.on_this_machine(), "maps of the report"
    made = local.map(map_bytes, tasks, what=what, reads=lambda task: [task.original])
    done = []
    for name, task in content.maps.items():
        data = known[name]
        if data is None:
            found = next(made)
            if not isinstance(found, bytes):
                continue
            data = found
            cache.put(task.name, data)
        done.append(name)
        yield name, data
    content.run["maps"] = sorted(done)


def _draw(task: tuple[str, str]) -> dict[str, bytes] | Unavailable:
    return picture_bytes(task[0], task[1], ["thumb"])


def _words(made: Unavailable | Crashed) -> str:
    return f"decoder_crashed: {made.detail}" if isinstance(made, Crashed) else f"{made.reason}: {made.detail}"


def _run_script(content: PageContent) -> str:
    content.run["failures"] = content.failures
    queue = [queue_entry(row) for row in content.queue]
    return data_script("semtraceRun", {"run": content.run, "pairs": content.pairs, "queue": queue})


def _rows_script(content: PageContent) -> str:
    return data_script("semtraceRows", content.rows)
