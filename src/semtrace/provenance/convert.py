"""convert: one JPEG per unique TIFF.

Grey stays grey. What is not 8-bit grey is turned into it by one recorded rule (column ``rule``), never by a
silent clip. Rows in (inventory.csv) = rows out (converted.csv) + rejects; a duplicate's row names its keeper's JPEG.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from semtrace.core.names import distinct
from semtrace.io import tables
from semtrace.io.cache import Cache, Entry, Kind, reader
from semtrace.io.digests import md5
from semtrace.io.files import safe_name, write_staged
from semtrace.io.images import UnreadableImage, decode, encode_jpeg
from semtrace.io.reuse import remember, remembered, take_over
from semtrace.io.staging import staged_folder
from semtrace.io.stat_cache import recall_many
from semtrace.provenance.tables import CONVERTED, INVENTORY
from semtrace.stage.cached_map import worked_map
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.inputs import read_file
from semtrace.stage.rejects import Failure, Reject, write_rejects
from semtrace.stage.settings import Section, Whole

_LONGEST = 1000  # bytes of a path in the tree: the system allows 4,095 in all, and folders above it take their part


class Settings(Section, section="convert"):
    """How TIFFs become JPEGs (conf/convert/)."""

    layout: Literal["tree", "flat"]
    quality: Annotated[Whole, Field(ge=1, le=100)]


@dataclass(frozen=True)
class Summary:
    """What was converted."""

    tiffs: int
    jpegs: int
    rules: dict[str, int]
    rejects: dict[str, int]


def stage(job: Job) -> Summary:
    """The stage on the dataset's archive."""
    listing = job.result("inventory/inventory.csv")
    return run(job.archive, listing, job.result("convert"), job.params.convert, job.executor)


def run(archive: Path, inventory: Path, out: Path, settings: Settings, executor: Executor) -> Summary:
    """Write ``images/``, ``converted.csv`` and ``rejects.csv`` to the folder ``out``.

    Args:
        archive: root of the paths in ``inventory``.
        inventory: the table of the inventory stage.
        out: folder to write.
        settings: layout and quality. What an earlier run left in ``out`` is taken over where it is still what this
            code makes of the same original.
        executor: where to work.

    """
    listed = tables.read(inventory, INVENTORY)
    unique = [row for row in listed if not row["duplicate_of"]]
    paths, digests = [row["path"] for row in unique], [row["md5"] for row in unique]
    targets = names(paths, digests, settings.layout)
    made: dict[str, dict[str, str]] = {}
    failed: dict[str, Failure] = {}
    with staged_folder(out) as folder:
        images = folder / "images"
        for parent in sorted({target.rpartition("/")[0] for target in targets}):
            (images / parent).mkdir(parents=True, exist_ok=True)
        root, earlier = archive.resolve(), out / "images"
        items = [
            _Item(path, digest, safe_name(root, path), target, f"{earlier}/{target}")
            for path, digest, target in zip(paths, digests, targets, strict=True)
        ]
        todo = []
        with Cache(executor.cache) as cache:
            known = cache.get_many(_kind(settings.quality), digests)
            unchanged = recall_many([item.source for item in items], cache)
            facts = remembered(earlier, cache)
        for item, its, digest in zip(items, known, unchanged, strict=True):
            place, fact = f"{images}/{item.target}", facts.get(item.target)
            if its and digest == item.digest and take_over(item.earlier, place, its[0], fact, read=False):
                made[item.path] = {"jpeg_path": item.target, "jpeg_md5": its[0], "rule": its[1]}
            else:
                todo.append(item)
        # Workers write under names of their own, and only what is wanted gets its place: one on another machine that
        # was given up may go on writing. Nobody can write here any more when the folder is gone.
        new = tempfile.mkdtemp(dir=folder)
        results = worked_map(
            todo, partial(_convert, settings.quality, new), recall=None, executor=executor, what="convert",
            reads=lambda item: (item.source, new),
        )  # fmt: skip
        for item, result in zip(todo, results, strict=True):
            if isinstance(result, Failure):
                failed[item.path] = result
            else:
                name, digest, rule = result
                Path(new, name).rename(images / item.target)
                made[item.path] = {"jpeg_path": item.target, "jpeg_md5": digest, "rule": rule}
        shutil.rmtree(new)
        keepers = [(row["path"], row["duplicate_of"] or row["path"], row["md5"]) for row in listed]
        rows = [{"path": path, "md5": content, **made[keeper]} for path, keeper, content in keepers if keeper in made]
        tables.write(folder / "converted.csv", CONVERTED, rows)
        rejects = [Reject.of(path, "convert", failed[keeper]) for path, keeper, _ in keepers if keeper in failed]
        counts = write_rejects(folder, rejects, rows_in=len(listed), rows_out=len(rows))
    with Cache(executor.cache) as cache:
        remember(earlier, ((one["jpeg_path"], one["jpeg_md5"]) for one in made.values()), cache)
    rules = Counter(re.split(r"[ ;]", row["rule"])[0] for row in made.values())
    return Summary(tiffs=len(listed), jpegs=len(made), rules=dict(sorted(rules.items())), rejects=counts)


def names(paths: Sequence[str], digests: Sequence[str], layout: str) -> list[str]:
    """How the JPEGs of unique TIFFs are called, given their paths and md5s."""
    flat = [f"{digest}.jpg" for digest in digests]
    if layout == "flat":
        return flat
    wanted = [PurePosixPath(path).with_suffix(".jpg").as_posix() for path in paths]
    short = [path if len(path.encode()) <= _LONGEST else name for path, name in zip(wanted, flat, strict=True)]
    return distinct(short, digests)


class _Item(NamedTuple):
    """One conversion.

    Attributes:
        path: of the original, as in the inventory.
        digest: md5 that it must still have.
        source: where it is.
        target: the JPEG's place in the folder of this stage.
        earlier: the file that an earlier run made of it.
    """

    path: str
    digest: str
    source: str
    target: str
    earlier: str


def _kind(quality: int) -> Kind:
    return Kind(f"converted-{quality}", (__name__,))


def _convert(
    quality: int, folder: str, cache_file: str, item: _Item
) -> tuple[tuple[str, str, str] | Failure, list[Entry]]:
    """Write the JPEG into ``folder``; its name there, its md5 and the rule, or why there is none."""
    cache, name = reader(cache_file), f"{uuid.uuid4().hex}.jpg"
    known = cache.get(_kind(quality), item.digest)
    unchanged = recall_many([item.source], cache) == [item.digest]
    if known is not None and unchanged and take_over(item.earlier, f"{folder}/{name}", known[0]):
        return (name, known[0], known[1]), []
    data = read_file(item.source, item.digest, cache_file)
    if isinstance(data, Failure):
        return data, []
    try:
        image = decode(data)
    except UnreadableImage as error:
        return Failure(error.reason, error.detail), []
    try:
        jpeg = encode_jpeg(image.gray, quality)
    except ValueError as error:
        return Failure("too_large_for_jpeg", str(error)), []
    write_staged(Path(folder, name), jpeg)
    made = md5(jpeg)
    return (name, made, image.rule), [(_kind(quality), item.digest, [made, image.rule])]
