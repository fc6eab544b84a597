"""One published image beside its candidate originals; nothing is decoded before it is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.align import (
    Aligned,
    Comparison,
    FrameAgreement,
    align,
    correlation,
    frame_agreement,
    similarity,
)
from semtrace.core.image.correlation import limited_correlation
from semtrace.core.image.placement import Rectangle, lay, locate
from semtrace.core.image.resample import reduce
from semtrace.core.image.symmetry import Symmetry, apply
from semtrace.io.cache import Cache, Entry, Kind
from semtrace.io.deep_samples import DeepSamples, deep_samples
from semtrace.io.images import DecodedImage, UnreadableImage, decode
from semtrace.io.jpeg_quantisation import luma_table
from semtrace.io.orientation import of_file
from semtrace.io.reencoding import is_reencoding
from semtrace.stage.inputs import read_file
from semtrace.stage.rejects import OUT_OF_MEMORY, Failure

SIMILARITY = Kind("similarity", (__name__, "semtrace.core.gpu.ssim_torch"))  # of either device
CORRELATION, REENCODING = Kind("correlation", (__name__,)), Kind("reencoding", (__name__,))
AGREEMENT = Kind("agreement", (__name__,))
_MAY_BE_PROVEN = 0.5  # SSIM; strong compression of a noisy picture stays above it
_TRIES = 3
_KEPT = 4  # aligned pairs, 2 MB each as a rule
_CUT = 0.05  # of the width; more is a part, and looked for as one
_SOMEHOW_ALIKE = 0.2  # high-pass correlation, of all detail or limited; different pictures stay below as a rule


@dataclass(frozen=True)
class Image:
    """An image file and the md5 it must still have.

    Attributes:
        file: where it is.
        md5: of its bytes.
        bar_top: first row of its data bar, or -1.
        known: of an original: whether the published image is proven to be its very conversion already.
        symmetry: of an original: what brings the published image into its orientation.
        negative: of an original: whether the published image's grey levels are to be inverted for it.
        place: of a published image that stands on a larger page: where.
        deep: of an original: whether a range was taken to make it 8-bit grey, so that other programs take others.
    """

    file: str
    md5: str
    bar_top: int = -1
    known: bool = False
    symmetry: Symmetry = Symmetry.IDENTITY
    negative: bool = False
    place: Rectangle | None = None
    deep: bool = False


class UnavailableError(Exception):
    """An image cannot be had any more, though its hash is in the table."""

    def __init__(self, file: str, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.file, self.failure = file, failure


Pairs = tuple[Image, tuple[Image, ...]]
"""A published image and the originals to compare it with."""


Compared = Comparison | Failure | None
"""A comparison; None where the two are not comparable, a failure where the original cannot be read (any more)."""

AllCompared = list[Compared] | Failure
"""A published image's comparisons in the order of its originals; one failure where it cannot be read itself."""


def prove_and_correlate(
    similar: Sequence[Compared],
    known: Sequence[bool],
    deep: Sequence[bool],
    reencoded: Callable[[int], bool],
    correlation: Callable[[int], float | Failure],
    agreement: Callable[[int], FrameAgreement | Failure | None],
) -> list[Compared]:
    """Prove by encoding again where that can pay, and look closer at what is not proven.

    Args:
        similar: per original its similarity.
        known: per original whether the published image is proven to be its very conversion already.
        deep: per original whether another range may have been taken for it, so that a proof needs no likeness.
        reencoded: whether the original at a position gives the published pixels when it is encoded again.
        correlation: of the original at a position.
        agreement: the same, for a published image of which no original is proven.
    """
    result = list(similar)
    compared = {i: comparison for i, comparison in enumerate(similar) if isinstance(comparison, Comparison)}
    if not any(known[i] for i in compared):
        # An encoding costs several SSIMs: same size, alike, the most alike first, at most three. Of an original
        # kept with and without its data bar the one with the published frame comes first.
        alike = [(-c.ssim, not c.whole, i) for i, c in compared.items() if _may_be_proven(c, deep[i])]
        for *_, i in sorted(alike)[:_TRIES]:
            if reencoded(i):
                result[i] = compared[i] = replace(compared[i], proven=True)
                break
    for i, comparison in compared.items():
        if not comparison.proven and not known[i]:
            value = correlation(i)
            result[i] = value if isinstance(value, Failure) else replace(comparison, correlation=value)
    if any(known[i] or comparison.proven for i, comparison in compared.items()):
        return result
    for i, seen in enumerate(result):
        if isinstance(seen, Comparison):
            found = agreement(i)
            result[i] = found if isinstance(found, Failure) else replace(seen, frames=found)
    return result


def _may_be_proven(comparison: Comparison, deep: bool) -> bool:
    return bool(comparison.rows) and (deep or comparison.ssim >= _MAY_BE_PROVEN)


