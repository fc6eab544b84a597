"""Where a published image differs from an original: a map of SSIM as a picture."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semtrace.core.image.align import align
from semtrace.core.image.resample import resize
from semtrace.core.image.ssim_map import colour_map, ssim_map
from semtrace.core.image.symmetry import apply, inverse, read_symmetry
from semtrace.web.pictures import MapTask, Unavailable, read_gray

MAP_SIDE = 384  # pixels, the longer side


def map_bytes(task: MapTask) -> bytes | Unavailable:
    """A map of SSIM as JPEG, over the part of the original that the published image shows, data bar left out."""
    pair = _aligned(task)
    if isinstance(pair, Unavailable):
        return pair
    values = Image.fromarray(np.pad(ssim_map(*pair), 3, "edge").astype(np.float32))
    values.thumbnail((MAP_SIDE, MAP_SIDE), Image.Resampling.BOX)
    picture = Image.fromarray(colour_map(np.asarray(values, np.float64)))
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=60, subsampling=0)
    return data.getvalue()


def _aligned(task: MapTask) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | Unavailable:
    if task.angle is not None:
        return Unavailable("not_comparable", f"turned by {task.angle:g} degrees; a map compares pictures as they are")
    published, original = read_gray(task.published, task.published_md5), read_gray(task.original, task.original_md5)
    if isinstance(published, Unavailable):
        return published
    if isinstance(original, Unavailable):
        return original
    if task.place:
        published = _part(published, task.place)
    symmetry, negative = read_symmetry(task.symmetry)
    published = apply(255 - published if negative else published, inverse(symmetry))
    bar_top = task.bar_top if task.bar_top >= 0 else original.shape[0]
    if task.crop:
        width, height, _, top = _numbers(task.crop)
        original = _part(original, task.crop)
        if original.shape != published.shape:
            published = resize(published, width, height)
        rows = max(0, min(bar_top - top, height))
        pair = (np.ascontiguousarray(published[:rows]), np.ascontiguousarray(original[:rows]))
        return pair if min(pair[0].shape) >= 7 else Unavailable("not_comparable", "the part lies in the data bar")
    aligned = align(published, original, bar_top)
    if aligned is None:
        return Unavailable("not_comparable", "another aspect, or a part at other edges")
    return aligned.published, aligned.original


def _part(gray: NDArray[np.uint8], rectangle: str) -> NDArray[np.uint8]:
    width, height, left, top = _numbers(rectangle)
    return np.ascontiguousarray(gray[top : top + height, left : left + width])


def _numbers(rectangle: str) -> tuple[int, int, int, int]:
    """Width, height, left and top of a rectangle as the mapping table writes it."""
    width, height, left, top = map(int, rectangle.replace("x", "+").split("+"))
    return width, height, left, top
