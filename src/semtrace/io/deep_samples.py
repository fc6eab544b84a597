"""The samples of a deep TIFF as they are stored, before any rule makes them 8-bit grey."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from semtrace.io import tiff
from semtrace.io.decoders import quiet_decoders
from semtrace.io.limits import bounded
from semtrace.io.orientation import upright
from semtrace.io.tiff_gray import BLACK, RGB, WHITE, is_ours, photometric
from semtrace.io.tiff_samples import depth_and_format, samples


class DeepSamples(NamedTuple):
    """Samples of shape (H, W), or (H, W, 3) of a colour picture, upright, black is small; bits of a sample."""

    array: NDArray[Any]
    bits: int


def deep_samples(data: bytes, page: int) -> DeepSamples | None:
    """Read the samples of a TIFF that ``semtrace.io.images.decode`` has decoded.

    None for samples of at most 8 bits, for what has infinite values or no value in a place, and for the rare kinds
    that only another decoder knows.

    Args:
        data: the file.
        page: where the directory of the picture begins, as ``decode`` says.

    Raises:
        MemoryError: there is no room for the samples at the moment, or they would take more than the bound.
    """
    with bounded(len(data)), quiet_decoders():
        directory = tiff.directory_at(data, page)
        meaning = photometric(directory)
        if meaning not in (WHITE, BLACK, RGB) or not is_ours(directory):
            return None
        bits, _ = depth_and_format(directory)
        if bits <= 8:
            return None
        stored = upright(samples(directory), directory.integer(tiff.ORIENTATION, 1))
        array = stored[..., :3] if meaning == RGB else stored[..., 0]
        if not np.isfinite(array).all():
            return None
        if meaning == WHITE:
            array = array.dtype.type((1 << bits) - 1) - array if array.dtype.kind == "u" else -array
        return DeepSamples(np.ascontiguousarray(array), bits)
