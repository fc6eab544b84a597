"""The images of a release: each put where it belongs, and made sure to be the file that was traced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.errors import InputError
from semtrace.io.files import digests, place, read_regular, safe_join, safe_name
from semtrace.io.images import UnreadableImage, decode
from semtrace.parallel.processes import Crashed, in_processes, progress
from semtrace.web.contact_sheet import SheetPicture, SheetRow, draw_sheet

_SHOWN = 6  # pictures of a category on the contact sheet


@dataclass(frozen=True)
class _Job:
    """A file to place: from where, to where in the release, how, and what it must be."""

    root: Path
    source: str
    target: str
    link: str
    bytes: int
    md5: str


def place_all(
    pictures: Sequence[dict[str, Any]], published: Path, archive: Path, folder: Path, link: str
) -> dict[str, int]:
    """Put pictures and originals in their places below ``folder``; returns how many were placed in which way.

    Args:
        pictures: rows of the manifest; ``sha256`` and ``source_sha256`` are added.
        published: root of the published images.
        archive: root of the originals.
        folder: the release.
        link: how pictures are placed: ``reflink``, ``hardlink`` or ``copy``.

    Raises:
        InputError: an image is not the file any more that was traced.

    """
    published, archive = published.resolve(), archive.resolve()  # no link is followed below them
    jobs = [_Job(published, row["published_path"], row["path"], link, row["bytes"], row["md5"]) for row in pictures]
    # An original is never the same file as one in the release, whatever `link` says: nobody may write to the archive.
    link = "copy" if link == "copy" else "reflink"
    jobs += {
        row["source_file"]: _Job(
            archive, row["source_path"], row["source_file"], link, row["source_bytes"], row["source_md5"]
        )
        for row in pictures
        if row["source_file"]
    }.values()
    for parent in sorted({safe_join(folder, job.target).parent for job in jobs}):
        parent.mkdir(parents=True)
    ways, sums = Counter[str](), {"": ""}
    # In this process: the disk is the limit, and a worker could still be writing when we give up and clear the folder.
    for job in progress(jobs, len(jobs), "release"):
        target = safe_join(folder, job.target)
        ways[place(safe_join(job.root, job.source), target, link=job.link)] += 1
        size, short, sums[job.target] = digests(target)  # of what lies there now: that is what is promised
        if (size, short) != (job.bytes, job.md5):
            raise InputError(f"{job.root / job.source}: not the file that was traced; run the pipeline again")
    for row in pictures:
        row |= {"sha256": sums[row["path"]], "source_sha256": sums[row["source_file"]]}
    return dict(sorted(ways.items()))


def contact_sheet(folder: Path, pictures: Sequence[Mapping[str, Any]]) -> bytes:
    """Some pictures of each category as PNG: the first by md5, so that the choice follows from the pictures alone.

    Args:
        folder: the release; its pictures are read.
        pictures: rows of the manifest.
    """
    of_category: dict[str, list[Mapping[str, Any]]] = {}
    for row in sorted(pictures, key=lambda row: row["md5"]):
        of_category.setdefault(row["category"], []).append(row)
    rows = []
    # In a worker, as all decoding: a decoder that crashes or hangs ends that one, and not the release.
    below = folder.resolve()  # below it no link is followed
    wanted = [safe_name(below, row["path"]) for its in of_category.values() for row in its[:_SHOWN]]
    grays = dict(zip(wanted, in_processes(_gray, wanted, workers=1), strict=True))
    for name, its in sorted(of_category.items(), key=lambda item: (int(item[1][0]["label"][1:]), item[0])):
        shown = []
        for row in its[:_SHOWN]:
            gray = grays[safe_name(below, row["path"])]
            said = (_pixel_size(row["pixel_size_m"]),)
            shown.append(SheetPicture(None if isinstance(gray, Crashed) else gray, said))
        rows.append(SheetRow(f"{its[0]['label']} {name}: {len(its):,} pictures", shown))
    return draw_sheet("Some pictures of each category, and the size of a pixel where it is known", rows)


def _gray(file: str) -> NDArray[np.uint8] | None:
    try:
        return decode(read_regular(file)).gray
    except UnreadableImage:
        return None


def _pixel_size(metres: float | None) -> str:
    if metres is None:
        return ""
    return f"{metres * 1e9:.3g} nm a pixel" if metres < 9.995e-7 else f"{metres * 1e6:.3g} µm a pixel"


def release_files(pictures: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    """Names and sizes of pictures and originals; an original comes once for each of its pictures."""
    for row in pictures:
        yield row["path"], row["bytes"]
        if row["source_file"]:
            yield row["source_file"], row["source_bytes"]
