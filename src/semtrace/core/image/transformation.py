"""How an original became a published image: turned, scaled, skewed; found from points, and refined on the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, degrees, hypot, sqrt

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.block_agreement import band
from semtrace.core.image.resample import as_gray, resize

_FEWEST = 6  # points that must lie where the transformation says, each in a place of its own
_APART = 6.0  # pixels; nearer points are one place
_SCALES = 0.1, 10.0
_ASPECTS = 0.5, 2.0
_SKEWED = 0.5  # cosine of the angle between what were rows and columns, at most
_ITERATIONS, _ENOUGH = 60, 1e-4  # of the refinement
_REFINED_AT = 512  # pixels of the longest side
_RIM = 10  # pixels left out of it: what lies beyond the edges of a picture shows there in its band-pass
_FAR = 0.02  # of the longest side; a refinement that moves a corner farther has gone astray


@dataclass(frozen=True)
class Transformation:
    """From x and y in an original to ``a x + b y + c`` and ``d x + e y + f`` in the published image.

    Both in pixels from the upper left corner, so the middle of the first pixel is at 0.5.
    """

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The same as float64 (2, 3)."""
        return np.array([[self.a, self.b, self.c], [self.d, self.e, self.f]])

    @property
    def angle(self) -> float:
        """By how many degrees the rows of the original are turned counter-clockwise, above -180 to 180."""
        return degrees(atan2(-self.d, self.a))

    @property
    def scale(self) -> float:
        """Published pixels for one of the original, along a side: the root of the ratio of areas."""
        return sqrt(abs(self.a * self.e - self.b * self.d))

    @property
    def is_sane(self) -> bool:
        """Whether a publisher may have done that: not mirrored, scale 0.1 to 10, aspect changed by 2 or less."""
        if self.a * self.e - self.b * self.d <= 0:
            return False
        across, down = hypot(self.a, self.d), hypot(self.b, self.e)
        skew = abs(self.a * self.b + self.d * self.e) / (across * down)
        sane = _SCALES[0] <= self.scale <= _SCALES[1] and _ASPECTS[0] <= across / down <= _ASPECTS[1]
        return sane and skew <= _SKEWED

    def of(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Where points of the original, (n, 2), lie in the published image."""
        return np.asarray(points @ self.matrix[:, :2].T + self.matrix[:, 2])

    @property
    def inverse(self) -> Transformation:
        """From the published image to the original."""
        linear = np.linalg.inv(self.matrix[:, :2])
        return transformation(np.hstack([linear, -linear @ self.matrix[:, 2:]]))

    def between(self, here: Sequence[float], there: Sequence[float]) -> Transformation:
        """The same where the original is ``here`` times as large, and the published image ``there`` times.

        Args:
            here: factors across and down.
            there: the same of the published image.
        """
        matrix = self.matrix * np.array(there)[:, None]
        matrix[:, :2] /= np.array(here)
        return transformation(matrix)

    def moved(self, x: float, y: float) -> Transformation:
        """The same where the published image begins at column ``x`` and row ``y``."""
        return Transformation(self.a, self.b, self.c - x, self.d, self.e, self.f - y)


def transformation(matrix: NDArray[np.floating]) -> Transformation:
    """From float (2, 3)."""
    return Transformation(*(float(value) for value in matrix.ravel()))


def corners(width: float, height: float) -> NDArray[np.float64]:
    """Corners of a picture, x and y, clockwise from the upper left one; float64 (4, 2)."""
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)


def from_points(
    original: NDArray[np.float32], published: NDArray[np.float32], reach: float
) -> tuple[Transformation, int] | None:
    """The transformation that most pairs of points follow (RANSAC), the same in every run.

    Args:
        original: x and y, float32 (n, 2).
        published: where these are in the published image, float32 (n, 2).
        reach: pixels that a point may lie beside its place there.

    Returns:
        It, and how many different places follow it; None where these are too few, or nobody publishes like that.
    """
    import cv2

    if len(original) < _FEWEST:
        return None
    found, inliers = cv2.estimateAffine2D(
        original, published, method=cv2.RANSAC, ransacReprojThreshold=reach, maxIters=5000, confidence=0.999
    )
    if found is None or not np.isfinite(found).all():
        return None
    made, held = transformation(found), inliers.ravel().astype(bool)
    places = min(_places(original[held]), _places(published[held]))
    return (made, places) if places >= _FEWEST and made.is_sane else None


def _places(points: NDArray[np.float32]) -> int:
    return len(np.unique(np.floor(points / _APART), axis=0))


def refined(
    first: Transformation,
    published: NDArray[np.uint8],
    original: NDArray[np.uint8],
    counted: NDArray[np.bool_] | None = None,
) -> Transformation | None:
    """A transformation that is exact to a part of a pixel: enhanced correlation of the band-passed pictures.

    Source: Evangelidis and Psarakis, IEEE Trans. Pattern Analysis and Machine Intelligence 30 (2008) 1858-1865.

    Args:
        first: a few pixels off at most.
        published: uint8 (h, w).
        original: uint8 (H, W), the rows above its data bar.
        counted: bool (h, w), which published pixels have a say; None: all.

    Returns:
        None where the pictures have too little in common.
    """
    import cv2

    reduction = min(_REFINED_AT / max(published.shape), 1.0)
    target = resize(published, *(max(round(n * reduction), 1) for n in published.shape[::-1]))
    small = (target.shape[1] / published.shape[1], target.shape[0] / published.shape[0])
    source, scaled = reduced_for(first.between((1, 1), small), original)
    start = scaled.inverse
    warp = _centred(start).astype(np.float32)
    mask = np.zeros(source.shape, np.uint8)
    mask[_RIM:-_RIM, _RIM:-_RIM] = 255
    says = np.full(target.shape, 255, np.uint8)
    if counted is not None:
        says[resize(counted * np.uint8(255), *target.shape[::-1]) < 255] = 0
    criteria = cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ITERATIONS, _ENOUGH
    try:
        _, warp = cv2.findTransformECCWithMask(
            band(target), band(source), says, mask, warp, cv2.MOTION_AFFINE, criteria, 3
        )
    except cv2.error:  # it does not converge
        return None
    found = _cornered(np.asarray(warp, np.float64)).inverse
    ends = corners(source.shape[1], source.shape[0])
    if not np.isfinite(found.matrix).all() or not found.is_sane:
        return None
    if np.abs(found.of(ends) - scaled.of(ends)).max() > max(_FAR * max(target.shape), 4.0):
        return None
    factors = source.shape[1] / original.shape[1], source.shape[0] / original.shape[0]
    return found.between((1 / factors[0], 1 / factors[1]), (1 / small[0], 1 / small[1]))


def reduced_for(this: Transformation, original: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Transformation]:
    """An original without more detail than the published image can hold, and the transformation from it."""
    height, width = original.shape
    across, down = hypot(this.a, this.d), hypot(this.b, this.e)
    size = max(round(width * min(across, 1.0)), 1), max(round(height * min(down, 1.0)), 1)
    if size == (width, height):
        return original, this
    return resize(original, *size), this.between((size[0] / width, size[1] / height), (1, 1))


def brought(
    this: Transformation, original: NDArray[np.uint8], height: int, width: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """An original in the frame of the published image: reduced (Lanczos) where it shrinks, then cubic.

    Args:
        this: how it became the published image.
        original: uint8 (H, W).
        height: rows of the published image.
        width: its columns.

    Returns:
        uint8 (height, width), and bool (height, width): which pixels lie inside the original.
    """
    import cv2

    source, scaled = reduced_for(this, as_gray(original))
    back = scaled.inverse
    warp = _centred(back)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    made = cv2.warpAffine(np.array(source), warp, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    x, y = np.arange(width) + 0.5, (np.arange(height) + 0.5)[:, None]
    across, down = back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f
    inside = (across >= 0.5) & (down >= 0.5) & (across <= source.shape[1] - 0.5) & (down <= source.shape[0] - 0.5)
    return made, inside


def _centred(this: Transformation) -> NDArray[np.float64]:
    """The matrix for pixels that are counted by their middles, as OpenCV does."""
    matrix = this.matrix
    matrix[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
    return matrix


def _cornered(matrix: NDArray[np.float64]) -> Transformation:
    shift = matrix[:, 2] - matrix[:, :2].sum(axis=1) / 2 + 0.5
    return transformation(np.column_stack([matrix[:, :2], shift]))
