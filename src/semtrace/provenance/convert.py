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
from typing import NamedTuple

from semtrace.core.names import distinct
from semtrace.io import tables
from semtrace.io.cache import Cache, Entry, reader
from semtrace.io.earlier import remember, take_over
from semtrace.io.files import md5, safe_join, write_staged
from semtrace.io.images import UnreadableImage, decode, encode_jpeg
from semtrace.io.seen import recall
from semtrace.io.staging import staged_folder
from semtrace.parallel import Crashed
from semtrace.provenance.common import OUT_OF_MEMORY, Executor, Reject, read_file, write_rejects

_LONGEST = 1000  # bytes of a path in the tree: the system allows 4,095 in all, and folders above it take their part


@dataclass(frozen=True)
class Settings:
    """How TIFFs become JPEGs (conf/convert/)."""

    layout: str
    quality: int

    def __post_init__(self) -> None:
        if self.layout not in ("tree", "flat"):
            raise ValueError(f"convert.layout is {self.layout!r}; it must be 'tree' or 'flat'")
        if not 1 <= self.quality <= 100:
            raise ValueError(f"convert.quality is {self.quality}; it must be 1 to 100")


@dataclass(frozen=True)
class Summary:
    """What was converted."""

    tiffs: int
    jpegs: int
    rules: dict[str, int]
    rejects: dict[str, int]


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
    listed = tables.read(inventory, tables.INVENTORY)
    unique = [row for row in listed if not row["duplicate_of"]]
    paths, digests = [row["path"] for row in unique], [row["md5"] for row in unique]
    targets = names(paths, digests, settings.layout)
    made: dict[str, dict[str, str]] = {}
    failed: dict[str, tuple[str, str]] = {}
    fresh: list[Entry] = []
    with staged_folder(out) as folder:
        images = folder / "images"
        for parent in sorted({target.rpartition("/")[0] for target in targets}):
            (images / parent).mkdir(parents=True, exist_ok=True)
        root, todo = archive.resolve(), []
        with Cache(executor.cache) as cache:
            for path, digest, target in zip(paths, digests, targets, strict=True):
                item = _Item(str(safe_join(root, path)), digest, f"{out}/images/{target}")
                known = cache.get(_kind(settings.quality), digest)
                if known and _taken_over(item, images / target, known[0], cache, read=False):
                    made[path] = {"jpeg_path": target, "jpeg_md5": known[0], "rule": known[1]}
                else:
                    todo.append((path, target, item))
        # Workers write under names of their own, and only what is wanted gets its place: one on another machine that
        # was given up may go on writing. Nobody can write here any more when the folder is gone.
        new = tempfile.mkdtemp(dir=folder)
        with executor.known() as file:
            convert = partial(_convert, settings.quality, file, new)
            items = [item for *_, item in todo]
            results = executor.map(convert, items, what="convert", sees=lambda item: (item.source, new))
            for (path, target, item), result in zip(todo, results, strict=True):
                if isinstance(result, Crashed):
                    failed[path] = ("decoder_crashed", result.detail)
                elif isinstance(result, Reject):
                    failed[path] = (result.reason, result.detail)
                else:
                    name, *kept = result
                    Path(new, name).rename(images / target)
                    made[path] = {"jpeg_path": target, "jpeg_md5": kept[0], "rule": kept[1]}
                    fresh.append((_kind(settings.quality), item.digest, kept))
        shutil.rmtree(new)
        keepers = [(row["path"], row["duplicate_of"] or row["path"], row["md5"]) for row in listed]
        rows = [{"path": path, "md5": content, **made[keeper]} for path, keeper, content in keepers if keeper in made]
        tables.write(folder / "converted.csv", tables.CONVERTED, rows)
        rejects = [Reject(path, "convert", *failed[keeper]) for path, keeper, _ in keepers if keeper in failed]
        counts = write_rejects(folder, rejects, rows_in=len(listed), rows_out=len(rows))
    with Cache(executor.cache) as cache:
        cache.put(fresh)
        remember(((out / "images" / one["jpeg_path"], one["jpeg_md5"]) for one in made.values()), cache)
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
    """One conversion: the original, the md5 it must still have, and the file that an earlier run made of it."""

    source: str
    digest: str
    earlier: str


def _kind(quality: int) -> str:
    return f"converted-{quality}"


def _convert(quality: int, cache_file: str, folder: str, item: _Item) -> tuple[str, str, str] | Reject:
    """Write the JPEG into ``folder``; return its name there, its md5 and the rule, or why there is none."""
    cache, name = reader(cache_file), f"{uuid.uuid4().hex}.jpg"
    known = cache.get(_kind(quality), item.digest)
    if known is not None and _taken_over(item, Path(folder, name), known[0], cache):
        return name, known[0], known[1]
    data = read_file(item.source, item.digest, cache_file)
    if isinstance(data, Reject):
        return data
    try:
        image = decode(data)
    except UnreadableImage as error:
        return Reject("", "", error.reason, error.detail)
    except MemoryError:
        return Reject("", "", **OUT_OF_MEMORY)
    try:
        jpeg = encode_jpeg(image.gray, quality)
    except ValueError as error:
        return Reject("", "", "too_large_for_jpeg", str(error))
    write_staged(Path(folder, name), jpeg)
    return name, md5(jpeg), image.rule


def _taken_over(item: _Item, target: Path, made: str, cache: Cache, *, read: bool = True) -> bool:
    """Whether ``target`` is now what an earlier run made of an original that has not changed since."""
    try:
        unchanged = recall(item.source, cache) == item.digest
    except OSError:
        return False
    return unchanged and take_over(Path(item.earlier), target, made, cache, read=read)
