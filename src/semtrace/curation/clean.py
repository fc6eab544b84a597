"""clean: 2D images as 8-bit single-channel TIFF in a new folder; the originals are only read. A folder is a dataset."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import tifffile

from semtrace.core.image.databar import bar_top
from semtrace.core.names import distinct
from semtrace.core.volume.names import dataset_names
from semtrace.curation import tables as contracts
from semtrace.curation.sidecar import SIDECAR_NAME, UNSAID, read_licences
from semtrace.io import tables
from semtrace.io.digests import md5
from semtrace.io.files import read_regular, walk, write_staged
from semtrace.io.images import UnreadableImage, decode
from semtrace.io.staging import staged_folder
from semtrace.io.vendor_tags import read_vendor
from semtrace.parallel.processes import Crashed
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.inputs import check_folder, unfit
from semtrace.stage.rejects import Failure, Reject, printable, why_unreadable, write_rejects
from semtrace.stage.settings import Section

CLEANED_FOLDER = "images"


class Settings(Section, section="curation.clean"):
    """What becomes of 2D images (conf/curation/clean).

    Attributes:
        databar: ``crop`` cuts the data bar off, ``keep`` leaves it.
    """

    databar: Literal["crop", "keep"] = "crop"


@dataclass(frozen=True)
class Summary:
    """What was cleaned."""

    files: int
    images: int
    datasets: int
    bars: int
    rejects: dict[str, int]


class _Item(NamedTuple):
    source: str
    target: str


def stage(job: Job) -> Summary:
    """Clean the 2D images of a dataset."""
    volumes = job.result("import/volumes.csv")
    known = volumes if volumes.is_file() else None
    return run(job.published, known, job.result("clean"), job.params.clean, job.executor)


def run(root: Path, volumes: Path | None, out: Path, settings: Settings, executor: Executor) -> Summary:
    """Write ``images/<dataset>/<name>.tiff``, ``images.csv`` and ``rejects.csv`` to the folder ``out``.

    Args:
        root: folder of images, in folders by dataset, with an optional datasets.csv (path, licence, experiment).
        volumes: volumes.csv of the import stage, whose names datasets must not meet; None: there is none.
        out: folder to write.
        settings: what to do with data bars.
        executor: where to work.

    Raises:
        InputError: the folder is missing, or the sidecar names what is not there.
    """
    check_folder(root, "images")
    root = root.resolve()
    rejects: list[Reject] = []
    found: list[tuple[str, Path]] = []
    files = 0
    for relative, path in walk(root):
        if relative == SIDECAR_NAME:
            continue
        files += 1
        if (reason := unfit(relative, path)) is not None:
            rejects.append(Reject.of(printable(relative), "clean", reason))
        else:
            found.append((relative, path))
    names = _datasets(root.name, [relative for relative, _ in found], volumes)
    sidecar = read_licences(root, [folder or "." for folder in names])
    wanted = [f"{names[_folder(relative)]}/{PurePosixPath(relative).stem}.tiff" for relative, _ in found]
    targets = distinct(wanted, [md5(relative.encode()) for relative, _ in found])
    rows: list[dict[str, Any]] = []
    counted: dict[str, int] = defaultdict(int)
    with staged_folder(out) as folder:
        for name in sorted(set(names.values())):
            (folder / CLEANED_FOLDER / name).mkdir(parents=True)
        items = [
            _Item(str(path), f"{folder / CLEANED_FOLDER}/{target}")
            for (_, path), target in zip(found, targets, strict=True)
        ]
        results = executor.map(
            partial(_clean, settings), items, what="clean", reads=lambda item: (item.source, str(folder))
        )
        pairs = sorted(zip(found, targets, results, strict=True), key=lambda one: _natural(one[0][0]))
        for (relative, _), target, result in pairs:
            if isinstance(result, Crashed):
                rejects.append(Reject(relative, "clean", "decoder_crashed", result.detail))
            elif isinstance(result, Failure):
                rejects.append(Reject.of(relative, "clean", result))
            else:
                dataset = names[_folder(relative)]
                place = {"dataset": dataset, "number": counted[dataset], "path": relative, "output_path": target}
                said = sidecar.get(_folder(relative) or ".", UNSAID)
                rows.append({**place, **result, **said})
                counted[dataset] += 1
        for name in set(names.values()) - set(counted):
            (folder / CLEANED_FOLDER / name).rmdir()
        (folder / CLEANED_FOLDER).mkdir(exist_ok=True)
        width = len(str(max(counted.values(), default=1)))
        rows = [{**row, "number": f"{row['number']:0{width}}"} for row in rows]  # so that they sort as numbers do
        tables.write(folder / "images.csv", contracts.IMAGES, rows)
        counts = write_rejects(folder, rejects, rows_in=files, rows_out=len(rows))
    return Summary(files, len(rows), len(counted), sum(row["bar_rows"] > 0 for row in rows), counts)


def _folder(relative: str) -> str:
    return relative.rpartition("/")[0]


def _natural(path: str) -> list[tuple[int, int, str]]:
    """Key that sorts numbers in a path as numbers."""
    parts = re.split(r"(\d+)", path)
    return [(1, int(part), part) if part.isdecimal() else (0, 0, part) for part in parts]


def _datasets(root: str, paths: list[str], volumes: Path | None) -> dict[str, Any]:
    """Folder -> name of its dataset."""
    taken = [] if volumes is None else [row["dataset"] for row in tables.read(volumes, contracts.VOLUMES)]
    folders = sorted({_folder(path) for path in paths})
    names = dataset_names([f"{folder or root}/" for folder in folders], [f"{name}__" for name in taken])
    return dict(zip(folders, [name.replace("__~", "~").removesuffix("__") for name in names], strict=True))


def _clean(settings: Settings, item: _Item) -> dict[str, Any] | Failure:
    try:
        data = read_regular(item.source)
        image = decode(data)
    except UnreadableImage as error:
        return Failure(error.reason, error.detail)
    except OSError as error:
        return why_unreadable(error)
    except MemoryError:
        return Failure("out_of_memory", "not enough memory for the picture: it is too large, or memory is short")
    if image.facts.pages > 1:
        return Failure("is_volume", f"{image.facts.pages} pages: put it among the volumes, for `import`")
    gray, height = image.gray, image.facts.height
    top = bar_top(gray) if settings.databar == "crop" else height
    gray = gray[:top]
    stream = io.BytesIO()
    tifffile.imwrite(stream, gray, photometric="minisblack", metadata=None)
    write_staged(Path(item.target), stream.getvalue())
    size = read_vendor(data).pixel_size_m
    return {
        "md5": md5(data), "width": gray.shape[1], "height": gray.shape[0], "mode": image.facts.mode,
        "range_rule": image.rule, "bar_rows": height - top,
        "pixel_size_m": None if size is None else float(f"{size:.9g}"),
    }  # fmt: skip
