"""scale: how large a pixel of every image is, by its scale bar, its tags and what is printed beside the bar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from semtrace.core.errors import InputError
from semtrace.core.scale.pixel_size import STATUSES
from semtrace.discovery import review_scale, scale_facts, scale_tables
from semtrace.discovery.corrections import CORRECTIONS_FILE, read_corrections
from semtrace.discovery.images import IMAGE_EXTENSIONS
from semtrace.discovery.scale_rows import Reading, scale_rows
from semtrace.io import ocr, tables
from semtrace.io.cache import Kind
from semtrace.io.files import read_regular, safe_join
from semtrace.io.staging import staged_folder
from semtrace.io.vendor_sidecars import read_sidecar, sidecar_names
from semtrace.io.vendor_tags import Vendor
from semtrace.stage.declaration import Job
from semtrace.stage.decode_files import Examination, FileSource, examine
from semtrace.stage.executor import Executor
from semtrace.stage.listing import list_inputs
from semtrace.stage.rejects import Failure, Reject, write_rejects
from semtrace.stage.settings import Section, Whole

_SIDECAR_BYTES = 1 << 20


class Settings(Section, section="scale"):
    """How scales are read (conf/scale/).

    Attributes:
        engine: ``auto``, ``rapidocr``, ``tesseract`` or ``none``.
        review: rows that the review page shows at most, those first that a person should look at.
    """

    engine: Literal["auto", "rapidocr", "tesseract", "none"]
    review: Annotated[Whole, Field(ge=0)]


@dataclass(frozen=True)
class Summary:
    """What was read, by status."""

    images: int
    engine: str
    statuses: dict[str, int]
    rejects: dict[str, int]


def stage(job: Job) -> Summary:
    """Read the scale of every image of the flat set."""
    rows = tables.read(job.result("flat/flat.csv"), scale_tables.FLAT)
    listed = [(row["tiff_path"], row["md5"]) for row in rows if not row["left_out_for"]]
    said = job.verdicts / CORRECTIONS_FILE
    return run(job.archive, listed, job.result("scale"), job.params.scale, job.executor, corrections=said)


def run(
    images: Path, listed: Sequence[tuple[str, str]], out: Path, settings: Settings, executor: Executor, *,
    corrections: Path | None = None,
) -> Summary:  # fmt: skip
    """Write ``scale.csv``, ``timings.csv``, ``rejects.csv`` and the folder ``review`` to the folder ``out``.

    Args:
        images: root of the paths.
        listed: path and md5 of each image to read; an empty md5 accepts any content.
        out: folder to write.
        settings: which OCR engine.
        executor: where to work.
        corrections: a person's pixel sizes by content, ``scale_tables.CORRECTIONS``; they win over everything.

    Raises:
        InputError: the engine was asked for by name and is not installed.
        TableError: the corrections are not a table of this kind.
    """
    try:
        engine = ocr.chosen(settings.engine)
    except ValueError as error:
        raise InputError(str(error)) from None
    said = read_corrections(corrections)
    listed = sorted(listed)
    root = images.resolve()
    sources = [FileSource(str(safe_join(root, path)), digest) for path, digest in listed]
    kind = Kind(f"scale {ocr.engine_version(engine)}", (scale_facts.__name__,))
    what = Examination(kind, partial(scale_facts.facts_of, engine))
    beside = _sidecars(root, [path for path, _ in listed])
    readings: list[Reading] = []
    rejects = []
    for (path, _), facts in zip(listed, examine(sources, what, executor=executor, what="scale"), strict=True):
        if isinstance(facts, Failure):
            rejects.append(Reject.of(path, "scale", facts))
        else:
            readings.append(Reading(path, facts, beside.get(path), said.get(facts["md5"])))
    rows = scale_rows(readings)
    with staged_folder(out) as folder:
        tables.write(folder / "scale.csv", scale_tables.SCALES, rows)
        timings = ({"path": one.path, "seconds": one.facts["seconds"]} for one in readings)
        tables.write(folder / "timings.csv", scale_tables.SCALE_TIMINGS, timings)
        counts = write_rejects(folder, rejects, rows_in=len(listed), rows_out=len(rows))
        review_scale.write(folder / "review", root, rows, settings.review, executor, earlier=out / "review")
    found = Counter(row["status"] for row in rows)
    return Summary(len(rows), engine, {name: found[name] for name in STATUSES if found[name]}, counts)


def every_image(folder: Path) -> list[tuple[str, str]]:
    """Path and md5 (empty: any) of the files of a folder that are images by their names, to read a folder as it is."""
    return [
        (one.relative, "")
        for one in list_inputs(folder)
        if one.path.suffix.lower() in IMAGE_EXTENSIONS and not one.path.is_dir()
    ]


def _sidecars(root: Path, paths: Iterable[str]) -> dict[str, Vendor]:
    """What the text files beside the images say, by the path of the image; those that say nothing are left out."""
    there = {path.lower(): file for path, file, _ in list_inputs(root)}
    found = {}
    for path in paths:
        for name in sidecar_names(path):
            file = there.get(name.lower())
            if file is None or file.lstat().st_size > _SIDECAR_BYTES:
                continue
            try:
                vendor = read_sidecar(read_regular(file))
            except OSError:  # it is no image; nothing is owed to it
                continue
            if vendor.pixel_size_m:
                found[path] = vendor
                break
    return found
