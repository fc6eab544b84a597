"""Kept pictures between the journal and the rules that compare with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from semtrace.core.hashing.phash import from_hex
from semtrace.io.digests import md5
from semtrace.io.frames import decode_frame, read_unchanged
from semtrace.io.images import UnreadableImage
from semtrace.io.journal import KeptRow
from semtrace.io.moves import state_of
from semtrace.watch.kept import Kept, KeptPicture
from semtrace.watch.picture import Picture, measure
from semtrace.watch.settings import Settings


def kept_row(picture: Picture, settings: Settings) -> tuple[str, str, bytes | None]:
    """What the journal stores of a picture that travels on: hash, digest of pixels, block sums."""
    digits = picture.words.astype(">u8").tobytes().hex()
    blocks = None if picture.blocks is None else picture.blocks.astype("<f8").tobytes()
    return f"{settings.hash}{settings.size}:{_depth(picture)}:{digits}", picture.pixels, blocks


def recalled(rows: Iterable[KeptRow], settings: Settings, top: int) -> Kept:
    """Kept pictures of the journal, to compare frames of the range ``top`` with.

    One that was measured otherwise (another hash, another range) is measured anew where its file still is; where it
    is not, only identical pictures are recognised.
    """
    kept = Kept(settings.size**2 // 64)
    for row in rows:
        name, depth, digits = row.hash.split(":")
        fits = name == f"{settings.hash}{settings.size}" and depth in ("8", f"16-{top}")
        picture = KeptPicture(
            row.path, row.target, row.md5, row.digest, row.width, row.height,
            deep=depth != "8", top=255 if depth == "8" else int(depth[3:]),
            words=from_hex(digits, settings.size) if fits else None,
            blocks=np.frombuffer(row.blocks, "<f8").astype(np.float64) if fits and row.blocks else None,
        )  # fmt: skip
        is_known = fits and (settings.method != "mse" or picture.blocks is not None)
        kept.add(picture if is_known else _measured_anew(picture, settings, top))
    return kept


def deepest(rows: Iterable[KeptRow]) -> int:
    """The widest range of deep frames among kept pictures; 255 if there are none."""
    depths = (row.hash.split(":")[1] for row in rows)
    return max((int(depth[3:]) for depth in depths if depth != "8"), default=255)


def _depth(picture: Picture) -> str:
    return f"16-{picture.top}" if picture.deep else "8"


def _measured_anew(picture: KeptPicture, settings: Settings, top: int) -> KeptPicture:
    try:
        state = state_of(picture.file)
        if state is None:
            return replace(picture, words=None, blocks=None)
        data = read_unchanged(picture.file, state)
        if md5(data) != picture.md5:
            return replace(picture, words=None, blocks=None)
        new = measure(picture.path, state, picture.md5, decode_frame(data), settings, top)
    except (OSError, UnreadableImage, MemoryError):
        return replace(picture, words=None, blocks=None)
    if new.top > top and new.deep:
        return replace(picture, words=None, blocks=None)
    return replace(picture, top=new.top, words=new.words, blocks=new.blocks)
