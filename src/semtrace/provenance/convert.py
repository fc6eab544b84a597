"""convert: one JPEG per unique TIFF.

Grey stays grey. What is not 8-bit grey is turned into it by one recorded rule (column ``rule``), never by a
silent clip. Rows in (inventory.csv) = rows out (converted.csv) + rejects; a duplicate's row names its keeper's JPEG.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from semtrace.core.names import distinct
from semtrace.io import tables
from semtrace.io.files import md5, safe_join, write_staged
from semtrace.io.images import UnreadableImage, decode, encode_jpeg
from semtrace.io.staging import staged_folder
from semtrace.parallel import Crashed, map_images
from semtrace.provenance.common import OUT_OF_MEMORY, Executor, Reject, read_file, write_rejects


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
        settings: layout and quality.
        executor: where to work.

    """
    listed = tables.read(inventory, tables.INVENTORY)
    unique = [row for row in listed if not row["duplicate_of"]]
    paths, digests = [row["path"] for row in unique], [row["md5"] for row in unique]
    if settings.layout == "flat":
        targets = [f"{digest}.jpg" for digest in digests]
    else:
        targets = distinct([PurePosixPath(path).with_suffix(".jpg").as_posix() for path in paths], digests)
    made: dict[str, dict[str, str]] = {}
    failed: dict[str, tuple[str, str]] = {}
    with staged_folder(out) as folder:
        images = folder / "images"
        for parent in sorted({(images / target).parent for target in targets}):
            parent.mkdir(parents=True, exist_ok=True)
        items = [
            (str(safe_join(archive, path)), digest, str(images / target), settings.quality, str(executor.cache))
            for path, digest, target in zip(paths, digests, targets, strict=True)
        ]
        results = map_images(_convert, items, workers=executor.workers, what="convert")
        for path, target, result in zip(paths, targets, results, strict=True):
            if isinstance(result, Crashed):
                failed[path] = ("decoder_crashed", result.detail)
            elif isinstance(result, Reject):
                failed[path] = (result.reason, result.detail)
            else:
                made[path] = {"jpeg_path": target, "jpeg_md5": result[0], "rule": result[1]}
        keepers = [(row["path"], row["duplicate_of"] or row["path"], row["md5"]) for row in listed]
        rows = [{"path": path, "md5": content, **made[keeper]} for path, keeper, content in keepers if keeper in made]
        tables.write(folder / "converted.csv", tables.CONVERTED, rows)
        rejects = [Reject(path, "convert", *failed[keeper]) for path, keeper, _ in keepers if keeper in failed]
        counts = write_rejects(folder, rejects, rows_in=len(listed), rows_out=len(rows))
    rules = Counter(re.split(r"[ ;]", row["rule"])[0] for row in made.values())
    return Summary(tiffs=len(listed), jpegs=len(made), rules=dict(sorted(rules.items())), rejects=counts)


def _convert(item: tuple[str, str, str, int, str]) -> tuple[str, str] | Reject:
    source, digest, target, quality, cache_file = item
    data = read_file(source, digest, cache_file)
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
    write_staged(Path(target), jpeg)
    return md5(jpeg), image.rule
