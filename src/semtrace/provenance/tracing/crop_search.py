"""Published images that show a rectangular part of an original: searched for, placed to the pixel, compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image import template_search
from semtrace.core.image.align import Comparison, FrameAgreement, correlation, frame_agreement, similarity
from semtrace.core.image.placement import Rectangle, lay, locate
from semtrace.core.tracing.decision import Candidate
from semtrace.io.cache import Entry, Kind, reader
from semtrace.io.files import safe_name
from semtrace.parallel.processes import available_cores
from semtrace.provenance.tracing.pair_images import Image, UnavailableError, pixels, read_bytes, steps_of
from semtrace.provenance.tracing.sides import Content, Pair, Side
from semtrace.stage.cached_map import worked_map
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure

THUMBNAIL, CROP = Kind("thumbnail", (__name__,)), Kind("crop", (__name__,))
MOST_PLACED = 4  # originals in which one picture is placed


PlaceTask = tuple[Image, Image, tuple[float, float, float, float]]
"""A published image, an original, and about where in it the picture may be."""


@dataclass(frozen=True)
class Cropped:
    """What one published content may be a part of, best first by the search; ``complete``: whether these are all."""

    pairs: list[Pair]
    comparisons: list[Comparison]
    candidates: list[Candidate]
    complete: bool


def find_crops(
    wanted: Sequence[int], originals: Side, jpegs: Side, roots: tuple[Path, Path], executor: Executor
) -> dict[int, Cropped]:
    """Look for each of the ``wanted`` published contents in all originals; those found nowhere are left out.

    Pictures with degenerate hashes, and those that cannot be read (any more), are looked for, and in, no more.

    Args:
        wanted: indices of published contents.
        originals: the archive.
        jpegs: the published set.
        roots: folders of the two.
        executor: where to work.
    """
    tiffs = [t for t, content in enumerate(originals.contents) if content.healthy]
    queries = [j for j in wanted if jpegs.contents[j].healthy]
    roots = roots[0].resolve(), roots[1].resolve()
    images = {t: _image(roots[0], originals.contents[t]) for t in tiffs}
    published = {j: _image(roots[1], jpegs.contents[j]) for j in queries}
    seen = _mapped(_thumbnail, [*images.values(), *published.values()], executor, "thumbnails") if queries else []
    archive = [(t, thumb) for t, thumb in zip(tiffs, seen, strict=False) if thumb is not None]
    asked = [(j, thumb) for j, thumb in zip(queries, seen[len(tiffs) :], strict=True) if thumb is not None]
    hits = template_search.search(
        [thumb.picture for _, thumb in asked], [thumb for _, thumb in archive], most=MOST_PLACED,
        workers=executor.workers or available_cores(),
    )  # fmt: skip
    tasks = [
        (published[j], images[archive[hit.original][0]], hit.rectangle)
        for (j, _), found in zip(asked, hits, strict=True)
        for hit in found
    ]
    placed = iter(_mapped(_place, tasks, executor, "crops"))
    result = {}
    for (j, _), found in zip(asked, hits, strict=True):
        cropped = Cropped([], [], [], complete=len(found) < MOST_PLACED)
        for hit, place in zip(found, placed, strict=False):
            if place is not None:
                t = archive[hit.original][0]
                pair = Pair(t, originals.distance(t, jpegs, j))
                _add(cropped, pair, originals.contents[t], jpegs.contents[j].place, *place)
        if cropped.candidates:
            result[j] = cropped
    return result


def _add(
    cropped: Cropped, pair: Pair, original: Content, place: Rectangle | None, rectangle: Rectangle, seen: Comparison
) -> None:
    cropped.pairs.append(pair)
    cropped.comparisons.append(seen)
    said = {**similarity_of(seen), "crop": str(rectangle), "place": str(place) if place else ""}
    cropped.candidates.append(Candidate(original.paths[0], pair.hamming, picture=original.picture, **said))


def similarity_of(seen: Comparison | None) -> dict[str, Any]:
    """What a comparison says of a candidate, by the names of the candidate's attributes."""
    if seen is None:
        return {}
    said: dict[str, Any] = {"ssim": seen.ssim, "correlation": seen.correlation, "whole": seen.whole}
    if (frames := seen.frames) is not None:
        said |= {"agreement": frames.agreement, "agrees": frames.agrees, "same_frame": frames.same_frame}
        if frames.crop:
            said |= {"ssim": frames.ssim, "correlation": frames.correlation, "crop": frames.crop}
    return said


