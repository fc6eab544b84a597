"""inventory: walk the archive and say of every file what it is, or why it is not an image.

Rows in (files found) = rows out (inventory.csv) + rejects (rejects.csv).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from semtrace.core.errors import InputError
from semtrace.io import tables
from semtrace.io.cache import Kind
from semtrace.io.images import DecodedImage
from semtrace.io.staging import staged_folder
from semtrace.io.vendor_tags import read_vendor
from semtrace.provenance.tables import INVENTORY
from semtrace.stage.declaration import Job
from semtrace.stage.decode_files import Ahead, Examination, FileSource, examine
from semtrace.stage.executor import Executor
from semtrace.stage.inputs import check_folder
from semtrace.stage.listing import check_not_own, list_inputs
from semtrace.stage.rejects import Failure, Reject, printable, write_rejects

EXTENSIONS = frozenset({".tif", ".tiff"})


@dataclass(frozen=True)
class Summary:
    """What the inventory found."""

    files: int
    images: int
    contents: int
    duplicates: int
    rejects: dict[str, int]


def stage(job: Job) -> Summary:
    """The stage on the dataset's archive."""
    check_not_own(job.archive, "archive")
    return run(job.archive, job.result("inventory"), job.executor, ahead=job.ahead, exclude=job.params.dataset.exclude)


def run(
    archive: Path,
    out: Path,
    executor: Executor,
    *,
    ahead: Sequence[Ahead] = (),
    exclude: Sequence[str] = (),
    part: str = "",
) -> Summary:
    """Write ``inventory.csv`` and ``rejects.csv`` of ``archive`` to the folder ``out``.

    Every file with a TIFF extension, in any case, is read once and decoded whole, so a truncated one is found
    here. ``format`` is what the bytes are, whatever the name says. Of files with equal bytes the first by path is
    the keeper; the others name it in ``duplicate_of``.

    Args:
        archive: folder to walk.
        out: folder to write.
        executor: where to work.
        ahead: what a later stage will ask about the same files.
        exclude: what is left out, see ``list_inputs``.
        part: where ``archive`` lies in the whole one, of which it is a part that may hold no TIFF; empty: it is whole.

    Raises:
        InputError: ``archive`` is missing, cannot be listed, or holds no TIFF.

    """
    check_folder(archive, "archive")
    candidates: list[tuple[str, Path]] = []
    rejects: list[Reject] = []
    files = 0
    for relative, path, unfit in list_inputs(archive.resolve(), exclude, inside=part):
        files += 1
        reason = unfit or _not_a_tiff(path)
        if reason:
            rejects.append(Reject.of(printable(relative), "inventory", reason))
        else:
            candidates.append((relative, path))
    if not candidates and not part:
        raise InputError(f"{archive}: no file with a TIFF extension ({', '.join(sorted(EXTENSIONS))}) in it")

    sources = [FileSource(str(path)) for _, path in candidates]
    examined = examine(sources, _EXAMINATION, executor=executor, what="inventory", ahead=ahead)
    keeper: dict[bytes, str] = {}

    def listed() -> Iterator[dict[str, Any]]:
        for (relative, _), facts in zip(candidates, examined, strict=True):  # in path order: the keeper comes first
            if isinstance(facts, Failure):
                rejects.append(Reject.of(relative, "inventory", facts))
                continue
            first = keeper.setdefault(bytes.fromhex(facts["md5"]), relative)
            yield {"path": relative, **facts, "duplicate_of": "" if first == relative else first}

    with staged_folder(out) as folder:
        images = tables.write(folder / "inventory.csv", INVENTORY, listed())
        counts = write_rejects(folder, rejects, rows_in=files, rows_out=images)
    return Summary(
        files=files,
        images=images,
        contents=len(keeper),
        duplicates=images - len(keeper),
        rejects=counts,
    )


def _not_a_tiff(path: Path) -> Failure | None:
    return None if path.suffix.lower() in EXTENSIONS else Failure("not_a_tiff", f"extension {path.suffix!r}")


def inventory_facts(data: bytes, image: DecodedImage) -> dict[str, Any]:
    """What ``inventory.csv`` says of a file's content."""
    vendor = read_vendor(data, image.page)
    return {
        **asdict(image.facts),
        # Nine digits: more than any instrument knows, few enough to print alike everywhere.
        "pixel_size_m": None if vendor.pixel_size_m is None else float(f"{vendor.pixel_size_m:.9g}"),
        "pixel_size_source": vendor.pixel_size_source,
        "instrument": vendor.instrument,
    }


_EXAMINATION = Examination(Kind("inventory", (__name__,)), inventory_facts)
