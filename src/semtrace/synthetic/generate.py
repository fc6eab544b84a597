"""Write an archive as messy as a real one, the pictures published from it, and the truth about both."""

from __future__ import annotations

import errno
import io
import shutil
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from semtrace.io import digests, files, staging, tables
from semtrace.io.encoders import encode
from semtrace.io.schema import Column, Table
from semtrace.io.verdicts import TRUTH
from semtrace.parallel.processes import Crashed, map_images
from semtrace.stage.declaration import Job
from semtrace.synthetic import archive, scale_truth, selection
from semtrace.synthetic.electrons import expose
from semtrace.synthetic.published import way_to_publish
from semtrace.synthetic.recording import RecordedFrame, record
from semtrace.synthetic.scenes import CATEGORIES, KINDS, scene
from semtrace.synthetic.settings import Settings

MARKER = "SYNTHETIC.txt"
SUBCATEGORIES = Table(
    "subcategories.csv",
    1,
    (
        Column("path", "text", "the file, of either side"),
        Column("category", "text", "of the scene that was painted"),
        Column("kind", "text", "of that scene, below its category"),
    ),
)
"""Of every file of both sides the scene that was painted: a published path's folder may name another category."""


@dataclass(frozen=True)
class Summary:
    """What was written: number of files by kind, of JPEGs by category, and the size of it all."""

    archive: dict[str, int]
    published: dict[str, int]
    categories: dict[str, int]
    bytes: int

    def __str__(self) -> str:
        """A table for people."""
        lines = []
        for title, counts in (("archive", self.archive), ("published", self.published), ("category", self.categories)):
            lines += [f"{title:<10} {name:<42} {count:>6}" for name, count in counts.items()]
        return "\n".join([*lines, f"{'size':<10} {'MB':<42} {self.bytes / 1e6:>6.0f}"])


def plan(settings: Settings) -> list[RecordedFrame]:
    """All pictures to be taken and what happens to them."""
    rng = np.random.default_rng([settings.seed, 3])
    frames = archive.photograph(rng, settings.originals, settings.lost, settings.width)
    frames = archive.age(rng, frames, settings.originals)
    return selection.publish(rng, frames, settings.published, settings.lost)


def stage(job: Job) -> Summary:
    """The stage, beside the folder of the archive."""
    return generate(job.params.synthetic, job.archive.parent, workers=job.executor.workers or None)


def generate(settings: Settings, target: Path, *, workers: int | None = None) -> Summary:
    """Write ``archive/``, ``published/`` and ``known/`` below ``target``: all of it, or nothing.

    The result depends on ``settings`` (and on the versions of the libraries that encode TIFF and JPEG) alone, not
    on the number of workers. An earlier result at ``target`` is replaced; it is recognised by the note
    ``SYNTHETIC.txt`` beside the three folders.

    Args:
        settings: what to generate.
        target: folder to write; its parent is made if need be.
        workers: processes; one per core when None or 0.

    Returns:
        What was written; printed, it is a table.

    Raises:
        FileExistsError: ``target`` exists and holds something that was not generated.
        RuntimeError: a worker process died.
    """
    _check_free(target)
    with staging.staged_folder(target) as building:
        for folder in ("archive", "published", "known"):
            (building / folder).mkdir()
        frames = plan(settings)
        make, rows, scales, kinds = partial(_make, seed=settings.seed, root=building), [], [], []
        beside = _same_places(frames)
        made_of_each = map_images(make, frames, workers=workers or 0, what="generate", chunk=2)
        for made, same_place in zip(made_of_each, beside, strict=True):
            if isinstance(made, Crashed):
                raise RuntimeError(f"no archive written to {target}: {made.detail}; run it again with fewer workers")
            rows += [row | {"same_place": same_place} for row in made[0]]
            scales += made[1]
            kinds += made[2]
        clutter = _clutter(settings, building / "archive")
        tables.write(building / "known" / "truth.csv", TRUTH, rows)
        tables.write(building / "known" / "scale.csv", scale_truth.SCALE, scales)
        tables.write(building / "known" / "subcategories.csv", SUBCATEGORIES, kinds)
        note = f"Made by semtrace from {settings}.\nIt will be replaced as a whole; keep nothing of your own here.\n"
        files.write_atomic(building / MARKER, note.encode())
        if (target / ".gitignore").is_file():
            shutil.copy2(target / ".gitignore", building / ".gitignore")
        return _summary(frames, clutter, building)


def _same_places(frames: list[RecordedFrame]) -> list[str]:
    """For each frame the originals of all others whose stage was at the same place, divided by ``|``."""
    takes: dict[tuple[int, tuple[int, int]], list[RecordedFrame]] = {}
    for frame in frames:
        takes.setdefault((frame.field, frame.drift), []).append(frame)
    others = ([one for one in takes[frame.field, frame.drift] if one is not frame and one.path] for frame in frames)
    return ["|".join(sorted(min((one.path, *one.copies)) for one in found)) for found in others]


