"""JPEGs made by known encoders from a sample of an archive, and the truth about them: to measure on, never to keep."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from semtrace.core.errors import InputError
from semtrace.io import tables
from semtrace.io.cache import Entry
from semtrace.io.encoders import ENCODERS, encode
from semtrace.io.files import safe_name, write_staged
from semtrace.io.images import UnreadableImage, decode
from semtrace.io.verdicts import TruthTable
from semtrace.provenance.fingerprint import HashSettings, Selection, jpegs
from semtrace.provenance.tables import HASHES
from semtrace.stage.cached_map import worked_map
from semtrace.stage.executor import Executor
from semtrace.stage.inputs import read_file
from semtrace.stage.rejects import Failure, Reject
from semtrace.tuning.judge import TrialSource

_MOST_PIXELS = 65_500  # along a side of a JPEG


def run(
    archive: Path, tiff_hashes: Path, out: Path, draw: tuple[int, int], size: HashSettings, executor: Executor
) -> TrialSource:
    """Fill the folder ``out``: ``images/<encoder>/<picture>.jpg`` and their ``hashes/``.

    Of a picture kept under several names, with and without its data bar, one file with the bar is taken, so that it
    can be published without. A picture without a bar is not published cropped.

    Args:
        archive: root of the TIFF paths.
        tiff_hashes: the archive's hash table, as the fingerprint stage writes it.
        out: folder to write.
        draw: how many pictures are drawn (all, if there are fewer), and the seed.
        size: of the hash.
        executor: where to work; the result does not depend on it.

    Returns:
        What was made; the drawn originals that could not be published are in it.

    Raises:
        InputError: none could be.

    """
    pictures: dict[str, dict[str, Any]] = {}
    for row in sorted(tables.read(tiff_hashes, HASHES), key=lambda row: (row["bar_top"] is None, row["path"])):
        pictures.setdefault(row["picture_id"], row)
    count, seed = min(draw[0], len(pictures)), draw[1]
    drawn = sorted(random.Random(seed).sample(sorted(pictures), count))  # noqa: S311  (a sample, no secret)
    for encoder in ENCODERS:
        (out / "images" / encoder).mkdir(parents=True)
    rows: list[tuple[str, str]] = []
    rejects: list[Reject] = []
    originals = [pictures[name] for name in drawn]
    publish = partial(_publish, archive.resolve(), out / "images")
    results = worked_map(
        originals, publish, recall=None, executor=executor.on_this_machine(), what="publish",
        reads=lambda row: [row["path"]], chunk=2,
    )  # fmt: skip
    for original, made in zip(originals, results, strict=True):
        if isinstance(made, Failure):
            rejects.append(Reject.of(original["path"], "calibrate", made))
        else:
            rows += made
    if not rows:
        raise InputError(f"{archive}: none of {len(drawn)} originals could be published; first: {rejects[0].detail}")
    everything = Selection(category=None, sample_tiff=None, sample_per_category=None, seed=0)
    jpegs(out / "images", out / "hashes", size, everything, executor)
    truth = TruthTable(dict(rows), {}, len(rows))
    return TrialSource("made", out / "hashes" / "hashes.csv", out / "images", truth, made=True, lost=rejects)


def _publish(
    archive: Path, images: Path, cache_file: str, row: dict[str, Any]
) -> tuple[list[tuple[str, str]] | Failure, Sequence[Entry]]:
    """Publish one original by every encoder; the paths of the published image and of the original, for each."""
    data = read_file(safe_name(archive, row["path"]), row["md5"], cache_file)
    if isinstance(data, Failure):
        return data, []
    try:
        look = Image.fromarray(decode(data).gray)
    except UnreadableImage as error:
        return Failure(error.reason, error.detail), []
    if max(look.size) > _MOST_PIXELS:
        return Failure("too_large_for_jpeg", f"{look.width} x {look.height}"), []
    cut = row["bar_top"]
    rows = []
    for name, encoder in ENCODERS.items():
        if not encoder.cropped or cut is not None:
            path = f"{name}/{row['picture_id'][:16]}.jpg"
            write_staged(images / path, encode(look, encoder, cut))
            rows.append((path, row["path"]))
    return rows, []