def _image(root: Path, content: Content) -> Image:
    return Image(safe_name(root, content.paths[0]), content.md5, content.bar_top, place=content.place)


def _mapped(function: Any, items: Sequence[Any], executor: Executor, what: str) -> list[Any]:
    """Results of ``function(cache file, item)``, kept in the side cache; None for what failed."""
    results = worked_map(items, function, recall=None, executor=executor, what=what, reads=_files)
    return [None if isinstance(result, Failure) else result for result in results]


def _files(item: Image | PlaceTask) -> list[str]:
    return [image.file for image in ((item,) if isinstance(item, Image) else item[:2])]


def _thumbnail(cache_file: str, image: Image) -> tuple[template_search.Thumbnail | None, list[Entry]]:
    key = f"{image.md5}{_placed(image)}-{image.bar_top}"
    known = reader(cache_file).get(THUMBNAIL, key)
    if known is not None:
        return template_search.Thumbnail(np.array(known["picture"]), known["rows"]), []
    try:
        gray = _cut_out(pixels(image.file, image.md5, cache_file), image)
    except UnavailableError:
        return None, []
    made = template_search.thumbnail(gray, image.bar_top if image.bar_top > 0 else gray.shape[0])
    return made, [(THUMBNAIL, key, {"picture": made.picture, "rows": made.rows})]


def _place(cache_file: str, task: PlaceTask) -> tuple[tuple[Rectangle, Comparison] | None, list[Entry]]:
    published, original, guess = task
    key = f"{published.md5}{_placed(published)}-{original.md5}-{original.bar_top}"
    known = reader(cache_file).get(CROP, key)
    if known is None:
        try:
            known = _compared(published, original, guess, cache_file)
        except UnavailableError:
            return None, []
        entries = [(CROP, key, known)]
    else:
        entries = []
    if not known:
        return None, entries
    rectangle = Rectangle(*known["rectangle"])
    frames = FrameAgreement(**known["frames"]) if known["frames"] else None
    return (rectangle, Comparison(known["ssim"], known["correlation"], whole=False, frames=frames)), entries


def _compared(
    published: Image, original: Image, guess: tuple[float, float, float, float], cache_file: str
) -> dict[str, Any]:
    """Rectangle, SSIM, correlation and agreement; empty where the picture has no place in the original after all."""
    shown, whole = _decoded(published, cache_file), _decoded(original, cache_file)
    bar_top = original.bar_top if original.bar_top > 0 else whole.shape[0]
    rectangle = locate(shown, whole, bar_top, guess)
    if rectangle is None:
        return {}
    pair = lay(shown, whole, bar_top, rectangle)
    if pair is None:
        return {}
    told = pair.published.shape[1] == shown.shape[1]
    steps = steps_of(read_bytes(published.file, published.md5, cache_file), published.place) if told else None
    frames = frame_agreement(pair, steps, resized=not pair.rows)
    return {
        "rectangle": [rectangle.x, rectangle.y, rectangle.width, rectangle.height],
        "ssim": similarity(pair),
        "correlation": correlation(pair),
        "frames": asdict(frames) if frames else None,
    }


@lru_cache(maxsize=8)  # pictures of neighbouring tasks are the same, 1 MB each as a rule
def _decoded(image: Image, cache_file: str) -> NDArray[np.uint8]:
    return _cut_out(pixels(image.file, image.md5, cache_file), image)


def _cut_out(gray: NDArray[np.uint8], image: Image) -> NDArray[np.uint8]:
    """The picture that is meant, of a page on which it stands."""
    return np.ascontiguousarray(image.place.of(gray)) if image.place else gray


def _placed(image: Image) -> str:
    return f"-{image.place}" if image.place else ""
