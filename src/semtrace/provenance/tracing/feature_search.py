"""Published images that were turned, skewed, or put into something else: found by local features, then compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.errors import InputError
from semtrace.core.image.align import Comparison, FrameAgreement
from semtrace.core.image.local_features import (
    LENGTH,
    LONGEST,
    LocalFeatures,
    is_available,
    local_features,
    matches,
    votes,
)
from semtrace.core.image.overlay import overlay
from semtrace.core.image.painted import filled
from semtrace.core.image.placement import Rectangle
from semtrace.core.image.transformation import Transformation, from_points
from semtrace.core.tracing.decision import Candidate
from semtrace.io.cache import Entry, Kind, reader
from semtrace.io.files import safe_name
from semtrace.parallel.processes import available_cores
from semtrace.provenance.tracing.crop_search import Cropped, similarity_of
from semtrace.provenance.tracing.pair_images import Image, UnavailableError, pixels
from semtrace.provenance.tracing.sides import Content, Pair, Side
from semtrace.stage.cached_map import worked_map
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure

FEATURES, OVERLAY = Kind("features of a picture", (__name__,)), Kind("overlay", (__name__,))

_OF_ORIGINAL, _OF_PUBLISHED = 300, 1000  # features
_FEWEST = 5  # features of an original that a published image must have to be looked at
_LOOKED_AT = 24  # originals whose features are asked for one transformation
_COMPARED = 4  # originals that a picture is compared with
_REACH = 3.0  # pixels of the reduced picture that a feature may lie beside its place

Likely = tuple[int, Transformation]
"""An original, and about how it became the published image."""

OverlayTask = tuple[Image, Image, tuple[float, ...]]
"""A published image, an original, and the numbers of the transformation."""


def check_available() -> None:
    """Make sure that ``match.geometry=full`` can be done; raises ``InputError`` where OpenCV is absent."""
    if not is_available():
        raise InputError(
            "match.geometry is full, which needs OpenCV, and that is not installed: pip install 'semtrace[geometry]', "
            "or set match.geometry=true"
        )


def find_overlays(
    wanted: Sequence[int], originals: Side, jpegs: Side, roots: tuple[Path, Path], executor: Executor
) -> dict[int, Cropped]:
    """Look for each of the ``wanted`` published contents in all originals; those found nowhere are left out.

    The features of every original are compared with those of the published image. Of the originals that most
    features are found of, those are compared, pixel by pixel, in which they follow one transformation.

    Args:
        wanted: indices of published contents.
        originals: the archive.
        jpegs: the published set.
        roots: folders of the two.
        executor: where to work.

    Raises:
        InputError: OpenCV is not installed.
    """
    check_available()
    tiffs = [t for t, content in enumerate(originals.contents) if content.healthy]
    queries = [j for j in wanted if jpegs.contents[j].healthy]
    if not queries:
        return {}
    roots = roots[0].resolve(), roots[1].resolve()
    images = [_image(roots[0], originals.contents[t]) for t in tiffs]
    published = [_image(roots[1], jpegs.contents[j]) for j in queries]
    archive = _mapped(_features_of_original, images, executor, "features of originals")
    asked = _mapped(_features_of_published, published, executor, "features of pictures")
    workers = executor.workers or available_cores()
    likely = _likely([one[0] for one in asked], [one[0] for one in archive], [one[1] for one in asked], workers)
    tasks = [
        (image, images[i], astuple(first)) for image, found in zip(published, likely, strict=True) for i, first in found
    ]
    compared = iter(_mapped(_overlay, tasks, executor, "transformed"))
    result = {}
    for j, found in zip(queries, likely, strict=True):
        cropped = Cropped([], [], [], complete=True)
        for i, _ in found:
            if seen := next(compared):
                t = tiffs[i]
                _add(cropped, Pair(t, originals.distance(t, jpegs, j)), originals.contents[t], seen)
        if cropped.candidates:
            # Where all that were compared agree, another one may.
            agreeing = sum(candidate.agrees is True for candidate in cropped.candidates)
            result[j] = replace(cropped, complete=agreeing < _COMPARED)
    return result


def _likely(
    asked: Sequence[LocalFeatures], archive: Sequence[LocalFeatures], sizes: Sequence[int], workers: int
) -> list[list[Likely]]:
    """The originals that each picture may show, those first in which most features follow one transformation."""
    counts = votes(asked, archive, workers=workers)
    result = []
    for q, query in enumerate(asked):
        order = np.argsort(-counts[q], kind="stable")[:_LOOKED_AT]
        found = []
        for i in order[counts[q, order] >= _FEWEST].tolist():
            pairs = matches(query, archive[i])
            reach = _REACH * max(sizes[q] / LONGEST, 1.0)
            made = from_points(archive[i].points[pairs[:, 1]], query.points[pairs[:, 0]], reach)
            if made is not None:
                found.append((made[1], i, made[0]))
        found.sort(key=lambda one: (-one[0], one[1]))
        result.append([(i, first) for _, i, first in found[:_COMPARED]])
    return result


def _add(cropped: Cropped, pair: Pair, original: Content, seen: dict[str, Any]) -> None:
    frames = FrameAgreement(seen["agreement"], in_place=seen["in_place"], same_frame=False)
    comparison = Comparison(seen["ssim"], seen["correlation"], whole=False, frames=frames)
    this = Transformation(*seen["transformation"])
    place, crop = (Rectangle(*seen[name]) if seen[name] else None for name in ("place", "crop"))
    said = {name: str(part) if part else "" for name, part in (("place", place), ("crop", crop))}
    cropped.pairs.append(pair)
    cropped.comparisons.append(comparison)
    cropped.candidates.append(
        Candidate(
            original.paths[0], pair.hamming, picture=original.picture, **{**similarity_of(comparison), **said},
            angle=round(this.angle, 2) + 0.0, scale=float(f"{this.scale:.4g}"),
        )
    )  # fmt: skip


def _image(root: Path, content: Content) -> Image:
    return Image(safe_name(root, content.paths[0]), content.md5, content.bar_top)


def _mapped(function: Any, items: Sequence[Any], executor: Executor, what: str) -> list[Any]:
    """Results of ``function(cache file, item)``, kept in the side cache; that of no features for what failed."""
    results = worked_map(items, function, recall=None, executor=executor, what=what, reads=_files, prepare=_prepare)
    nothing = None if function is _overlay else (_as_features({}), 0)
    return [nothing if isinstance(result, Failure) else result for result in results]


def _prepare() -> None:
    """Load OpenCV for workers, and let each of them use one core."""
    import cv2

    cv2.setNumThreads(1)


def _files(item: Image | OverlayTask) -> list[str]:
    return [image.file for image in ((item,) if isinstance(item, Image) else item[:2])]


def _as_features(known: dict[str, Any]) -> LocalFeatures:
    if not known:
        return LocalFeatures(np.empty((0, 2), np.float32), np.empty((0, LENGTH), np.uint8))
    return LocalFeatures(np.array(known["points"]), np.array(known["descriptors"]))


def _features_of_original(cache_file: str, image: Image) -> tuple[tuple[LocalFeatures, int], list[Entry]]:
    return _features(cache_file, image, f"{image.md5}-{image.bar_top}", published=False)


def _features_of_published(cache_file: str, image: Image) -> tuple[tuple[LocalFeatures, int], list[Entry]]:
    return _features(cache_file, image, f"{image.md5}-published", published=True)


def _features(
    cache_file: str, image: Image, key: str, *, published: bool
) -> tuple[tuple[LocalFeatures, int], list[Entry]]:
    """Features of a picture, and its longest side."""
    known = reader(cache_file).get(FEATURES, key)
    if known is not None:
        return (_as_features(known["size"] and known), known["size"]), []
    _prepare()
    try:
        gray = pixels(image.file, image.md5, cache_file)
    except UnavailableError:
        return (_as_features({}), 0), []
    found = _published_features(gray) if published else local_features(_picture(gray, image), _OF_ORIGINAL)
    known = {"size": 0}  # no array without numbers is stored
    if len(found.points):
        known = {"size": max(gray.shape), "points": found.points, "descriptors": found.descriptors}
    return (found, max(gray.shape)), [(FEATURES, key, known)]


def _picture(gray: NDArray[np.uint8], image: Image) -> NDArray[np.uint8]:
    """The rows above the data bar."""
    return gray[: image.bar_top] if image.bar_top > 0 else gray


def _published_features(gray: NDArray[np.uint8]) -> LocalFeatures:
    """Features of a published image, and those that it has without what was painted over it."""
    found, cleared = local_features(gray, _OF_PUBLISHED), filled(gray)
    if cleared is None:
        return found
    more = local_features(cleared, _OF_PUBLISHED)
    points = np.concatenate([found.points, more.points])
    return LocalFeatures(points, np.concatenate([found.descriptors, more.descriptors]))


def _overlay(cache_file: str, task: OverlayTask) -> tuple[dict[str, Any] | None, list[Entry]]:
    published, original, first = task
    key = f"{published.md5}-{original.md5}-{original.bar_top}"
    known = reader(cache_file).get(OVERLAY, key)
    if known is not None:
        return known or None, []
    _prepare()
    try:
        shown, whole = _decoded(published, cache_file), _decoded(original, cache_file)
    except UnavailableError:
        return None, []
    bar_top = original.bar_top if original.bar_top > 0 else whole.shape[0]
    found = overlay(shown, whole, bar_top, Transformation(*first))
    made: dict[str, Any] = {}
    if found is not None:
        made = {
            "transformation": list(astuple(found.transformation)),
            "agreement": found.agreement, "in_place": found.in_place,
            "ssim": found.ssim, "correlation": found.correlation,
            "place": list(astuple(found.place)) if found.place else None,
            "crop": list(astuple(found.crop)) if found.crop else None,
        }  # fmt: skip
    return made or None, [(OVERLAY, key, made)]


@lru_cache(maxsize=8)  # pictures of neighbouring tasks are the same, 1 MB each as a rule
def _decoded(image: Image, cache_file: str) -> Any:
    return pixels(image.file, image.md5, cache_file)
