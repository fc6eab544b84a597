"""Whether a JPEG was made from an original by a plain encoder: the original, encoded just so, gives its very pixels.

Pixels are equal or they are not; no threshold is involved. Any libjpeg codes the brightness of a picture as it codes a
grey picture, whatever it does with the colours (subsampling), the entropy coding, restart markers or metadata. The
brightness of RGB is rounded by libjpeg as by Pillow's ``convert("L")``, so an original's grey is what was coded. The
brightness of a colour JPEG is compared as it is decoded, before colours are added and rounded again.

A deep original has become 8-bit before it was encoded. The usual ways are tried (``core/image/renderings.py``), after
our own, those with the mean of the published brightness only, and at most ``MOST`` of them.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semtrace.core.image.renderings import exposed_again, likely
from semtrace.core.image.symmetry import Symmetry, apply, inverse
from semtrace.io.deep_samples import DeepSamples
from semtrace.io.jpeg_quantisation import gives, luma_table
from semtrace.io.luma import luma8
from semtrace.io.orientation import as_stored, of_file

MOST = 6
"""Renderings of a deep original that are encoded for one published image."""


def is_reencoding(
    data: bytes,
    published: NDArray[np.uint8],
    original: NDArray[np.uint8],
    symmetry: Symmetry = Symmetry.IDENTITY,
    deep: Callable[[], DeepSamples | None] | None = None,
    bar_top: int = -1,
) -> bool | None:
    """Whether an original, encoded as a published JPEG was, gives the JPEG's very pixels.

    Args:
        data: the JPEG.
        published: its pixels as 8-bit grey, upright, shape (H, W).
        original: the rows of the original that were published, as 8-bit grey, shape (H', W').
        symmetry: what brings the published image into the original's orientation.
        deep: the samples of the whole original, where these are deeper than 8 bits; asked for only where it can help.
        bar_top: first row of the original's data bar, or -1.

    Returns:
        None where no encoding can tell: the JPEG cannot be made again (see ``luma_table``), or the sizes differ.
    """
    table = luma_table(data)
    turn = of_file(data)  # the encoder saw the pixels as they are stored
    stored = np.ascontiguousarray(as_stored(published, turn))

    def again(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.ascontiguousarray(as_stored(apply(rows, inverse(symmetry)), turn))

    first = again(original)
    if table is None or first.shape != stored.shape:
        return None
    if gives(first, table, stored):
        return True
    brightness = _brightness(data, stored)
    if brightness is not stored and gives(first, table, brightness):
        return True
    samples = deep() if deep is not None else None
    return samples is not None and _is_rendered(samples, again, brightness, table, len(original), bar_top)


def _is_rendered(
    samples: DeepSamples,
    again: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
    brightness: NDArray[np.uint8],
    table: tuple[int, ...],
    rows: int,
    bar_top: int,
) -> bool:
    """Whether one of the usual ways from deep samples to 8 bits gives the brightness."""
    shown, cuts = samples.array[:rows], (rows, bar_top)

    def is_shown(levels: NDArray[np.uint8]) -> bool:
        return gives(again(luma8(levels) if levels.ndim == 3 else levels), table, brightness)

    slack = table[0] / 16 + 1  # of a block's mean: half a step of its first coefficient, and rounding
    usual = likely(samples.array, samples.bits, cuts, rows, float(brightness.mean()), slack)
    for rendering, _ in zip(usual, range(MOST), strict=False):
        if is_shown(rendering(shown)):
            # Few grey levels, coded coarsely, are the same for other exposures: then nothing is proven.
            return not is_shown(rendering(exposed_again(shown)))
    return False


def _brightness(data: bytes, stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The brightness of a colour JPEG as it is coded, shape (H, W); ``stored`` itself for a grey one."""
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
        if picture.mode != "RGB":
            return stored
        picture.draft("L", picture.size)
        return np.asarray(picture) if picture.mode == "L" else stored
