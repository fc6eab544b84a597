"""Single pictures in a notebook: the fingerprint of one, and two beside each other, by the code of the stages."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from semtrace.core.errors import InputError
from semtrace.core.hashing import phash
from semtrace.io.digests import md5
from semtrace.io.images import DecodedImage, UnreadableImage, decode
from semtrace.provenance.fingerprint import Size, hash_facts
from semtrace.provenance.tracing.evidence import FreshEvidence
from semtrace.provenance.tracing.knowledge import Knowledge
from semtrace.provenance.tracing.mapping import Sides, forward_rows
from semtrace.provenance.tracing.sides import Side, nearest_full, to_side
from semtrace.provenance.tracing.trace import Geometry, trace_all
from semtrace.stage.executor import Executor

AnyPicture = str | Path | bytes | NDArray[np.uint8]
"""A file, the bytes of one, or grey pixels, uint8 of shape (height, width)."""


@dataclass(frozen=True)
class PictureFingerprint:
    """What ``hashes.csv`` says of a picture.

    Attributes:
        phash: perceptual hash of the full frame, hexadecimal as ImageHash prints it.
        phash_content: the same of the picture above its data bar; ``""`` where there is no bar.
        bar_top: first row of the data bar; None where there is none.
        width: columns.
        height: rows.
        content_id: identifies the grey pixels; equal for files of one content.
        degenerate: the picture is empty or clipped, so that its hash says nothing.
        rule: how it became 8-bit grey.
        md5: of the file; ``""`` for pixels.
    """

    phash: str
    phash_content: str
    bar_top: int | None
    width: int
    height: int
    content_id: str
    degenerate: bool
    rule: str
    md5: str

    @property
    def bits(self) -> int:
        """Length of the hash: 64, 256 or 1024."""
        return 4 * len(self.phash)

    def distance(self, other: PictureFingerprint) -> int:
        """Bits in which the hashes differ, the nearest of full frames and pictures above the data bar.

        Raises:
            InputError: the hashes have different lengths.
        """
        if self.bits != other.bits:
            raise InputError(f"hashes of {self.bits} and of {other.bits} bits; make both with one size")
        mine, theirs = ([int(code, 16) for code in (one.phash, one.phash_content) if code] for one in (self, other))
        return min((a ^ b).bit_count() for a in mine for b in theirs)


@dataclass(frozen=True)
class PairComparison:
    """How a published image and an original relate; the names and meanings of ``jpeg_to_tiff.csv``.

    Attributes:
        decision: ``matched``, ``ambiguous`` or ``unmatched``, were this the only original.
        evidence: the strongest; ``""`` where there is none.
        reason: a code of ``jpeg_to_tiff.csv``.
        ssim: -1 to 1, data bar left out; None where they cannot be laid on each other.
        correlation: of the fine structure, -1 to 1; None where it was not needed.
        agreement: part of the frame that agrees, 0 to 1; None where it was not needed.
        hamming: bits between the hashes.
        level: ``frame`` or ``field``; ``""`` where nothing matched.
        symmetry: what was done to the original.
        crop: the published part of the original, in its pixels; ``""``: all.
        place: where on a larger picture it stands; ``""``: it is the picture.
    """

    decision: str
    evidence: str
    reason: str
    ssim: float | None
    correlation: float | None
    agreement: float | None
    hamming: int
    level: str
    symmetry: str
    crop: str
    place: str


def fingerprint(picture: AnyPicture, size: int = 32) -> PictureFingerprint:
    """The fingerprint of one picture, as the stage of that name has it for an original.

    Args:
        picture: TIFF, JPEG, PNG or BMP, or grey pixels.
        size: bits along each side of the hash: 8, 16 or 32.

    Raises:
        InputError: it is no picture that can be read, or there is no such size.
        OSError: the file cannot be read.
    """
    facts = _facts(_decoded(picture), size, original=True)
    names = "phash", "phash_content", "bar_top", "width", "height", "content_id", "rule", "md5"
    return PictureFingerprint(**{name: facts[name] for name in names}, degenerate=facts["health"] != "ok")


def compare_pictures(published: AnyPicture, original: AnyPicture, *, geometry: Geometry = False) -> PairComparison:
    """A published image beside one original, by the algorithm of the stage ``match`` with its default thresholds.

    They are compared however far their hashes are apart. Another original of the archive may be more alike: only a run,
    or ``Results.find``, weighs them all.

    Args:
        published: a file, its bytes, or grey pixels.
        original: the same.
        geometry: also look for the picture turned, as a part, or on a page, as ``match.geometry`` does.

    Raises:
        InputError: one of them is no picture that can be read.
        OSError: a file cannot be read.
    """
    from semtrace.config.new_project import default_match_rules

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        jpegs, originals = (
            _side(root / name, picture, original=name == "original")
            for name, picture in (("published", published), ("original", original))
        )
        rules = default_match_rules(originals.bits)
        bits = originals.bits + 1.0
        near = replace(rules.criteria, hamming_threshold=bits, ssim_trigger=bits)
        rules = replace(rules, criteria=near, reach=bits, geometry=geometry, one_to_one=False)
        executor = Executor(workers=1, cache=root / "cache.sqlite")
        roots = root / "original", root / "published"
        traces = trace_all(FreshEvidence(originals, jpegs, Knowledge(), roots, executor, bool(geometry)), rules)
        (row,) = forward_rows(Sides(originals, jpegs, nearest_full(jpegs, originals, 1), []), traces)
    return PairComparison(
        row["decision"], row["evidence"], row["reason"], row["ssim_value"], row["correlation"], row["agreement"],
        row["hamming_distance"], row["level"], row["symmetry"], row["crop"], row["place"],
    )  # fmt: skip


def _decoded(picture: AnyPicture) -> tuple[bytes, DecodedImage]:
    """The bytes of a picture and its pixels; of pixels the bytes of a file that has them."""
    if isinstance(picture, np.ndarray):
        import io

        from PIL import Image

        if picture.dtype != np.uint8 or picture.ndim != 2 or not picture.size:
            raise InputError(
                f"pixels of {picture.dtype} and shape {picture.shape}; give grey ones, uint8 (height, width)"
            )
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "PNG", compress_level=1)
        data = file.getvalue()
    else:
        data = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
    try:
        return data, decode(data)
    except UnreadableImage as error:
        raise InputError(f"{'the bytes' if isinstance(picture, (bytes, np.ndarray)) else picture}: {error}") from error


def _facts(decoded: tuple[bytes, DecodedImage], size: int, *, original: bool) -> dict[str, Any]:
    if size not in phash.HASH_SIZES:
        raise InputError(f"size is {size}; a hash has {', '.join(map(str, phash.HASH_SIZES))} bits along each side")
    data, image = decoded
    return {"md5": md5(data), **hash_facts(data, image, size=cast("Size", size), original=original)}


def _side(folder: Path, picture: AnyPicture, *, original: bool) -> Side:
    """A side of one picture, which lies as a file in ``folder``."""
    decoded = _decoded(picture)
    folder.mkdir()
    (folder / "picture").write_bytes(decoded[0])
    return to_side([{"path": "picture", **_facts(decoded, 32, original=original)}], folder.name)
