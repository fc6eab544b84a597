"""Recompute a sample of the last results with the reference libraries, on this machine, and compare.

Hashes: ImageHash after Pillow's equalize and autocontrast. SSIM: scikit-image. Proofs: Pillow's JPEG encoder, in both
directions, for a pair that is called proven must give the published pixels and another one must not. All three are
slower than what the stages use, so a seeded sample is recomputed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar

from semtrace.core.image.align import align
from semtrace.core.image.gray8 import is_ranged
from semtrace.core.image.symmetry import Symmetry, apply
from semtrace.io import tables
from semtrace.io.cache import Cache
from semtrace.io.files import safe_name
from semtrace.io.reencoding import is_reencoding
from semtrace.provenance.tables import HASHES, JPEG_TO_TIFF
from semtrace.provenance.tracing.pair_images import UnavailableError, pixels, samples_of
from semtrace.stage.declaration import Job
from semtrace.stage.inputs import read_file
from semtrace.stage.rejects import Failure

_SAMPLE_SEED = 20
_SSIM_TOLERANCE = 2e-6  # both are rounded to six decimals
_COMPARABLE = ("reencoded", "ssim")  # evidence for which an encoder was, or could have been, asked

_Row = TypeVar("_Row")
_Agrees = Callable[[str, Any], object]
"""From the side cache's file and an item to whether the reference has the item's value."""


@dataclass(frozen=True)
class ReferenceCheck:
    """How many values of the last run a reference library gives too.

    Attributes:
        what: plural noun of the values.
        reference: whose values they are compared with.
        equal: how many agree.
        checked: how many could be recomputed.
        differing: the files of values that do not agree.
        unreadable: how many could not be recomputed, for a file is gone, changed or damaged.
    """

    what: str
    reference: str
    equal: int
    checked: int
    differing: tuple[str, ...]
    unreadable: int

    def __str__(self) -> str:
        parts = [f"{self.equal} of {self.checked} {self.what} equal {self.reference}"]
        parts += [f"differing: {', '.join(self.differing[:4])}"] if self.differing else []
        parts += [f"{self.unreadable} not readable any more"] if self.unreadable else []
        return "; ".join(parts)


def check_hashes(job: Job, sample: int) -> ReferenceCheck:
    """Hash a sample of ``sample`` images of both sides with ImageHash."""
    rows = [
        (side, root, row["path"], row["md5"], row["phash"])
        for side, root in (("tiff", job.archive), ("jpeg", job.published))
        for row in tables.read(job.hashes(side), HASHES)
        if row["md5"]
    ]
    size = job.params.hash.size
    items = [
        _Item(path, _name(root, path), digest, expected) for _, root, path, digest, expected in _draw(rows, sample)
    ]
    return _check(job, "hashes", "ImageHash's", items, partial(_hash_agrees, size), "imagehash")


def check_ssim(job: Job, sample: int) -> ReferenceCheck:
    """Compute the SSIM of a sample of ``sample`` pairs with scikit-image."""
    pairs = [pair for pair in _pairs(job) if pair.row["ssim_value"] is not None]
    return _check(job, "SSIM values", "scikit-image's", _draw(pairs, sample), _ssim_agrees, "skimage.metrics")


def check_proofs(job: Job, sample: int) -> ReferenceCheck:
    """Encode the originals of a sample of ``sample`` pairs as their published images were encoded, with Pillow.

    A pair whose original is wider or longer than the published image, and a JPEG that names no table, count as
    agreeing where they are not called proven: no encoder can give these pixels.
    """
    pairs = [pair for pair in _pairs(job) if pair.row["evidence"] in _COMPARABLE]
    return _check(job, "proofs", "those of Pillow's JPEG encoder", _draw(pairs, sample), _proof_agrees, "PIL.Image")


class _Named(Protocol):
    @property
    def path(self) -> str: ...


@dataclass(frozen=True)
class _Item:
    """A file, the md5 it must still have, and the value that a table gives it."""

    path: str
    file: str
    md5: str
    expected: str


@dataclass(frozen=True)
class _Pair:
    """A row of the forward table, and the files of its two pictures with their md5 and the original's bar."""

    row: Mapping[str, Any]
    published: _Item
    original: _Item
    bar_top: int | None
    deep: bool

    @property
    def path(self) -> str:
        return self.published.path


