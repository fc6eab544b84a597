"""Which pictures of a folder are new: identical, empty, similar or unique, in this order of questions.

Every picture is compared with kept ones only, never with one that was put away: similarity does not travel along
chains. What cannot be compared or is not confirmed is unique: a repeat that travels on costs space, a different
picture that is put away may never be seen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.mse_search import squared_error
from semtrace.core.image.shift import FieldSpectrum, common_shape, shrunk_shape, spectra_likeness
from semtrace.watch.kept import Kept, KeptPicture
from semtrace.watch.picture import Picture
from semtrace.watch.settings import Settings

DecisionKind = Literal["identical", "empty", "similar", "unique"]


@dataclass(frozen=True)
class FrameDecision:
    """What becomes of one picture.

    Attributes:
        kind: see the module.
        keeper: path of the kept picture that it repeats; empty if it repeats none.
        distance: bits of the hash, or mean squared error; None where neither was compared.
        likeness: correlation of the fine structure; None where it was not compared.

    """

    kind: DecisionKind
    keeper: str = ""
    distance: float | None = None
    likeness: float | None = None


class Views(Protocol):
    """Pixels of pictures, fetched when a comparison needs them; None where the file is gone or has changed."""

    def spectrum(self, picture: Picture | KeptPicture, top: int, shape: tuple[int, int]) -> FieldSpectrum | None:
        """The spectrum at a common shape of the 8-bit grey, reduced to at most 256 columns (``shift.shrink``)."""

    def whole(self, picture: Picture | KeptPicture, top: int) -> NDArray[np.uint8] | None:
        """8-bit grey in full size."""


def in_order(pictures: Sequence[Picture], keeper: str) -> list[Picture]:
    """Pictures in the order in which they are decided: an earlier one is kept, a later one repeats it.

    Args:
        pictures: of one folder.
        keeper: ``first`` in natural order of the names, or ``sharpest`` or ``largest`` first, then by name.
    """

    def rank(picture: Picture) -> float:
        if keeper == "sharpest":
            return -picture.sharpness
        return -float(picture.width * picture.height) if keeper == "largest" else 0.0

    return sorted(pictures, key=lambda picture: (rank(picture), natural(picture.path)))


def natural(path: str) -> tuple[list[tuple[int, int, str]], str]:
    """Key that sorts ``image_2`` before ``image_10``."""
    parts = re.split(r"([0-9]+)", unicodedata.normalize("NFC", path).casefold())
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts], path


def decide_frame(
    pictures: Sequence[Picture],
    kept: Kept,
    settings: Settings,
    views: Views,
    stopped: Callable[[], bool] = lambda: False,
) -> list[FrameDecision]:
    """Decide pictures in their order; what is unique is added to ``kept``.

    Args:
        pictures: of one folder, measured with one range (``top``) for deep frames, in the order of ``in_order``.
        kept: what travelled on earlier; it grows.
        settings: thresholds.
        views: pixels.
        stopped: asked before each picture; once it says yes, only the decisions so far are given.
    """
    decisions = []
    for picture in pictures:
        if stopped():
            break
        decision = _decide(picture, kept, settings, views)
        decisions.append(decision)
        if decision.kind == "unique":
            kept.add(as_kept(picture))
    return decisions


def as_kept(picture: Picture) -> KeptPicture:
    """A picture of this batch as one to compare with; it is still where it was."""
    p = picture
    return KeptPicture(p.path, "", p.md5, p.pixels, p.width, p.height, p.deep, p.top, p.words, p.blocks)


def _decide(picture: Picture, kept: Kept, settings: Settings, views: Views) -> FrameDecision:
    if (same := kept.identical(picture.md5, picture.pixels)) is not None:
        return FrameDecision("identical", same.path)
    if picture.empty and settings.empty == "archive":
        return FrameDecision("empty")
    found = _by_error(picture, kept, settings, views) if settings.method == "mse" else None
    return found or (settings.method == "hash" and _by_hash(picture, kept, settings, views)) or FrameDecision("unique")


def _by_hash(picture: Picture, kept: Kept, settings: Settings, views: Views) -> FrameDecision | None:
    """Similar to the nearest kept picture whose fine structure confirms it."""
    confirms = settings.confirm > 0
    for other, distance in kept.near(picture.words, settings.confirm_most if confirms else 1, settings.threshold):
        if not confirms:
            return FrameDecision("similar", other.path, distance)
        if not same_aspect(picture, other):
            continue
        shape = common_shape(shrunk_shape((picture.height, picture.width)), shrunk_shape((other.height, other.width)))
        if shape is None:
            continue
        here, there = (views.spectrum(one, picture.top, shape) for one in (picture, other))
        if here is None or there is None:
            continue
        alike = spectra_likeness(here, there)
        if alike.correlation >= settings.confirm:
            return FrameDecision("similar", other.path, distance, alike.correlation)
    return None


def same_aspect(one: Picture | KeptPicture, other: Picture | KeptPicture) -> bool:
    """Whether two pictures, reduced to one width of at most 256 columns, have the same height to one pixel.

    ``likeness`` allows for the missing rows of a data bar; frames of a camera have none.
    """
    width = min(one.width, other.width, 256)
    return abs(round(one.height * width / one.width) - round(other.height * width / other.width)) <= 1


def _by_error(picture: Picture, kept: Kept, settings: Settings, views: Views) -> FrameDecision | None:
    """Similar to the kept picture of the least mean squared error, the oldest where two have it."""
    size = picture.width * picture.height
    assert picture.blocks is not None  # noqa: S101  (measured with the method mse)
    best: tuple[int, int, KeptPicture] | None = None
    limit = settings.mse_threshold * size
    for other, bound, age in kept.near_by_error(picture.width, picture.height, picture.blocks, limit):
        if best is not None and bound > best[0] * (1 + 1e-9):  # the list is sorted by it
            break
        here, there = views.whole(picture, picture.top), views.whole(other, picture.top)
        if here is None or there is None or here.shape != there.shape:
            continue
        total = squared_error(here, there, limit if best is None else best[0] + 1)
        if total is not None and total / size < settings.mse_threshold and (best is None or (total, age) < best[:2]):
            best = total, age, other
    return None if best is None else FrameDecision("similar", best[2].path, round(best[0] / size, 4))
