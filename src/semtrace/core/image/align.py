"""Compare a published image with an original: bring both to one size, leave the data bar out, measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.block_agreement import AGREES, block_agreement
from semtrace.core.image.correlation import highpass_correlation
from semtrace.core.image.frame_evidence import EXPLAINED, unexplained
from semtrace.core.image.resample import reduce, resize
from semtrace.core.image.ssim import ssim

SMALLEST = 7  # pixels along a side: one SSIM window
_MISSING_ROWS = 0.03  # a published image may lack this part of the rows above the data bar
_EXTRA_ROWS = 0.01  # and may, by rounding, have this part more rows than the original


@dataclass(frozen=True)
class FrameAgreement:
    """What the frames of two pictures have in common, place by place.

    Attributes:
        agreement: part of the frame that agrees, 0 to 1 (``block_agreement``).
        in_place: whether neither lies beside the other.
        same_frame: whether the published image holds no detail beyond the original's (``frame_evidence``); False also
            where nobody can tell.
        crop: where some pixels were cut off, the part of the original that is left,
            ``<width>x<height>+<left>+<top>`` in its pixels; ``""``: all.
        ssim: with that part; None where all was compared.
        correlation: the same.
    """

    agreement: float
    in_place: bool
    same_frame: bool
    crop: str = ""
    ssim: float | None = None
    correlation: float | None = None

    @property
    def agrees(self) -> bool:
        """Whether both show one place in one framing."""
        return self.in_place and self.agreement >= AGREES


@dataclass(frozen=True)
class Comparison:
    """How alike two pictures are, data bar left out.

    Attributes:
        ssim: mean SSIM (Wang et al. 2004, as scikit-image computes it), -1 to 1.
        correlation: high-pass correlation at 256 px or less, -1 to 1; None for a proven pair, which needs none.
        whole: whether the published image has the original's whole frame, data bar and all.
        rows: rows of the original that the published image shows, where it has the original's size; else 0.
        proven: whether encoding these rows again gave the published pixels exactly.
        frames: what the frames have in common, place by place; None where it was not needed or says nothing.

    """

    ssim: float
    correlation: float | None
    whole: bool
    rows: int = 0
    proven: bool = False
    frames: FrameAgreement | None = None


@dataclass(frozen=True)
class Aligned:
    """Two pictures brought to one size, uint8 (H, W) each, data bar left out; ``whole`` and ``rows`` as above."""

    published: NDArray[np.uint8]
    original: NDArray[np.uint8]
    whole: bool
    rows: int


def align(published: NDArray[np.uint8], original: NDArray[np.uint8], bar_top: int) -> Aligned | None:
    """Lay a published image over an original, top-aligned, at the smaller of the two widths.

    The rule for different sizes: the widths give the scale, and the larger picture is reduced (Lanczos). At that
    scale the published image must hold the rows above the original's data bar (3 % may be missing) and
    no more than the original has. The rows above the bar are kept. What does not fit, a crop at other edges or
    another aspect, is not comparable.

    Args:
        published: uint8 (H, W).
        original: uint8 (H', W').
        bar_top: first row of the original's data bar; H' where there is none.

    Returns:
        The two, or None where they are not comparable.
    """
    height, width = original.shape
    scale = published.shape[1] / width
    needed = published.shape[0] / scale
    if needed > height * (1 + _EXTRA_ROWS) + 1 or needed < bar_top * (1 - _MISSING_ROWS):
        return None
    rows = rows_shown((published.shape[0], published.shape[1]), (height, width))
    original = original[:rows]
    content = min(bar_top, rows)
    same_size = original.shape == published.shape
    if scale < 1:
        original = resize(original, published.shape[1], published.shape[0])
        content = min(round(content * scale), published.shape[0])
    elif not same_size:
        published = resize(published, width, rows)
    left, right = np.ascontiguousarray(published[:content]), np.ascontiguousarray(original[:content])
    if min(left.shape) < SMALLEST:
        return None
    return Aligned(left, right, rows == height, rows if same_size else 0)


def rows_shown(published: tuple[int, int], original: tuple[int, int]) -> int:
    """How many rows of an original a published image shows, if both have the same columns.

    Args:
        published: its height and width, pixels.
        original: its height and width, pixels.

    Returns:
        1 to the height of the original; where the published image would show more, all.
    """
    height, width = original
    scale = published[1] / width
    needed = published[0] / scale
    # Within the rounding of a resize by the publisher, the whole height is meant.
    return height if abs(needed - height) <= max(1.0, 1 / scale) else min(round(needed), height)


def similarity(aligned: Aligned) -> float:
    """Mean SSIM of an aligned pair, rounded to 6 decimals."""
    return round(ssim(aligned.published, aligned.original), 6)


def correlation(aligned: Aligned) -> float:
    """High-pass correlation of an aligned pair at 256 px or less, rounded to 6 decimals."""
    return round(highpass_correlation(reduce(aligned.published), reduce(aligned.original)), 6)


def frame_agreement(aligned: Aligned, steps: Sequence[int] | None, *, resized: bool) -> FrameAgreement | None:
    """What an aligned pair has in common, place by place.

    Args:
        aligned: the published image as it was published (not turned, not resized), where its exposure is to be told.
        steps: quantisation table of the published JPEG's brightness; None where the exposure cannot be told.
        resized: whether the publisher resized the picture.

    Returns:
        None where too few places have structure.
    """
    found = block_agreement(aligned.published, aligned.original)
    if found is None:
        return None
    seen = FrameAgreement(found.share, found.in_place(resized=resized), same_frame=False)
    if not seen.agrees or steps is None:
        return seen
    rest = unexplained(aligned.published, aligned.original, steps)
    return FrameAgreement(seen.agreement, seen.in_place, rest is not None and rest < EXPLAINED)