def key_of(published: Image, original: Image) -> str:
    """What identifies a pair in the side cache: the contents of both, and how they are laid on each other."""
    sign = "-negative" if original.negative else ""
    place = f"-{published.place}" if published.place else ""
    return f"{published.md5}{place}-{original.md5}-{original.bar_top}-{original.symmetry}{sign}"


class UnknownError(Exception):
    """A value is not in the side cache."""


class PairImages:
    """One published image beside its candidates; nothing is decoded before it is needed."""

    def __init__(self, published: Image, cache_file: str, cache: Cache, *, recalling: bool = False) -> None:
        self.published, self.cache_file, self.cache, self.recalling = published, cache_file, cache, recalling
        self.entries: list[Entry] = []
        self._laid: dict[str, Aligned | None] = {}

    @cached_property
    def data(self) -> bytes:
        """The published file's bytes."""
        return read_bytes(self.published.file, self.published.md5, self.cache_file)

    @cached_property
    def gray(self) -> NDArray[np.uint8]:
        """The published image."""
        whole = _decode(self.published.file, self.data)
        return self.published.place.of(whole) if self.published.place else whole

    @cached_property
    def steps(self) -> tuple[int, ...] | None:
        """See ``steps_of``."""
        return steps_of(self.data, self.published.place)

    def compare(self, originals: Sequence[Image]) -> list[Compared]:
        """What a decision needs: proofs where they can pay, the correlation of what is not proven."""
        return prove_and_correlate(
            [self._similar(original) for original in originals],
            [original.known for original in originals],
            [original.deep for original in originals],
            lambda i: self._kept(REENCODING, originals[i], self._is_reencoding) is True,
            lambda i: self._kept(CORRELATION, originals[i], self._correlation),
            lambda i: self._agreement(originals[i]),
        )

    def measure(self, originals: Sequence[Image]) -> list[Compared]:
        """Everything that ``compare`` may ask for, whichever of these originals are its candidates."""
        result: list[Compared] = []
        for original in originals:
            seen = self._similar(original)
            if isinstance(seen, Comparison):
                value = self._kept(CORRELATION, original, self._correlation)
                may_be = _may_be_proven(seen, original.deep)
                proven = may_be and self._kept(REENCODING, original, self._is_reencoding) is True
                frames = self._agreement(original)
                if isinstance(value, Failure):
                    seen = value
                elif isinstance(frames, Failure):
                    seen = frames
                else:
                    seen = replace(seen, correlation=value, proven=proven, frames=frames)
            result.append(seen)
        return result

    def _similar(self, original: Image) -> Compared:
        values = self._kept(SIMILARITY, original, self._similarity)
        return (Comparison(correlation=None, **values) if values else None) if isinstance(values, dict) else values

    def _kept(self, kind: Kind, original: Image, compute: Callable[[Image], Any]) -> Any:
        """The value from the cache, or computed and stored; a failure where the original cannot be read.

        Raises:
            UnavailableError: the published image cannot be read.
            UnknownError: where values are only recalled, and this one is not known.
        """
        key = key_of(self.published, original)
        known = self.cache.get(kind, key)
        if known is None:
            known = next((value for k, name, value in self.entries if (k, name) == (kind, key)), None)
        if known is not None:
            return known
        if self.recalling:
            raise UnknownError
        _ = self.gray  # read first: where it cannot be, no original is to blame
        try:
            value = compute(original)
        except UnavailableError as error:
            return error.failure  # not stored: the file may be back in the next run
        self.entries.append((kind, key, value))
        return value

    def aligned(self, original: Image) -> Aligned | None:
        """The two in one orientation and size; None where they are not comparable."""
        key = key_of(self.published, original)
        if key not in self._laid:
            if len(self._laid) >= _KEPT:
                self._laid.clear()
            self._laid[key] = self._lay(original)  # kept: resizing costs more than comparing
        return self._laid[key]

    def _lay(self, original: Image) -> Aligned | None:
        whole = _original_pixels(original.file, original.md5, self.cache_file)
        bar_top = original.bar_top if original.bar_top >= 0 else whole.shape[0]
        return align(self._shown(original), whole, bar_top)

    def _shown(self, original: Image) -> NDArray[np.uint8]:
        """The published image in the original's orientation and tones."""
        turned = apply(self.gray, original.symmetry)
        return 255 - turned if original.negative else turned

    def _similarity(self, original: Image) -> dict[str, Any]:
        pair = self.aligned(original)
        return {"ssim": similarity(pair), "whole": pair.whole, "rows": pair.rows} if pair else {}

    def _correlation(self, original: Image) -> float:
        pair = self.aligned(original)
        return correlation(pair) if pair else 0.0

    def _agreement(self, original: Image) -> FrameAgreement | Failure | None:
        values = self._kept(AGREEMENT, original, self._look_closer)
        return (FrameAgreement(**values) if values else None) if isinstance(values, dict) else values

    def _look_closer(self, original: Image) -> dict[str, Any]:
        """See ``FrameAgreement``; empty where it says nothing. Pictures that are not alike at all are not looked at."""
        pair = self.aligned(original)
        if pair is None:
            return {}
        upright = original.symmetry == Symmetry.IDENTITY
        seen = FrameAgreement(0.0, in_place=False, same_frame=False)
        if self._is_somehow_alike(original, pair):
            steps = self.steps if upright and pair.published.shape[1] == self.gray.shape[1] else None
            found = frame_agreement(pair, steps, resized=not pair.rows)
            if found is None or found.agrees:
                return asdict(found) if found else {}
            seen = found
        return asdict(self._cut(original, upright=upright) or seen)

    def _is_somehow_alike(self, original: Image, pair: Aligned) -> bool:
        if self._kept(CORRELATION, original, self._correlation) >= _SOMEHOW_ALIKE:
            return True
        # Marks that were burnt into an even picture outweigh its texture.
        return limited_correlation(reduce(pair.published), reduce(pair.original)) >= _SOMEHOW_ALIKE

    def _cut(self, original: Image, *, upright: bool) -> FrameAgreement | None:
        """Whether the published image is the original without some pixels along its edges."""
        whole = _original_pixels(original.file, original.md5, self.cache_file)
        shown = self._shown(original)
        if shown.shape == whole.shape or abs(shown.shape[1] / whole.shape[1] - 1) > _CUT:
            return None
        bar_top = original.bar_top if original.bar_top >= 0 else whole.shape[0]
        rectangle = locate(shown, whole, bar_top, (0.0, 0.0, 1.0, 1.0))
        pair = lay(shown, whole, bar_top, rectangle) if rectangle else None
        if rectangle is None or pair is None:
            return None
        steps = self.steps if upright and pair.published.shape[1] == shown.shape[1] else None
        found = frame_agreement(pair, steps, resized=not pair.rows)
        if found is None or not found.agrees:
            return None
        return replace(found, crop=str(rectangle), ssim=similarity(pair), correlation=correlation(pair))

    def _is_reencoding(self, original: Image) -> bool:
        """Whether the original, encoded as the published image was, gives its very pixels."""
        pair = self.aligned(original)
        if pair is None or self.published.place:
            return False
        rows = _original_pixels(original.file, original.md5, self.cache_file)[: pair.rows]
        if original.negative:
            return is_reencoding(self.data, self.gray, 255 - rows, original.symmetry) is True
        deep = partial(samples_of, original.file, original.md5, self.cache_file) if original.deep else None
        return is_reencoding(self.data, self.gray, rows, original.symmetry, deep, original.bar_top) is True


