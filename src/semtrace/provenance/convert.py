"""convert: one JPEG per unique TIFF.

Grey stays grey. What is not 8-bit grey is turned into it by one recorded rule (column ``rule``), never by a
silent clip. Rows in (inventory.csv) = rows out (converted.csv) + rejects; a duplicate's row names its keeper's JPEG.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from semtrace.core.names import distinct
from semtrace.io import tables
from semtrace.io.cache import Cache, reader
from semtrace.io.earlier import remember, take_over
from semtrace.io.files import md5, safe_join, write_staged
from semtrace.io.images import UnreadableImage, decode, encode_jpeg
from semtrace.io.seen import recall
from semtrace.io.staging import staged_folder
from semtrace.parallel import Crashed, map_images
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
    if settings.layout == "flat":
        targets = [f"{digest}.jpg" for digest in digests]
    else:
        wanted = [PurePosixPath(path).with_suffix(".jpg").as_posix() for path in paths]
        short = [
            path if len(path.encode()) <= _LONGEST else f"{digest}.jpg"
            for path, digest in zip(wanted, digests, strict=True)
        ]
        targets = distinct(short, digests)
    made: dict[str, dict[str, str]] = {}
    failed: dict[str, tuple[str, str]] = {}
    fresh: list[tuple[str, str, Any]] = []
    with staged_folder(out) as folder:
        images = folder / "images"
        for parent in sorted({(images / target).parent for target in targets}):
            parent.mkdir(parents=True, exist_ok=True)
        root = archive.resolve()
        items = [
            _Item(str(safe_join(root, path)), digest, str(images / target), str(out / "images" / target))
            for path, digest, target in zip(paths, digests, targets, strict=True)
        ]
        convert = partial(_convert, settings.quality, str(executor.cache))
        results = map_images(convert, items, workers=executor.workers, what="convert")
        for path, digest, target, result in zip(paths, digests, targets, results, strict=True):
            if isinstance(result, Crashed):
                failed[path] = ("decoder_crashed", result.detail)
            elif isinstance(result, Reject):
                failed[path] = (result.reason, result.detail)
            else:
                made[path] = {"jpeg_path": target, "jpeg_md5": result[0], "rule": result[1]}
                fresh.append((_kind(settings.quality), digest, result))
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


class _Item(NamedTuple):
    """One conversion: the original and the md5 it must still have, the file to write, and that of an earlier run."""

    source: str
    digest: str
    target: str
    earlier: str


def _kind(quality: int) -> str:
    return f"converted-{quality}"


def _convert(quality: int, cache_file: str, item: _Item) -> tuple[str, str] | Reject:
    """Write the JPEG; return its md5 and the rule, or why there is none."""
    cache = reader(cache_file)
    known = cache.get(_kind(quality), item.digest)
    if known is not None and _taken_over(item, known[0], cache):
        return known[0], known[1]
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
    write_staged(Path(item.target), jpeg)
    return md5(jpeg), image.rule


def _taken_over(item: _Item, made: str, cache: Cache) -> bool:
    try:
        unchanged = recall(item.source, cache) == item.digest
    except OSError:
        return False
    return unchanged and take_over(Path(item.earlier), Path(item.target), made, cache)
