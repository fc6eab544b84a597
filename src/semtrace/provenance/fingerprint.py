"""fingerprint: md5 and perceptual hash of every image of one side, the archive's TIFFs or the published JPEGs.

A TIFF gets two hashes: of the full frame, as published tables have it, and of the picture without its data bar,
so that a JPEG published without the bar still finds it. Rows in = rows out (hashes.csv) + rejects.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from semtrace.core.errors import InputError
from semtrace.core.hashing import phash
from semtrace.core.image.databar import bar_top
from semtrace.core.tracing.labels import Depth, category_of
from semtrace.io import tables
from semtrace.io.cache import Kind
from semtrace.io.files import safe_name
from semtrace.io.images import DecodedImage
from semtrace.io.staging import staged_folder
from semtrace.provenance.tables import HASHES, INVENTORY
from semtrace.stage.declaration import Job
from semtrace.stage.decode_files import Ahead, Examination, FileSource, examine
from semtrace.stage.executor import Executor
from semtrace.stage.inputs import check_folder
from semtrace.stage.listing import JPEG_EXTENSIONS, check_not_own, list_inputs
from semtrace.stage.rejects import Failure, Reject, printable, write_rejects
from semtrace.stage.settings import Section, Whole

Size = Literal[8, 16, 32]


class HashSettings(Section, section="hash"):
    """The perceptual hash (conf/hash/): ``size`` bits along each side."""

    size: Annotated[Size, Field(description="bits along each side")]


class Selection(Section, section="fingerprint"):
    """Which images are taken (conf/fingerprint/); None takes all."""

    category: str | None
    sample_tiff: Annotated[Whole, Field(ge=1)] | None
    sample_per_category: Annotated[Whole, Field(ge=1)] | None
    seed: Whole


@dataclass(frozen=True)
class Summary:
    """What was fingerprinted."""

    images: int
    contents: int
    degenerate: int
    rejects: dict[str, int]


def stage(job: Job) -> Summary:
    """The stage on one side of the dataset."""
    out, size, selection = job.result(f"fingerprint/{job.side}"), job.params.hash, job.params.fingerprint
    if job.side == "tiff":
        return tiffs(job.archive, job.result("inventory/inventory.csv"), out, size, selection, job.executor)
    check_not_own(job.published, "published")
    exclude, depth = job.params.dataset.exclude, job.params.labels.depth
    return jpegs(job.published, out, size, selection, job.executor, ahead=job.ahead, exclude=exclude, depth=depth)


def tiffs(
    archive: Path, inventory: Path, out: Path, size: HashSettings, selection: Selection, executor: Executor
) -> Summary:
    """Write ``hashes.csv`` and ``rejects.csv`` of the archive's images to ``out``; duplicates share one hash."""
    rows = [(row["path"], row["md5"]) for row in tables.read(inventory, INVENTORY)]
    if selection.sample_tiff is not None:
        rows = _draw(rows, selection.sample_tiff, selection.seed)
    return _fingerprint(archive, rows, out, size, executor, "tiff", [])


def jpegs(
    published: Path,
    out: Path,
    size: HashSettings,
    selection: Selection,
    executor: Executor,
    *,
    ahead: Sequence[Ahead] = (),
    exclude: Sequence[str] = (),
    depth: Depth = "last",
) -> Summary:
    """Write ``hashes.csv`` and ``rejects.csv`` of the published set to ``out``; ``ahead`` for the match stage.

    What ``exclude`` names is left out, see ``list_inputs``; ``depth`` says which folder is a picture's category.

    Raises:
        InputError: the folder is missing or has no JPEG (of the chosen category).

    """
    check_folder(published, "published")
    rejects: list[Reject] = []
    by_category: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for relative, path, reason in list_inputs(published.resolve(), exclude):
        if reason is None and PurePosixPath(relative).suffix.lower() not in JPEG_EXTENSIONS:
            reason = Failure("not_a_jpeg", f"extension {path.suffix!r}")
        if reason:
            rejects.append(Reject.of(printable(relative), "fingerprint", reason))
        else:
            by_category[category_of(relative, depth)].append((relative, ""))
    if selection.category is not None:
        if selection.category not in by_category:
            raise InputError(
                f"{published}: no JPEG in category {selection.category!r}; there are {', '.join(sorted(by_category))}"
            )
        by_category = {selection.category: by_category[selection.category]}
    rows = [
        row
        for _, members in sorted(by_category.items())
        for row in (
            members
            if selection.sample_per_category is None
            else _draw(members, selection.sample_per_category, selection.seed)
        )
    ]
    if not rows:
        raise InputError(f"{published}: no file with a JPEG extension ({', '.join(sorted(JPEG_EXTENSIONS))}) in it")
    return _fingerprint(published, sorted(rows), out, size, executor, "jpeg", rejects, ahead)