def steps_of(data: bytes, place: Rectangle | None) -> tuple[int, ...] | None:
    """Quantisation table of a JPEG's brightness; None where a picture's blocks do not begin at its first pixel.

    Args:
        data: the JPEG.
        place: where on it the picture stands; None: it is the picture.
    """
    begins = of_file(data) == 1 and (place is None or (place.x % 8 == 0 and place.y % 8 == 0))
    return luma_table(data) if begins else None


def read_bytes(file: str, digest: str, cache_file: str) -> bytes:
    """Bytes of a file that must still have the md5 ``digest``; raises ``UnavailableError`` where it has not."""
    data = read_file(file, digest, cache_file)
    if isinstance(data, Failure):
        raise UnavailableError(file, data)
    return data


def _decode(file: str, data: bytes) -> NDArray[np.uint8]:
    return _decoded(file, data).gray


def _decoded(file: str, data: bytes) -> DecodedImage:
    try:
        return decode(data, sound=True)  # the table that names it has a hash of its picture
    except UnreadableImage as error:
        raise UnavailableError(file, Failure(error.reason, error.detail)) from error
    except MemoryError as error:
        raise UnavailableError(file, OUT_OF_MEMORY) from error


def pixels(file: str, digest: str, cache_file: str) -> NDArray[np.uint8]:
    """Grey pixels of a file that must still have the md5 ``digest``; raises ``UnavailableError`` where it has not."""
    return _decode(file, read_bytes(file, digest, cache_file))


# Candidates of neighbouring tasks overlap (series, copies): a few originals stay decoded, 16 x 1 MB as a rule.
_original_pixels = lru_cache(maxsize=16)(pixels)


@lru_cache(maxsize=2)  # where no grey of our own is a proof, neighbouring tasks ask for the same one
def samples_of(file: str, digest: str, cache_file: str) -> DeepSamples | None:
    """Samples of a deep original that must still have the md5 ``digest``; raises as ``pixels`` does."""
    data = read_bytes(file, digest, cache_file)
    try:
        return deep_samples(data, _decoded(file, data).page)
    except MemoryError as error:
        raise UnavailableError(file, OUT_OF_MEMORY) from error