def _check_free(target: Path) -> None:
    """Refuse to replace what somebody else put there."""
    if not target.exists() or (target / MARKER).is_file():
        return
    found = sorted(path.name for path in target.iterdir()) if target.is_dir() else [target.name]
    if [name for name in found if name != ".gitignore"]:
        raise FileExistsError(
            f"{target} holds {', '.join(found[:5])}, which was not generated; choose another folder or empty it first"
        )


def _make(
    frame: RecordedFrame, *, seed: int, root: Path
) -> tuple[list[dict[str, str]], list[dict[str, Any]], list[dict[str, str]]]:
    """Take one picture, write all its files, return its rows of the truth, of the scales and of the kinds."""
    recorded = record(frame, seed)
    places = [path for path in (frame.path, *frame.copies) if path]
    for path in places:
        _write(root / "archive" / path, recorded.tiff)
    if frame.twin:
        _write(root / "archive" / frame.twin, recorded.twin)
    if frame.cut:
        _write(root / "archive" / frame.cut, recorded.tiff[: int(len(recorded.tiff) * frame.cut_at)])
    rows = []
    for publication in frame.published:
        encoder = way_to_publish(publication.encoder, recorded.look.width)
        jpeg = encode(recorded.look, encoder, recorded.bar.cut if recorded.bar else None)
        digits = {"jpeg": digests.md5(jpeg), "tiff": digests.md5(recorded.tiff)}.get(
            publication.digits, publication.digits
        )
        path = f"{publication.category}/L{CATEGORIES.index(publication.category)}_{digits}.jpg"
        _write(root / "published" / path, jpeg)
        rows.append({"jpeg_path": path, "tiff_path": min(places, default=""), "category": publication.category})
    originals = [*places, frame.twin] if frame.twin else places
    kind = KINDS[frame.category][frame.kind % len(KINDS[frame.category])].__name__
    paths = [*originals, *(row["jpeg_path"] for row in rows)]
    kinds = [{"path": path, "category": frame.category, "kind": kind} for path in paths]
    return rows, scale_truth.scale_truth_rows(originals, frame.layout, frame.facts, recorded.bar), kinds


def _write(path: Path, data: bytes) -> None:
    """Write a file; one with another content must not be there: two pictures of one name are an error of the plan.

    A worker that died may have left the same file or its beginning. The next attempt at the picture replaces it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and not data.startswith(path.read_bytes()):
        raise FileExistsError(errno.EEXIST, "another picture of the archive has this name", str(path))
    path.write_bytes(data)


def _clutter(settings: Settings, root: Path) -> int:
    """Write what else lies around in an archive; return the number of files."""
    rng = np.random.default_rng([settings.seed, 4])
    size = (settings.width // 2, settings.width * 3 // 8)
    png = io.BytesIO()
    view = expose(scene("Particles", rng, *size), rng)
    Image.fromarray(np.rint(view * 255).astype(np.uint8)).save(png, "PNG")
    clutter = {
        "Élodie Müller/from paper.tif": png.getvalue(),  # a PNG whatever its name says
        "GDS/empty.tif": b"",
        "lab users/log.tif": b"SEM session log\n10:02 vent\n10:20 pump\n10:41 EHT on\n",
        "README.txt": b"Archivio SEM. Ogni utente ha la sua cartella.\nNon cancellare!\n",
        "Lazzarino M/.DS_Store": b"\0\0\0\x01Bud1\0\0\x10\0" + bytes(500),
        "giulio/Thumbs.db": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1016),
        "Orrù M/measurements.xls": "sample\tdiameter (nm)\nG031c\t62\nG031d\t71\n".encode("utf-16"),
        "lab users/notes.txt": "bring N2 bottle, 30 µm aperture is dirty\n".encode("latin-1"),
    }
    for path, data in clutter.items():
        _write(root / path, data)
    return len(clutter)


def _summary(frames: list[RecordedFrame], clutter: int, root: Path) -> Summary:
    kept = [frame for frame in frames if frame.path]
    made = [(frame, publication) for frame in frames for publication in frame.published]
    counts = {
        "different originals": len(kept),
        **{f"  stored as {name}": count for name, count in sorted(Counter(f.storage for f in kept).items())},
        "  in series of one field": sum(frame.series for frame in kept),
        "exact copies under other names": sum(len(frame.copies) for frame in frames),
        "same pixels, other metadata": sum(bool(frame.twin) for frame in frames),
        "cut off in transfer": sum(bool(frame.cut) for frame in frames),
        "not TIFF (some named .tif)": clutter,
    }
    published = {
        **dict(sorted(Counter(publication.encoder for _, publication in made).items())),
        "without original in the archive": sum(not frame.path for frame, _ in made),
        "pictures under two categories": sum(len(frame.published) > 1 for frame in frames),
    }
    categories = dict(sorted(Counter(publication.category for _, publication in made).items()))
    size = sum(path.stat().st_size for _, path in files.walk(root))
    return Summary(counts, published, categories, size)