def _pairs(job: Job) -> list[_Pair]:
    """The pairs of which a whole original was compared with a published image."""
    jpegs = {row["path"]: row for row in tables.read(job.hashes("jpeg"), HASHES)}
    tiffs = {row["path"]: row for row in tables.read(job.hashes("tiff"), HASHES)}
    found = []
    for row in tables.read(job.result("match/jpeg_to_tiff.csv"), JPEG_TO_TIFF):
        jpeg, tiff = jpegs.get(row["jpeg_path"]), tiffs.get(row["matched_tiff_path"])
        whole = not (row["crop"] or row["place"] or row["angle"] is not None or row["symmetry"].startswith("negative"))
        if jpeg and tiff and row["used_ssim"] and whole:
            published = _Item(jpeg["path"], _name(job.published, jpeg["path"]), jpeg["md5"], "")
            original = _Item(tiff["path"], _name(job.archive, tiff["path"]), tiff["md5"], "")
            found.append(_Pair(row, published, original, tiff["bar_top"], is_ranged(tiff["rule"])))
    return found


def _name(root: Path, path: str) -> str:
    return safe_name(root.resolve(), path)


def _draw(rows: Sequence[_Row], count: int) -> list[_Row]:
    return random.Random(_SAMPLE_SEED).sample(rows, min(count, len(rows)))  # noqa: S311  (a sample, no secret)


def _check(
    job: Job, what: str, reference: str, items: Sequence[_Named], agrees: _Agrees, library: str
) -> ReferenceCheck:
    """Ask ``agrees`` about each item, in workers that inherit the ``library``."""
    work = partial(_answer, agrees, str(job.executor.cache))
    with Cache(job.executor.cache):  # closed after the workers, so that it leaves no log beside it
        answers = list(
            job.executor.on_this_machine().map(
                work, items, what=f"check {what}", reads=lambda _item: (), prepare=partial(import_module, library)
            )
        )
    known = [(item, answer) for item, answer in zip(items, answers, strict=True) if isinstance(answer, bool)]
    differing = sorted(item.path for item, answer in known if not answer)
    return ReferenceCheck(
        what, reference, len(known) - len(differing), len(known), tuple(differing), len(items) - len(known)
    )


def _answer(agrees: _Agrees, cache: str, item: object) -> bool | None:
    """Whether the reference agrees; None where an image cannot be read."""
    try:
        return bool(agrees(cache, item))
    except (UnavailableError, MemoryError):
        return None


def _hash_agrees(size: int, cache: str, item: _Item) -> bool:
    import imagehash
    from PIL import Image, ImageOps

    picture = Image.fromarray(pixels(item.file, item.md5, cache))
    return str(imagehash.phash(ImageOps.autocontrast(ImageOps.equalize(picture)), size)) == item.expected


def _ssim_agrees(cache: str, pair: _Pair) -> bool:
    from skimage.metrics import structural_similarity

    published, original = (pixels(item.file, item.md5, cache) for item in (pair.published, pair.original))
    bar_top = original.shape[0] if pair.bar_top is None else pair.bar_top
    aligned = align(apply(published, _symmetry(pair)), original, bar_top)
    if aligned is None:
        return False
    reference: float = structural_similarity(aligned.published, aligned.original, data_range=255)
    return bool(abs(reference - pair.row["ssim_value"]) <= _SSIM_TOLERANCE)


def _proof_agrees(cache: str, pair: _Pair) -> bool:
    data = read_file(pair.published.file, pair.published.md5, cache)
    if isinstance(data, Failure):
        raise UnavailableError(pair.published.file, data)
    published, original = (pixels(item.file, item.md5, cache) for item in (pair.published, pair.original))
    # The published image may end above the data bar.
    rows = original[: apply(published, _symmetry(pair)).shape[0]]
    deep = partial(samples_of, pair.original.file, pair.original.md5, cache) if pair.deep else None
    bar_top = -1 if pair.bar_top is None else pair.bar_top
    found = is_reencoding(data, published, rows, _symmetry(pair), deep, bar_top) is True
    return found is (pair.row["evidence"] == "reencoded")


def _symmetry(pair: _Pair) -> Symmetry:
    return Symmetry(pair.row["symmetry"] or "identity")