def _draw(rows: list[tuple[str, str]], count: int, seed: int) -> list[tuple[str, str]]:
    return sorted(random.Random(seed).sample(sorted(rows), min(count, len(rows))))  # noqa: S311  (a sample, no secret)


def _fingerprint(
    root: Path,
    rows: list[tuple[str, str]],
    out: Path,
    size: HashSettings,
    executor: Executor,
    side: str,
    rejects: list[Reject],
    ahead: Sequence[Ahead] = (),
) -> Summary:
    rows_in, root = len(rows) + len(rejects), root.resolve()
    paths: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path, digest in rows:  # of files that are known to be equal one is read
        paths[digest, "" if digest else path].append(path)
    sources = [FileSource(safe_name(root, same[0]), digest) for (digest, _), same in paths.items()]
    examined = examine(sources, examination(side, size), executor=executor, what=f"fingerprint {side}", ahead=ahead)
    contents, degenerate = set[bytes](), 0

    def hashes() -> Iterator[dict[str, Any]]:
        nonlocal degenerate
        for same, facts in zip(paths.values(), examined, strict=True):
            if isinstance(facts, Failure):
                rejects.extend(Reject.of(path, "fingerprint", facts) for path in same)
                continue
            contents.add(bytes.fromhex(facts["content_id"]))
            degenerate += len(same) if facts["health"] != "ok" else 0
            for path in same:
                yield {"file": PurePosixPath(path).name, "path": path, **facts}

    with staged_folder(out) as folder:
        images = tables.write(folder / "hashes.csv", HASHES, hashes())
        counts = write_rejects(folder, rejects, rows_in=rows_in, rows_out=images)
    return Summary(images=images, contents=len(contents), degenerate=degenerate, rejects=counts)


def examination(side: str, size: HashSettings) -> Examination:
    """What this stage finds out about a file of a side, ``tiff`` or ``jpeg``."""
    return Examination(
        Kind(f"{side}-{size.size}", (__name__,)), partial(hash_facts, size=size.size, original=side == "tiff")
    )


def hash_facts(data: bytes, image: DecodedImage, *, size: int, original: bool) -> dict[str, Any]:
    """What ``hashes.csv`` says of a picture.

    Args:
        data: the file.
        image: its picture.
        size: bits along each side of the hash.
        original: look for a data bar, and hash the picture without it too.

    """
    gray = image.gray
    bits = phash.phash(gray, size)
    top = bar_top(gray) if original else gray.shape[0]
    content_id, picture_id = _digests(gray, top)
    has_bar = top < gray.shape[0]
    return {
        "phash": phash.to_hex(bits),
        "algorithm": phash.algorithm(size),
        "phash_content": phash.to_hex(phash.phash(gray[:top], size)) if has_bar else "",
        "bar_top": top if has_bar else None,
        "content_id": content_id,
        "picture_id": picture_id,
        "width": gray.shape[1],
        "height": gray.shape[0],
        "health": phash.health(bits),
        "rule": image.rule,
    }


def _digests(gray: NDArray[np.uint8], top: int) -> tuple[str, str]:
    """Identify the pixels of the frame and of the rows above ``top``, whatever file they came in, in one pass."""
    whole = hashlib.sha1(gray[:top].data, usedforsecurity=False)
    above = whole.copy()
    whole.update(gray[top:].data)
    for digest, rows in ((whole, gray.shape[0]), (above, top)):
        digest.update(f"{rows} x {gray.shape[1]}".encode())
    return whole.hexdigest(), above.hexdigest()
